"""From what the engine decided to a use case's outcome; also when it was decided before.

A request that comes again gets the first one's outcome, from the stored reply or from the read
models. An outcome that belongs to another request under the same name is a `Conflict`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bursa.accounts.ports import FillReader, OrderReader
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.kernel.markets import Market
from bursa.read_models.rows import FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market
from bursa.trading.command_words import is_same_order
from bursa.trading.commands import PlaceOrder
from bursa.trading.orders import Side, order_from_event, order_from_row
from bursa.trading.outcomes import OrderCancelled, OrderPlaced, OrderRejected
from wire import layout as w
from wire.events import Trade

# The read models follow the journal within milliseconds; an order older than a request is there.
READ_MODEL_DELAYS_MS = (0, 20, 50, 100, 200, 400)


class OrderDecisions:
    """Makes outcomes for the account that sent the commands."""

    def __init__(
        self, catalogue: MarketCatalogue, orders: OrderReader, fills: FillReader, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._clock = clock

    def placed(
        self,
        account: AccountId,
        order: PlaceOrder,
        command_id: CommandId,
        outcome: CommandOutcome,
        siblings: Mapping[int, CommandOutcome] | None = None,
    ) -> OrderPlaced | OrderRejected:
        """Return what became of an order that was sent.

        Parameters
        ----------
        siblings
            Outcomes of the same message by the order they placed: the read models may not have
            these yet.

        Raises
        ------
        Conflict
            ``idempotency_key_reused`` or ``client_order_id_reused``: the id belongs to something
            else.
        Unavailable
            ``order_not_ready``: an earlier order is not readable yet.

        """
        require_same_command(outcome, command_id, w.COMMAND_PLACE)
        result = outcome.result
        if result.reason == w.REASON_DUPLICATE_COMMAND:
            if result.detail != w.REASON_ACCEPTED:
                return OrderRejected(result.detail)
            first = (siblings or {}).get(result.order_id)
            if first is None:
                return self._earlier(account, order, result.order_id)
            outcome = first
        elif result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        return _new_order(account, order, outcome)

    def known(self, account: AccountId, order: PlaceOrder) -> OrderPlaced | None:
        """Look an order up by its client order id; None when it is not readable."""
        if order.client_order_id is None:
            return None
        try:
            row = self._orders.by_client_id(account, order.client_order_id)
            return None if row is None else self._from_row(account, order, row)
        except Unavailable:
            # The order is on its way; a failed look is no failed order.
            return None

    def cancelled(
        self, account: AccountId, command_id: CommandId, outcome: CommandOutcome
    ) -> OrderCancelled | OrderRejected:
        """Return the state of an order after its cancel.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``.

        """
        require_same_command(outcome, command_id, w.COMMAND_CANCEL)
        result = outcome.result
        event = outcome.order
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        if event is None:
            return OrderRejected(w.REASON_INTERNAL_ERROR)
        market = stored_market(self._catalogue, account.tenant, event.market)
        conditions = outcome.conditions.get(event.order_id)
        return OrderCancelled(order_from_event(event, conditions, result.time_ms, market))

    def _earlier(self, account: AccountId, order: PlaceOrder, order_id: int) -> OrderPlaced:
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            row = self._orders.get(account, order_id)
            if row is not None:
                return self._from_row(account, order, row)
        raise Unavailable("order_not_ready", "Your order is there; ask for it again in a moment.")

    def _from_row(self, account: AccountId, order: PlaceOrder, row: OrderRow) -> OrderPlaced:
        # Price and quantity may have been amended since; these three never change.
        if (row.market, row.side, row.type) != (
            order.market.symbol,
            order.side.word,
            order.type.word,
        ):
            raise _id_reused(order)
        fills = self._fills.at_placement(account, row.order_id)
        return OrderPlaced(order_from_row(row, order.market), tuple(fills))


def only_outcome(outcomes: Sequence[CommandOutcome]) -> CommandOutcome:
    """Return the outcome of a message of one command; raises `Conflict` for any other."""
    if len(outcomes) != 1:
        raise key_reused()
    return outcomes[0]


def require_same_command(outcome: CommandOutcome, command_id: CommandId, kind: int) -> None:
    """Refuse an outcome of another request under the same key.

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
    """Return the error for a request key that comes back with another request."""
    return Conflict(
        "idempotency_key_reused", "Choose a new key: this one belongs to another request."
    )


def _id_reused(order: PlaceOrder) -> Conflict:
    if order.client_order_id is None:
        return key_reused()
    return Conflict(
        "client_order_id_reused",
        "Choose a new client_order_id: this one belongs to a different order.",
        field="client_order_id",
    )


def _new_order(account: AccountId, order: PlaceOrder, outcome: CommandOutcome) -> OrderPlaced:
    event = outcome.order
    if event is None or not is_same_order(order, event, outcome.conditions.get(event.order_id)):
        raise _id_reused(order)
    time_ms = outcome.result.time_ms
    conditions = outcome.conditions.get(event.order_id)
    view = order_from_event(event, conditions, time_ms, order.market)
    view = replace(view, client_order_id=order.client_order_id, created_at_ms=time_ms)
    fills = outcome.fills[:LISTED_MAX]
    return OrderPlaced(view, tuple(_fill(account, fill, order.market, time_ms) for fill in fills))


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
