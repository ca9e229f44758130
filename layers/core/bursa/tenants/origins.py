"""Which web pages may read a tenant's responses, by the origin that their browser states.

An origin is scheme, host name and port of a page, as in ``https://trade.brand.example``. It is a
browser's promise to its user and proves nothing about anybody else: what a caller may do is decided
by its token or key, never by this.
"""

import re
from typing import Final, Protocol

from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import InvalidInput, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.ports import TenantResolver

ORIGINS_MAX: Final = 20
# Lower case and without a default port, as browsers write it. Without TLS only on the page's own
# machine, whose names no name server has a say in.
_NAME: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_PORT: Final = r"(:[1-9][0-9]{0,4})?"
_ORIGIN: Final = (
    rf"https://({_NAME}\.)*{_NAME}{_PORT}"
    rf"|http://(({_NAME}\.)*localhost|127\.0\.0\.1){_PORT}"
)
_DEFAULT_PORTS: Final = {("https", "443"), ("http", "80")}
_CHARACTERS_MAX: Final = 261
_AGE_MS_MAX: Final = 30_000
# Where hosts are shared, a preflight can't name its tenant: so many are asked.
_SHARED_TENANTS: Final = 20


class Directory(Protocol):
    """Keeps tenants' origins."""

    def origins(self, tenant: TenantId) -> frozenset[str]:
        """Return a tenant's origins; raises `Unavailable` ``directory_unavailable``."""


def is_origin(text: str) -> bool:
    """Return whether a tenant may list this: HTTPS, or HTTP of the page's own machine."""
    # Compiled when it is asked for: functions only compare.
    if len(text) > _CHARACTERS_MAX or not re.fullmatch(_ORIGIN, text):
        return False
    return (text.partition(":")[0], text.rpartition(":")[2]) not in _DEFAULT_PORTS


def is_own_origin(origin: str, host: str) -> bool:
    """Return whether this is the host itself: some clients that are no page send that."""
    return origin in {f"https://{host}", f"http://{host}"} and is_origin(origin)


def check_origins(origins: frozenset[str]) -> None:
    """Return for origins that a tenant may list; raises `InvalidInput` ``invalid_origin``."""
    if len(origins) > ORIGINS_MAX:
        raise InvalidInput("invalid_origin", f"List {ORIGINS_MAX} origins at most.")
    for origin in origins:
        if not is_origin(origin):
            raise InvalidInput(
                "invalid_origin",
                f"{origin} is no origin: write scheme, name and port as a browser does, such as "
                "https://trade.brand.example, or http:// with localhost.",
            )


class TenantOrigins:
    """The origins of tenants, each read from the directory twice a minute at most.

    While the directory does not respond, what is known stays valid, and nothing else is.
    """

    def __init__(self, directory: Directory, clock: MonotonicClock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[TenantId, tuple[float, frozenset[str]]] = {}

    def of(self, tenant: TenantId) -> frozenset[str]:
        """Return the origins of a tenant that exists: memory is kept for each that is asked for."""
        now_ms = self._clock.monotonic_ms()
        read_ms, origins = self._known.get(tenant, (float("-inf"), frozenset[str]()))
        if now_ms - read_ms < _AGE_MS_MAX:
            return origins
        try:
            origins = self._directory.origins(tenant)
        except Unavailable:
            return origins
        self._known[tenant] = (now_ms, origins)
        return origins


class HostOrigins:
    """Which pages may read what was sent to a host name.

    Parameters
    ----------
    is_shared
        Whether tenants share host names; then a preflight, which can't say whose request it is
        for, passes for a page of any of the first tenants. The response itself is of one tenant.

    """

    def __init__(self, tenants: TenantResolver, origins: TenantOrigins, *, is_shared: bool) -> None:
        self._tenants = tenants
        self._origins = origins
        self._is_shared = is_shared

    def lists(self, host: str, named: str | None, origin: str) -> bool:
        """Return whether the tenant of a public request lists this origin."""
        try:
            tenant = self._tenants.resolve(host, named)
        except (NotFound, Unavailable):
            return False
        return origin in self._origins.of(tenant)

    def lets_ask(self, host: str, origin: str) -> bool:
        """Return whether a page of this origin may send a request there; for a preflight."""
        if self.lists(host, None, origin):
            return True
        return self._is_shared and any(
            origin in self._origins.of(TenantId(number)) for number in range(1, _SHARED_TENANTS + 1)
        )
