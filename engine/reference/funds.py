"""Money that comes, goes, changes hands, and is held for a withdrawal."""

from engine.reference.accounts import check_new_balances, is_frozen, join_owners_group
from engine.reference.definitions import check_asset, find_tenant_limits
from engine.reference.emit import emit_hold, emit_transfer
from engine.reference.index import open_account, open_balance
from engine.reference.ledger import move_to_held, post
from engine.reference.model import Asset, Command, Hold, Rejected
from engine.reference.state import State
from wire import layout as w

# --- checks ---------------------------------------------------------------------------------------


def check_amount(amount: int) -> None:
    """Reject an amount that is not positive, or too large for any balance."""
    if not 0 < amount <= w.AMOUNT_MAX:
        raise Rejected(w.REASON_AMOUNT_OUT_OF_RANGE)


def available_balance(state: State, account: int, asset: int) -> int:
    """Return an account's available balance; 0 for what does not exist."""
    balance = state.balances.get((account, asset))
    return balance.available if balance else 0


# --- in, out and across ---------------------------------------------------------------------------


def credit(state: State, command: Command) -> None:
    """Decide a CREDIT command: money comes in from outside.

    The supply of an asset is bounded, and with it every balance and every sum of balances.
    """
    asset, amount = check_asset(state, command), command[w.FUNDS_AMOUNT]
    check_amount(amount)
    if amount > w.AMOUNT_MAX - asset.supply:
        raise Rejected(w.REASON_SUPPLY_LIMIT)
    check_new_balances(state, command[w.HEADER_ACCOUNT], asset.number)

    account = open_account(state, command[w.HEADER_ACCOUNT])
    open_balance(state, account, asset.number)
    emit_transfer(state, w.TRANSFER_KIND_CREDIT, command, amount)
    post(state, account, asset.number, amount, 0)
    add_supply(asset, amount)


def debit(state: State, command: Command) -> None:
    """Decide a DEBIT command: money leaves."""
    number = command[w.HEADER_ACCOUNT]
    asset, amount = check_asset(state, command), command[w.FUNDS_AMOUNT]
    if is_frozen(state, number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    check_amount(amount)
    if amount > available_balance(state, number, asset.number):
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)

    emit_transfer(state, w.TRANSFER_KIND_DEBIT, command, amount)
    post(state, state.accounts[number], asset.number, -amount, 0)
    add_supply(asset, -amount)


def transfer(state: State, command: Command) -> None:
    """Decide a TRANSFER command: money goes to another account of the tenant.

    Accounts of one owner that do so are one group for self-trade prevention from then on.
    """
    number, receiver = command[w.HEADER_ACCOUNT], command[w.FUNDS_TO_ACCOUNT]
    amount = command[w.FUNDS_AMOUNT]
    if not 0 < w.account_tenant(receiver) <= w.TENANT_MAX:
        raise Rejected(w.REASON_UNKNOWN_ACCOUNT)
    asset = check_asset(state, command)
    if w.account_tenant(receiver) != asset.tenant:
        raise Rejected(w.REASON_WRONG_TENANT)
    if is_frozen(state, number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    check_amount(amount)
    if receiver == number:
        raise Rejected(w.REASON_NOTHING_TO_CHANGE)
    if amount > available_balance(state, number, asset.number):
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)
    check_new_balances(state, receiver, asset.number)

    to_account = open_account(state, receiver)
    open_balance(state, to_account, asset.number)
    if number & w.OWNER_INDEX_MAX == receiver & w.OWNER_INDEX_MAX:
        join_owners_group(state.accounts[number])
        join_owners_group(to_account)
    is_fee = w.account_index(receiver) == w.FEE_ACCOUNT_INDEX
    kind = w.TRANSFER_KIND_FEE if is_fee else w.TRANSFER_KIND_TRANSFER
    emit_transfer(state, kind, command, amount, receiver)
    post(state, state.accounts[number], asset.number, -amount, 0)
    post(state, to_account, asset.number, amount, 0)


def add_supply(asset: Asset, amount: int) -> None:
    """Note that money came from outside, or with a negative amount left."""
    asset.supply += amount


# --- holds ----------------------------------------------------------------------------------------


def hold_funds(state: State, command: Command) -> None:
    """Decide a HOLD command: set an amount aside, under an id of the account's choice."""
    number, hold_id = command[w.HEADER_ACCOUNT], command[w.FUNDS_HOLD_ID]
    asset, amount = check_asset(state, command), command[w.FUNDS_AMOUNT]
    account = state.accounts.get(number)
    if account and hold_id in account.holds:
        raise Rejected(w.REASON_HOLD_EXISTS)
    if is_frozen(state, number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    check_amount(amount)
    if account is None or amount > available_balance(state, number, asset.number):
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)
    holds_max = find_tenant_limits(state, account.tenant).holds
    if holds_max and len(account.holds) >= holds_max:
        raise Rejected(w.REASON_TOO_MANY_HOLDS)
    if state.hold_count >= state.capacity.holds:
        raise Rejected(w.REASON_CAPACITY_EXHAUSTED)

    account.holds[hold_id] = Hold(hold_id, asset.number, amount)
    state.hold_count += 1
    move_to_held(state, account, asset.number, amount)
    emit_hold(state, number, account.holds[hold_id])


def release_hold(state: State, command: Command) -> None:
    """Decide a RELEASE command: what was held is available again."""
    asset, amount = reduce_hold(state, command)
    account = state.accounts[command[w.HEADER_ACCOUNT]]
    move_to_held(state, account, asset.number, -amount)


def capture_hold(state: State, command: Command) -> None:
    """Decide a CAPTURE command: what was held leaves."""
    asset, amount = reduce_hold(state, command)
    account = state.accounts[command[w.HEADER_ACCOUNT]]
    emit_transfer(state, w.TRANSFER_KIND_CAPTURE, command, amount)
    post(state, account, asset.number, 0, -amount)
    add_supply(asset, -amount)


def reduce_hold(state: State, command: Command) -> tuple[Asset, int]:
    """Take an amount, 0 for all of it, out of a hold; an empty hold ends. The caller moves it."""
    number, hold_id = command[w.HEADER_ACCOUNT], command[w.FUNDS_HOLD_ID]
    asset = check_asset(state, command)
    account = state.accounts.get(number)
    hold = account.holds.get(hold_id) if account else None
    if account is None or hold is None or hold.asset != asset.number:
        raise Rejected(w.REASON_UNKNOWN_HOLD)
    amount = command[w.FUNDS_AMOUNT] or hold.amount
    if not 0 < amount <= hold.amount:
        raise Rejected(w.REASON_AMOUNT_OUT_OF_RANGE)

    hold.amount -= amount
    if not hold.amount:
        del account.holds[hold_id]
        state.hold_count -= 1
    emit_hold(state, number, hold)
    return asset, amount
