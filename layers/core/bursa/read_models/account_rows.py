"""The settings of accounts, as the engine has them: rows of the table of balances."""

from collections.abc import Callable

import msgspec

from wire import events as e
from wire import layout as w


class AccountRow(msgspec.Struct, frozen=True):
    """The settings of an account; one without a row has tier 0, no group, and is active."""

    account: str
    tier: int
    stp_group: int
    state: str
    sequence: int


def row_of_account(event: e.Account, account_of: Callable[[int], str]) -> AccountRow:
    """Return the row of an account whose settings were stated."""
    return AccountRow(
        account_of(event.account),
        event.tier,
        event.stp_group,
        w.ACCOUNT_STATE_NAMES[event.state],
        event.sequence,
    )
