"""The state as the sections of a snapshot, and back; the format is ``engine.snapshot``'s.

Rows are in a canonical order, so equal states give equal bytes: assets, accounts and balances in
the order in which they came to be, orders as they stand in their books, ids as remembered.
"""

import cython

from engine.core.book import next_level
from engine.core.countdown import schedule_countdown
from engine.core.funds import make_hold
from engine.core.index import find_account, find_balance, open_account, open_balance, remember_id
from engine.core.orders import enter_level, is_pending, make_order, make_rare, register_order
from engine.core.records import (
    A_DEADLINE_MS,
    A_FEES,
    A_GROUP,
    A_HOLD_HEAD,
    A_NEXT,
    A_NUMBER,
    A_STATE,
    A_TIER,
    ASSET_LIST,
    ASSETS,
    B_BEST,
    BAL_AVAILABLE,
    BAL_EVENT,
    BAL_HELD,
    BAL_NEXT,
    BAL_NUMBER,
    BOOK_WORDS,
    COIN_WORDS,
    H_ASSET,
    H_ID,
    H_NEXT,
    ID_WORDS,
    L_HEAD,
    L_VISIBLE,
    M_BASE,
    M_BOOKS,
    M_INDICATIVE_QUANTITY,
    M_ORDER_EVENT,
    M_QUOTE,
    MARKET_LIST,
    O_BALANCE,
    O_ID,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_RARE,
    O_REMAINING,
    O_TERMS,
    O_VISIBLE,
    S_ACCOUNT_COUNT,
    S_ACCOUNT_HEAD,
    S_ASSET_COUNT,
    S_BALANCE_COUNT,
    S_BALANCE_HEAD,
    S_HOLD_COUNT,
    S_HORIZON_MS,
    S_ID_COUNT,
    S_ID_NEXT,
    S_MARKET_COUNT,
    S_ORDER_COUNT,
    S_SEQUENCE,
    TENANTS,
    TIER_MAKER_PPM,
    TIER_SET,
    TIER_TAKER_PPM,
    TIER_WORDS,
    X_DISPLAY_QUANTITY,
    X_EXPIRE_MS,
    X_TRIGGER_PRICE,
)
from engine.core.refusing import market_at
from engine.core.settings import make_market, make_tenant, prepare_market
from engine.core.store import Store, note_time, reserve_words
from engine.snapshot import SECTIONS
from wire.layout import (
    ASSET_MAX,
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
def section_of(s: Store, words: object) -> cython.longlong:
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
def put_word(s: Store, word: cython.longlong) -> cython.longlong:
    """Put one word into the section being written."""
    s.out[s.end] = word
    s.end += 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def put_words(s: Store, first: cython.longlong, count: cython.longlong) -> cython.longlong:
    """Put consecutive words of the memory into the section being written."""
    for index in range(count):
        put_word(s, s.m[first + index])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_head(s: Store) -> cython.longlong:
    """Write capacities and counters."""
    put_word(s, s.capacity_orders)
    put_word(s, s.capacity_accounts)
    put_word(s, s.capacity_balances)
    put_word(s, s.capacity_holds)
    put_word(s, s.capacity_ids)
    put_words(s, S_SEQUENCE, 10)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_settings(s: Store, what: cython.longlong) -> cython.longlong:
    """Write the assets (0), tiers (1) or markets (2)."""
    m = s.m
    if what == 0:
        for place in range(m[S_ASSET_COUNT]):
            put_word(s, m[ASSET_LIST + place])
            put_words(s, ASSETS + m[ASSET_LIST + place] * COIN_WORDS, 5)
    elif what == 1:
        for tenant in range(TENANT_MAX + 1):
            if m[TENANTS + tenant]:
                save_tiers(s, tenant)
    else:
        for place in range(m[S_MARKET_COUNT]):
            put_words(s, m[MARKET_LIST + place], M_INDICATIVE_QUANTITY + 1)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_tiers(s: Store, tenant: cython.longlong) -> cython.longlong:
    """Write a tenant's tiers."""
    for tier in range(TIER_MAX + 1):
        row = s.m[TENANTS + tenant] + tier * TIER_WORDS
        if s.m[row + TIER_SET]:
            put_word(s, tenant)
            put_word(s, tier)
            put_words(s, row, 2)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_accounts(s: Store, what: cython.longlong) -> cython.longlong:
    """Write the accounts (0), balances (1) or holds (2)."""
    m = s.m
    account = m[S_ACCOUNT_HEAD]
    while account and what == 0:
        put_word(s, m[account + A_NUMBER])
        put_word(s, m[account + A_TIER])
        put_word(s, m[account + A_GROUP])
        put_word(s, m[account + A_STATE])
        put_word(s, m[account + A_DEADLINE_MS])
        account = m[account + A_NEXT]
    balance = m[S_BALANCE_HEAD]
    while balance and what == 1:
        put_word(s, m[balance + BAL_NUMBER])
        put_word(s, m[balance + BAL_EVENT] & ASSET_MAX)
        put_words(s, balance + BAL_AVAILABLE, 2)
        balance = m[balance + BAL_NEXT]
    while account and what == 2:
        found = m[account + A_HOLD_HEAD]
        while found:
            put_word(s, m[account + A_NUMBER])
            put_word(s, m[found + H_ID])
            put_words(s, found + H_ASSET, 2)
            found = m[found + H_NEXT]
        account = m[account + A_NEXT]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_orders(s: Store) -> cython.longlong:
    """Write the orders: by market, bids, asks, buy stops, sell stops; best and oldest first."""
    m = s.m
    for place in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + place]
        for side in range(4):
            level = m[market + M_BOOKS + side * BOOK_WORDS + B_BEST]
            while level:
                order = m[level + L_HEAD]
                while order != level:
                    save_order(s, order)
                    order = m[order + O_NEXT]
                level = next_level(s, level)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Write one order."""
    m = s.m
    rare = m[order + O_RARE]
    put_word(s, m[order + O_ID])
    put_word(s, m[m[order + O_BALANCE] + BAL_NUMBER])
    put_word(s, m[order + O_TERMS] >> EVENT_MARKET_SHIFT & MARKET_MAX)
    put_word(s, m[order + O_TERMS] & EVENT_LOW_MASK)
    put_word(s, m[order + O_PRICE])
    put_word(s, m[order + O_REMAINING])
    put_word(s, m[order + O_VISIBLE])
    put_words(s, order + O_QUANTITY, 4)
    put_word(s, m[rare + X_TRIGGER_PRICE] if rare else 0)
    put_word(s, m[rare + X_DISPLAY_QUANTITY] if rare else 0)
    put_word(s, m[rare + X_EXPIRE_MS] if rare else 0)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def save_ids(s: Store) -> cython.longlong:
    """Write the remembered ids, oldest first."""
    m = s.m
    place = m[S_ID_NEXT] if m[S_ID_COUNT] == s.capacity_ids else 0
    for _ in range(m[S_ID_COUNT]):
        put_words(s, s.ids + place * ID_WORDS, ID_WORDS)
        place = place + 1 if place + 1 < s.capacity_ids else 0
    return 0


@cython.cfunc
def save_section(s: Store, name: str) -> object:
    """Write the section of that name where the output is aimed."""
    if name == "head":
        save_head(s)
    elif name == "assets":
        save_settings(s, 0)
    elif name == "tiers":
        save_settings(s, 1)
    elif name == "markets":
        save_settings(s, 2)
    elif name == "accounts":
        save_accounts(s, 0)
    elif name == "balances":
        save_accounts(s, 1)
    elif name == "holds":
        save_accounts(s, 2)
    elif name == "orders":
        save_orders(s)
    else:
        save_ids(s)
    return None


@cython.ccall
def save(s: Store) -> dict:
    """Return all sections."""
    m = s.m
    tiers = m[S_ASSET_COUNT] * (TIER_MAX + 1)  # a tenant has at least one asset
    rows = {
        "head": 1,
        "assets": m[S_ASSET_COUNT],
        "tiers": tiers,
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
        section_of(s, words)
        save_section(s, name)
        sections[name] = words[: s.end]
    return sections


# --- reading --------------------------------------------------------------------------------------


@cython.ccall
def load(s: Store, sections: dict) -> object:
    """Write the sections of a snapshot into an empty engine."""
    m = s.m
    head = sections["head"]
    for index in range(10):
        m[S_SEQUENCE + index] = head[5 + index]
    note_time(s)
    load_settings(s, sections)
    load_accounts(s, sections)
    load_orders(s, sections["orders"])
    for high, low, outcome, stamp_ms in rows_of(sections["ids"], 4):
        remember_id(s, high, low, outcome, stamp_ms)
    m[S_HORIZON_MS] = head[11]
    return None


def rows_of(words: object, width: int) -> object:
    """Return the rows of a section."""
    return zip(*[iter(words)] * width, strict=True)


@cython.cfunc
def load_settings(s: Store, sections: dict) -> object:
    """Read assets, tiers and markets."""
    m = s.m
    for row in rows_of(sections["assets"], 6):
        number = row[0]
        for index in range(5):
            m[ASSETS + number * COIN_WORDS + index] = row[1 + index]
        make_tenant(s, row[1])
        m[ASSET_LIST + m[S_ASSET_COUNT]] = number
        m[S_ASSET_COUNT] += 1
    for tenant, tier, maker_ppm, taker_ppm in rows_of(sections["tiers"], 4):
        place = m[TENANTS + tenant] + tier * TIER_WORDS
        m[place + TIER_MAKER_PPM] = maker_ppm
        m[place + TIER_TAKER_PPM] = taker_ppm
        m[place + TIER_SET] = 1
    return None


@cython.cfunc
def load_accounts(s: Store, sections: dict) -> object:
    """Read accounts, balances and holds, then the markets, whose fees go to balances."""
    m = s.m
    for number, tier, group, state, deadline_ms in rows_of(sections["accounts"], 5):
        account = open_account(s, number)
        m[account + A_TIER] = tier
        m[account + A_FEES] += tier * TIER_WORDS
        m[account + A_GROUP] = group
        m[account + A_STATE] = state
        m[account + A_DEADLINE_MS] = deadline_ms
        if deadline_ms:
            schedule_countdown(s, account)
    for number, asset, available, held in rows_of(sections["balances"], 4):
        balance = open_balance(s, find_account(s, number), asset)
        m[balance + BAL_AVAILABLE] = available
        m[balance + BAL_HELD] = held
    for number, hold_id, asset, amount in rows_of(sections["holds"], 4):
        make_hold(s, find_account(s, number), hold_id, asset, amount)
    for row in rows_of(sections["markets"], 21):
        market = make_market(s, row[0])
        for index in range(21):
            m[market + index] = row[index]
        prepare_market(s, market)
    return None


@cython.cfunc
def load_orders(s: Store, words: object) -> object:
    """Read the orders into their books, then, oldest first, make them known."""
    m = s.m
    known = []
    for row in rows_of(words, 14):
        order = make_order(s)
        known.append((row[0], order))
        m[order + O_ID] = row[0]
        market = market_at(s, row[2])
        paid = m[market + M_QUOTE] if row[3] & SIDE_MASK == SIDE_BUY else m[market + M_BASE]
        m[order + O_BALANCE] = find_balance(s, find_account(s, row[1]), paid)
        m[order + O_TERMS] = m[market + M_ORDER_EVENT] | row[3]
        m[order + O_RARE] = 0
        m[order + O_PRICE] = row[4]
        m[order + O_REMAINING] = row[5]
        for index in range(4):
            m[order + O_QUANTITY + index] = row[7 + index]
        if row[11] or row[12] or row[13]:
            rare = make_rare(s)
            m[order + O_RARE] = rare
            for index in range(3):
                m[rare + index] = row[11 + index]
        load_into_book(s, order, row[6])
    for _, order in sorted(known):
        register_order(s, order)
    return None


@cython.cfunc
@cython.exceptval(check=False)
def load_into_book(s: Store, order: cython.longlong, visible: cython.longlong) -> cython.longlong:
    """Put an order at the back of its level, showing what it showed."""
    m = s.m
    level = enter_level(s, order, is_pending(s, order))
    m[level + L_VISIBLE] += visible - m[order + O_VISIBLE]
    m[order + O_VISIBLE] = visible
    return 0
