"""The sign-ins of other providers that a user may use, and what it says about them.

A provider's sign-in leads to the user whose address it has shown to be its own
(`bursa.identity.first_sign_in`). Of one provider a user has one such identity. What was unlinked is
never linked again by itself, and neither is anything to a user with a second factor: that takes the
user's word, which is good for some minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId, TenantId

ALLOWED_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """What is known of one provider's sign-in of a user.

    Attributes
    ----------
    provider
        The provider's name in the user pool.
    subject
        The person's id at the provider, also once it is unlinked; empty for none so far.
    linked_at_ms
        Since when, UTC.
    unlinked_at_ms
        Since when it is not linked any more, UTC; 0 while it is.
    allowed_until_ms
        Until when the user lets the next one be linked, UTC; 0 for nothing said.

    """

    provider: str
    subject: str = ""
    linked_at_ms: int = 0
    unlinked_at_ms: int = 0
    allowed_until_ms: int = 0

    @property
    def is_linked(self) -> bool:
        """Whether it signs in as the user."""
        return bool(self.subject) and not self.unlinked_at_ms


class Identities(Protocol):
    """Keeps them; each method raises `Unavailable` ``identity_unavailable``."""

    def of(self, tenant: TenantId, user: str) -> Sequence[LinkedIdentity]:
        """Return all of a user, also those that are unlinked."""

    def find(self, tenant: TenantId, user: str, provider: str) -> LinkedIdentity | None:
        """Return what is known of one provider's; None for nothing."""

    def allow(self, tenant: TenantId, user: str, provider: str, until_ms: int) -> None:
        """Keep that the next one may be linked."""

    def unlink(self, event: SecurityEvent, provider: str) -> None:
        """Keep that it is not linked any more, with the event; safe to repeat."""


class Providers(Protocol):
    """The user pool's side; raises `Unavailable` ``user_pool_unavailable``."""

    def names(self, issuer: str) -> Sequence[str]:
        """Return the names of a pool's identity providers."""

    def unlink(self, issuer: str, provider: str, subject: str) -> None:
        """Let a provider's identity sign in as nobody; safe to repeat."""


class Directory(Protocol):
    """Which pool is a tenant's."""

    def issuer(self, tenant: TenantId) -> str:
        """Return the URL of a tenant's user pool; raises `Unavailable`."""


class Factor(Protocol):
    """The second factor."""

    def since_ms(self, principal: Principal) -> int:
        """Return since when it is required, UTC; 0 for not at all."""

    def require(self, principal: Principal, code: str) -> None:
        """Return when the caller's second factor has just made this code."""


class LinkedIdentities:
    """Lists, unlinks and allows; refuses API keys with `NotAllowed` ``token_required``."""

    def __init__(
        self,
        identities: Identities,
        providers: Providers,
        directory: Directory,
        factor: Factor,
        clock: WallClock,
    ) -> None:
        self._identities = identities
        self._providers = providers
        self._directory = directory
        self._factor = factor
        self._clock = clock

    def of(self, principal: Principal) -> Sequence[LinkedIdentity]:
        """Return those that are linked, or may be at the moment; raises `Unavailable`."""
        require_token(principal)
        now_ms = self._clock.now_ms()
        known = self._identities.of(principal.tenant, principal.user)
        return [one for one in known if one.is_linked or one.allowed_until_ms > now_ms]

    def unlink(self, principal: Principal, provider: str, address: str) -> None:
        """Let a provider's identity no longer sign in as the caller.

        Safe to repeat. No code is asked for: what takes a right away must be quick. That it is
        unlinked is written first, so that no sign-in in between links it again.

        Raises
        ------
        NotFound
            ``unknown_identity``

        """
        require_token(principal)
        tenant, user = principal.tenant, principal.user
        known = self._identities.find(tenant, user, provider)
        if known is None or not known.subject:
            raise NotFound("unknown_identity", "There is no such one; see GET /v1/me/identities.")
        kind, now_ms = SecurityEventKind.IDENTITY_UNLINKED, self._clock.now_ms()
        if known.is_linked:
            event = SecurityEvent(kind, principal.account, user, now_ms, address, provider)
            self._identities.unlink(event, provider)
        self._providers.unlink(self._directory.issuer(tenant), provider, known.subject)

    def allow(self, principal: Principal, provider: str, code: str) -> int:
        """Let the caller's next sign-in with a provider be linked; return until when, UTC.

        Raises
        ------
        NotFound
            ``unknown_provider``
        NotAllowed, InvalidInput, TooManyRequests
            As `SecondFactor.require`, of who has one.

        """
        require_token(principal)
        if provider not in self._providers.names(self._directory.issuer(principal.tenant)):
            raise NotFound("unknown_provider", "Nobody signs in here with that provider.")
        if self._factor.since_ms(principal):
            self._factor.require(principal, code)
        until_ms = self._clock.now_ms() + ALLOWED_MS
        self._identities.allow(principal.tenant, principal.user, provider, until_ms)
        return until_ms


def linked_event(user: User, subject: str, linked: LinkedIdentity) -> SecurityEvent:
    """Return the event of an identity that is linked; the pool does not say from where."""
    kind, account = SecurityEventKind.IDENTITY_LINKED, AccountId.parse(user.account)
    return SecurityEvent(kind, account, subject, linked.linked_at_ms, "", linked.provider)
