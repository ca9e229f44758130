"""What a tenant shows to anyone who asks: how it looks, where to sign in, and its state.

Never what only its operator may know: the history and the reasons of its states, the limits of the
whole tenant, its users.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import TenantId
from bursa.tenants.branding import Branding
from bursa.tenants.life import TenantState
from bursa.tenants.profile import TenantProfile


class PublicState(StrEnum):
    """What a client has to show; see `bursa.tenants.life` for the states behind it.

    In ``cancel_only`` and ``closing`` users sign in and cancel, in ``suspended`` nobody signs in,
    and in ``opening`` nothing is listed yet.
    """

    OPENING = "opening"
    ACTIVE = "active"
    CANCEL_ONLY = "cancel_only"
    SUSPENDED = "suspended"
    CLOSING = "closing"


class Directory(Protocol):
    """Keeps every tenant's profile."""

    def public_profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings; None for an unknown tenant. Raises `Unavailable`."""


class Brandings(Protocol):
    """Keeps every tenant's branding."""

    def find(self, tenant: TenantId) -> Branding | None:
        """Return a tenant's branding; None while it has none. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class PublicTenant:
    """A tenant's public side."""

    profile: TenantProfile
    branding: Branding
    state: PublicState

    @property
    def display_name(self) -> str:
        """The brand as it writes itself."""
        return self.branding.display_name or self.profile.name


class ReadPublicTenant:
    """Reads the public side of tenants.

    Parameters
    ----------
    directory, brandings, clock
        Where tenants are kept, and the time.
    unknown
        The error for a tenant that is no more: that of one which never was.

    """

    def __init__(
        self,
        directory: Directory,
        brandings: Brandings,
        clock: WallClock,
        unknown: Callable[[], NotFound],
    ) -> None:
        self._directory = directory
        self._brandings = brandings
        self._clock = clock
        self._unknown = unknown

    def __call__(self, tenant: TenantId) -> PublicTenant:
        """Return a tenant's public side.

        Raises
        ------
        NotFound
            ``unknown_tenant``: there is none, or it was deleted.
        Unavailable
            ``directory_unavailable``

        """
        profile = self._directory.public_profile(tenant)
        if profile is None or profile.state is TenantState.DELETED:
            raise self._unknown()
        branding = self._brandings.find(tenant) or Branding()
        return PublicTenant(profile, branding, public_state(profile, self._clock.now_ms()))


def public_state(profile: TenantProfile, now_ms: int) -> PublicState:
    """Return the state of a tenant that has not been deleted, as its clients know it."""
    if not profile.lets_in(now_ms):
        return PublicState.SUSPENDED
    if profile.state is TenantState.SUSPENDED:
        return PublicState.CANCEL_ONLY
    return PublicState(profile.state.value)
