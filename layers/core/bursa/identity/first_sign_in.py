"""The first sign-in with another provider: as whom it signs in, decided before the pool does.

Whoever comes is one user, with one account, whichever way it comes: the pool's own user with the
address. The provider must say that the address is verified, because that alone shows that it is the
same person. Nothing else is linked, and the pool never makes a second profile.

A user that nobody has confirmed may have been made by anyone, with a password that only they know,
to wait for the owner of the address. So its password is replaced by one that nobody knows, before
the owner of the address gets it.

After linking the sign-in is refused once, by ``linked``: the pool has begun to make a profile and
can't turn to another user. The next one, for which the provider asks nothing, signs in.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple, NoReturn, Protocol

from bursa.identity.linked_identities import LinkedIdentity, linked_event
from bursa.identity.security_events import SecurityEvent
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, NotAllowed
from bursa.kernel.identifiers import TenantId
from bursa.tenants.profile import SignUp, TenantProfile

# What nobody can read something else into; no quotes, no spaces.
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+/=?^{}|~!#$&*-]{1,64}@[A-Za-z0-9.-]{3,255}", re.ASCII)
# Refused once, because it is linked now.
LINKED: Final = "linked"
_ASK: Final = "Ask the exchange's support."


class FirstSignIn(NamedTuple):
    """Someone who signs in with a provider, and whom the pool does not know yet.

    ``provider`` is as the pool names it, ``subject`` the person's id there.
    """

    issuer: str
    provider: str
    subject: str
    email: str
    is_verified: bool


class ProfileState(StrEnum):
    """What a user of a pool has shown so far."""

    CONFIRMED = "confirmed"
    INVITED = "invited"  # by an operator, who says that the address is its own
    UNCONFIRMED = "unconfirmed"  # has signed up, and shown nothing
    OTHER = "other"


class PoolProfile(NamedTuple):
    """A user as its pool knows it; ``name`` is what the pool calls it by."""

    name: str
    subject: str
    state: ProfileState
    is_enabled: bool
    is_email_verified: bool
    has_factor: bool


class Pools(Protocol):
    """Tenants' user pools; each method raises `Unavailable` ``user_pool_unavailable``."""

    def find(self, issuer: str, email: str) -> PoolProfile | None:
        """Return the pool's own user with an address; None for none."""

    def create(self, issuer: str, email: str) -> None:
        """Make a user that is invited, and send it nothing; safe to repeat."""

    def confirm(self, issuer: str, name: str, password: str) -> None:
        """Replace whatever password a user has, and say that its address is its own."""

    def link(self, issuer: str, name: str, provider: str, subject: str) -> None:
        """Let a provider's identity sign in as a user; safe to repeat."""

    def unlink(self, issuer: str, provider: str, subject: str) -> None:
        """Let it sign in as nobody; safe to repeat."""


class Directory(Protocol):
    """Tenants and their users."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in; None for an unknown issuer."""

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""


class Identities(Protocol):
    """Keeps what is linked; each method raises `Unavailable` ``identity_unavailable``."""

    def find(self, tenant: TenantId, user: str, provider: str) -> LinkedIdentity | None:
        """Return what is known of one provider's; None for nothing."""

    def link(
        self,
        tenant: TenantId,
        user: str,
        linked: LinkedIdentity,
        event: SecurityEvent | None,
        pause_until_ms: int,
    ) -> bool:
        """Keep one that is linked, with its event; return False when one was linked before."""


class Pauses(Protocol):
    """Until when an event pauses withdrawals."""

    def pause_until_ms(self, event: SecurityEvent) -> int:
        """Return the time, UTC; 0 for not at all."""


class FirstSignIns:
    """Links who signs in with a provider for the first time, or refuses.

    Parameters
    ----------
    has_factor
        Returns whether the exchange itself asks a user for codes.
    random_password
        Returns a password that can't be guessed and that every pool takes.

    """

    def __init__(  # noqa: PLR0917 - where things are kept, and what is asked
        self,
        directory: Directory,
        pools: Pools,
        identities: Identities,
        has_factor: Callable[[TenantId, str], bool],
        pauses: Pauses,
        clock: WallClock,
        random_password: Callable[[], str],
    ) -> None:
        self._directory = directory
        self._pools = pools
        self._identities = identities
        self._has_factor = has_factor
        self._pauses = pauses
        self._clock = clock
        self._random_password = random_password

    def __call__(self, first: FirstSignIn) -> NoReturn:
        """Link who signs in, then refuse this sign-in, or refuse at once; safe to repeat.

        Raises
        ------
        Conflict
            ``linked``: the next sign-in succeeds; ``already_linked``: another one of the provider.
        NotAllowed
            ``email_not_verified``, ``not_invited``, ``user_disabled``, ``user_not_confirmed``,
            ``second_factor_set_up``, ``identity_unlinked``, ``unknown_pool``.
        Unavailable
            ``directory_unavailable``, ``identity_unavailable``, ``user_pool_unavailable``.

        """
        tenant = self._directory.tenant_of(first.issuer)
        if tenant is None or not tenant.lets_in(self._clock.now_ms()):
            raise NotAllowed("unknown_pool", "Nobody signs in here at the moment.")
        if not first.is_verified or not _EMAIL.fullmatch(first.email):
            raise NotAllowed(
                "email_not_verified",
                f"Verify your e-mail address with {first.provider}, then sign in again.",
            )
        user = self._own_user(tenant, first)
        self._claim(tenant.tenant, user, first)
        self._pools.link(first.issuer, user.name, first.provider, first.subject)
        left = self._identities.find(tenant.tenant, user.subject, first.provider)
        if left is None or not left.is_linked:
            # The user has unlinked it in the meantime, and has the last word.
            self._pools.unlink(first.issuer, first.provider, first.subject)
            raise _unlinked(first)
        raise Conflict(LINKED, f"Sign in with {first.provider} once more: it is yours now.")

    def _own_user(self, tenant: TenantProfile, first: FirstSignIn) -> PoolProfile:
        """Return the confirmed user of the address, which may be a new one."""
        user = self._pools.find(first.issuer, first.email)
        if tenant.sign_up is SignUp.OPEN and user is None:
            self._pools.create(first.issuer, first.email)
            user = self._pools.find(first.issuer, first.email)
        is_uninvited = user is None or user.state is ProfileState.UNCONFIRMED
        if user is None or (is_uninvited and tenant.sign_up is not SignUp.OPEN):
            raise NotAllowed("not_invited", "Ask the exchange to invite you.")
        if not user.is_enabled:
            raise NotAllowed("user_disabled", _ASK)
        if user.state in {ProfileState.INVITED, ProfileState.UNCONFIRMED}:
            # Nobody has signed in as it yet, and nobody's password may be good for it.
            self._pools.confirm(first.issuer, user.name, self._random_password())
        elif user.state is not ProfileState.CONFIRMED or not user.is_email_verified:
            raise NotAllowed(
                "user_not_confirmed", "Sign in with your password and verify your address first."
            )
        return user

    def _claim(self, tenant: TenantId, user: PoolProfile, first: FirstSignIn) -> None:
        """Write whose the identity is, before the pool is told; of two at once one is first."""
        known = self._identities.find(tenant, user.subject, first.provider)
        if known is None or not known.is_linked:
            self._require_allowed(tenant, user, known, first)
            now_ms = self._clock.now_ms()
            linked = LinkedIdentity(first.provider, first.subject, now_ms)
            account = self._directory.known_user(tenant, user.subject)
            event = None if account is None else linked_event(account, user.subject, linked)
            until_ms = 0 if event is None else self._pauses.pause_until_ms(event)
            if self._identities.link(tenant, user.subject, linked, event, until_ms):
                return
            known = self._identities.find(tenant, user.subject, first.provider)
        if known is None or known.subject != first.subject:
            raise Conflict(
                "already_linked",
                f"Another sign-in of {first.provider} is linked to this address: use that one, or "
                "unlink it first.",
            )

    def _require_allowed(
        self, tenant: TenantId, user: PoolProfile, known: LinkedIdentity | None, first: FirstSignIn
    ) -> None:
        """Return when it may be linked by itself, or the user has said that it may."""
        if known is not None and known.allowed_until_ms > self._clock.now_ms():
            return
        if known is not None and known.unlinked_at_ms:
            raise _unlinked(first)
        if user.has_factor or self._has_factor(tenant, user.subject):
            # The provider would ask for no code, and so take away what the user has set up.
            raise NotAllowed(
                "second_factor_set_up",
                f"Sign in with your password and code, and allow {first.provider} in your "
                "account's settings.",
            )


def _unlinked(first: FirstSignIn) -> NotAllowed:
    return NotAllowed(
        "identity_unlinked",
        f"You have unlinked {first.provider}: sign in with your password, and allow it again.",
    )
