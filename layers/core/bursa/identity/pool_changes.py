"""What follows a password, a second factor or an address changed at the user pool itself.

It is a security event, which pauses withdrawals; and a new password ends all sessions, because
whoever knew the old one may have some. The same change may be told more than once: by our own
route, by the pool, and by CloudTrail minutes later, in any order.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from bursa.identity.pool_events import PoolChange
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile

# What is told of within this time is one change: CloudTrail names the time to the second, and a
# factor is set up in several calls.
ONE_CHANGE_MS: Final = 300_000
# What a change at the pool is told as by our own routes.
_SAME: Final = {
    SecurityEventKind.EMAIL_CHANGED: {SecurityEventKind.EMAIL_CHANGED},
    SecurityEventKind.PASSWORD_CHANGED: {SecurityEventKind.PASSWORD_CHANGED},
    SecurityEventKind.SIGN_IN_FACTOR_CHANGED: {
        SecurityEventKind.SIGN_IN_FACTOR_CHANGED,
        SecurityEventKind.SECOND_FACTOR_ADDED,
        SecurityEventKind.SECOND_FACTOR_REMOVED,
    },
}


class Directory(Protocol):
    """Tenants and their users."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in; None for an unknown issuer."""

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""


class Sessions(Protocol):
    """Ends sessions; see `bursa.identity.sessions.SessionEnd`."""

    def record(self, account: AccountId, user: str, now_ms: int) -> None:
        """Write that those that began before have ended."""

    def close_connections(self, account: AccountId, user: str, session: str = "") -> int:
        """Close what they had open; return how many."""


class Events(Protocol):
    """A user's security events."""

    def of(self, tenant: TenantId, user: str) -> Sequence[SecurityEvent]:
        """Return the latest, newest first."""

    def record(self, event: SecurityEvent) -> None:
        """Keep an event, and pause withdrawals if it does."""


class PoolChanges:
    """Follows changes at user pools.

    Parameters
    ----------
    tenants
        Returns all tenants, for a change of which CloudTrail does not say at which pool.

    """

    def __init__(
        self,
        directory: Directory,
        tenants: Callable[[], Iterable[TenantId]],
        sessions: Sessions,
        events: Events,
        clock: WallClock,
    ) -> None:
        self._directory = directory
        self._tenants = tenants
        self._sessions = sessions
        self._events = events
        self._clock = clock

    def __call__(self, change: PoolChange) -> bool:
        """Follow a change; return whether it is a user's of an exchange. Safe to repeat.

        Raises `Unavailable`.
        """
        found = self._whose(change)
        if found is None:
            return False
        tenant, user = found
        account, at_ms = AccountId.parse(user.account), change.at_ms or self._clock.now_ms()
        event = SecurityEvent(change.kind, account, change.subject, at_ms, change.address)
        is_told = self._is_told(tenant, event)
        if change.kind is SecurityEventKind.PASSWORD_CHANGED:
            self._sessions.record(account, change.subject, at_ms)
            # What has been told has been followed; connections of since then are the owner's.
            if not is_told:
                self._sessions.close_connections(account, change.subject)
        if not is_told:
            self._events.record(event)
        return True

    def _whose(self, change: PoolChange) -> tuple[TenantId, User] | None:
        """Return whose change it is; a subject is one user's of all pools."""
        if change.issuer:
            profile = self._directory.tenant_of(change.issuer)
            tenants = [] if profile is None else [profile.tenant]
        else:
            tenants = list(self._tenants())
        for tenant in tenants:
            user = self._directory.known_user(tenant, change.subject)
            if user is not None:
                return tenant, user
        return None

    def _is_told(self, tenant: TenantId, event: SecurityEvent) -> bool:
        return any(
            known.kind in _SAME[event.kind] and abs(known.at_ms - event.at_ms) < ONE_CHANGE_MS
            for known in self._events.of(tenant, event.user)
        )
