"""Checks of an order before it is sent; the engine would reject the same orders."""

from collections.abc import Set as AbstractSet

from bursa.kernel.errors import InvalidInput, Refused
from bursa.trading.commands import PlaceOrder
from bursa.trading.orders import (
    CAN_REST,
    MARKETABLE,
    STOPS,
    TRAILING,
    OrderType,
    Side,
    TimeInForce,
)
from wire import layout as w

# Name of a condition -> the field that clients know.
_OF_TRAILING_STOPS = {
    "trail": "trail",
    "limit_offset": "limit_offset",
    "activation_price": "activation_price",
}


def default_time_in_force(order_type: OrderType) -> TimeInForce:
    """Return what holds for an order that does not say how long it may rest."""
    return TimeInForce.IOC if order_type in MARKETABLE else TimeInForce.GTC


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
        ``<field>_not_allowed``, ``missing_trigger_price``, ``missing_expires_at_ms``,
        ``missing_trail``, ``missing_price``, ``two_prices``, ``invalid_time_in_force``,
        ``invalid_post_only``.

    """
    time_in_force = time_in_force or default_time_in_force(order_type)
    rests = order_type not in MARKETABLE and time_in_force in CAN_REST
    if order_type is OrderType.MARKET and "price" in given:
        _refuse("price_not_allowed", "price", "Leave price out of a market order.")
    if order_type in MARKETABLE and time_in_force in CAN_REST:
        _refuse(
            "invalid_time_in_force",
            "time_in_force",
            "Send ioc or fok with types that end in market.",
        )
    if post_only and not rests:
        _refuse(
            "invalid_post_only",
            "post_only",
            "Send post_only with gtc and gtd orders of types that end in limit only.",
        )
    _check_trigger(order_type, given)
    _check_trail(order_type, given)
    _check_expiry(time_in_force, given)
    if "display_quantity" in given and not rests:
        _refuse(
            "display_quantity_not_allowed",
            "display_quantity",
            "Send display_quantity with gtc and gtd orders of types that end in limit only.",
        )
    _check_quote_amount(side, order_type, time_in_force, given)


def _check_trigger(order_type: OrderType, given: AbstractSet[str]) -> None:
    waits_for_price = order_type in STOPS and order_type not in TRAILING
    if waits_for_price and "trigger_price" not in given:
        _refuse(
            "missing_trigger_price",
            "trigger_price",
            "Send trigger_price with a stop or take-profit.",
        )
    if order_type in TRAILING and "trigger_price" in given:
        _refuse(
            "trigger_price_not_allowed",
            "trigger_price",
            "A trailing stop finds its trigger price by itself; send activation_price to say where"
            " it begins.",
        )
    if not waits_for_price and "trigger_price" in given:
        _refuse(
            "trigger_price_not_allowed",
            "trigger_price",
            "Send trigger_price with stops and take-profits only.",
        )


def _check_trail(order_type: OrderType, given: AbstractSet[str]) -> None:
    if order_type not in TRAILING:
        for name, field in _OF_TRAILING_STOPS.items():
            if name in given:
                _refuse(f"{field}_not_allowed", field, f"Send {field} with trailing stops only.")
        return
    if "trail" not in given:
        _refuse(
            "missing_trail", "trail_ppm", "Send trail_amount or trail_ppm with a trailing stop."
        )
    if order_type in MARKETABLE:
        if "limit_offset" in given:
            _refuse(
                "limit_offset_not_allowed",
                "limit_offset",
                "Send limit_offset with trailing_stop_limit only.",
            )
    elif "limit_offset" in given and "price" in given:
        _refuse("two_prices", "limit_offset", "Send either price or limit_offset.")
    elif "limit_offset" not in given and "price" not in given:
        _refuse("missing_price", "limit_offset", "Send limit_offset, or price for a fixed limit.")


def _check_expiry(time_in_force: TimeInForce, given: AbstractSet[str]) -> None:
    ends = time_in_force is TimeInForce.GTD
    if ends and "expire_ms" not in given:
        _refuse("missing_expires_at_ms", "expires_at_ms", "Send expires_at_ms with a gtd order.")
    if not ends and "expire_ms" in given:
        _refuse("expires_at_ms_not_allowed", "expires_at_ms", "Send expires_at_ms with gtd only.")


def _check_quote_amount(
    side: Side, order_type: OrderType, time_in_force: TimeInForce, given: AbstractSet[str]
) -> None:
    if "quote_amount" not in given:
        return
    if order_type is not OrderType.MARKET or side is not Side.BUY:
        _refuse(
            "quote_amount_not_allowed",
            "quote_amount",
            "Send quote_amount with market buys only; use quantity.",
        )
    if time_in_force is not TimeInForce.IOC:
        _refuse(
            "invalid_time_in_force",
            "time_in_force",
            "Send quote_amount with ioc: what it buys at most is not known before.",
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
