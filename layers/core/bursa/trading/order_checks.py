"""Checks of an order before it is sent; the engine would reject the same orders."""

from collections.abc import Set as AbstractSet

from bursa.kernel.errors import InvalidInput, Refused
from bursa.trading.commands import PlaceOrder
from bursa.trading.orders import OrderType, Side, TimeInForce
from wire import layout as w

_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def check_combination(
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce | None,
    *,
    post_only: bool,
    given: AbstractSet[str],
) -> None:
    """Refuse parts of an order that contradict each other.

    Parameters
    ----------
    time_in_force
        None is the type's own.
    given
        The names of those amounts that the order has: ``price``, ``quantity`` and the names of its
        `Conditions`.

    Raises
    ------
    InvalidInput
        ``price_not_allowed``, ``invalid_time_in_force``, ``invalid_post_only``,
        ``quote_amount_not_allowed``, ``quantity_not_allowed``.

    """
    market_order = order_type is OrderType.MARKET
    if market_order and "price" in given:
        _refuse("price_not_allowed", "price", "Leave price out of a market order.")
    if market_order and time_in_force is TimeInForce.GTC:
        _refuse("invalid_time_in_force", "time_in_force", "Send ioc or fok with a market order.")
    if post_only and (market_order or time_in_force in _IMMEDIATE):
        _refuse("invalid_post_only", "post_only", "Send post_only with gtc limit orders only.")
    if "quote_amount" in given:
        if not market_order or side is not Side.BUY:
            _refuse(
                "quote_amount_not_allowed",
                "quote_amount",
                "Send quote_amount with market buys only; use quantity.",
            )
        if "quantity" in given:
            _refuse("quantity_not_allowed", "quantity", "Send either quantity or quote_amount.")


def check_order(order: PlaceOrder) -> None:
    """Refuse an order that the engine would reject whatever the book holds.

    Raises
    ------
    InvalidInput
        What `check_combination` raises.
    Refused
        ``notional_too_small``, ``notional_too_large``.

    """
    amounts = {"price": order.price, "quantity": order.quantity, **order.conditions._asdict()}
    check_combination(
        order.side,
        order.type,
        order.time_in_force,
        post_only=order.post_only,
        given={name for name, amount in amounts.items() if amount > 0},
    )
    limit = order.type is OrderType.LIMIT
    quote_amount = order.conditions.quote_amount
    value = quote_amount or order.market.units.notional(order.price, order.quantity)
    if limit or quote_amount:
        order.market.require_notional(value, "quantity" if limit else "quote_amount")
    if value > w.AMOUNT_MAX:
        raise Refused("notional_too_large", "Send a smaller order.", field="quantity")


def _refuse(code: str, field: str, detail: str) -> None:
    raise InvalidInput(code, detail, field=field)
