"""From what the engine decided to a use case's outcome; also when it was decided before.

A request that comes again gets the first one's outcome, from the stored reply or from the read
models. An outcome that belongs to another request under the same name is a `Conflict`, and is never
this one's; where nothing tells yet whose it is, it is `Unavailable`. What was requested is told by
its command alone (`wire.digests`), never by the order: the engine may have changed that since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

from bursa.accounts.ports import FillReader, OrderReader
from bursa.intake.names import order_command_id
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome, read_outcomes
from bursa.intake.submission import ReplyReader, key_reused
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Conflict, InternalError, Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.read_models.rows import ClientOrderRow, FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market
from bursa.trading.commands import NewOrder
from bursa.trading.orders import Conditions, Side, order_from_event, order_from_row
from bursa.trading.outcomes import OrderCancelled, OrderPlaced, OrderRejected
from wire import layout as w
from wire.digests import command_digest, request_digest
from wire.events import Result, Trade

# The read models follow the journal within milliseconds; an order older than a request is there.
READ_MODEL_DELAYS_MS = (0, 20, 50, 100, 200, 400)


class Placement(NamedTuple):
    """An order as it is requested.

    Attributes
    ----------
    digest
        Of its command (`wire.digests`), as rows have it.
    request
        Of a request for this order alone, as the reply to one has it.
    fills_max
        How many fills are read for it, where it comes again.

    """

    order: NewOrder
    digest: bytes
    request: bytes
    fills_max: int = LISTED_MAX

    @classmethod
    def of(cls, order: NewOrder, command: bytes, fills_max: int = LISTED_MAX) -> Self:
        """Return the placement that a command requests."""
        return cls(order, command_digest(command), request_digest([command]), fills_max)


class FirstPlacement(NamedTuple):
    """The first order of a batch under its client order id, and what became of it."""

    placement: Placement
    outcome: CommandOutcome


class OrderDecisions:
    """Makes outcomes for the account that sent the commands."""

    def __init__(
        self,
        catalogue: MarketCatalogue,
        orders: OrderReader,
        fills: FillReader,
        replies: ReplyReader,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._replies = replies
        self._clock = clock

    def placed(
        self,
        account: AccountId,
        placement: Placement,
        outcome: CommandOutcome,
        first: FirstPlacement | None = None,
    ) -> OrderPlaced | OrderRejected:
        """Return what became of an order that was sent.

        Parameters
        ----------
        first
            The first order of the same message under the same client order id: the read models
            may not have it yet.

        Raises
        ------
        Conflict
            ``idempotency_key_reused`` or ``client_order_id_reused``: the id belongs to something
            else.
        Unavailable
            ``order_not_ready``: an earlier order is not readable yet, nor what it asked for.

        """
        result = outcome.result
        if result.reason == w.REASON_DUPLICATE_COMMAND:
            if first is None or first.outcome.result.reason == w.REASON_DUPLICATE_COMMAND:
                return self._earlier(account, placement, outcome)
            _require_same(placement.order, placement.digest, first.placement.digest)
            outcome = first.outcome
        if outcome.result.reason != w.REASON_ACCEPTED:
            return OrderRejected(outcome.result.reason)
        order = placement.order
        return order_of(account, outcome, order.market, order.client_order_id)

    def known(self, account: AccountId, placement: Placement) -> OrderPlaced | OrderRejected | None:
        """Return what became of the order of this client order id; None when that is not known.

        Raises
        ------
        Conflict
            ``client_order_id_reused``.
        Unavailable
            ``order_not_ready``, ``read_models_unavailable``.

        """
        client_order_id = placement.order.client_order_id
        if client_order_id is None:
            return None
        row = self.known_ids(account, [client_order_id]).get(client_order_id)
        return None if row is None else self.from_known(account, placement, row)

    def known_ids(
        self, account: AccountId, client_order_ids: Sequence[str]
    ) -> Mapping[str, ClientOrderRow]:
        """Look client order ids up before they are sent.

        The engine still knows an id that is so new that an older answer of the table lacks it.
        """
        return self._orders.by_client_ids(account, client_order_ids, latest=False)

    def from_known(
        self, account: AccountId, placement: Placement, row: ClientOrderRow
    ) -> OrderPlaced | OrderRejected:
        """Return what became of an order by the row of its client order id; raises as `known`."""
        _require_same(placement.order, placement.digest, row.request_digest)
        if row.reason is not None:
            return OrderRejected.named(row.reason)
        return self._order(account, placement, row.order_id)

    def known_soon(
        self, account: AccountId, placement: Placement
    ) -> OrderPlaced | OrderRejected | None:
        """Return what `known` does, and wait a moment for the read models."""
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            outcome = self.known(account, placement)
            if outcome is not None:
                return outcome
        return None

    def cancelled(
        self, account: AccountId, outcome: CommandOutcome
    ) -> OrderCancelled | OrderRejected:
        """Return the state of an order after its cancel."""
        result = outcome.result
        event = outcome.order
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        if event is None:
            return OrderRejected(w.REASON_INTERNAL_ERROR)
        market = stored_market(self._catalogue, account.tenant, event.market)
        conditions = _conditions(outcome, event.order_id)
        return OrderCancelled(order_from_event(event, conditions, result.time_ms, market))

    def _earlier(
        self, account: AccountId, placement: Placement, outcome: CommandOutcome
    ) -> OrderPlaced | OrderRejected:
        """Return what became of the first order under an id that came a second time."""
        result = outcome.result
        is_first = self._is_first(account, placement, result)
        if result.detail == w.REASON_ACCEPTED:
            return self._order(account, placement, result.order_id)
        if is_first:
            return OrderRejected(result.detail)
        known = self.known_soon(account, placement)
        if known is None:
            raise _not_ready()
        return known

    def _is_first(self, account: AccountId, placement: Placement, duplicate: Result) -> bool:
        """Return whether this order is known to be the one that it is a duplicate of.

        The reply to the first one says it before the read models do. A mere request key is bound
        to one request.
        """
        client_order_id = placement.order.client_order_id
        if client_order_id is None:
            return True
        name = order_command_id(account, client_order_id)
        reply = self._replies.find(account.tenant, name)
        if reply is None or not reply.events:
            return False
        first = read_outcomes(reply.events, account.number)[0].result
        if first.reason != duplicate.detail or (
            first.reason == w.REASON_ACCEPTED and first.order_id != duplicate.order_id
        ):
            return False
        _require_same(placement.order, placement.request, reply.request_digest)
        return True

    def _order(self, account: AccountId, placement: Placement, order_id: int) -> OrderPlaced:
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            row = self._orders.get(account, order_id)
            if row is not None:
                _require_same(placement.order, placement.digest, row.request_digest)
                return self._from_row(account, row, placement.fills_max)
        raise _not_ready()

    def _from_row(self, account: AccountId, row: OrderRow, fills_max: int) -> OrderPlaced:
        market = stored_market(self._catalogue, account.tenant, row.market)
        filled = row.filled_quantity
        fills = self._fills.at_placement(account, row.order_id, filled, fills_max)
        return OrderPlaced(order_from_row(row, market), tuple(fills))


def only_outcome(outcomes: Sequence[CommandOutcome]) -> CommandOutcome:
    """Return the outcome of a message of one command."""
    if len(outcomes) != 1:
        raise InternalError("internal_error", "Report the request_id: a reply is of another size.")
    return outcomes[0]


def id_reused(order: NewOrder) -> Conflict:
    """Return the error for a name of an order that comes back with another order."""
    if order.client_order_id is None:
        return key_reused()
    return Conflict(
        "client_order_id_reused",
        "Choose a new client_order_id: this one belongs to a different order.",
        field="client_order_id",
    )


def _require_same(order: NewOrder, digest: bytes, first_digest: bytes) -> None:
    """Refuse what is another order than the first of its name; an unknown first is no other."""
    if first_digest not in (b"", digest):
        raise id_reused(order)


def _not_ready() -> Unavailable:
    return Unavailable(
        "order_not_ready", "The order of this id is decided; ask for it again in a moment."
    )


def order_of(
    account: AccountId,
    outcome: CommandOutcome,
    market: Market,
    client_order_id: str | None,
    created_at_ms: int | None = None,
    *,
    of_list: int | None = None,
) -> OrderPlaced:
    """Return an order that was placed or changed, with what it traded at once.

    Parameters
    ----------
    client_order_id, created_at_ms
        Of the order, as no event of it says; None for one that was created now.
    of_list
        Which of the orders of a list that was placed, by its id; None for the only one.

    """
    event = outcome.order if of_list is None else outcome.orders.get(of_list)
    if event is None:
        raise InternalError("internal_error", "Report the request_id: a reply lacks its order.")
    time_ms = outcome.result.time_ms
    conditions = _conditions(outcome, event.order_id)
    view = order_from_event(event, conditions, time_ms, market)
    created_at_ms = time_ms if created_at_ms is None else created_at_ms
    view = replace(view, client_order_id=client_order_id, created_at_ms=created_at_ms)
    fills = outcome.fills
    if of_list is not None:
        view = replace(view, list_id=outcome.result.order_id)
        # Exits have none, as they have none for a request that comes again.
        fills = [fill for fill in fills if fill.taker_order == of_list == view.list_id]
    fills = fills[:LISTED_MAX]
    return OrderPlaced(view, tuple(_fill(account, fill, market, time_ms) for fill in fills))


def _conditions(outcome: CommandOutcome, order_id: int) -> Conditions:
    return Conditions.of(outcome.conditions.get(order_id), outcome.trails.get(order_id))


def _fill(account: AccountId, trade: Trade, market: Market, time_ms: int) -> FillRow:
    """Return the taker's side of a trade as the read model will have it."""
    side = Side(trade.taker_side)
    return FillRow(
        account=str(account),
        trade_id=trade.trade_id,
        order_id=trade.taker_order,
        market=market.symbol,
        side=side.word,
        role="taker",
        price=Ticks(trade.price),
        quantity=Lots(trade.quantity),
        quote_amount=Units(trade.quote_amount),
        fee=Units(trade.taker_fee),
        # A fee is taken from what one receives.
        fee_asset=market.units.base if side is Side.BUY else market.units.quote,
        time_ms=time_ms,
        sequence=trade.sequence,
    )
