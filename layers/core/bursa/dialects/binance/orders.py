"""From the parameters of a new order to the typed command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from bursa.dialects.binance import client_order_ids
from bursa.dialects.binance.errors import (
    INVALID_ORDER_TYPE,
    INVALID_SIDE,
    INVALID_TIME_IN_FORCE,
    BinanceError,
    error,
    filter_failure,
    missing,
    not_required,
    rejected,
)
from bursa.dialects.binance.parameters import Parameters
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market
from bursa.trading.commands import PlaceOrder
from bursa.trading.orders import (
    MARKETABLE,
    TRAILING,
    Conditions,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from wire import layout as w

_Value = TypeVar("_Value")

SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}
TIMES_IN_FORCE: Final[Mapping[str, TimeInForce]] = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}
SELF_TRADE_PREVENTIONS: Final[Mapping[str, SelfTradePrevention]] = {
    "NONE": SelfTradePrevention.NONE,
    "EXPIRE_MAKER": SelfTradePrevention.CANCEL_MAKER,
    "EXPIRE_TAKER": SelfTradePrevention.CANCEL_TAKER,
    "EXPIRE_BOTH": SelfTradePrevention.CANCEL_BOTH,
    "DECREMENT": SelfTradePrevention.DECREMENT,
}
NEW_ORDER: Final = frozenset(
    {
        "symbol",
        "side",
        "type",
        "timeInForce",
        "quantity",
        "quoteOrderQty",
        "price",
        "newClientOrderId",
        "stopPrice",
        "trailingDelta",
        "icebergQty",
        "newOrderRespType",
        "selfTradePreventionMode",
        # Labels for the client's own use, which are not kept.
        "strategyId",
        "strategyType",
    }
)
# How far a trailing order may stay behind the price, in basis points.
TRAILING_DELTA_MIN: Final = 10
TRAILING_DELTA_MAX: Final = 2_000
_PPM_PER_BASIS_POINT: Final = 100
_WHOLE_MAX: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class _Type:
    """What an order type means here, and which parameters it needs and may have."""

    means: OrderType
    needs: frozenset[str]
    may_have: frozenset[str] = frozenset()
    post_only: bool = False


_LIMIT_NEEDS: Final = frozenset({"price", "quantity"})
TYPES: Final[Mapping[str, _Type]] = {
    "LIMIT": _Type(
        OrderType.LIMIT, _LIMIT_NEEDS | {"timeInForce"}, may_have=frozenset({"icebergQty"})
    ),
    "LIMIT_MAKER": _Type(
        OrderType.LIMIT, _LIMIT_NEEDS, may_have=frozenset({"icebergQty"}), post_only=True
    ),
    "MARKET": _Type(
        OrderType.MARKET, frozenset(), may_have=frozenset({"quantity", "quoteOrderQty"})
    ),
    "STOP_LOSS": _Type(OrderType.STOP_MARKET, frozenset({"quantity", "stopPrice"})),
    "STOP_LOSS_LIMIT": _Type(
        OrderType.STOP_LIMIT,
        _LIMIT_NEEDS | {"timeInForce", "stopPrice"},
        may_have=frozenset({"icebergQty"}),
    ),
    "TAKE_PROFIT": _Type(OrderType.TAKE_PROFIT_MARKET, frozenset({"quantity", "stopPrice"})),
    "TAKE_PROFIT_LIMIT": _Type(
        OrderType.TAKE_PROFIT_LIMIT,
        _LIMIT_NEEDS | {"timeInForce", "stopPrice"},
        may_have=frozenset({"icebergQty"}),
    ),
}
# With ``trailingDelta``. Where one begins to trail is a better price, so a stop-loss has none, and
# by having one a take-profit is told from it.
_TRAILING: Final[Mapping[str, _Type]] = {
    "STOP_LOSS": _Type(OrderType.TRAILING_STOP_MARKET, frozenset({"quantity"})),
    "STOP_LOSS_LIMIT": _Type(
        OrderType.TRAILING_STOP_LIMIT,
        _LIMIT_NEEDS | {"timeInForce"},
        may_have=frozenset({"icebergQty"}),
    ),
    "TAKE_PROFIT": _Type(OrderType.TRAILING_STOP_MARKET, frozenset({"quantity", "stopPrice"})),
    "TAKE_PROFIT_LIMIT": _Type(
        OrderType.TRAILING_STOP_LIMIT,
        _LIMIT_NEEDS | {"timeInForce", "stopPrice"},
        may_have=frozenset({"icebergQty"}),
    ),
}
_AMOUNTS: Final = ("timeInForce", "price", "quantity", "quoteOrderQty", "stopPrice", "icebergQty")


def read_order(parameters: Parameters, market: Market) -> PlaceOrder:
    """Return the command that parameters ask for; its client order id is as it was sent, or None.

    Raises
    ------
    BinanceError
        -1013 for a delta that the symbol does not allow, -1100 to -1117, -2010 for what Binance
        has and this exchange has not.
    InvalidInput
        What `Market.price_ticks`, `Market.quantity_lots` and `MarketUnits.quote_units` raise.

    """
    side = _required_choice(parameters, "side", SIDES, error(INVALID_SIDE))
    kind = _required_choice(parameters, "type", TYPES, error(INVALID_ORDER_TYPE))
    if "trailingDelta" in parameters:
        kind = _trailing(parameters)
    _require_fitting(parameters, kind)
    client_order_id = parameters.matching("newClientOrderId", client_order_ids.FORM)
    return PlaceOrder(
        market=market,
        side=side,
        type=kind.means,
        time_in_force=_time_in_force(parameters, kind),
        price=_price(parameters, market, "price", "price"),
        quantity=_quantity(parameters, market, "quantity", "quantity"),
        conditions=_conditions(parameters, market, side, kind),
        post_only=kind.post_only,
        self_trade_prevention=_self_trade_prevention(parameters),
        client_order_id=client_order_id,
    )


def _trailing(parameters: Parameters) -> _Type:
    kind = _TRAILING.get(parameters.required("type"))
    if kind is None:
        raise not_required("trailingDelta")
    return kind


def _trail(parameters: Parameters) -> int:
    delta = parameters.number("trailingDelta", most=_WHOLE_MAX)
    if delta is None:
        return 0
    if not TRAILING_DELTA_MIN <= delta <= TRAILING_DELTA_MAX:
        raise filter_failure("TRAILING_DELTA")
    return w.TRAIL_PPM + _PPM_PER_BASIS_POINT * delta


def _required_choice(
    parameters: Parameters, name: str, choices: Mapping[str, _Value], wrong: BinanceError
) -> _Value:
    parameters.required(name)
    chosen = parameters.choice(name, choices, wrong)
    if chosen is None:
        raise missing(name)
    return chosen


def _require_fitting(parameters: Parameters, kind: _Type) -> None:
    for name in _AMOUNTS:
        if name in kind.needs:
            parameters.required(name)
        elif name not in kind.may_have and parameters.text(name) is not None:
            raise not_required(name)
    if kind.means is OrderType.MARKET:
        if "quantity" in parameters and "quoteOrderQty" in parameters:
            raise not_required("quoteOrderQty")
        if "quantity" not in parameters and "quoteOrderQty" not in parameters:
            raise BinanceError(
                -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
            )


def _time_in_force(parameters: Parameters, kind: _Type) -> TimeInForce:
    if kind.means in MARKETABLE:
        return TimeInForce.IOC
    wanted = parameters.choice("timeInForce", TIMES_IN_FORCE, error(INVALID_TIME_IN_FORCE))
    if "icebergQty" in parameters and wanted not in (None, TimeInForce.GTC):
        raise error(INVALID_TIME_IN_FORCE)
    return wanted or TimeInForce.GTC


def _self_trade_prevention(parameters: Parameters) -> SelfTradePrevention:
    wanted = parameters.text("selfTradePreventionMode")
    if wanted is None:
        return SelfTradePrevention.NONE
    if wanted not in SELF_TRADE_PREVENTIONS:
        raise rejected("This symbol does not allow the specified self-trade prevention mode.")
    return SELF_TRADE_PREVENTIONS[wanted]


def _price(parameters: Parameters, market: Market, name: str, field: str) -> Ticks:
    text = parameters.text(name)
    return Ticks(0) if text is None else market.price_ticks(text, field)


def _quantity(parameters: Parameters, market: Market, name: str, field: str) -> Lots:
    text = parameters.text(name)
    return Lots(0) if text is None else market.quantity_lots(text, field)


def _conditions(parameters: Parameters, market: Market, side: Side, kind: _Type) -> Conditions:
    quote_amount, spent = Units(0), parameters.text("quoteOrderQty")
    if spent is not None:
        if side is not Side.BUY:
            raise rejected("Quote order qty market orders are not support for this symbol.")
        quote_amount = market.units.quote_units(spent)
    displayed = _quantity(parameters, market, "icebergQty", "display_quantity")
    whole = _quantity(parameters, market, "quantity", "quantity")
    if displayed > whole:
        raise rejected("IcebergQty exceeds QTY.")
    stop_price = _price(parameters, market, "stopPrice", "trigger_price")
    trails = kind.means in TRAILING
    return Conditions(
        quote_amount,
        Ticks(0) if trails else stop_price,
        # Which shows all of itself is no iceberg.
        Lots(0) if displayed == whole else displayed,
        trail=_trail(parameters),
        activation_price=stop_price if trails else Ticks(0),
    )
