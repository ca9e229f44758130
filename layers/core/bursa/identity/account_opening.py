"""How a user who has signed up gets an account: at the first sign-in, once.

No trigger of the user pool takes part, so none that failed or never came leaves a user without an
account: whoever signs in and has none gets one, if the tenant lets users sign up and the pool says
that the address is the user's own.
"""

from typing import Protocol

from bursa.identity.pool_user import PoolAddress
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import SignUp, TenantProfile

_ASK = "Ask the exchange to open an account for you."


class Accounts(Protocol):
    """Keeps which account is whose."""

    def open_signed_up(self, tenant: TenantId, subject: str, most: int) -> AccountId | None:
        """Return a user's account, which is a new one when there is none.

        None when the tenant has as many as it may have, or takes nobody at the moment. Raises
        `Unavailable`.
        """


class Addresses(Protocol):
    """What user pools know of their users."""

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user; None where the pool does not tell this token."""


class AccountOpening:
    """Opens the accounts of users who have signed up."""

    def __init__(self, accounts: Accounts, addresses: Addresses) -> None:
        self._accounts = accounts
        self._addresses = addresses

    def __call__(self, profile: TenantProfile, subject: str, token: str) -> AccountId:
        """Return the account of a user who has none yet, by its verified access token.

        The pool refuses a token of a user that it has disabled or signed out, so neither gets one.

        Raises
        ------
        Unauthenticated
            ``unknown_user``: nobody signs up here, or this token may not ask the pool;
            ``email_not_verified``; ``no_accounts_left``: the tenant has as many as it may have, or
            was suspended.
        Unavailable
            ``user_pool_unavailable``, ``directory_unavailable``.

        """
        if profile.sign_up is not SignUp.OPEN:
            raise Unauthenticated("unknown_user", _ASK)
        address = self._addresses.of(token)
        if address is None:
            raise Unauthenticated("unknown_user", _ASK)
        if not address.is_verified:
            raise Unauthenticated("email_not_verified", "Verify your e-mail address first.")
        most = profile.limits.tenant_accounts
        account = self._accounts.open_signed_up(profile.tenant, subject, most)
        if account is None:
            raise Unauthenticated("no_accounts_left", _ASK)
        return account
