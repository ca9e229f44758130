"""Finding records: open-addressing indexes with linear probing, at most half full."""

import cython

from engine.core.records import (
    A_ASSET_NEW,
    A_ASSET_OLD,
    A_BALANCE_NEW,
    A_BALANCE_OLD,
    A_FEES,
    A_NEXT,
    A_NUMBER,
    A_ORDER_HEAD,
    A_ORDER_TAIL,
    ACCOUNT_WORDS,
    ASSET_WORDS,
    ASSETS,
    BAL_ACCOUNT,
    BAL_ASSET,
    BAL_EVENT,
    BAL_NEXT,
    BAL_NUMBER,
    BALANCE_ORDERS_BITS,
    BALANCE_WORDS,
    HASH_MULTIPLIER,
    INDEX_FOLD_BITS,
    INDEX_GROUP_BITS,
    INDEX_GROUP_MASK,
    INDEX_MULTIPLIER,
    MARKETS,
    NO_MARKET,
    O_ID,
    ORDER_INDEX_ID_BITS,
    ORDER_INDEX_ID_MASK,
    S_ACCOUNT_COUNT,
    S_ACCOUNT_HEAD,
    S_ACCOUNT_TAIL,
    S_BALANCE_COUNT,
    S_BALANCE_HEAD,
    S_BALANCE_TAIL,
    TENANTS,
    WORD_MASK,
)
from engine.core.store import Store, cut_record
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    ASSET_MAX,
    EVENT_BALANCE,
    EVENT_KIND_SHIFT,
    HEADER_ACCOUNT,
    MARKET_MAX,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def scatter(key: cython.ulonglong, shift: cython.longlong) -> cython.longlong:
    """Return the upper bits of a multiplicative hash (Knuth, TAOCP 3, 6.4)."""
    return ((key * HASH_MULTIPLIER) & WORD_MASK) >> shift


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def scatter_group(number: cython.longlong, mask: cython.longlong) -> cython.longlong:
    """Return a position that scatters groups of consecutive numbers and keeps each together.

    The latest groups never share a position, since the multiplier is odd. Every second position
    stays free, so that neighbours, which often exist at the same time, do not collide.
    """
    group = (number ^ number >> INDEX_FOLD_BITS) >> INDEX_GROUP_BITS
    return (group * INDEX_MULTIPLIER & mask) + ((number & INDEX_GROUP_MASK) << 1)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_market(s: Store, number: cython.longlong) -> cython.longlong:
    """Return the record of a market; for one that is not defined, a record of zeros."""
    if number < 1 or number > MARKET_MAX or not s.m[MARKETS + number]:
        return NO_MARKET
    return s.m[MARKETS + number]


# --- accounts and balances: never removed ---------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def find_account(s: Store, number: cython.longlong) -> cython.longlong:
    """Return an account, or 0."""
    m = s.m
    position = scatter_group(number, s.account_index_mask)
    while True:
        account = m[s.account_index + position]
        if not account or m[account + A_NUMBER] == number:
            return account
        position = position + 1 & s.account_index_mask


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def account_of(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return a command's account, or 0; prefetching has most likely found it."""
    if s.m[s.guess + A_NUMBER] == command[HEADER_ACCOUNT]:
        return s.guess
    return find_account(s, command[HEADER_ACCOUNT])


@cython.cfunc
@cython.exceptval(check=False)
def open_account(s: Store, number: cython.longlong) -> cython.longlong:
    """Return an account, made if it is not there."""
    m = s.m
    account = find_account(s, number)
    if account:
        return account
    account = cut_record(s, ACCOUNT_WORDS)
    if m[S_ACCOUNT_COUNT]:
        m[m[S_ACCOUNT_TAIL] + A_NEXT] = account
    else:
        m[S_ACCOUNT_HEAD] = account
    m[S_ACCOUNT_TAIL] = account
    m[S_ACCOUNT_COUNT] += 1
    m[account + A_NUMBER] = number
    m[account + A_ORDER_HEAD] = account
    m[account + A_ORDER_TAIL] = account
    tenant = number >> ACCOUNT_TENANT_SHIFT
    m[account + A_FEES] = m[TENANTS + tenant]
    position = scatter_group(number, s.account_index_mask)
    while m[s.account_index + position]:
        position = position + 1 & s.account_index_mask
    m[s.account_index + position] = account
    return account


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def balance_home(s: Store, account: cython.longlong, asset: cython.longlong) -> cython.longlong:
    """Return where the search for a balance begins."""
    key: cython.ulonglong = (account << 16) + asset
    return scatter(key, s.balance_index_shift)


@cython.cfunc
@cython.exceptval(check=False)
def search_balance(s: Store, account: cython.longlong, asset: cython.longlong) -> cython.longlong:
    """Return a balance that is not one of the account's two latest, or 0."""
    m = s.m
    position = balance_home(s, account, asset)
    while True:
        balance = m[s.balance_index + position]
        if not balance:
            return 0
        if m[balance + BAL_ACCOUNT] == account and m[balance + BAL_EVENT] & ASSET_MAX == asset:
            break
        position = position + 1 & s.balance_index_mask
    m[account + A_ASSET_OLD] = m[account + A_ASSET_NEW]
    m[account + A_BALANCE_OLD] = m[account + A_BALANCE_NEW]
    m[account + A_ASSET_NEW] = asset
    m[account + A_BALANCE_NEW] = balance
    return balance


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_balance(s: Store, account: cython.longlong, asset: cython.longlong) -> cython.longlong:
    """Return an account's balance of an asset, or 0."""
    m = s.m
    if m[account + A_ASSET_NEW] == asset:
        return m[account + A_BALANCE_NEW]
    if m[account + A_ASSET_OLD] == asset:
        return m[account + A_BALANCE_OLD]
    return search_balance(s, account, asset)


@cython.cfunc
@cython.exceptval(check=False)
def open_balance(s: Store, account: cython.longlong, asset: cython.longlong) -> cython.longlong:
    """Return an account's balance of an asset, made if it is not there."""
    m = s.m
    balance = find_balance(s, account, asset)
    if balance:
        return balance
    balance = cut_record(s, BALANCE_WORDS)
    if m[S_BALANCE_COUNT]:
        m[m[S_BALANCE_TAIL] + BAL_NEXT] |= balance << BALANCE_ORDERS_BITS
    else:
        m[S_BALANCE_HEAD] = balance
    m[S_BALANCE_TAIL] = balance
    m[S_BALANCE_COUNT] += 1
    m[balance + BAL_ACCOUNT] = account
    m[balance + BAL_NUMBER] = m[account + A_NUMBER]
    m[balance + BAL_EVENT] = EVENT_BALANCE << EVENT_KIND_SHIFT | asset
    m[balance + BAL_ASSET] = ASSETS + asset * ASSET_WORDS
    position = balance_home(s, account, asset)
    while m[s.balance_index + position]:
        position = position + 1 & s.balance_index_mask
    m[s.balance_index + position] = balance
    return balance


# --- orders ---------------------------------------------------------------------------------------
# An entry holds the order's offset and its id's lower bits, so that closing the gap which a
# removed entry leaves needs no look at the orders themselves.


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def order_home(s: Store, order_id: cython.longlong) -> cython.longlong:
    """Return where the search for an order begins."""
    return scatter_group(order_id & ORDER_INDEX_ID_MASK, s.order_index_mask)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_order(s: Store, order_id: cython.longlong) -> cython.longlong:
    """Return an open order, or 0."""
    m = s.m
    position = order_home(s, order_id)
    low = order_id & ORDER_INDEX_ID_MASK
    while True:
        entry = m[s.order_index + position]
        if not entry:
            return 0
        if entry & ORDER_INDEX_ID_MASK == low:
            order = entry >> ORDER_INDEX_ID_BITS
            if m[order + O_ID] == order_id:
                return order
        position = position + 1 & s.order_index_mask


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def index_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order findable."""
    m = s.m
    order_id = m[order + O_ID]
    position = order_home(s, order_id)
    while m[s.order_index + position]:
        position = position + 1 & s.order_index_mask
    entry = order << ORDER_INDEX_ID_BITS | order_id & ORDER_INDEX_ID_MASK
    m[s.order_index + position] = entry
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def unindex_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order unfindable, and close the gap (Knuth, TAOCP 3, 6.4, algorithm R)."""
    m = s.m
    index = s.order_index
    mask = s.order_index_mask
    position = order_home(s, m[order + O_ID])
    while m[index + position] >> ORDER_INDEX_ID_BITS != order:
        position = position + 1 & mask
    gap = position
    while True:
        position = position + 1 & mask
        entry = m[index + position]
        if not entry:
            break
        home = order_home(s, entry & ORDER_INDEX_ID_MASK)
        if (position - home & mask) >= (position - gap & mask):
            m[index + gap] = entry
            gap = position
    m[index + gap] = 0
    return 0
