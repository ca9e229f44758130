"""Auctions: the price that trades most, and the uncross at that price."""

import cython

from engine.core.book import book_of
from engine.core.breaker import count_auction
from engine.core.emit import touch_market
from engine.core.execution import execute_all_triggered
from engine.core.ledger import order_reserve, owner_of, value_of
from engine.core.matching import is_self_trade, prevent_waiting, update_filled_order
from engine.core.orders import end_other
from engine.core.records import (
    B_BEST,
    L_HEAD,
    L_HIGHER,
    L_LOWER,
    L_PRICE,
    L_TOTAL,
    M_CONFIRMED_PRICE,
    M_INDICATIVE_PRICE,
    M_INDICATIVE_QUANTITY,
    M_LAST_PRICE,
    M_LEAST_TRADED,
    M_ONE_BY_ONE_UNTIL_MS,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    M_TRAILING_COUNT,
    O_FLAGS,
    O_ID,
    O_VISIBLE,
    S_CHOICE_IMBALANCE,
    S_CHOICE_PRICE,
    S_CHOICE_QUANTITY,
)
from engine.core.reference_price import is_own_trade, note_volume, set_reference
from engine.core.settlement import settle_taker, settle_trade
from engine.core.stops import collect_triggered, confirm_price
from engine.core.store import Store, make_room
from engine.core.trailing import follow_price
from wire.layout import (
    CLOSE_ONE_CANCELS_OTHER,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_AUCTION,
    STATE_OPEN,
    STATE_POST_ONLY,
    STATUS_CANCELLED,
    STP_MASK,
    STP_SHIFT,
)


@cython.cfunc
@cython.exceptval(check=False)
def first_bid_level(s: Store, market: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Return the lowest level of bids at or above a price, or 0."""
    m = s.m
    level = m[book_of(market, SIDE_BUY) + B_BEST]
    found: cython.longlong = 0
    while level and m[level + L_PRICE] >= low:
        found = level
        level = m[level + L_LOWER]
    return found


@cython.cfunc
@cython.exceptval(check=False)
def is_better_choice(
    s: Store, market: cython.longlong, price: cython.longlong, imbalance: cython.longlong
) -> cython.bint:
    """Whether a price of the same quantity beats the best one found so far."""
    m = s.m
    if imbalance != m[S_CHOICE_IMBALANCE]:
        return imbalance < m[S_CHOICE_IMBALANCE]
    # Choices come in ascending order, so the lower price stays when both are as near.
    reference = m[market + M_REFERENCE_PRICE]
    chosen = m[S_CHOICE_PRICE]
    distance = price - reference if price > reference else reference - price
    least = chosen - reference if chosen > reference else reference - chosen
    return distance < least


@cython.cfunc
@cython.exceptval(check=False)
def compare_range(
    s: Store,
    market: cython.longlong,
    low: cython.longlong,
    high: cython.longlong,
    bid: cython.longlong,
    ask: cython.longlong,
) -> cython.longlong:
    """Compare the best price of a range, in which both quantities are constant, with the best."""
    m = s.m
    price = m[market + M_REFERENCE_PRICE]
    if price > high:
        price = high
    if price < low:
        price = low
    quantity = bid if bid < ask else ask
    imbalance = bid - ask if bid > ask else ask - bid
    better: cython.bint = quantity > m[S_CHOICE_QUANTITY]
    if quantity and quantity == m[S_CHOICE_QUANTITY]:
        better = is_better_choice(s, market, price, imbalance)
    if better:
        m[S_CHOICE_PRICE] = price
        m[S_CHOICE_QUANTITY] = quantity
        m[S_CHOICE_IMBALANCE] = imbalance
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def find_equilibrium(s: Store, market: cython.longlong) -> cython.longlong:
    """Find the price and quantity an uncross would have, 0 and 0 when nothing would trade.

    Most quantity first, then least imbalance, then nearest the reference price (the lowest
    without one), then the lower price. Each price with orders is compared, and each gap between
    two of them: in a gap the imbalance can be smaller than at either end.
    """
    m = s.m
    m[S_CHOICE_PRICE] = 0
    m[S_CHOICE_QUANTITY] = 0
    m[S_CHOICE_IMBALANCE] = 0
    ask_level = m[book_of(market, SIDE_SELL) + B_BEST]
    if not ask_level:
        return 0
    bid_level = first_bid_level(s, market, m[ask_level + L_PRICE])
    if not bid_level:
        return 0
    high = m[m[book_of(market, SIDE_BUY) + B_BEST] + L_PRICE]
    bid: cython.longlong = 0
    ask: cython.longlong = 0
    level = bid_level
    while level:
        bid += m[level + L_TOTAL]
        level = m[level + L_HIGHER]
    price = m[ask_level + L_PRICE]
    while True:
        if ask_level and m[ask_level + L_PRICE] == price:
            ask += m[ask_level + L_TOTAL]
            ask_level = m[ask_level + L_HIGHER]
        compare_range(s, market, price, price, bid, ask)
        if bid_level and m[bid_level + L_PRICE] == price:
            bid -= m[bid_level + L_TOTAL]
            bid_level = m[bid_level + L_HIGHER]
        following = high + 1
        if ask_level and m[ask_level + L_PRICE] < following:
            following = m[ask_level + L_PRICE]
        if bid_level and m[bid_level + L_PRICE] < following:
            following = m[bid_level + L_PRICE]
        if following > high:
            return 0
        if following > price + 1:
            compare_range(s, market, price + 1, following - 1, bid, ask)
        price = following


@cython.cfunc
@cython.exceptval(check=False)
def update_indicative(s: Store, market: cython.longlong) -> cython.longlong:
    """Update what an uncross would do now, and emit the market if that has changed."""
    m = s.m
    m[S_CHOICE_PRICE] = 0
    m[S_CHOICE_QUANTITY] = 0
    if m[market + M_STATE] == STATE_AUCTION:
        find_equilibrium(s, market)
    price, quantity = m[S_CHOICE_PRICE], m[S_CHOICE_QUANTITY]
    if price != m[market + M_INDICATIVE_PRICE] or quantity != m[market + M_INDICATIVE_QUANTITY]:
        m[market + M_INDICATIVE_PRICE] = price
        m[market + M_INDICATIVE_QUANTITY] = quantity
        touch_market(s, market)
    return 0


@cython.cfunc
def uncross(s: Store, market: cython.longlong) -> cython.longlong:
    """Trade everything that can trade, at the equilibrium price; return its value."""
    m = s.m
    tick_units = m[market + M_TICK_UNITS]
    lots: cython.longlong = 0
    value: cython.longlong = 0
    find_equilibrium(s, market)
    while m[S_CHOICE_PRICE]:
        price = m[S_CHOICE_PRICE]
        traded = uncross_at(s, market, price)
        if traded:
            quote_units = value_of(price, tick_units, traded)
            m[market + M_LAST_PRICE] = price
            changed: cython.bint = confirm_price(s, market, price, traded, quote_units)
            if changed and m[market + M_TRAILING_COUNT]:
                follow_price(s, market)
            lots += traded
            value += quote_units
        find_equilibrium(s, market)
    if value >= m[market + M_LEAST_TRADED]:
        set_reference(s, market, value // (lots * tick_units))
    else:
        note_volume(s, market, lots, value)
    return value


@cython.cfunc
def uncross_at(s: Store, market: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Trade what can trade at a price; return how many lots had two owners."""
    m = s.m
    bids, asks = book_of(market, SIDE_BUY), book_of(market, SIDE_SELL)
    traded: cython.longlong = 0
    begun: cython.bint = False
    while True:
        bid_level, ask_level = m[bids + B_BEST], m[asks + B_BEST]
        if not bid_level or not ask_level:
            return traded
        if m[bid_level + L_PRICE] < price or m[ask_level + L_PRICE] > price:
            return traded
        maker, taker = m[bid_level + L_HEAD], m[ask_level + L_HEAD]
        lots = m[maker + O_VISIBLE]
        if m[taker + O_VISIBLE] < lots:
            lots = m[taker + O_VISIBLE]
        if m[taker + O_ID] < m[maker + O_ID]:
            maker, taker = taker, maker
        flags = m[taker + O_FLAGS]
        if flags >> STP_SHIFT & STP_MASK and is_self_trade(s, taker, maker):
            prevent_waiting(s, taker, maker)
            if not begun:
                return 0
            continue
        begun = True
        end_other(s, maker, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
        end_other(s, taker, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
        make_room(s)
        taker_account, maker_account = owner_of(s, taker), owner_of(s, maker)
        if not is_own_trade(s, taker_account, maker_account):
            traded += lots
        side = flags & SIDE_MASK
        held = order_reserve(s, taker, lots)
        settle_trade(s, market, maker, taker, maker_account, taker_account, side, price, lots, True)
        settle_taker(s, market, taker, held)
        update_filled_order(s, maker, lots, 0)
        update_filled_order(s, taker, lots, 1)


@cython.cfunc
def change_state(s: Store, market: cython.longlong, state: cython.longlong) -> cython.longlong:
    """Enter a state; a book that collected crossing orders is uncrossed before it trades."""
    m = s.m
    touch_market(s, market)
    traded: cython.longlong = 0
    if state == STATE_OPEN or state == STATE_POST_ONLY:
        traded = uncross(s, market)
    m[market + M_STATE] = state
    count_auction(s, market, traded)
    update_indicative(s, market)
    m[market + M_ONE_BY_ONE_UNTIL_MS] = 0
    if state == STATE_OPEN and m[market + M_CONFIRMED_PRICE]:
        collect_triggered(s, market)
    execute_all_triggered(s)
    return 0
