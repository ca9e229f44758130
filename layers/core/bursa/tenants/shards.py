"""Which shard carries out a tenant's commands."""

from typing import Protocol

from bursa.kernel.errors import InternalError
from bursa.kernel.identifiers import TenantId

_AGE_MS_MAX = 60_000


class Directory(Protocol):
    """Keeps every tenant's shard."""

    def shard_of(self, tenant: TenantId) -> int | None:
        """Return the shard that carries out a tenant's commands; None for an unknown tenant."""


class Clock(Protocol):
    """A clock that never goes back."""

    def monotonic_ms(self) -> float:
        """Return its time in milliseconds."""


class TenantShards:
    """The shards of tenants, each read from the directory once a minute at most."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[TenantId, tuple[float, int]] = {}

    def __call__(self, tenant: TenantId) -> int:
        """Return a tenant's shard.

        Raises
        ------
        InternalError
            ``unknown_tenant``: whoever signed the caller in has named a tenant without a profile.

        """
        now_ms = self._clock.monotonic_ms()
        read_ms, shard = self._known.get(tenant, (float("-inf"), 0))
        if now_ms - read_ms < _AGE_MS_MAX:
            return shard
        found = self._directory.shard_of(tenant)
        if found is None:
            raise InternalError("unknown_tenant", f"Tenant {tenant} has no profile.")
        self._known[tenant] = (now_ms, found)
        return found
