"""The state as the sections of a checkpoint; the format is ``engine.checkpoint``'s.

Rows are in a canonical order, so equal states give equal bytes: assets, accounts and balances in
the order of their creation, orders as they are in their books, ids as remembered.
"""

import cython

from engine.checkpoint import SECTIONS
from engine.core.accounts import account_tier
from engine.core.book import next_level
from engine.core.ids import oldest_slot
from engine.core.records import (
    A_DEADLINE_MS,
    A_GROUP,
    A_HOLD_HEAD,
    A_NEXT,
    A_NUMBER,
    A_ORDER_HEAD,
    A_REJECTIONS_MS,
    A_STATE,
    ASSET_LIST,
    ASSET_SAVED_WORDS,
    ASSET_WORDS,
    ASSETS,
    B_BEST,
    BAL_AVAILABLE,
    BAL_EVENT,
    BAL_HELD,
    BAL_NEXT,
    BAL_NUMBER,
    BALANCE_ORDERS_BITS,
    BOOK_WORDS,
    COND_FIRST,
    COND_LIST_ID,
    H_AMOUNT,
    H_ASSET,
    H_ID,
    H_NEXT,
    ID_WORDS,
    L_HEAD,
    M_BOOKS,
    MARKET_BOOKS,
    MARKET_LIST,
    MARKET_SAVED_WORDS,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_CONDITIONS,
    O_FLAGS,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_ACCOUNT_COUNT,
    S_ACCOUNT_HEAD,
    S_ASSET_COUNT,
    S_AWAITING,
    S_BALANCE_COUNT,
    S_BALANCE_HEAD,
    S_HOLD_COUNT,
    S_ID_COUNT,
    S_MARKET_COUNT,
    S_ORDER_COUNT,
    S_SAVED_WORDS,
    S_SEQUENCE,
    S_STAGED,
    S_STAGED_COUNT,
    S_STAGED_SEQUENCE,
    TENANT_ORDERS_PER_MARKET,
    TENANTS,
    TIER_MAKER_PPM,
    TIER_SET,
    TIER_TAKER_PPM,
    TIER_WORDS,
)
from engine.core.store import Store, reserve_words
from engine.core.trailing import extreme_of
from wire.layout import (
    ASSET_MAX,
    COMMAND_LENGTH,
    CONDITIONS_COUNT,
    EVENT_LOW_MASK,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    TENANT_MAX,
    TIER_MAX,
    TRAIL_COUNT,
)


@cython.cfunc
def open_section(s: Store, words: object) -> cython.longlong:
    """Aim the output at a section's memory."""
    if cython.compiled:
        view: cython.long[::1] = words
        s.out = cython.address(view[0])
    else:
        s.out = words
    s.end = 0
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_word(s: Store, word: cython.longlong) -> cython.longlong:
    """Put one word into the section being written."""
    s.out[s.end] = word
    s.end += 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_words(s: Store, first: cython.longlong, count: cython.longlong) -> cython.longlong:
    """Put consecutive words of the memory into the section being written."""
    for index in range(count):
        write_word(s, s.m[first + index])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_head(s: Store) -> cython.longlong:
    """Write capacities and counters."""
    write_word(s, s.capacity_orders)
    write_word(s, s.capacity_accounts)
    write_word(s, s.capacity_balances)
    write_word(s, s.capacity_holds)
    write_word(s, s.capacity_ids)
    write_words(s, S_SEQUENCE, S_SAVED_WORDS)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_assets(s: Store) -> cython.longlong:
    """Write the assets, in order of definition."""
    m = s.m
    for position in range(m[S_ASSET_COUNT]):
        write_word(s, m[ASSET_LIST + position])
        write_words(s, ASSETS + m[ASSET_LIST + position] * ASSET_WORDS, ASSET_SAVED_WORDS)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_tiers(s: Store) -> cython.longlong:
    """Write the fee tiers that are set."""
    for tenant in range(TENANT_MAX + 1):
        if s.m[TENANTS + tenant]:
            write_tenant_tiers(s, tenant)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_tenant_tiers(s: Store, tenant: cython.longlong) -> cython.longlong:
    """Write a tenant's tiers."""
    for tier in range(TIER_MAX + 1):
        row = s.m[TENANTS + tenant] + tier * TIER_WORDS
        if s.m[row + TIER_SET]:
            write_word(s, tenant)
            write_word(s, tier)
            write_word(s, s.m[row + TIER_MAKER_PPM])
            write_word(s, s.m[row + TIER_TAKER_PPM])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_tenants(s: Store) -> cython.longlong:
    """Write the limits of tenants that have any."""
    m = s.m
    for tenant in range(TENANT_MAX + 1):
        limits = m[TENANTS + tenant] + TENANT_ORDERS_PER_MARKET
        if m[TENANTS + tenant] and m[limits] | m[limits + 1] | m[limits + 2]:
            write_word(s, tenant)
            write_words(s, limits, 3)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_markets(s: Store) -> cython.longlong:
    """Write the markets, by number."""
    m = s.m
    for position in range(m[S_MARKET_COUNT]):
        write_words(s, m[MARKET_LIST + position], MARKET_SAVED_WORDS)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_accounts(s: Store) -> cython.longlong:
    """Write the accounts, in the order of their creation."""
    m = s.m
    account = m[S_ACCOUNT_HEAD]
    while account:
        write_word(s, m[account + A_NUMBER])
        write_word(s, account_tier(s, account))
        write_word(s, m[account + A_GROUP])
        write_word(s, m[account + A_STATE])
        write_word(s, m[account + A_DEADLINE_MS])
        write_word(s, m[account + A_REJECTIONS_MS])
        account = m[account + A_NEXT]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_balances(s: Store) -> cython.longlong:
    """Write the balances, in the order of their creation."""
    m = s.m
    balance = m[S_BALANCE_HEAD]
    while balance:
        write_word(s, m[balance + BAL_NUMBER])
        write_word(s, m[balance + BAL_EVENT] & ASSET_MAX)
        write_word(s, m[balance + BAL_AVAILABLE])
        write_word(s, m[balance + BAL_HELD])
        balance = m[balance + BAL_NEXT] >> BALANCE_ORDERS_BITS
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_holds(s: Store) -> cython.longlong:
    """Write the holds, account by account."""
    m = s.m
    account = m[S_ACCOUNT_HEAD]
    while account:
        hold = m[account + A_HOLD_HEAD]
        while hold:
            write_word(s, m[account + A_NUMBER])
            write_word(s, m[hold + H_ID])
            write_word(s, m[hold + H_ASSET])
            write_word(s, m[hold + H_AMOUNT])
            hold = m[hold + H_NEXT]
        account = m[account + A_NEXT]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_orders(s: Store) -> cython.longlong:
    """Write the orders: by market and book, best first; oldest first where all is equal."""
    m = s.m
    for position in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + position]
        for side in range(MARKET_BOOKS):
            level = m[market + M_BOOKS + side * BOOK_WORDS + B_BEST]
            while level:
                order = m[level + L_HEAD]
                while order != level:
                    write_order(s, order)
                    order = m[order + O_NEXT]
                level = next_level(s, level)
    if m[S_AWAITING]:
        write_awaiting(s)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_awaiting(s: Store) -> cython.longlong:
    """Write the exits that wait for their entry, account by account, by id."""
    m = s.m
    account = m[S_ACCOUNT_HEAD]
    while account:
        order = m[account + A_ORDER_HEAD]
        while order != account:
            if not m[order + O_LEVEL]:
                write_order(s, order)
            order = m[order + O_ACCOUNT_NEXT]
        account = m[account + A_NEXT]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Write one order."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    write_word(s, m[order + O_ID])
    write_word(s, m[m[order + O_BALANCE] + BAL_NUMBER])
    write_word(s, m[order + O_FLAGS] >> EVENT_MARKET_SHIFT & MARKET_MAX)
    write_word(s, m[order + O_FLAGS] & EVENT_LOW_MASK)
    write_word(s, m[order + O_PRICE])
    write_word(s, m[order + O_REMAINING])
    write_word(s, m[order + O_VISIBLE])
    write_words(s, order + O_QUANTITY, 4)  # and what it was filled, and its command's id
    for index in range(CONDITIONS_COUNT + TRAIL_COUNT):
        write_word(s, m[conditions + COND_FIRST + index] if conditions else 0)
    write_word(s, extreme_of(s, order) if conditions else 0)
    write_word(s, m[conditions + COND_LIST_ID])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def write_ids(s: Store) -> cython.longlong:
    """Write the remembered ids, oldest first."""
    m = s.m
    position = oldest_slot(s)
    for _ in range(m[S_ID_COUNT]):
        write_words(s, s.ids + position * ID_WORDS, ID_WORDS)
        position = position + 1 if position + 1 < s.capacity_ids else 0
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def staged_count(s: Store) -> cython.longlong:
    """Return how many commands are staged, if the last of them was the last that was decided."""
    m = s.m
    return m[S_STAGED_COUNT] if m[S_STAGED_SEQUENCE] == m[S_SEQUENCE] else 0


@cython.cfunc
def write_section(s: Store, name: str) -> object:
    """Write the section of that name where the output is aimed."""
    if name == "head":
        write_head(s)
    elif name == "assets":
        write_assets(s)
    elif name == "tiers":
        write_tiers(s)
    elif name == "tenants":
        write_tenants(s)
    elif name == "markets":
        write_markets(s)
    elif name == "accounts":
        write_accounts(s)
    elif name == "balances":
        write_balances(s)
    elif name == "holds":
        write_holds(s)
    elif name == "orders":
        write_orders(s)
    elif name == "ids":
        write_ids(s)
    else:
        write_words(s, S_STAGED, staged_count(s) * COMMAND_LENGTH)
    return None


@cython.ccall
def write_sections(s: Store) -> dict:
    """Return all sections."""
    m = s.m
    tiers = m[S_ASSET_COUNT] * (TIER_MAX + 1)  # a tenant has at least one asset
    rows = {
        "head": 1,
        "assets": m[S_ASSET_COUNT],
        "tiers": tiers,
        "tenants": m[S_ASSET_COUNT],
        "markets": m[S_MARKET_COUNT],
        "accounts": m[S_ACCOUNT_COUNT],
        "balances": m[S_BALANCE_COUNT],
        "holds": m[S_HOLD_COUNT],
        "orders": m[S_ORDER_COUNT],
        "ids": m[S_ID_COUNT],
        "staged": staged_count(s),
    }
    sections = {}
    for name, width in SECTIONS.items():
        words = reserve_words(rows[name] * width + 1)
        open_section(s, words)
        write_section(s, name)
        sections[name] = words[: s.end]
    return sections
