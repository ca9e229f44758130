"""How other features find a tenant, and the shard it is on."""

from typing import Protocol

from bursa.kernel.identifiers import TenantId


class TenantResolver(Protocol):
    """Which tenant a request without a signed-in user is for."""

    def resolve(self, host: str, name: str | None) -> TenantId:
        """Return the tenant of a host name, or the one that the request names.

        Parameters
        ----------
        host
            The host name that the request was sent to.
        name
            The tenant that its ``X-Tenant`` header names, such as ``t7``; None without the header.

        Raises
        ------
        NotFound
            ``unknown_tenant``.

        """


class ShardResolver(Protocol):
    """Which shard a tenant is on."""

    def shard_of(self, tenant: TenantId) -> int:
        """Return the shard whose writer carries out the tenant's commands.

        Raises
        ------
        NotFound
            ``unknown_tenant``.

        """
