"""From the outcome of one command to what its sender is told; also when it was sent before."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bursa.dialects.native.presentation import (
    fill_from_row,
    order_from_row,
    order_state,
    placed_order,
)
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.responses import OrderState, PlacedOrder
from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import Clock
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.read_models.rows import FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market
from bursa.trading.order_checks import PreparedOrder
from wire import layout as w

# The read models follow the journal within milliseconds; an order older than a request is there.
READ_MODEL_DELAYS_MS = (0, 20, 50, 100, 200, 400)


class OrderReader(Protocol):
    """The orders read model, one account's part of it."""

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Read one order; None when the account has none of that id."""

    def by_client_id(self, account: AccountId, client_order_id: str) -> OrderRow | None:
        """Read the newest order under a client order id."""


class FillReader(Protocol):
    """The fills read model, one account's part of it."""

    def taken_by(self, account: AccountId, order_id: int) -> Sequence[FillRow]:
        """Read what an order traded in the moment it was placed."""


class Settlement:
    """Says outcomes to the account that caused them."""

    def __init__(
        self,
        catalogue: MarketCatalogue,
        orders: OrderReader,
        fills: FillReader,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._clock = clock

    def placed(
        self,
        account: AccountId,
        prepared: PreparedOrder,
        command_id: CommandId,
        outcome: CommandOutcome,
        siblings: Mapping[int, CommandOutcome] | None = None,
    ) -> PlacedOrder:
        """Say what became of a placed order.

        Parameters
        ----------
        siblings
            Outcomes of the same message by the order they placed: the read models may not have
            these yet.

        Raises
        ------
        BursaError
            What the engine refused it for; `Conflict` ``idempotency_key_reused`` or
            ``client_order_id_reused`` when the id belongs to something else; `Unavailable`
            ``order_not_ready`` when an earlier order is not readable yet.

        """
        require_same_command(outcome, command_id, w.COMMAND_PLACE)
        result = outcome.result
        if result.reason == w.REASON_DUPLICATE_COMMAND:
            if result.detail != w.REASON_ACCEPTED:
                raise refusal(result.detail)
            first = (siblings or {}).get(result.order_id)
            if first is None:
                return self._earlier(account, prepared, result.order_id)
            outcome = first
        elif result.reason != w.REASON_ACCEPTED:
            raise refusal(result.reason)
        order = outcome.order
        if order is None or not prepared.is_same_as(order, outcome.terms.get(order.order_id)):
            raise _reused(prepared)
        return placed_order(outcome, order, prepared.client_order_id, prepared.market)

    def known(self, account: AccountId, prepared: PreparedOrder) -> PlacedOrder | None:
        """Look an order up by its client order id; None when it is not readable."""
        if prepared.client_order_id is None:
            return None
        try:
            row = self._orders.by_client_id(account, prepared.client_order_id)
            return None if row is None else self._from_row(account, prepared, row)
        except Unavailable:
            # The order is on its way; a failed look is no failed order.
            return None

    def changed(
        self, account: AccountId, command_id: CommandId, outcome: CommandOutcome
    ) -> OrderState:
        """Say how an order stands after it was cancelled.

        Raises
        ------
        BursaError
            What the engine refused the cancel for; `Conflict` ``order_closed`` when the order is
            the account's own but open no more.

        """
        require_same_command(outcome, command_id, w.COMMAND_CANCEL)
        result = outcome.result
        order = outcome.order
        if result.reason != w.REASON_ACCEPTED:
            raise refusal(result.reason)
        if order is None:
            raise refusal(w.REASON_INTERNAL_ERROR)
        market = stored_market(self._catalogue, account.tenant, order.market)
        return order_state(order, outcome.terms.get(order.order_id), outcome, market)

    def _earlier(self, account: AccountId, prepared: PreparedOrder, order_id: int) -> PlacedOrder:
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            row = self._orders.get(account, order_id)
            if row is not None:
                return self._from_row(account, prepared, row)
        raise Unavailable("order_not_ready", "Your order is there; ask for it again in a moment.")

    def _from_row(self, account: AccountId, prepared: PreparedOrder, row: OrderRow) -> PlacedOrder:
        # Price and quantity may have been amended since; these three never change.
        wanted = (prepared.market.symbol, prepared.side, prepared.order_type)
        if (row.market, _SIDES[row.side], _TYPES[row.type]) != wanted:
            raise _reused(prepared)
        fills = self._fills.taken_by(account, row.order_id)
        return PlacedOrder(
            **order_from_row(row, prepared.market),
            fills=[fill_from_row(fill, prepared.market) for fill in fills],
        )


_SIDES = {name: value for value, name in w.SIDE_NAMES.items()}
_TYPES = {name: value for value, name in w.TYPE_NAMES.items()}


def only_outcome(outcomes: Sequence[CommandOutcome]) -> CommandOutcome:
    """Take the outcome of a message of one command; raises `Conflict` for any other."""
    if len(outcomes) != 1:
        raise key_reused()
    return outcomes[0]


def require_same_command(outcome: CommandOutcome, command_id: CommandId, kind: int) -> None:
    """Refuse an answer that was given to another request under the same key.

    Raises
    ------
    Conflict
        ``idempotency_key_reused``.

    """
    result = outcome.result
    if (result.id_high, result.id_low, result.command_kind) != (
        command_id.high,
        command_id.low,
        kind,
    ):
        raise key_reused()


def key_reused() -> Conflict:
    """Make the error for an idempotency key that comes back with another request."""
    return Conflict(
        "idempotency_key_reused",
        "Choose a new Idempotency-Key: this one belongs to another request.",
        field="Idempotency-Key",
    )


def _reused(prepared: PreparedOrder) -> Conflict:
    if prepared.client_order_id is None:
        return key_reused()
    return Conflict(
        "client_order_id_reused",
        "Choose a new client_order_id: this one belongs to a different order.",
        field="client_order_id",
    )
