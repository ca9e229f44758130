"""From typed commands to the engine's words."""

from bursa.intake.names import order_command_id
from bursa.intake.submission import CommandHeader
from bursa.kernel.identifiers import AccountId
from bursa.trading.commands import CancelAllOrders, CancelOrder, PlaceOrder
from wire import codec


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
