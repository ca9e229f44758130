"""The full check: everything that must hold after every command, by adding it all up again."""

import cython

from engine.core.book import book_of, find_level, next_level
from engine.core.index import find_balance, find_order
from engine.core.ledger import extra_reserve, market_of, order_reserve, other_of
from engine.core.melds import goes_before
from engine.core.orders import awaits_entry, list_of
from engine.core.records import (
    A_HOLD_HEAD,
    A_NEXT,
    A_ORDER_HEAD,
    ASSET_DRIFT,
    ASSET_LIST,
    ASSET_SUPPLY,
    ASSET_WORDS,
    ASSETS,
    B_BEST,
    B_BEST_IS_HIGHEST,
    B_HIGHEST,
    B_LOWEST,
    B_ORDER_COUNT,
    BAL_AVAILABLE,
    BAL_EVENT,
    BAL_HELD,
    BAL_NEXT,
    BALANCE_ORDERS_BITS,
    BALANCE_ORDERS_MASK,
    BOOK_PPM,
    BOOK_TICKS,
    BOOK_WORDS,
    COND_EXIT,
    COND_TRAIL,
    H_ACCOUNT,
    H_AMOUNT,
    H_ASSET,
    H_NEXT,
    L_HEAD,
    L_HIGHER,
    L_LOWER,
    L_PRICE,
    L_TAIL,
    L_TOTAL,
    L_TRAIL_ROOT,
    L_TRIGGER,
    L_VISIBLE,
    M_BOOKS,
    M_CONFIRMED_PRICE,
    M_STATE,
    M_TRAILING,
    MARKET_BOOKS,
    MARKET_LIST,
    MELD_LEFT,
    MELD_PARENT,
    MELD_RIGHT,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_CONDITIONS,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PREVIOUS,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_ACCOUNT_HEAD,
    S_ASSET_COUNT,
    S_AWAITING,
    S_BALANCE_HEAD,
    S_MARKET_COUNT,
    S_ORDER_COUNT,
    S_VIOLATION,
    VIOLATION_CROSSED,
    VIOLATION_HELD,
    VIOLATION_LEVEL,
    VIOLATION_NEGATIVE,
)
from engine.core.store import Store
from engine.core.trailing import is_nearer, trigger_from
from engine.errors import InvariantViolation
from wire.layout import ASSET_MAX, SIDE_BOTH, SIDE_BUY, SIDE_SELL, TRADING_STATES


@cython.cfunc
def require(holds: cython.bint, rule: str) -> object:
    """Raise InvariantViolation unless a rule holds."""
    if not holds:
        raise InvariantViolation(rule)
    return None


@cython.ccall
def audit(s: Store) -> object:
    """Raise InvariantViolation for the first rule that does not hold."""
    m = s.m
    needed: dict = {}
    payers: dict = {}
    orders: cython.longlong = 0
    for position in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + position]
        for side in range(MARKET_BOOKS):
            orders += audit_book(s, market + M_BOOKS + side * BOOK_WORDS, needed, payers)
        audit_trails(s, market, SIDE_BUY)
        audit_trails(s, market, SIDE_SELL)
        bid, ask = m[book_of(market, SIDE_BUY) + B_BEST], m[book_of(market, SIDE_SELL) + B_BEST]
        trades = TRADING_STATES >> m[market + M_STATE] & 1
        crossed = bid and ask and m[bid + L_PRICE] >= m[ask + L_PRICE]
        require(not (trades and crossed), f"market {m[market]}: the book is crossed")
    orders += audit_awaiting(s, payers)
    require(orders == m[S_ORDER_COUNT], "orders in books are not the orders known")
    account = m[S_ACCOUNT_HEAD]
    while account:
        found = m[account + A_HOLD_HEAD]
        while found:
            balance = find_balance(s, m[found + H_ACCOUNT], m[found + H_ASSET])
            needed[balance] = needed.get(balance, 0) + m[found + H_AMOUNT]
            found = m[found + H_NEXT]
        account = m[account + A_NEXT]
    audit_balances(s, needed, payers)
    return None


@cython.cfunc
def audit_book(s: Store, book: cython.longlong, needed: dict, payers: dict) -> cython.longlong:
    """Check a book's levels and links, add up what its orders need, return how many they are."""
    m = s.m
    count: cython.longlong = 0
    level = m[book + B_LOWEST]
    below: cython.longlong = 0
    while level:
        require(m[level + L_LOWER] == below, "levels are linked wrongly")
        require(not below or m[below + L_PRICE] < m[level + L_PRICE], "levels are out of order")
        require(find_level(s, book, m[level + L_PRICE]) == level, "a level can't be found")
        count += audit_level(s, level, needed, payers)
        below = level
        level = m[level + L_HIGHER]
    require(m[book + B_HIGHEST] == below, "the highest level is not the last")
    best = m[book + B_HIGHEST] if m[book + B_BEST_IS_HIGHEST] else m[book + B_LOWEST]
    require(m[book + B_BEST] == best, "the best level is not the best")
    require(m[book + B_ORDER_COUNT] == count, "a book's count is not its orders")
    return count


@cython.cfunc
def audit_level(s: Store, level: cython.longlong, needed: dict, payers: dict) -> cython.longlong:
    """Check a level's queue and sums, add up what its orders need, return how many they are."""
    m = s.m
    count: cython.longlong = 0
    visible: cython.longlong = 0
    total: cython.longlong = 0
    previous = level
    order = m[level + L_HEAD]
    require(order != level, "a level is empty")
    while order != level:
        require(m[order + O_PREVIOUS] == previous, "orders are linked wrongly")
        require(
            m[order + O_LEVEL] == level, "an order refers to another level than the one it is in"
        )
        require(find_order(s, m[order + O_ID]) == order, "an order can't be found")
        shown = m[order + O_VISIBLE]
        require(0 < shown <= m[order + O_REMAINING] <= m[order + O_QUANTITY], "bad quantities")
        visible += shown
        total += m[order + O_REMAINING]
        balance = m[order + O_BALANCE]
        needed[balance] = needed.get(balance, 0) + audit_list(s, order)
        payers[balance] = payers.get(balance, 0) + 1
        count += 1
        previous = order
        order = m[order + O_NEXT]
    require(m[level + L_TAIL] == previous, "the tail is not the last order")
    require(m[level + L_VISIBLE] == visible, "a level is not the sum of what its orders show")
    require(m[level + L_TOTAL] == total, "a level is not the sum of its orders")
    return count


@cython.cfunc
def audit_trails(s: Store, market: cython.longlong, side: cython.longlong) -> object:
    """Check the heaps of a side that trails: all that trail are in them, each behind its parent."""
    m = s.m
    levels: cython.longlong = 0
    orders: cython.longlong = 0
    for book in (BOOK_TICKS, BOOK_TICKS + BOOK_PPM):
        level = m[book_of(market, side) + book + B_BEST]
        orders += m[book_of(market, side) + book + B_ORDER_COUNT]
        while level:
            levels += 1
            orders -= audit_heap(s, SIDE_BOTH, m[level + L_TRAIL_ROOT])
            trail, extreme = m[m[level + L_TRAIL_ROOT] + COND_TRAIL], m[level + L_PRICE]
            first = trigger_from(side, trail, extreme)
            require(m[level + L_TRIGGER] == first, "a level has another first trigger price")
            behind: cython.bint = is_nearer(side, m[market + M_CONFIRMED_PRICE], extreme)
            require(not behind, "an extreme has not followed the price")
            level = next_level(s, level)
    require(not orders, "orders that trail are not those in the heaps of their levels")
    indexed = audit_heap(s, side, m[market + M_TRAILING + side - SIDE_BUY])
    require(indexed == levels, "levels that trail are not those in the heap of their side")
    return None


@cython.cfunc
def audit_heap(s: Store, side: cython.longlong, root: cython.longlong) -> cython.longlong:
    """Check that a heap's entries are in order and know their parents; return how many they are."""
    m = s.m
    if not root:
        return 0
    require(m[root + MELD_PARENT] == 0, "the first entry of a heap has a parent")
    waiting: list = [root]
    count: cython.longlong = 0
    while waiting:
        entry: cython.longlong = waiting.pop()
        count += 1
        for link in (MELD_LEFT, MELD_RIGHT):
            child = m[entry + link]
            if child:
                require(m[child + MELD_PARENT] == entry, "an entry of a heap has another parent")
                require(not goes_before(s, side, child, entry), "a heap is out of order")
                waiting.append(child)
    return count


@cython.cfunc
def audit_awaiting(s: Store, payers: dict) -> cython.longlong:
    """Check the exits that wait for their entry, count who would pay, return how many they are."""
    m = s.m
    count: cython.longlong = 0
    account = m[S_ACCOUNT_HEAD]
    while account:
        order = m[account + A_ORDER_HEAD]
        while order != account:
            awaits = awaits_entry(s, order)
            require(awaits == (m[order + O_LEVEL] == 0), "an order is in no book")
            if awaits:
                audit_list(s, order)
                entry, other = find_order(s, list_of(s, order)), other_of(s, order)
                first = m[m[entry + O_CONDITIONS] + COND_EXIT] if entry else 0
                require(first and first in (order, other), "an exit waits for no entry")
                balance = m[order + O_BALANCE]
                payers[balance] = payers.get(balance, 0) + 1
                count += 1
            order = m[order + O_ACCOUNT_NEXT]
        account = m[account + A_NEXT]
    require(count == m[S_AWAITING], "the count of exits that wait for their entry is wrong")
    return count


@cython.cfunc
def audit_list(s: Store, order: cython.longlong) -> cython.longlong:
    """Check that the orders of a list know each other; return what one adds to what is held."""
    m = s.m
    other = other_of(s, order)
    first = m[m[order + O_CONDITIONS] + COND_EXIT]
    waits: cython.bint = first and awaits_entry(s, first) and list_of(s, first) == m[order + O_ID]
    require(not first or waits, "exits do not wait for their entry")
    if not other:
        return order_reserve(s, order, m[order + O_REMAINING])
    require(other_of(s, other) == order, "orders of a list do not know each other")
    require(find_order(s, m[other + O_ID]) == other, "the other order of a list can't be found")
    require(list_of(s, other) == list_of(s, order) != 0, "two orders are of different lists")
    require(m[other + O_BALANCE] == m[order + O_BALANCE], "two orders of a list pay otherwise")
    require(m[other + O_REMAINING] == m[order + O_REMAINING], "two orders of a list differ")
    require(market_of(s, other) == market_of(s, order), "two orders of a list are in two markets")
    require(awaits_entry(s, other) == awaits_entry(s, order), "one of two exits waits")
    # The larger need is held: all of one, and what the other adds.
    if m[other + O_ID] < m[order + O_ID]:
        return extra_reserve(s, order)
    return order_reserve(s, order, m[order + O_REMAINING])


@cython.cfunc
def audit_balances(s: Store, needed: dict, payers: dict) -> object:
    """Check that nothing is negative, lost or made, and that what is held is what is needed."""
    m = s.m
    sums: dict = {}
    balance = m[S_BALANCE_HEAD]
    while balance:
        available, held = m[balance + BAL_AVAILABLE], m[balance + BAL_HELD]
        require(available >= 0 and held >= 0, "a balance is negative")
        require(held == needed.get(balance, 0), "held is not what open orders and holds need")
        paying = m[balance + BAL_NEXT] & BALANCE_ORDERS_MASK
        require(paying == payers.get(balance, 0), "a balance's count is not its orders")
        asset = m[balance + BAL_EVENT] & ASSET_MAX
        sums[asset] = sums.get(asset, 0) + available + held
        balance = m[balance + BAL_NEXT] >> BALANCE_ORDERS_BITS
    for position in range(m[S_ASSET_COUNT]):
        asset = m[ASSET_LIST + position]
        supply = m[ASSETS + asset * ASSET_WORDS + ASSET_SUPPLY]
        require(sums.get(asset, 0) == supply, f"asset {asset}: balances are not the supply")
    return None


@cython.ccall
def audit_batch(s: Store) -> object:
    """Raise InvariantViolation when the batch has broken a rule.

    This costs next to nothing: gains and losses were added up as balances changed, and the rest was
    checked where it was at hand: each balance when it is written, the best prices when an order
    joins them (a plain limit order has just been compared with them), a level when its last order
    leaves, what is held when an account's last order leaves.
    """
    m = s.m
    broken = m[S_VIOLATION]
    require(not broken & VIOLATION_NEGATIVE, "a balance, or what an order was filled, was negative")
    require(not broken & VIOLATION_LEVEL, "a level without orders had a quantity")
    require(not broken & VIOLATION_CROSSED, "a book that trades was crossed")
    require(not broken & VIOLATION_HELD, "money was held for an account without orders and holds")
    for position in range(m[S_ASSET_COUNT]):
        asset = m[ASSET_LIST + position]
        drift = m[ASSETS + asset * ASSET_WORDS + ASSET_DRIFT]
        require(not drift, f"asset {asset}: balances have gained {drift} without a deposit")
    return None
