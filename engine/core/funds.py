"""Deposits, withdrawals, transfers, and money set aside for a withdrawal."""

import cython

from engine.core.accounts import check_new_balances, is_frozen, join_owners_group
from engine.core.changes import changed_or_kept
from engine.core.definitions import check_asset
from engine.core.emit import emit_hold, emit_transfer
from engine.core.index import find_account, find_balance, open_account, open_balance
from engine.core.ledger import checked_sum, post
from engine.core.records import (
    A_HOLD_HEAD,
    A_HOLD_TAIL,
    A_NUMBER,
    ASSET_DRIFT,
    ASSET_SUPPLY,
    ASSET_WORDS,
    ASSETS,
    BAL_AVAILABLE,
    H_ACCOUNT,
    H_AMOUNT,
    H_ASSET,
    H_ID,
    H_NEXT,
    H_PREVIOUS,
    HOLD_WORDS,
    S_HOLD_COUNT,
    S_HOLD_FREE,
    TENANT_HOLDS,
    TENANTS,
)
from engine.core.store import Store, cut_record
from wire.layout import (
    ACCOUNT_INDEX_MAX,
    ACCOUNT_TENANT_SHIFT,
    AMOUNT_MAX,
    FEE_ACCOUNT_INDEX,
    FUNDS_AMOUNT,
    FUNDS_ASSET,
    FUNDS_HOLD_ID,
    FUNDS_TO_ACCOUNT,
    HEADER_ACCOUNT,
    OWNER_INDEX_MAX,
    REASON_ACCOUNT_FROZEN,
    REASON_AMOUNT_OUT_OF_RANGE,
    REASON_CAPACITY_EXHAUSTED,
    REASON_HOLD_EXISTS,
    REASON_INSUFFICIENT_BALANCE,
    REASON_NOTHING_TO_CHANGE,
    REASON_SUPPLY_LIMIT,
    REASON_TOO_MANY_HOLDS,
    REASON_UNKNOWN_ACCOUNT,
    REASON_UNKNOWN_HOLD,
    REASON_WRONG_TENANT,
    TENANT_MAX,
    TRANSFER_KIND_CAPTURE,
    TRANSFER_KIND_CREDIT,
    TRANSFER_KIND_DEBIT,
    TRANSFER_KIND_FEE,
    TRANSFER_KIND_TRANSFER,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def available_balance(
    s: Store, account: cython.longlong, asset: cython.longlong
) -> cython.longlong:
    """Return an account's available balance; 0 for what does not exist."""
    balance = find_balance(s, account, asset) if account else 0
    return s.m[balance + BAL_AVAILABLE] if balance else 0


@cython.cfunc
def add_supply(s: Store, asset: cython.longlong, amount: cython.longlong) -> cython.longlong:
    """Note that money came from outside, or with a negative amount went there."""
    m = s.m
    record = ASSETS + asset * ASSET_WORDS
    m[record + ASSET_SUPPLY] = checked_sum(m[record + ASSET_SUPPLY], amount)
    m[record + ASSET_DRIFT] -= amount
    return 0


@cython.cfunc
def credit(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CREDIT command."""
    m = s.m
    number = command[HEADER_ACCOUNT]
    asset, amount = command[FUNDS_ASSET], command[FUNDS_AMOUNT]
    reason = check_asset(s, asset, number >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    if amount < 1 or amount > AMOUNT_MAX:
        return REASON_AMOUNT_OUT_OF_RANGE
    if amount > AMOUNT_MAX - m[ASSETS + asset * ASSET_WORDS + ASSET_SUPPLY]:
        return REASON_SUPPLY_LIMIT
    reason = check_new_balances(s, number, asset, 0)
    if reason:
        return reason
    balance = open_balance(s, open_account(s, number), asset)
    emit_transfer(s, TRANSFER_KIND_CREDIT, command, amount, 0)
    post(s, balance, amount, 0)
    add_supply(s, asset, amount)
    return 0


@cython.cfunc
def debit(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a DEBIT command."""
    number = command[HEADER_ACCOUNT]
    asset, amount = command[FUNDS_ASSET], command[FUNDS_AMOUNT]
    reason = check_asset(s, asset, number >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    account = find_account(s, number)
    if is_frozen(s, account):
        return REASON_ACCOUNT_FROZEN
    if amount < 1 or amount > AMOUNT_MAX:
        return REASON_AMOUNT_OUT_OF_RANGE
    if amount > available_balance(s, account, asset):
        return REASON_INSUFFICIENT_BALANCE
    emit_transfer(s, TRANSFER_KIND_DEBIT, command, amount, 0)
    post(s, find_balance(s, account, asset), -amount, 0)
    add_supply(s, asset, -amount)
    return 0


@cython.cfunc
def transfer(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a TRANSFER command."""
    number, receiver = command[HEADER_ACCOUNT], command[FUNDS_TO_ACCOUNT]
    asset, amount = command[FUNDS_ASSET], command[FUNDS_AMOUNT]
    tenant = number >> ACCOUNT_TENANT_SHIFT
    to_tenant = receiver >> ACCOUNT_TENANT_SHIFT
    if to_tenant < 1 or to_tenant > TENANT_MAX:
        return REASON_UNKNOWN_ACCOUNT
    reason = check_asset(s, asset, tenant)
    if reason:
        return reason
    if to_tenant != tenant:
        return REASON_WRONG_TENANT
    account = find_account(s, number)
    if is_frozen(s, account):
        return REASON_ACCOUNT_FROZEN
    if amount < 1 or amount > AMOUNT_MAX:
        return REASON_AMOUNT_OUT_OF_RANGE
    if receiver == number:
        return REASON_NOTHING_TO_CHANGE
    if amount > available_balance(s, account, asset):
        return REASON_INSUFFICIENT_BALANCE
    reason = check_new_balances(s, receiver, asset, 0)
    if reason:
        return reason
    to_account = open_account(s, receiver)
    to_balance = open_balance(s, to_account, asset)
    if number & OWNER_INDEX_MAX == receiver & OWNER_INDEX_MAX:
        join_owners_group(s, account)
        join_owners_group(s, to_account)
    is_fee: cython.bint = receiver & ACCOUNT_INDEX_MAX == FEE_ACCOUNT_INDEX
    kind = TRANSFER_KIND_FEE if is_fee else TRANSFER_KIND_TRANSFER
    emit_transfer(s, kind, command, amount, receiver)
    post(s, find_balance(s, account, asset), -amount, 0)
    post(s, to_balance, amount, 0)
    return 0


# --- holds: a list per account --------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def find_hold(s: Store, account: cython.longlong, hold_id: cython.longlong) -> cython.longlong:
    """Return an account's hold, or 0."""
    m = s.m
    hold = m[account + A_HOLD_HEAD] if account else 0
    while hold and m[hold + H_ID] != hold_id:
        hold = m[hold + H_NEXT]
    return hold


@cython.cfunc
@cython.exceptval(check=False)
def make_hold(
    s: Store,
    account: cython.longlong,
    hold_id: cython.longlong,
    asset: cython.longlong,
    amount: cython.longlong,
) -> cython.longlong:
    """Add a hold to an account's list."""
    m = s.m
    hold = m[S_HOLD_FREE]
    if hold:
        m[S_HOLD_FREE] = m[hold + H_NEXT]
    else:
        hold = cut_record(s, HOLD_WORDS)
    m[S_HOLD_COUNT] += 1
    tail = m[account + A_HOLD_TAIL]
    m[hold + H_ID] = hold_id
    m[hold + H_ACCOUNT] = account
    m[hold + H_ASSET] = asset
    m[hold + H_AMOUNT] = amount
    m[hold + H_NEXT] = 0
    m[hold + H_PREVIOUS] = tail
    if tail:
        m[tail + H_NEXT] = hold
    else:
        m[account + A_HOLD_HEAD] = hold
    m[account + A_HOLD_TAIL] = hold
    return hold


@cython.cfunc
@cython.exceptval(check=False)
def drop_hold(s: Store, hold: cython.longlong) -> cython.longlong:
    """Take an empty hold out of its account's list."""
    m = s.m
    account = m[hold + H_ACCOUNT]
    following, previous = m[hold + H_NEXT], m[hold + H_PREVIOUS]
    if following:
        m[following + H_PREVIOUS] = previous
    else:
        m[account + A_HOLD_TAIL] = previous
    if previous:
        m[previous + H_NEXT] = following
    else:
        m[account + A_HOLD_HEAD] = following
    m[hold + H_NEXT] = m[S_HOLD_FREE]
    m[S_HOLD_FREE] = hold
    m[S_HOLD_COUNT] -= 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def has_all_holds(s: Store, account: cython.longlong) -> cython.bint:
    """Whether an account has as many holds as its tenant lets it have."""
    m = s.m
    left = m[m[TENANTS + (m[account + A_NUMBER] >> ACCOUNT_TENANT_SHIFT)] + TENANT_HOLDS]
    if not left:
        return False
    hold = m[account + A_HOLD_HEAD]
    while hold and left:
        left -= 1
        hold = m[hold + H_NEXT]
    return left == 0


@cython.cfunc
def hold_funds(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a HOLD command."""
    number = command[HEADER_ACCOUNT]
    asset, amount, hold_id = command[FUNDS_ASSET], command[FUNDS_AMOUNT], command[FUNDS_HOLD_ID]
    reason = check_asset(s, asset, number >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    account = find_account(s, number)
    if find_hold(s, account, hold_id):
        return REASON_HOLD_EXISTS
    if is_frozen(s, account):
        return REASON_ACCOUNT_FROZEN
    if amount < 1 or amount > AMOUNT_MAX:
        return REASON_AMOUNT_OUT_OF_RANGE
    if amount > available_balance(s, account, asset):
        return REASON_INSUFFICIENT_BALANCE
    if has_all_holds(s, account):
        return REASON_TOO_MANY_HOLDS
    if s.m[S_HOLD_COUNT] >= s.capacity_holds:
        return REASON_CAPACITY_EXHAUSTED

    hold = make_hold(s, account, hold_id, asset, amount)
    post(s, find_balance(s, account, asset), -amount, amount)
    emit_hold(s, hold)
    return 0


@cython.cfunc
def reduce_hold(s: Store, command: cython.p_longlong, captures: cython.bint) -> cython.longlong:
    """Decide a RELEASE or a CAPTURE command."""
    m = s.m
    number, asset = command[HEADER_ACCOUNT], command[FUNDS_ASSET]
    reason = check_asset(s, asset, number >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    account = find_account(s, number)
    hold = find_hold(s, account, command[FUNDS_HOLD_ID])
    if not hold or m[hold + H_ASSET] != asset:
        return REASON_UNKNOWN_HOLD
    amount = changed_or_kept(command[FUNDS_AMOUNT], m[hold + H_AMOUNT])
    if amount < 1 or amount > m[hold + H_AMOUNT]:
        return REASON_AMOUNT_OUT_OF_RANGE

    m[hold + H_AMOUNT] -= amount
    emit_hold(s, hold)
    balance = find_balance(s, account, asset)
    if captures:
        emit_transfer(s, TRANSFER_KIND_CAPTURE, command, amount, 0)
        post(s, balance, 0, -amount)
        add_supply(s, asset, -amount)
    else:
        post(s, balance, amount, -amount)
    if not m[hold + H_AMOUNT]:
        drop_hold(s, hold)
    return 0


@cython.cfunc
def release_hold(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a RELEASE command: the money becomes available again."""
    return reduce_hold(s, command, False)


@cython.cfunc
def capture_hold(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CAPTURE command: the money leaves the exchange."""
    return reduce_hold(s, command, True)
