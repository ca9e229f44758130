"""From typed commands to the engine's words, and whether the engine's order is the one meant."""

from bursa.intake.submission import CommandHeader, order_command_id
from bursa.kernel.identifiers import AccountId
from bursa.trading.commands import CancelAllOrders, CancelOrder, PlaceOrder
from bursa.trading.orders import Conditions
from wire import codec
from wire import layout as w
from wire.events import Order, OrderConditions

_FLAGS_MASK = (1 << w.FLAGS_BITS) - 1


def encode_place(order: PlaceOrder, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that places an order."""
    return codec.encode_place(
        account.number,
        order.market.number,
        order.side,
        order.price,
        order.quantity,
        order_type=order.type,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        stp=order.self_trade_prevention,
        **order.conditions._asdict(),
        **header.words(),
    )


def encode_cancel(cancel: CancelOrder, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that cancels an order."""
    if cancel.client_order_id is None:
        return codec.encode_cancel(account.number, cancel.order_id or 0, **header.words())
    target = order_command_id(account, cancel.client_order_id)
    return codec.encode_cancel(account.number, target=(target.high, target.low), **header.words())


def encode_cancel_all(cancel: CancelAllOrders, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that cancels an account's orders."""
    market = 0 if cancel.market is None else cancel.market.number
    return codec.encode_cancel_all(account.number, market, **header.words())


def is_same_order(order: PlaceOrder, event: Order, conditions: OrderConditions | None) -> bool:
    """Return whether the engine's order is this one; for requests that come twice."""
    flags = w.pack_flags(
        order.side,
        order.type,
        order.time_in_force,
        post_only=order.post_only,
        stp=order.self_trade_prevention,
    )
    return (
        event.market == order.market.number
        and event.flags & _FLAGS_MASK == flags
        and event.price == order.price
        # What a buy by quote amount got is the quantity that its order ends with.
        and (event.quantity == order.quantity or order.conditions.quote_amount > 0)
        and Conditions.of(conditions) == order.conditions
    )
