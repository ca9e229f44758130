"""Which of a user's accounts somebody of the back office means."""

from bursa.accounts.sub_accounts import SubAccountRecords
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import AccountId


def account_named(main: AccountId, name: str, sub_accounts: SubAccountRecords) -> AccountId:
    """Return a user's account that goes by a name: the main one for none.

    It may be a sub-account that is closed: its history stays. Raises `NotFound`
    ``unknown_account`` for all that is not the user's, and `Unavailable`.
    """
    if not name or name == str(main):
        return main
    try:
        account = AccountId.parse(name)
    except InvalidInput:
        raise _unknown() from None
    if account.owner != main or account.seat not in sub_accounts.read(main).by_seat:
        raise _unknown()
    return account


def _unknown() -> NotFound:
    return NotFound("unknown_account", "Choose one of the accounts that GET /v1/admin/users names.")
