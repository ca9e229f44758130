"""What is found by its number: markets, accounts, balances."""

from engine.reference.model import Account, Balance, Market, Rejected
from engine.reference.state import State
from wire import layout as w


def find_market(state: State, number: int) -> Market:
    """Return a market."""
    if number not in state.markets:
        raise Rejected(w.REASON_UNKNOWN_MARKET)
    return state.markets[number]


def open_account(state: State, number: int) -> Account:
    """Return an account, made if it is not there."""
    if number not in state.accounts:
        state.accounts[number] = Account(number)
    return state.accounts[number]


def open_balance(state: State, account: Account, asset: int) -> Balance:
    """Return a balance, made if it is not there."""
    key = (account.number, asset)
    if key not in state.balances:
        state.balances[key] = Balance(*key)
    return state.balances[key]
