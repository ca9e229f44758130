"""An account's settings: its fee tier, its self-trade prevention group, and whether it may act."""

from engine.reference.emit import emit_words
from engine.reference.index import open_account
from engine.reference.model import Account, Command, Rejected
from engine.reference.orders import close_all
from engine.reference.state import State
from wire import layout as w


def is_frozen(state: State, number: int) -> bool:
    """Whether an account may not place, change or pay; it may cancel."""
    account = state.accounts.get(number)
    return account is not None and account.state == w.ACCOUNT_STATE_FROZEN


def is_tenant(state: State, tenant: int) -> bool:
    """Whether a tenant owns an asset; before that there is nothing it could have."""
    return tenant in state.tenants


def check_new_balances(state: State, account: int, *assets: int) -> None:
    """Reject a command whose new account or balances do not fit."""
    missing = [asset for asset in assets if (account, asset) not in state.balances]
    new_accounts = 0 if account in state.accounts else 1
    if (
        len(state.accounts) + new_accounts > state.capacity.accounts
        or len(state.balances) + len(missing) > state.capacity.balances
    ):
        raise Rejected(w.REASON_CAPACITY_EXHAUSTED)


def join_owners_group(account: Account) -> None:
    """Put an account into the group of its owner's, unless it is in another."""
    account.stp_group = account.stp_group or account.number & w.OWNER_INDEX_MAX


def kept_group(account: Account, group: int) -> int:
    """Return the group that is set; no group is no way out of the owner's."""
    own = account.number & w.OWNER_INDEX_MAX
    return group or (own if account.stp_group == own else 0)


def set_account(state: State, command: Command) -> None:
    """Decide a SET_ACCOUNT command; an account that is not there yet is made.

    A setting that is kept stays what it is, or what a new account has. An account that is frozen
    trades no more, so its orders and stops are closed.
    """
    number = command[w.HEADER_ACCOUNT]
    tier, group, account_state = command[w.SET_ACCOUNT_TIER : w.SET_ACCOUNT_STATE + 1]
    tenant = w.account_tenant(number)
    if not is_tenant(state, tenant):
        raise Rejected(w.REASON_UNKNOWN_TENANT)
    if (
        (tier not in (0, w.SETTING_KEPT) and (tenant, tier) not in state.tiers)
        or not w.SETTING_KEPT <= group <= w.ACCOUNT_INDEX_MAX
        or account_state not in (w.SETTING_KEPT, w.ACCOUNT_STATE_ACTIVE, w.ACCOUNT_STATE_FROZEN)
    ):
        raise Rejected(w.REASON_INVALID_SETTING)
    if number not in state.accounts and len(state.accounts) >= state.capacity.accounts:
        raise Rejected(w.REASON_CAPACITY_EXHAUSTED)

    account = open_account(state, number)
    if tier != w.SETTING_KEPT:
        account.tier = tier
    if group != w.SETTING_KEPT:
        account.stp_group = kept_group(account, group)
    if account_state != w.SETTING_KEPT:
        account.state = account_state
    emit_words(state, w.EVENT_ACCOUNT, number, account.tier, account.stp_group, account.state)
    if account_state == w.ACCOUNT_STATE_FROZEN:
        close_all(state, number, 0, w.SIDE_BOTH, w.CLOSE_ACCOUNT_FROZEN)
