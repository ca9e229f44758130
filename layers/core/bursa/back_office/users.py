"""A tenant's users, as its back office finds them."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bursa.back_office.roles import Role, role_of
from bursa.identity.users import User
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile


class PoolEntry(NamedTuple):
    """A user as its pool knows it; `state` is the pool's own word."""

    subject: str
    email: str
    is_email_verified: bool
    state: str
    is_enabled: bool
    created_at_ms: int
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user: what its pool knows, and what the directory does; no account before its first use."""

    entry: PoolEntry
    account: AccountId | None
    signed_out_at: int
    is_disabled: bool
    # By the user itself, for good.
    is_closed: bool = False

    @property
    def role(self) -> Role | None:
        """What it is in the back office."""
        return role_of(self.entry.groups)


class Pools(Protocol):
    """The user pools of tenants."""

    def find(self, issuer: str, name: str) -> PoolEntry | None:
        """Return the user with an e-mail address or a subject; None. Raises `Unavailable`."""


class Directory(Protocol):
    """Keeps tenants and their users' accounts."""

    def public_profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings; None for an unknown tenant. Raises `Unavailable`."""

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return a user; None for one without an account. Raises `Unavailable`."""


class Users:
    """Finds users of a tenant, and only of that: another's are not there."""

    def __init__(self, directory: Directory, pools: Pools) -> None:
        self._directory = directory
        self._pools = pools

    def find(self, tenant: TenantId, name: str) -> FoundUser | None:
        """Return the user with an e-mail address or a subject; None when there is none.

        Raises `Unavailable` ``directory_unavailable``, ``user_pool_unavailable``.
        """
        profile = self._directory.public_profile(tenant)
        entry = None if profile is None else self._pools.find(profile.issuer, name)
        if entry is None:
            return None
        user = self._directory.known_user(tenant, entry.subject)
        if user is None:
            return FoundUser(entry, None, 0, is_disabled=False)
        account = AccountId.parse(user.account)
        is_closed = bool(user.closed_at_ms)
        return FoundUser(entry, account, user.signed_out_at, user.is_disabled, is_closed)

    def get(self, tenant: TenantId, subject: str) -> FoundUser:
        """Return the user with a subject; raises `NotFound` ``unknown_user`` too."""
        found = self.find(tenant, subject)
        if found is None or found.entry.subject != subject:
            raise NotFound("unknown_user", "Find the user by its e-mail address first.")
        return found

    def role(self, tenant: TenantId, subject: str) -> Role | None:
        """Return what a person is now, whatever its token says; None for who is shut out."""
        found = self.find(tenant, subject)
        if found is None or found.entry.subject != subject:
            return None
        may_sign_in = found.entry.is_enabled and not found.is_disabled and not found.is_closed
        return found.role if may_sign_in else None

    def account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account; raises `NotFound` ``unknown_user``, ``no_account``."""
        account = self.get(tenant, subject).account
        if account is None:
            raise NotFound("no_account", "This user has not signed in yet, and has no account.")
        return account
