"""Which tenant a public request is for, by the host name that it was sent to.

On a laptop, and in a demo, all tenants share one host name. Such a deployment lets the header
``X-Tenant`` name the tenant, and takes the tenant of `ANY_HOST` where nothing names one.
"""

from collections.abc import Callable
from typing import Protocol

from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import InvalidInput, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId

ANY_HOST = "*"
# By which a WebSocket names its tenant in the query where a request has `X-Tenant`.
TENANT_PARAMETER = "tenant"

_AGE_MS_MAX = 60_000
# What is not known may have been added a moment ago.
_MISS_AGE_MS_MAX = 1_000
# Names are the client's to choose where a gateway does not fix them; memory is not.
_HOSTS_KEPT_MAX = 1_000


class Directory(Protocol):
    """Keeps which tenant a host name belongs to, and which tenants there are."""

    def tenant_of_host(self, host: str) -> TenantId | None:
        """Return the tenant that a host name belongs to; None for an unknown host."""

    def has_tenant(self, tenant: TenantId) -> bool:
        """Return whether there is such a tenant, and has not been deleted."""


class HostTenants:
    """The tenants of host names, each read from the directory once a minute at most.

    While the directory does not respond, what is known stays valid.

    Parameters
    ----------
    is_shared
        Whether tenants share host names, so that the header and `ANY_HOST` count.

    """

    def __init__(self, directory: Directory, clock: MonotonicClock, *, is_shared: bool) -> None:
        self._directory = directory
        self._clock = clock
        self._is_shared = is_shared
        self._known: dict[str, tuple[float, TenantId | None]] = {}

    def resolve(self, host: str, named: str | None) -> TenantId:
        """Return the tenant of a public request; see `bursa.tenants.ports.TenantResolver`."""
        if self._is_shared and named is not None:
            tenant = self._recall(f"tenant {named}", lambda: self._named(named))
        else:
            tenant = self._recall(f"host {host}", lambda: self._of_host(host))
        if tenant is None:
            raise self.unknown()
        return tenant

    def unknown(self) -> NotFound:
        """Return the one error for whoever names no tenant, one that never was or is no more."""
        advice = "Send the request to the host name of one of this exchange's tenants."
        if self._is_shared:
            advice = "Name a tenant of this exchange in the header X-Tenant, such as t7."
        return NotFound("unknown_tenant", advice)

    def _named(self, name: str) -> TenantId | None:
        try:
            tenant = TenantId.parse(name)
        except InvalidInput:
            return None
        return tenant if self._directory.has_tenant(tenant) else None

    def _of_host(self, host: str) -> TenantId | None:
        found = self._directory.tenant_of_host(host) if host not in ("", ANY_HOST) else None
        if found is None and self._is_shared:
            return self._directory.tenant_of_host(ANY_HOST)
        return found

    def _recall(self, key: str, read: Callable[[], TenantId | None]) -> TenantId | None:
        now_ms = self._clock.monotonic_ms()
        read_ms, tenant = self._known.get(key, (float("-inf"), None))
        if now_ms - read_ms < (_MISS_AGE_MS_MAX if tenant is None else _AGE_MS_MAX):
            return tenant
        try:
            tenant = read()
        except Unavailable:
            if tenant is None:
                raise
            return tenant
        if len(self._known) >= _HOSTS_KEPT_MAX:
            self._known.clear()
        self._known[key] = (now_ms, tenant)
        return tenant
