"""From the parameters of a new list of orders to the typed command.

Each of a list's orders has parameters of its own under a prefix; without it they are those of a
single order, and are read as that. A limit order of a pair only waits, so its `LIMIT_MAKER` is a
limit order here that may not trade at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bursa.dialects.binance import client_order_ids
from bursa.dialects.binance.errors import (
    INVALID_ORDER_TYPE,
    INVALID_SIDE,
    WRONG_PRICES,
    BinanceError,
    error,
    error_of,
    not_required,
    rejected,
)
from bursa.dialects.binance.orders import SIDES, read_order
from bursa.dialects.binance.parameters import Parameters, known
from bursa.kernel.errors import BursaError
from bursa.kernel.markets import Market
from bursa.trading.commands import PlaceOrder
from bursa.trading.order_checks import check_order
from bursa.trading.order_lists import PlaceList
from bursa.trading.orders import OrderType, Side

# What an order of a list is read as, by what it is sent as behind a prefix.
_OWN: Final = {
    "Type": "type",
    "ClientOrderId": "newClientOrderId",
    "Price": "price",
    "StopPrice": "stopPrice",
    "IcebergQty": "icebergQty",
    "TimeInForce": "timeInForce",
    # Labels for the client's own use, which are not kept.
    "StrategyId": "strategyId",
    "StrategyType": "strategyType",
}
_SHARED: Final = {"symbol": "symbol", "selfTradePreventionMode": "selfTradePreventionMode"}
_LIST: Final = frozenset({*_SHARED, "listClientOrderId", "newOrderRespType"})
_LIMIT_MAKER: Final = "LIMIT_MAKER"
_IN_PAIRS: Final = frozenset(
    {_LIMIT_MAKER, "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
)
_ENTRIES: Final = frozenset({"LIMIT", _LIMIT_MAKER})

_Names = Mapping[str, str]
# What an order of a list is called by the parameters of each form.
ORDER_NAMES: Final = (
    "limit",
    "stop",
    "above",
    "below",
    "working",
    "pendingAbove",
    "pendingBelow",
)


def _names(prefix: str) -> dict[str, str]:
    """Return what each parameter of an order is read as, by what it is sent as."""
    first = prefix[:1].lower() + prefix[1:]
    return {first + name: own for name, own in _OWN.items()}


_SIDE_AND_QUANTITY: Final = {"side": "side", "quantity": "quantity"}
_ABOVE, _BELOW = (_names(one) | _SHARED | _SIDE_AND_QUANTITY for one in ("above", "below"))
_PENDING: Final = {"pendingSide": "side", "pendingQuantity": "quantity"}
_PENDING_ABOVE, _PENDING_BELOW = (
    _names(one) | _SHARED | _PENDING for one in ("pendingAbove", "pendingBelow")
)
_WORKING: Final = (
    _names("working") | _SHARED | {"workingSide": "side", "workingQuantity": "quantity"}
)
# Of the older form, whose limit order and stop have no types.
_LIMIT: Final = {
    **_SHARED,
    **_SIDE_AND_QUANTITY,
    "price": "price",
    "limitClientOrderId": "newClientOrderId",
    "limitIcebergQty": "icebergQty",
    "limitStrategyId": "strategyId",
    "limitStrategyType": "strategyType",
}
_STOP: Final = {
    **_SHARED,
    **_SIDE_AND_QUANTITY,
    "stopPrice": "stopPrice",
    "stopLimitPrice": "price",
    "stopLimitTimeInForce": "timeInForce",
    "stopClientOrderId": "newClientOrderId",
    "stopIcebergQty": "icebergQty",
    "stopStrategyId": "strategyId",
    "stopStrategyType": "strategyType",
}
OLD_PAIR: Final = known(_LIST, _LIMIT, _STOP)
PAIR: Final = known(_LIST, _ABOVE, _BELOW)
BRACKET: Final = known(_LIST, _WORKING, _PENDING_ABOVE, _PENDING_BELOW)


def read_old_pair(parameters: Parameters, market: Market) -> PlaceList:
    """Return the pair that parameters of the older form ask for; raises as `read_pair`."""
    limit = _read(parameters, market, _LIMIT, _LIMIT_MAKER)
    parameters.required("stopPrice")
    has_limit = "stopLimitPrice" in parameters
    stop = _read(parameters, market, _STOP, "STOP_LOSS_LIMIT" if has_limit else "STOP_LOSS")
    above, below = (limit, stop) if limit.side is Side.SELL else (stop, limit)
    return _paired(above, below, None, parameters)


def read_pair(parameters: Parameters, market: Market) -> PlaceList:
    """Return the pair that parameters ask for; client order ids are as they were sent, or None.

    Raises
    ------
    BinanceError
        What `read_order` raises, with the names that were sent, and -2010 for prices that are no
        pair's.

    """
    above = _read(parameters, market, _ABOVE, _type(parameters, "aboveType", _IN_PAIRS))
    below = _read(parameters, market, _BELOW, _type(parameters, "belowType", _IN_PAIRS))
    return _paired(above, below, None, parameters)


def read_bracket(parameters: Parameters, market: Market) -> PlaceList:
    """Return the entry and the pair after it that parameters ask for; raises as `read_pair`."""
    entry_type = _type(parameters, "workingType", _ENTRIES)
    entry = _read(parameters, market, _WORKING, entry_type, is_paired=False)
    types = [_type(parameters, f"pending{one}Type", _IN_PAIRS) for one in ("Above", "Below")]
    above = _read(parameters, market, _PENDING_ABOVE, types[0])
    below = _read(parameters, market, _PENDING_BELOW, types[1])
    if entry.side is above.side:
        raise rejected("pendingSide must be the other side of workingSide.")
    if entry.quantity != above.quantity:
        raise rejected("pendingQuantity must be workingQuantity: exits are for all of an entry.")
    return _paired(above, below, entry, parameters)


def order_name(wanted: PlaceList, position: int, *, is_old: bool) -> str:
    """Return what the order at a position is called by the parameters of its form."""
    order = wanted.orders[position]
    if order is wanted.entry:
        return "working"
    if is_old:
        return "limit" if order.type is OrderType.LIMIT else "stop"
    is_above = _waits_at(order) == max(map(_waits_at, wanted.pair))
    if wanted.entry is None:
        return "above" if is_above else "below"
    return "pendingAbove" if is_above else "pendingBelow"


def _type(parameters: Parameters, name: str, allowed: frozenset[str]) -> str:
    word = parameters.required(name)
    if word not in allowed:
        raise error(INVALID_ORDER_TYPE)
    return word


def _read(
    parameters: Parameters, market: Market, names: _Names, word: str, *, is_paired: bool = True
) -> PlaceOrder:
    sent = {own: name for name, own in names.items()}
    values = {own: parameters.text(name) for own, name in sent.items() if name in parameters}
    plain = {own: value for own, value in values.items() if value is not None}
    if "side" in plain and plain["side"] not in SIDES:
        raise error(INVALID_SIDE)
    if word == _LIMIT_MAKER and is_paired:
        if "timeInForce" in plain:
            raise not_required(sent["timeInForce"])
        word, plain["timeInForce"] = "LIMIT", "GTC"
    try:
        order = read_order(Parameters(plain | {"type": word}), market)
        check_order(order)
    except BursaError as fault:
        raise _renamed(error_of(fault), sent) from None
    except BinanceError as fault:
        raise _renamed(fault, sent) from None
    return order


def _renamed(fault: BinanceError, sent: _Names) -> BinanceError:
    """Return an error that names a parameter as it was sent."""
    msg = fault.msg
    for own, name in sent.items():
        if f"'{own}'" in msg:
            msg = msg.replace(f"'{own}'", f"'{name}'")
            break
    return BinanceError(fault.code, msg, fault.status)


def _paired(
    above: PlaceOrder, below: PlaceOrder, entry: PlaceOrder | None, parameters: Parameters
) -> PlaceList:
    if _waits_at(above) <= _waits_at(below):
        raise error(WRONG_PRICES)
    # The stop is the last, unless the name of the list makes it the other one.
    first, last = (below, above) if above.type in _STOPS else (above, below)
    name = parameters.matching("listClientOrderId", client_order_ids.FORM)
    if name is None:
        return PlaceList((first, last), entry)
    if entry is not None:
        return PlaceList((first, last), _named(entry, name))
    if last.client_order_id not in {None, name} and first.client_order_id in {None, name}:
        first, last = last, first
    return PlaceList((first, _named(last, name)))


_STOPS: Final = frozenset({OrderType.STOP_LIMIT, OrderType.STOP_MARKET})


def _waits_at(order: PlaceOrder) -> int:
    return order.conditions.trigger_price or order.price


def _named(order: PlaceOrder, name: str) -> PlaceOrder:
    """Return a list's last order, under the list's name unless it has one of its own."""
    return replace(order, client_order_id=order.client_order_id or name)
