"""Auctions: the price that trades most, and the uncross at that price."""

import cython

from engine.core.book import book_of
from engine.core.emit import touch_market
from engine.core.execution import execute_all_triggered
from engine.core.ledger import order_reserve
from engine.core.matching import update_filled_order
from engine.core.records import (
    B_BEST,
    L_HEAD,
    L_HIGHER,
    L_LOWER,
    L_PRICE,
    L_TOTAL,
    M_INDICATIVE_PRICE,
    M_INDICATIVE_QUANTITY,
    M_LAST_PRICE,
    M_REFERENCE_INTERVAL_MS,
    M_REFERENCE_PRICE,
    M_REFERENCE_UNTIL_MS,
    M_STATE,
    O_FLAGS,
    O_ID,
    O_VISIBLE,
    S_CHOICE_IMBALANCE,
    S_CHOICE_PRICE,
    S_CHOICE_QUANTITY,
    S_TIME_MS,
)
from engine.core.settlement import settle_taker, settle_trade
from engine.core.stops import collect_triggered
from engine.core.store import Store
from wire.layout import SIDE_BUY, SIDE_MASK, SIDE_SELL, STATE_AUCTION, STATE_OPEN, STATE_POST_ONLY


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
    """Trade everything that can trade at the equilibrium price."""
    m = s.m
    find_equilibrium(s, market)
    price = m[S_CHOICE_PRICE]
    if not price:
        return 0
    bids, asks = book_of(market, SIDE_BUY), book_of(market, SIDE_SELL)
    while True:
        bid_level, ask_level = m[bids + B_BEST], m[asks + B_BEST]
        if not bid_level or not ask_level:
            break
        if m[bid_level + L_PRICE] < price or m[ask_level + L_PRICE] > price:
            break
        maker, taker = m[bid_level + L_HEAD], m[ask_level + L_HEAD]
        lots = m[maker + O_VISIBLE]
        if m[taker + O_VISIBLE] < lots:
            lots = m[taker + O_VISIBLE]
        if m[taker + O_ID] < m[maker + O_ID]:
            maker, taker = taker, maker
        side = m[taker + O_FLAGS] & SIDE_MASK
        held = order_reserve(s, taker, lots)
        settle_trade(s, market, maker, taker, side, price, lots, True)
        settle_taker(s, market, taker, held)
        update_filled_order(s, maker, lots, 0)
        update_filled_order(s, taker, lots, 1)
    m[market + M_LAST_PRICE] = price
    set_reference(s, market, price)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_reference(s: Store, market: cython.longlong, reference: cython.longlong) -> cython.longlong:
    """Set the reference price and when it may follow the last price again."""
    m = s.m
    m[market + M_REFERENCE_PRICE] = reference
    m[market + M_REFERENCE_UNTIL_MS] = m[S_TIME_MS] + m[market + M_REFERENCE_INTERVAL_MS]
    return 0


@cython.cfunc
def change_state(s: Store, market: cython.longlong, state: cython.longlong) -> cython.longlong:
    """Enter a state; a book that collected crossing orders is uncrossed before it trades."""
    m = s.m
    touch_market(s, market)
    if state == STATE_OPEN or state == STATE_POST_ONLY:
        uncross(s, market)
    m[market + M_STATE] = state
    update_indicative(s, market)
    if state == STATE_OPEN and m[market + M_LAST_PRICE]:
        collect_triggered(s, market)
        execute_all_triggered(s)
    return 0
