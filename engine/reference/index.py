"""What is found by its number: markets, accounts, balances, and ids of commands."""

from engine.reference.model import Account, Balance, Market, Rejected
from engine.reference.state import CommandId, State
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


def remember_id(state: State, command_id: CommandId, outcome: int, stamp_ms: int) -> None:
    """Keep a command id with its outcome; forget the oldest one when there is no room.

    Once an id is forgotten, a command with it would be taken for new. So commands from up to its
    time are rejected as too old from then on: none takes effect twice, however small the memory.
    """
    if len(state.remembered) >= state.capacity.ids:
        oldest = next(iter(state.remembered))
        state.horizon_ms = max(state.horizon_ms, state.remembered.pop(oldest)[1])
    state.remembered[command_id] = (outcome, stamp_ms)
