"""The API keys of a user's accounts: of the main one, and of every sub-account it has had."""

from collections.abc import Sequence
from typing import Protocol

from bursa.accounts.sub_accounts import SubAccountRecords
from bursa.identity.api_keys import ApiKey
from bursa.kernel.identifiers import AccountId


class Keys(Protocol):
    """API keys of accounts."""

    def of_account(self, account: AccountId) -> Sequence[ApiKey]:
        """Return all keys of an account that are kept."""


class UserKeys:
    """Lists keys by user: a thief may have made one for an account that nobody looks at."""

    def __init__(self, keys: Keys, sub_accounts: SubAccountRecords) -> None:
        self._keys = keys
        self._sub_accounts = sub_accounts

    def of_account(self, account: AccountId) -> Sequence[ApiKey]:
        """Return all keys of a main account and of its sub-accounts that are kept."""
        seats = self._sub_accounts.read(account.owner).by_seat.values()
        accounts = (account.owner, *(one.account for one in seats))
        return [key for one in accounts for key in self._keys.of_account(one)]
