"""Orders in the native form: decimal strings, opaque ids; what does not apply is null.

`ORDER_FIELDS` is the one list of an order's fields. A response to a placement or a question has all
of them, a cancel's has those of `OrderState`, and an update of the feed those whose part of the row
its record states, so that nothing is null only because it is not known.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, TypeVar, cast

from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.responses import Order, OrderState
from bursa.trading.orders import CloseReason, OrderView

_Amount = TypeVar("_Amount")


class OrderField(NamedTuple):
    """A field of an order in JSON.

    Attributes
    ----------
    name
        As in `responses.Order`.
    write
        Its value in JSON, of an order that knows it.
    column
        The field of `bursa.read_models.rows.OrderRow` that it is made of.

    """

    name: str
    write: Callable[[OrderView, TenantIds], str | int | None]
    column: str


def _field(
    name: str, write: Callable[[OrderView], str | int | None], column: str | None = None
) -> OrderField:
    return OrderField(name, lambda order, _: write(order), column or name)


def _optional(write: Callable[[_Amount], str], amount: _Amount | None) -> str | None:
    return None if amount is None else write(amount)


ORDER_FIELDS = (
    OrderField("order_id", lambda order, ids: ids.order(order.order_id), "order_id"),
    _field("market", lambda order: order.market.units.symbol),
    _field("side", lambda order: order.side.word),
    _field("type", lambda order: order.type.word),
    _field("time_in_force", lambda order: order.time_in_force.word),
    _field("post_only", lambda order: order.post_only),
    _field("self_trade_prevention", lambda order: order.self_trade_prevention.word),
    _field("price", lambda order: _optional(order.market.units.price_text, order.price)),
    _field("quantity", lambda order: _optional(order.market.units.quantity_text, order.quantity)),
    _field(
        "quote_amount",
        lambda order: _optional(
            order.market.units.quote_text, order.conditions.quote_amount or None
        ),
    ),
    _field(
        "filled_quantity", lambda order: order.market.units.quantity_text(order.filled_quantity)
    ),
    _field(
        "remaining_quantity",
        lambda order: order.market.units.quantity_text(order.remaining_quantity),
        column="remaining",
    ),
    _field("filled_quote", lambda order: order.market.units.quote_text(order.filled_quote)),
    _field("status", lambda order: order.status.word),
    _field(
        "close_reason",
        lambda order: None if order.close_reason is CloseReason.NONE else order.close_reason.word,
    ),
    _field("updated_at_ms", lambda order: order.updated_at_ms),
    _field("sequence", lambda order: order.updated_at_ms, column="updated_at_ms"),
    _field(
        "trigger_price",
        lambda order: _optional(
            order.market.units.price_text, order.conditions.trigger_price or None
        ),
    ),
    _field(
        "trail_amount",
        lambda order: _optional(
            order.market.units.price_text, order.conditions.trail_ticks or None
        ),
        column="trail",
    ),
    _field("trail_ppm", lambda order: order.conditions.trail_ppm or None, column="trail"),
    _field(
        "activation_price",
        lambda order: _optional(
            order.market.units.price_text, order.conditions.activation_price or None
        ),
    ),
    _field(
        "limit_offset",
        lambda order: _optional(
            order.market.units.price_text, order.conditions.limit_offset or None
        ),
    ),
    _field(
        "display_quantity",
        lambda order: _optional(
            order.market.units.quantity_text, order.conditions.display_quantity or None
        ),
    ),
    _field("expires_at_ms", lambda order: order.conditions.expire_ms or None, column="expire_ms"),
    _field("client_order_id", lambda order: order.client_order_id),
    _field("created_at_ms", lambda order: order.created_at_ms),
    OrderField(
        "list_id",
        lambda order, ids: ids.order(order.list_id) if order.list_id else None,
        "list_id",
    ),
)
_STATE_FIELDS = tuple(field for field in ORDER_FIELDS if field.name in OrderState.__annotations__)


def present_order(order: OrderView, ids: TenantIds) -> Order:
    """Return an order with all that is known of it; what does not apply is null."""
    return cast("Order", {field.name: field.write(order, ids) for field in ORDER_FIELDS})


def present_order_state(order: OrderView, ids: TenantIds) -> OrderState:
    """Return an order without what is known only from its placement."""
    return cast("OrderState", {field.name: field.write(order, ids) for field in _STATE_FIELDS})


def present_known_fields(
    order: OrderView, columns: AbstractSet[str], ids: TenantIds
) -> dict[str, Any]:
    """Return those fields of `Order` that are made of the given fields of an `OrderRow`."""
    return {
        field.name: field.write(order, ids) for field in ORDER_FIELDS if field.column in columns
    }
