"""The state read from the sections of a checkpoint, into an empty engine."""

import cython

from engine.checkpoint import SECTIONS
from engine.core.countdowns import schedule_countdown
from engine.core.definitions import derive_watch, make_market, make_tenant, prepare_market
from engine.core.funds import make_hold
from engine.core.ids import append_id, read_placed
from engine.core.index import (
    find_account,
    find_balance,
    find_market,
    find_order,
    open_account,
    open_balance,
)
from engine.core.orders import (
    awaits_entry,
    count_awaiting,
    enter_level,
    is_pending,
    link_pair,
    list_of,
)
from engine.core.records import (
    A_DEADLINE_MS,
    A_FEES,
    A_GROUP,
    A_REJECTIONS_MS,
    A_STATE,
    ASSET_LIST,
    ASSET_SAVED_WORDS,
    ASSET_WORDS,
    ASSETS,
    BAL_AVAILABLE,
    BAL_HELD,
    COND_EXIT,
    COND_EXTREME,
    COND_FIRST,
    COND_LIST_ID,
    HEAD_CAPACITIES,
    L_VISIBLE,
    M_AUCTION_UNTIL_MS,
    M_BASE,
    M_ORDER_EVENT,
    M_QUOTE,
    MARKET_SAVED_WORDS,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_LEVEL,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_ASSET_COUNT,
    S_AUCTION_COUNT,
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
from engine.core.registry import make_conditions, make_order, register_order
from engine.core.store import Store, note_time
from wire.layout import (
    COMMAND_LENGTH,
    CONDITIONS_COUNT,
    SIDE_BUY,
    SIDE_MASK,
    TRAIL_COUNT,
)


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
    for command in rows_of(sections, "staged"):
        for index, word in enumerate(command):
            m[S_STAGED + m[S_STAGED_COUNT] * COMMAND_LENGTH + index] = word
        m[S_STAGED_COUNT] += 1
    m[S_STAGED_SEQUENCE] = m[S_SEQUENCE]
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
        if awaits_entry(s, order):
            count_awaiting(s, order, 1)
        else:
            read_into_book(s, order, row[6])
    for _, order in sorted(known):
        register_order(s, order)
        read_placed(s, order)
    for _, order in known:
        link_list(s, order)
    return None


@cython.cfunc
@cython.exceptval(check=False)
def link_list(s: Store, order: cython.longlong) -> cython.longlong:
    """Let the orders of a list know each other again, if an order is the first of them."""
    m = s.m
    list_id = list_of(s, order)
    before, following = find_order(s, m[order + O_ID] - 1), find_order(s, m[order + O_ID] + 1)
    if not list_id or (before and list_of(s, before) == list_id):
        return 0
    if following and list_of(s, following) == list_id:
        link_pair(s, order, following)
        entry = find_order(s, list_id)
        if entry and entry != following:
            m[m[entry + O_CONDITIONS] + COND_EXIT] = order
    return 0


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
    m[order + O_LEVEL] = 0
    m[order + O_VISIBLE] = 0
    m[order + O_CONDITIONS] = 0
    if any(row[11:]):
        conditions = make_conditions(s)
        m[order + O_CONDITIONS] = conditions
        for index in range(CONDITIONS_COUNT + TRAIL_COUNT):
            m[conditions + COND_FIRST + index] = row[11 + index]
        m[conditions + COND_EXTREME] = row[11 + CONDITIONS_COUNT + TRAIL_COUNT]
        m[conditions + COND_LIST_ID] = row[12 + CONDITIONS_COUNT + TRAIL_COUNT]
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
