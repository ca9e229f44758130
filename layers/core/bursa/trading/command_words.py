"""From typed commands to the engine's words."""

from collections.abc import Sequence

from bursa.intake.names import order_command_id
from bursa.intake.submission import CommandHeader
from bursa.kernel.identifiers import AccountId
from bursa.trading.commands import (
    AmendOrder,
    CancelAllAfter,
    CancelAllOrders,
    CancelOrder,
    NewOrder,
    Operation,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.orders import SelfTradePrevention
from wire import codec
from wire import layout as w


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
        # Of all accounts of one owner; the engine knows which these are by their transfers.
        stp_by_group=order.self_trade_prevention is not SelfTradePrevention.NONE,
        **order.conditions._asdict(),
        **header.words(),
    )


def encode_order_for_nothing(account: AccountId, header: CommandHeader) -> bytes:
    """Return a command that can only be rejected, as of an unknown market, but uses its id up."""
    return codec.encode_place(account.number, 0, w.SIDE_BUY, **header.words())


def encode_cancel(cancel: CancelOrder, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that cancels an order."""
    if cancel.client_order_id is None:
        return codec.encode_cancel(account.number, cancel.order_id or 0, **header.words())
    target = order_command_id(account, cancel.client_order_id)
    return codec.encode_cancel(account.number, target=(target.high, target.low), **header.words())


def encode_list(
    orders: Sequence[PlaceOrder], account: AccountId, headers: Sequence[CommandHeader]
) -> list[bytes]:
    """Return the engine's commands that place orders as a list, one each."""
    places = [
        encode_place(order, account, header) for order, header in zip(orders, headers, strict=True)
    ]
    words = codec.encode_list(*places)
    return [words[at : at + w.COMMAND_BYTES] for at in range(0, len(words), w.COMMAND_BYTES)]


def encode_cancel_list(list_id: int, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that cancels all that is left of a list."""
    return codec.encode_cancel(account.number, list_id, whole_list=True, **header.words())


def encode_cancel_all(cancel: CancelAllOrders, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that cancels an account's orders."""
    market = 0 if cancel.market is None else cancel.market.number
    side = w.SIDE_BOTH if cancel.side is None else cancel.side
    return codec.encode_cancel_all(account.number, market, side, **header.words())


def encode_cancel_all_after(
    countdown: CancelAllAfter, account: AccountId, header: CommandHeader
) -> bytes:
    """Return the engine's command that starts, renews or ends an account's countdown."""
    return codec.encode_cancel_all_after(account.number, countdown.timeout_ms, **header.words())


def encode_change(
    change: AmendOrder | ReplaceOrder, account: AccountId, header: CommandHeader
) -> bytes:
    """Return the engine's command that amends or replaces an order."""
    return codec.encode_change(
        account.number,
        change.order.order_id,
        replace=isinstance(change, ReplaceOrder),
        **change.change._asdict(),
        **header.words(),
    )


def encode_new(order: NewOrder, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command that an order comes from."""
    if isinstance(order, ReplaceOrder):
        return encode_change(order, account, header)
    return encode_place(order, account, header)


def encode_operation(operation: Operation, account: AccountId, header: CommandHeader) -> bytes:
    """Return the engine's command for one operation of a batch."""
    match operation:
        case CancelOrder():
            return encode_cancel(operation, account, header)
        case AmendOrder():
            return encode_change(operation, account, header)
        case new:
            return encode_new(new, account, header)
