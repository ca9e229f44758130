"""The back office lists the API keys of all of a user's accounts, and of nobody else's."""

from types import SimpleNamespace
from typing import Any

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.back_office.user_keys import UserKeys
from bursa.kernel.identifiers import AccountId, TenantId

MAIN = AccountId(TenantId(1), 7)
SEATS = {
    1: SubAccount(MAIN.sub_account(1), "bot", 1),
    2: SubAccount(MAIN.sub_account(2), "old", 1, closed_at_ms=2),
}


class Records:
    def read(self, owner: AccountId) -> SubAccountList:
        return SubAccountList(SEATS if owner == MAIN else {}, 0)


def test_keys_of_all_accounts_are_listed_whichever_is_asked_for() -> None:
    keys: Any = SimpleNamespace(of_account=lambda account: [f"{account}.key"])
    records: Any = Records()
    listed: Any = UserKeys(keys, records)

    expected = [f"{MAIN}.key", f"{MAIN.sub_account(1)}.key", f"{MAIN.sub_account(2)}.key"]
    assert listed.of_account(MAIN) == expected
    assert listed.of_account(MAIN.sub_account(1)) == expected
    other = AccountId(TenantId(1), 8)
    assert listed.of_account(other) == [f"{other}.key"]
