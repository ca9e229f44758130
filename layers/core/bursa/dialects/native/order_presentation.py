"""Orders in the native form: decimal strings, text ids; what does not apply is null."""

from bursa.dialects.native.responses import Order, OrderState
from bursa.trading.orders import CloseReason, OrderView


def present_order(order: OrderView) -> Order:
    """Return an order with all that is known of it; what does not apply is null."""
    return Order(
        **present_order_state(order),
        client_order_id=order.client_order_id,
        created_at_ms=order.created_at_ms,
    )


def present_order_state(order: OrderView) -> OrderState:
    """Return an order without what is known only from its placement."""
    units = order.market.units
    closed = order.close_reason is not CloseReason.NONE
    return OrderState(
        order_id=str(order.order_id),
        market=units.symbol,
        side=order.side.word,
        type=order.type.word,
        time_in_force=order.time_in_force.word,
        post_only=order.post_only,
        self_trade_prevention=order.self_trade_prevention.word,
        price=None if order.price is None else units.price_text(order.price),
        quantity=None if order.quantity is None else units.quantity_text(order.quantity),
        quote_amount=None if order.quote_amount is None else units.quote_text(order.quote_amount),
        filled_quantity=units.quantity_text(order.filled_quantity),
        remaining_quantity=units.quantity_text(order.remaining_quantity),
        filled_quote=units.quote_text(order.filled_quote),
        status=order.status.word,
        close_reason=order.close_reason.word if closed else None,
        updated_at_ms=order.updated_at_ms,
        sequence=order.sequence,
    )
