"""How the sessions of a user end when it is not the user who ends them."""

from typing import Protocol

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile


class Profiles(Protocol):
    """The settings of tenants."""

    def public_profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings. Raises `Unavailable`."""


class Pools(Protocol):
    """The user pools of tenants."""

    def end_sessions(self, issuer: str, subject: str) -> None:
        """Revoke a user's refresh tokens. Raises `Unavailable`."""


class SessionEnd(Protocol):
    """Ends sessions here; see `bursa.identity.sessions.SessionEnd`."""

    def record(self, account: AccountId, user: str, now_ms: int) -> None:
        """Write that they have ended. Raises `Unavailable`."""

    def close_connections(self, account: AccountId, user: str) -> int:
        """Close what they had open; return how many."""


class StaffSessionEnd:
    """Ends the sessions of a user here, in its pool, and on its WebSockets."""

    def __init__(self, end: SessionEnd, pools: Pools, profiles: Profiles) -> None:
        self._end = end
        self._pools = pools
        self._profiles = profiles

    def end(self, account: AccountId, subject: str, at_ms: int) -> int:
        """End what began at this time or before; return how many connections were closed.

        Here first: without the pool the sessions are over all the same. Raises `Unavailable`.
        """
        self._end.record(account, subject, at_ms)
        profile = self._profiles.public_profile(account.tenant)
        if profile is not None:
            self._pools.end_sessions(profile.issuer, subject)
        return self._end.close_connections(account, subject)

    def close(self, account: AccountId, opener: str) -> int:
        """Close what a user or a key has opened; return how many."""
        return self._end.close_connections(account, opener)
