"""How other features find the tenant of a public request."""

from typing import Protocol

from bursa.kernel.identifiers import TenantId


class TenantResolver(Protocol):
    """Which tenant a public request is for; never taken from its body."""

    def resolve(self, host: str, named: str | None) -> TenantId:
        """Return the tenant of a public request.

        Parameters
        ----------
        host
            The host name that the request was sent to.
        named
            The request's ``X-Tenant`` header, such as ``t7``; None without one.

        Raises
        ------
        NotFound
            ``unknown_tenant``.

        """
