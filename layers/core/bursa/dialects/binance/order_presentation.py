"""Orders, fills and what was done to them, as this wire has them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from bursa.dialects.binance.client_order_ids import shown_id
from bursa.dialects.binance.decimals import ZERO, padded
from bursa.dialects.binance.ids import order_number, trade_number, update_number
from bursa.dialects.binance.symbols import symbol_of
from bursa.kernel.amounts import Lots
from bursa.kernel.markets import Market, MarketUnits
from bursa.read_models.rows import FillRow
from bursa.trading.orders import (
    TRAILING,
    CloseReason,
    OrderStatus,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from bursa.trading.outcomes import OrderPlaced

Json = dict[str, Any]

NO_LIST: Final = -1
_TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_PROFIT",
    OrderType.TRAILING_STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TRAILING_STOP_MARKET: "STOP_LOSS",
}
# Of trailing stops that begin to trail at a better price.
_ACTIVATED: Final[Mapping[OrderType, str]] = {
    OrderType.TRAILING_STOP_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TRAILING_STOP_MARKET: "TAKE_PROFIT",
}
_PPM_PER_BASIS_POINT: Final = 100
_STATUSES: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    # A stop that waits; it has no ``workingTime``.
    OrderStatus.PENDING_TRIGGER: "NEW",
    OrderStatus.PENDING_ENTRY: "PENDING_NEW",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
# Who cancelled it is its owner or the exchange; what ends by its own rules expires here.
_STATUSES_BY_REASON: Final[Mapping[CloseReason, str]] = {
    CloseReason.UNFILLED_REMAINDER: "EXPIRED",
    CloseReason.FILL_OR_KILL_UNFILLED: "EXPIRED",
    CloseReason.PRICE_PROTECTION: "EXPIRED",
    CloseReason.POST_ONLY_WOULD_CROSS: "EXPIRED",
    CloseReason.SELF_TRADE_PREVENTION: "EXPIRED_IN_MATCH",
}
_SELF_TRADE_PREVENTIONS: Final[Mapping[SelfTradePrevention, str]] = {
    SelfTradePrevention.NONE: "NONE",
    SelfTradePrevention.CANCEL_MAKER: "EXPIRE_MAKER",
    SelfTradePrevention.CANCEL_TAKER: "EXPIRE_TAKER",
    SelfTradePrevention.CANCEL_BOTH: "EXPIRE_BOTH",
    SelfTradePrevention.DECREMENT: "DECREMENT",
}
# An order that ends at a time is sent by another wire; here it is one that stays.
_TIMES_IN_FORCE: Final[Mapping[TimeInForce, str]] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTD: "GTC",
}


# They wait, in no book.
NOT_WORKING = frozenset({OrderStatus.PENDING_TRIGGER, OrderStatus.PENDING_ENTRY})


def is_first_of_list(order: OrderView) -> bool:
    """Return whether an order is one of a pair, which only waits, before the last of its list."""
    return order.list_id not in {0, order.order_id}


def type_word(order: OrderView) -> str:
    """Return the word of an order's type."""
    if order.type is OrderType.LIMIT and (order.post_only or is_first_of_list(order)):
        return "LIMIT_MAKER"
    if order.type in _ACTIVATED and order.conditions.activation_price:
        return _ACTIVATED[order.type]
    return _TYPES[order.type]


def status_word(order: OrderView) -> str:
    """Return the word of how far an order has come."""
    return _STATUSES_BY_REASON.get(order.close_reason) or _STATUSES[order.status]


def list_number(order: OrderView) -> int:
    """Return the number of an order's list, as far as it is known."""
    return order_number(order.list_id) if order.list_id else NO_LIST


def with_beginning(order: OrderView, found: OrderView | None) -> OrderView:
    """Return an order's last state with what only its first one says."""
    if found is None:
        return order
    return replace(
        order,
        client_order_id=found.client_order_id,
        conditions=found.conditions,
        created_at_ms=found.created_at_ms,
        list_id=found.list_id,
    )


def listed_order(order: OrderView) -> Json:
    """Return an order as a question is answered."""
    return _state(order) | {
        "time": order.created_at_ms,
        "updateTime": order.updated_at_ms,
        "isWorking": order.status not in NOT_WORKING,
        "workingTime": _working_time(order),
    }


def acknowledged_order(order: OrderView) -> Json:
    """Return a new order's names and time."""
    return {
        "symbol": symbol_of(order.market),
        "orderId": order_number(order.order_id),
        "orderListId": list_number(order),
        "clientOrderId": shown_id(order.client_order_id),
        "transactTime": order.updated_at_ms,
    }


def resulting_order(order: OrderView) -> Json:
    """Return a new order with what became of it."""
    return (
        acknowledged_order(order)
        | _state(order)
        | {"transactTime": order.updated_at_ms, "workingTime": _working_time(order)}
    )


def full_order(outcome: OrderPlaced) -> Json:
    """Return a new order with what it traded at once."""
    units = outcome.order.market.units
    return resulting_order(outcome.order) | {
        "fills": [
            {
                "price": padded(units.price_text(fill.price)),
                "qty": padded(units.quantity_text(fill.quantity)),
                "commission": padded(units.amount_text(fill.fee, fill.fee_asset)),
                "commissionAsset": fill.fee_asset,
                "tradeId": trade_number(fill.trade_id),
            }
            for fill in outcome.fills
        ]
    }


def cancelled_order(order: OrderView, request_id: str) -> Json:
    """Return an order that was cancelled by a request, which has a name of its own."""
    return {
        "symbol": symbol_of(order.market),
        "origClientOrderId": shown_id(order.client_order_id),
        **_state(order),
        "clientOrderId": request_id,
        "transactTime": order.updated_at_ms,
    }


def amended_order(order: OrderView) -> Json:
    """Return an order whose quantity was reduced."""
    units, state = order.market.units, _state(order)
    kept = (
        *("symbol", "orderId", "orderListId", "clientOrderId", "price", "executedQty", "status"),
        *("timeInForce", "type", "side", "selfTradePreventionMode"),
    )
    return {
        "transactTime": order.updated_at_ms,
        "executionId": update_number(order.updated_at_ms),
        "amendedOrder": {
            **{name: state[name] for name in kept},
            "origClientOrderId": shown_id(order.client_order_id),
            "qty": state["origQty"],
            "preventedQty": ZERO,
            "quoteOrderQty": state["origQuoteOrderQty"],
            "cumulativeQuoteQty": padded(units.quote_text(order.filled_quote)),
            "workingTime": _working_time(order),
        },
    }


def account_trade(fill: FillRow, market: Market, list_id: int) -> Json:
    """Return an account's side of a trade; the list of its order is 0 where it is not known."""
    units = market.units
    return {
        "symbol": symbol_of(market),
        "id": trade_number(fill.trade_id),
        "orderId": order_number(fill.order_id),
        "orderListId": order_number(list_id) if list_id else NO_LIST,
        "price": padded(units.price_text(fill.price)),
        "qty": padded(units.quantity_text(fill.quantity)),
        "quoteQty": padded(units.quote_text(fill.quote_amount)),
        "commission": padded(units.amount_text(fill.fee, fill.fee_asset)),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side == Side.BUY.word,
        "isMaker": fill.role == "maker",
        "isBestMatch": True,
    }


def listed_orders(orders: Iterable[OrderView]) -> list[Json]:
    """Return orders, the oldest first."""
    return [listed_order(order) for order in sorted(orders, key=lambda one: one.order_id)]


def _state(order: OrderView) -> Json:
    units = order.market.units
    whole = order.filled_quantity + order.remaining_quantity
    if order.quantity is not None:
        whole = order.quantity
    return {
        "symbol": symbol_of(order.market),
        "orderId": order_number(order.order_id),
        "orderListId": list_number(order),
        "clientOrderId": shown_id(order.client_order_id),
        "price": ZERO if order.price is None else padded(units.price_text(order.price)),
        "origQty": padded(units.quantity_text(Lots(whole))),
        "executedQty": padded(units.quantity_text(order.filled_quantity)),
        "origQuoteOrderQty": padded(units.quote_text(order.conditions.quote_amount)),
        "cummulativeQuoteQty": padded(units.quote_text(order.filled_quote)),
        "status": status_word(order),
        "timeInForce": _TIMES_IN_FORCE[order.time_in_force],
        "type": type_word(order),
        "side": order.side.name,
        "stopPrice": ZERO,
        "icebergQty": ZERO,
        "selfTradePreventionMode": _SELF_TRADE_PREVENTIONS[order.self_trade_prevention],
    } | _conditions(order, units)


def _conditions(order: OrderView, units: MarketUnits) -> Json:
    known: Json = {}
    if order.type in TRAILING:
        # The stop price is where it begins to trail; where it triggers now is not said here.
        if order.conditions.activation_price:
            known["stopPrice"] = padded(units.price_text(order.conditions.activation_price))
        if order.conditions.trail_ppm:
            known["trailingDelta"] = order.conditions.trail_ppm // _PPM_PER_BASIS_POINT
    elif order.conditions.trigger_price:
        known["stopPrice"] = padded(units.price_text(order.conditions.trigger_price))
    if order.conditions.display_quantity:
        known["icebergQty"] = padded(units.quantity_text(order.conditions.display_quantity))
    return known


def _working_time(order: OrderView) -> int:
    """Return since when an order may trade, as far as it is known; -1 for one that waits."""
    if order.status in NOT_WORKING:
        return -1
    return order.created_at_ms or order.updated_at_ms
