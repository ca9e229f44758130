"""Accounts: their settings, and whether new ones fit."""

import cython

from engine.core.emit import emit_words
from engine.core.index import find_account, find_balance, open_account
from engine.core.orders import close_all
from engine.core.records import (
    A_FEES,
    A_GROUP,
    A_NUMBER,
    A_STATE,
    S_ACCOUNT_COUNT,
    S_BALANCE_COUNT,
    TENANTS,
    TIER_SET,
    TIER_WORDS,
)
from engine.core.store import Store
from wire.layout import (
    ACCOUNT_INDEX_MAX,
    ACCOUNT_STATE_FROZEN,
    ACCOUNT_TENANT_SHIFT,
    CLOSE_ACCOUNT_FROZEN,
    EVENT_ACCOUNT,
    HEADER_ACCOUNT,
    OWNER_INDEX_MAX,
    REASON_CAPACITY_EXHAUSTED,
    REASON_INVALID_SETTING,
    REASON_UNKNOWN_TENANT,
    SET_ACCOUNT_STATE,
    SET_ACCOUNT_STP_GROUP,
    SET_ACCOUNT_TIER,
    SETTING_KEPT,
    SIDE_BOTH,
    TENANT_MAX,
    TIER_MAX,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_tenant(s: Store, tenant: cython.longlong) -> cython.bint:
    """Whether a tenant has anything defined."""
    return 0 < tenant <= TENANT_MAX and s.m[TENANTS + tenant]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_frozen(s: Store, account: cython.longlong) -> cython.bint:
    """Whether an account, 0 for an unknown one, may not place or pay."""
    return account and s.m[account + A_STATE] == ACCOUNT_STATE_FROZEN


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_new_balances(
    s: Store, number: cython.longlong, first: cython.longlong, second: cython.longlong
) -> cython.longlong:
    """Return REASON_CAPACITY_EXHAUSTED when an account's balances of two assets don't fit, or 0."""
    m = s.m
    account = find_account(s, number)
    missing: cython.longlong = 0
    if not account or not find_balance(s, account, first):
        missing += 1
    if second and (not account or not find_balance(s, account, second)):
        missing += 1
    if not account and m[S_ACCOUNT_COUNT] >= s.capacity_accounts:
        return REASON_CAPACITY_EXHAUSTED
    if m[S_BALANCE_COUNT] + missing > s.capacity_balances:
        return REASON_CAPACITY_EXHAUSTED
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def join_owners_group(s: Store, account: cython.longlong) -> cython.longlong:
    """Put an account into the group of its owner's, unless it is in another."""
    m = s.m
    if not m[account + A_GROUP]:
        m[account + A_GROUP] = m[account + A_NUMBER] & OWNER_INDEX_MAX
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def account_tier(s: Store, account: cython.longlong) -> cython.longlong:
    """Return an account's fee tier."""
    tenant = s.m[account + A_NUMBER] >> ACCOUNT_TENANT_SHIFT
    return (s.m[account + A_FEES] - s.m[TENANTS + tenant]) // TIER_WORDS


@cython.cfunc
@cython.exceptval(check=False)
def kept_group(s: Store, account: cython.longlong, group: cython.longlong) -> cython.longlong:
    """Return the group that is set; no group is no way out of the owner's."""
    own = s.m[account + A_NUMBER] & OWNER_INDEX_MAX
    if not group and s.m[account + A_GROUP] == own:
        return own
    return group


@cython.cfunc
def set_account(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_ACCOUNT command."""
    m = s.m
    number = command[HEADER_ACCOUNT]
    tier, group = command[SET_ACCOUNT_TIER], command[SET_ACCOUNT_STP_GROUP]
    state = command[SET_ACCOUNT_STATE]
    tenant = number >> ACCOUNT_TENANT_SHIFT
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    if tier < SETTING_KEPT or tier > TIER_MAX:
        return REASON_INVALID_SETTING
    if group < SETTING_KEPT or group > ACCOUNT_INDEX_MAX:
        return REASON_INVALID_SETTING
    if state < SETTING_KEPT or state > ACCOUNT_STATE_FROZEN:
        return REASON_INVALID_SETTING
    if tier > 0 and not m[m[TENANTS + tenant] + tier * TIER_WORDS + TIER_SET]:
        return REASON_INVALID_SETTING
    if not find_account(s, number) and m[S_ACCOUNT_COUNT] >= s.capacity_accounts:
        return REASON_CAPACITY_EXHAUSTED
    account = open_account(s, number)
    if tier != SETTING_KEPT:
        m[account + A_FEES] = m[TENANTS + tenant] + tier * TIER_WORDS
    if group != SETTING_KEPT:
        m[account + A_GROUP] = kept_group(s, account, group)
    if state != SETTING_KEPT:
        m[account + A_STATE] = state
    tier = account_tier(s, account)
    emit_words(s, EVENT_ACCOUNT, number, tier, m[account + A_GROUP], m[account + A_STATE])
    if state == ACCOUNT_STATE_FROZEN:
        close_all(s, account, 0, SIDE_BOTH, CLOSE_ACCOUNT_FROZEN)
    return 0
