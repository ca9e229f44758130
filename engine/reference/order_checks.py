"""What an order may be: each check raises Rejected, or changes nothing and returns.

The numbers of the reasons in ``wire.layout`` are their order: of several that apply, a command is
rejected for the smallest.
"""

from engine.reference.accounts import is_frozen
from engine.reference.collar import limit_price
from engine.reference.funds import available_balance
from engine.reference.index import find_market
from engine.reference.ledger import order_reserve
from engine.reference.liquidity import lots_before_own, own_lots, total_lots
from engine.reference.model import (
    CAN_REST,
    MARKETABLE,
    STOP_MARKETS,
    STOPS,
    Market,
    Order,
    Rejected,
)
from engine.reference.reference_price import current_reference
from engine.reference.state import State
from engine.reference.trailing import is_valid_trail, limit_from_trigger
from wire import layout as w


def check_market(state: State, number: int, tenant: int) -> Market:
    """Return a market, which must be one of the tenant's."""
    market = find_market(state, number)
    if market.tenant != tenant:
        raise Rejected(w.REASON_WRONG_TENANT)
    return market


def check_order(state: State, order: Order) -> None:
    """Reject an order for what it says, whatever the book and the balances are."""
    if is_frozen(state, order.account.number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    check_state(order)
    check_flags(order)
    check_conditions(state, order)
    check_numbers(order)
    check_display(order)


# --- flags and conditions -------------------------------------------------------------------------


def can_rest(order: Order) -> bool:
    """Whether an order's time in force lets it wait."""
    return order.time_in_force in CAN_REST


def check_state(order: Order) -> None:
    """Reject an order that its market's state does not take.

    An auction collects what can wait for it: limit orders that rest, and stops, which wait anyway.
    """
    state, post_only = order.market.state, w.flags_post_only(order.flags)
    if state == w.STATE_HALTED:
        raise Rejected(w.REASON_MARKET_HALTED)
    if state == w.STATE_CANCEL_ONLY:
        raise Rejected(w.REASON_MARKET_CANCEL_ONLY)
    if state == w.STATE_POST_ONLY and not post_only:
        raise Rejected(w.REASON_MARKET_POST_ONLY)
    waits = order.order_type == w.TYPE_LIMIT and can_rest(order) and not post_only
    if state == w.STATE_AUCTION and order.order_type not in STOPS and not waits:
        raise Rejected(w.REASON_MARKET_IN_AUCTION)


def check_flags(order: Order) -> None:
    """Reject flags that do not exist or do not go together."""
    if order.side not in (w.SIDE_BUY, w.SIDE_SELL):
        raise Rejected(w.REASON_INVALID_SIDE)
    if order.order_type not in w.TYPE_NAMES:
        raise Rejected(w.REASON_INVALID_ORDER_TYPE)
    if order.time_in_force not in w.TIF_NAMES:
        raise Rejected(w.REASON_INVALID_TIME_IN_FORCE)
    if can_rest(order) and order.order_type in MARKETABLE:
        raise Rejected(w.REASON_INVALID_TIME_IN_FORCE)
    if w.flags_stp(order.flags) > w.STP_DECREMENT:
        raise Rejected(w.REASON_INVALID_SELF_TRADE_PREVENTION)
    if w.flags_post_only(order.flags) and not can_rest(order):
        raise Rejected(w.REASON_INVALID_POST_ONLY)


def check_conditions(state: State, order: Order) -> None:
    """Reject a trigger price, expiry or quote amount that does not fit the flags."""
    conditions, is_stop = order.conditions, order.order_type in STOPS
    low, high = (1, order.market.price_bound) if is_stop else (0, 0)
    if not low <= conditions.trigger_price <= high:
        raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    check_trail(order)
    expires = order.time_in_force == w.TIF_GTD
    low, high = (state.time_ms + 1, w.TIME_MS_MAX) if expires else (0, 0)
    if not low <= conditions.expire_ms <= high:
        raise Rejected(w.REASON_INVALID_EXPIRE_TIME)
    if conditions.quote_amount:
        market_buy = order.order_type == w.TYPE_MARKET and order.is_buy
        if not market_buy or order.time_in_force != w.TIF_IOC or order.quantity:
            raise Rejected(w.REASON_INVALID_QUOTE_AMOUNT)
        if not 0 < conditions.quote_amount <= w.AMOUNT_MAX:
            raise Rejected(w.REASON_INVALID_QUOTE_AMOUNT)


def check_trail(order: Order) -> None:
    """Reject a trail, activation price or limit offset that does not fit the type.

    A trailing stop-limit has either a price or an offset.
    """
    conditions, bound = order.conditions, order.market.price_bound
    valid = not conditions.trail
    if order.is_trailing:
        by_trail = is_valid_trail(conditions.trail, bound)
        valid = by_trail and 0 <= conditions.activation_price <= bound
    takes_offset = order.is_trailing and order.order_type not in MARKETABLE and not order.price
    low, high = (1, bound) if takes_offset else (0, 0)
    if not valid or not low <= conditions.limit_offset <= high:
        raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)


# --- numbers --------------------------------------------------------------------------------------


def check_numbers(order: Order) -> None:
    """Reject a price or quantity out of range; a market order has no price, a stop may have one."""
    needs_none = order.order_type in MARKETABLE or order.conditions.limit_offset
    lowest = 0 if needs_none else 1
    highest = 0 if order.order_type == w.TYPE_MARKET else order.market.price_bound
    if not lowest <= order.price <= highest:
        raise Rejected(w.REASON_PRICE_OUT_OF_RANGE)
    if not order.conditions.quote_amount and not 0 < order.quantity <= order.market.quantity_bound:
        raise Rejected(w.REASON_QUANTITY_OUT_OF_RANGE)


def check_display(order: Order) -> None:
    """Reject a display quantity that makes no iceberg, or one of too many slices.

    Each slice is a turn of the matching loop, so their number bounds what one command can cost.
    """
    shown = order.conditions.display_quantity
    if not shown:
        return
    marketable = order.order_type in MARKETABLE
    if marketable or not can_rest(order) or not 0 < shown <= order.remaining:
        raise Rejected(w.REASON_INVALID_DISPLAY_QUANTITY)
    if shown * w.ICEBERG_SLICES_MAX < order.remaining:
        raise Rejected(w.REASON_INVALID_DISPLAY_QUANTITY)


def worst_price(order: Order) -> int:
    """Return what a stop-market buy may pay at most: a band above its trigger price.

    So much is held for it. The band is the collar that holds for market orders; without one, as
    much again as the trigger.
    """
    market, trigger_price = order.market, order.conditions.trigger_price
    ppm = market.limits.market_band_ppm or w.PPM
    return min(market.price_bound, trigger_price + trigger_price * ppm // w.PPM)


def order_price(order: Order) -> int:
    """Return an order's price: named, or made of its trigger price.

    A stop-market buy that names none gets its worst price, a trailing stop-limit one by its offset.
    """
    if order.conditions.limit_offset:
        return limit_from_trigger(order)
    if order.order_type in STOP_MARKETS and order.is_buy and not order.price:
        return worst_price(order)
    return order.price


# --- funds ----------------------------------------------------------------------------------------


def check_funds(state: State, order: Order, freed: int = 0) -> None:
    """Reject an order that its account can't pay; ``freed`` is held for what it replaces."""
    available = available_balance(state, order.account.number, order.pays_asset) + freed
    if order.order_type == w.TYPE_MARKET and order.is_buy:
        enough = can_pay_market_buy(state, order, available)
    else:
        enough = order_reserve(order, order.remaining) <= available
    if not enough:
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)


def can_pay_market_buy(state: State, order: Order, available: int) -> bool:
    """Whether a market buy could pay for all that it would meet.

    What it would meet after MEASURED_MAX levels is taken at the worst price that it may pay.
    """
    if order.conditions.quote_amount:
        return order.conditions.quote_amount <= available
    market, need = order.market, order.remaining
    limit = limit_price(order, current_reference(state, market))
    for met, price in enumerate(market.asks.prices()):
        if price > limit or not need:
            break
        if met == w.MEASURED_MAX:
            available -= need * limit * market.tick_units
            break
        lots, need = lots_met(order, market.asks.levels[price], need)
        available -= lots * price * market.tick_units
    return available >= 0


def lots_met(order: Order, level: list[Order], need: int) -> tuple[int, int]:
    """Return how many lots of a level a market buy pays for, and how many it needs after it.

    It pays nothing for an order of its own: each such meeting cancels that order, or ends it, or
    lessens what it needs; after others, so that it has enough wherever its own orders are.
    """
    account, mode = order.account, w.flags_stp(order.flags)
    by_group, total = w.flags_stp_by_group(order.flags), total_lots(level)
    own = own_lots(level, account, by_group=by_group) if mode else 0
    paid = min(need, total - own)
    if own and mode in (w.STP_CANCEL_TAKER, w.STP_CANCEL_BOTH):
        before = lots_before_own(level, account, by_group=by_group, beyond=total)
        return min(paid, before), 0
    need -= paid
    return paid, need - min(need, own) if mode == w.STP_DECREMENT else need
