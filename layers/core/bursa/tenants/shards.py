"""Which shard carries out a tenant's commands, how many of them, and for users of which level."""

from typing import Protocol

from bursa.compliance.levels import Levels
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import InternalError, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.limits import TenantLimits
from bursa.tenants.profile import IntakeProfile

_AGE_MS_MAX = 60_000


class Directory(Protocol):
    """Keeps every tenant's profile."""

    def intake_profile(self, tenant: TenantId) -> IntakeProfile | None:
        """Return what intake needs of it; None for an unknown tenant. Raises `Unavailable`."""


class TenantShards:
    """Shards and limits of tenants, each read from the directory once a minute at most.

    While the directory does not respond, what is known stays valid: a tenant keeps its shard.
    """

    def __init__(self, directory: Directory, clock: MonotonicClock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[TenantId, tuple[float, IntakeProfile]] = {}

    def __call__(self, tenant: TenantId) -> int:
        """Return a tenant's shard; raises as `profile` does."""
        return self.profile(tenant).shard

    def limits(self, tenant: TenantId) -> TenantLimits:
        """Return a tenant's limits; raises as `profile` does."""
        return self.profile(tenant).limits

    def levels(self, tenant: TenantId) -> Levels | None:
        """Return a tenant's levels, None where it asks nobody; raises as `profile` does."""
        return self.profile(tenant).levels

    def profile(self, tenant: TenantId) -> IntakeProfile:
        """Return what intake needs of a tenant's profile.

        Raises
        ------
        InternalError
            ``unknown_tenant``: the caller was signed in for a tenant without a profile.
        Unavailable
            The directory does not respond, and has never before for this tenant.

        """
        now_ms = self._clock.monotonic_ms()
        known = self._known.get(tenant)
        if known is not None and now_ms - known[0] < _AGE_MS_MAX:
            return known[1]
        try:
            found = self._directory.intake_profile(tenant)
        except Unavailable:
            if known is None:
                raise
            return known[1]
        if found is None:
            raise InternalError("unknown_tenant", f"Tenant {tenant} has no profile.")
        self._known[tenant] = (now_ms, found)
        return found
