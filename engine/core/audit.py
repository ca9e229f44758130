"""The full check: everything that must hold after every command, by adding it all up again."""

import cython

from engine.core.book import book_of, find_level
from engine.core.index import find_balance, find_order
from engine.core.ledger import order_reserve
from engine.core.records import (
    A_HOLD_HEAD,
    A_NEXT,
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
    BOOK_WORDS,
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
    L_VISIBLE,
    M_BOOKS,
    M_STATE,
    MARKET_LIST,
    O_BALANCE,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PREVIOUS,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_ACCOUNT_HEAD,
    S_ASSET_COUNT,
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
from engine.errors import InvariantViolation
from wire.layout import ASSET_MAX, SIDE_BUY, SIDE_SELL, TRADING_STATES


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
        for side in range(4):
            orders += audit_book(s, market + M_BOOKS + side * BOOK_WORDS, needed, payers)
        bid, ask = m[book_of(market, SIDE_BUY) + B_BEST], m[book_of(market, SIDE_SELL) + B_BEST]
        trades = TRADING_STATES >> m[market + M_STATE] & 1
        crossed = bid and ask and m[bid + L_PRICE] >= m[ask + L_PRICE]
        require(not (trades and crossed), f"market {m[market]}: the book is crossed")
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
        needed[balance] = needed.get(balance, 0) + order_reserve(s, order, m[order + O_REMAINING])
        payers[balance] = payers.get(balance, 0) + 1
        count += 1
        previous = order
        order = m[order + O_NEXT]
    require(m[level + L_TAIL] == previous, "the tail is not the last order")
    require(m[level + L_VISIBLE] == visible, "a level is not the sum of what its orders show")
    require(m[level + L_TOTAL] == total, "a level is not the sum of its orders")
    return count


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
