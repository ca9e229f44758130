"""The state as the sections of a checkpoint, and back; the format is ``engine.checkpoint``'s.

Rows are in a canonical order, so equal states give equal bytes: assets, accounts and balances in
the order of their creation, orders as they are in their books, ids as remembered.
"""

import cython

from engine.checkpoint import SECTIONS
from engine.core.book import next_level
from engine.core.countdowns import schedule_countdown
from engine.core.definitions import derive_watch, make_market, make_tenant, prepare_market
from engine.core.funds import make_hold
from engine.core.ids import append_id, oldest_slot, read_placed
from engine.core.index import find_account, find_balance, find_market, open_account, open_balance
from engine.core.orders import enter_level, is_pending, make_conditions, make_order, register_order
from engine.core.records import (
    A_DEADLINE_MS,
    A_FEES,
    A_GROUP,
    A_HOLD_HEAD,
    A_NEXT,
    A_NUMBER,
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
    H_AMOUNT,
    H_ASSET,
    H_ID,
    H_NEXT,
    HEAD_CAPACITIES,
    ID_WORDS,
    L_HEAD,
    L_VISIBLE,
    M_AUCTION_UNTIL_MS,
    M_BASE,
    M_BOOKS,
    M_ORDER_EVENT,
    M_QUOTE,
    MARKET_LIST,
    MARKET_SAVED_WORDS,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_ACCOUNT_COUNT,
    S_ACCOUNT_HEAD,
    S_ASSET_COUNT,
    S_AUCTION_COUNT,
    S_BALANCE_COUNT,
    S_BALANCE_HEAD,
    S_HOLD_COUNT,
    S_ID_COUNT,
    S_MARKET_COUNT,
    S_ORDER_COUNT,
    S_SAVED_WORDS,
    S_SEQUENCE,
    TENANT_ORDERS_PER_MARKET,
    TENANTS,
    TIER_MAKER_PPM,
    TIER_SET,
    TIER_TAKER_PPM,
    TIER_WORDS,
)
from engine.core.store import Store, note_time, reserve_words
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    ASSET_MAX,
    CONDITIONS_COUNT,
    EVENT_LOW_MASK,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    SIDE_BUY,
    SIDE_MASK,
    TENANT_MAX,
    TIER_MAX,
)

# --- writing --------------------------------------------------------------------------------------


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
def account_tier(s: Store, account: cython.longlong) -> cython.longlong:
    """Return an account's fee tier."""
    tenant = s.m[account + A_NUMBER] >> ACCOUNT_TENANT_SHIFT
    return (s.m[account + A_FEES] - s.m[TENANTS + tenant]) // TIER_WORDS


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
    """Write the orders: by market, bids, asks, buy stops, sell stops; best and oldest first."""
    m = s.m
    for position in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + position]
        for side in range(4):
            level = m[market + M_BOOKS + side * BOOK_WORDS + B_BEST]
            while level:
                order = m[level + L_HEAD]
                while order != level:
                    write_order(s, order)
                    order = m[order + O_NEXT]
                level = next_level(s, level)
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
    write_word(s, m[order + O_QUANTITY])
    write_word(s, m[order + O_FILLED_QUOTE])
    write_word(s, m[order + O_ID_HIGH])
    write_word(s, m[order + O_ID_LOW])
    for index in range(CONDITIONS_COUNT):
        write_word(s, m[conditions + COND_FIRST + index] if conditions else 0)
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
    else:
        write_ids(s)
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
    }
    sections = {}
    for name, width in SECTIONS.items():
        words = reserve_words(rows[name] * width + 1)
        open_section(s, words)
        write_section(s, name)
        sections[name] = words[: s.end]
    return sections


# --- reading --------------------------------------------------------------------------------------


@cython.cfunc
def read_sections(s: Store, sections: dict) -> object:
    """Write the sections of a checkpoint into an empty engine."""
    m = s.m
    head = sections["head"]
    for index in range(S_SAVED_WORDS):
        m[S_SEQUENCE + index] = head[HEAD_CAPACITIES + index]
    note_time(s)
    read_definitions(s, sections)
    read_accounts(s, sections)
    read_markets(s, sections)
    for high, low, outcome, stamp_ms in rows_of(sections, "ids"):
        append_id(s, high, low, outcome, stamp_ms)
    read_orders(s, sections)
    return None


@cython.cfunc
def rows_of(sections: dict, name: str) -> object:
    """Return the rows of a section."""
    return zip(*[iter(sections[name])] * SECTIONS[name], strict=True)


@cython.cfunc
def read_definitions(s: Store, sections: dict) -> object:
    """Read assets and fee tiers."""
    m = s.m
    for row in rows_of(sections, "assets"):
        number = row[0]
        for index in range(ASSET_SAVED_WORDS):
            m[ASSETS + number * ASSET_WORDS + index] = row[1 + index]
        make_tenant(s, row[1])
        m[ASSET_LIST + m[S_ASSET_COUNT]] = number
        m[S_ASSET_COUNT] += 1
    for tenant, tier, maker_ppm, taker_ppm in rows_of(sections, "tiers"):
        fees = m[TENANTS + tenant] + tier * TIER_WORDS
        m[fees + TIER_MAKER_PPM] = maker_ppm
        m[fees + TIER_TAKER_PPM] = taker_ppm
        m[fees + TIER_SET] = 1
    for tenant, *limits in rows_of(sections, "tenants"):
        for index, limit in enumerate(limits):
            m[m[TENANTS + tenant] + TENANT_ORDERS_PER_MARKET + index] = limit
    derive_watch(s)
    return None


@cython.cfunc
def read_accounts(s: Store, sections: dict) -> object:
    """Read accounts, balances and holds."""
    m = s.m
    for number, tier, group, state, deadline_ms, rejections_ms in rows_of(sections, "accounts"):
        account = open_account(s, number)
        m[account + A_REJECTIONS_MS] = rejections_ms
        m[account + A_FEES] += tier * TIER_WORDS
        m[account + A_GROUP] = group
        m[account + A_STATE] = state
        m[account + A_DEADLINE_MS] = deadline_ms
        if deadline_ms:
            schedule_countdown(s, account)
    for number, asset, available, held in rows_of(sections, "balances"):
        balance = open_balance(s, find_account(s, number), asset)
        m[balance + BAL_AVAILABLE] = available
        m[balance + BAL_HELD] = held
    for number, hold_id, asset, amount in rows_of(sections, "holds"):
        make_hold(s, find_account(s, number), hold_id, asset, amount)
    return None


@cython.cfunc
def read_markets(s: Store, sections: dict) -> object:
    """Read the markets; the balances that their fees go to must be there."""
    for row in rows_of(sections, "markets"):
        market = make_market(s, row[0])
        for index in range(MARKET_SAVED_WORDS):
            s.m[market + index] = row[index]
        prepare_market(s, market)
        s.m[S_AUCTION_COUNT] += s.m[market + M_AUCTION_UNTIL_MS] != 0
    return None


@cython.cfunc
def read_orders(s: Store, sections: dict) -> object:
    """Read the orders into their books, then, oldest first, make them known."""
    known = []
    for row in rows_of(sections, "orders"):
        order = read_order(s, row)
        known.append((row[0], order))
        read_into_book(s, order, row[6])
    for _, order in sorted(known):
        register_order(s, order)
        read_placed(s, order)
    return None


@cython.cfunc
def read_order(s: Store, row: tuple) -> cython.longlong:
    """Return an order that is in no book yet."""
    m = s.m
    order = make_order(s)
    market = find_market(s, row[2])
    paid = m[market + M_QUOTE] if row[3] & SIDE_MASK == SIDE_BUY else m[market + M_BASE]
    m[order + O_ID] = row[0]
    m[order + O_BALANCE] = find_balance(s, find_account(s, row[1]), paid)
    m[order + O_FLAGS] = m[market + M_ORDER_EVENT] | row[3]
    m[order + O_PRICE] = row[4]
    m[order + O_REMAINING] = row[5]
    m[order + O_QUANTITY] = row[7]
    m[order + O_FILLED_QUOTE] = row[8]
    m[order + O_ID_HIGH] = row[9]
    m[order + O_ID_LOW] = row[10]
    m[order + O_CONDITIONS] = 0
    if any(row[11:]):
        conditions = make_conditions(s)
        m[order + O_CONDITIONS] = conditions
        for index in range(CONDITIONS_COUNT):
            m[conditions + COND_FIRST + index] = row[11 + index]
    return order


@cython.cfunc
@cython.exceptval(check=False)
def read_into_book(s: Store, order: cython.longlong, visible: cython.longlong) -> cython.longlong:
    """Put an order at the back of its level, showing what it showed."""
    m = s.m
    level = enter_level(s, order, is_pending(s, order))
    m[level + L_VISIBLE] += visible - m[order + O_VISIBLE]
    m[order + O_VISIBLE] = visible
    return 0
