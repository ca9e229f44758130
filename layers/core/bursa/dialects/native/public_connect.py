"""Who may open a WebSocket without signing in: whoever names a tenant, from a page of its own.

The tenant is that of the host name, as of a public route. Where tenants share a host name, the
query may name it (``?tenant=t7``), because a browser can set no header there; nothing else may be
in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bursa.identity.gateway import allow_visitor, asked_host, sent_from, sent_origin
from bursa.kernel.errors import InvalidInput, NotFound, Unauthenticated
from bursa.kernel.identifiers import TenantId
from bursa.kernel.visitors import VisitorId
from bursa.market_data.visitors import visitor_at
from bursa.tenants.hosts import TENANT_PARAMETER
from bursa.tenants.origins import TenantOrigins, is_own_origin
from bursa.tenants.ports import TenantResolver


@dataclass(frozen=True, slots=True)
class PublicConnect:
    """Decides whether a visitor's handshake goes on.

    Attributes
    ----------
    is_shared
        Whether tenants share host names, so that the query may name one.

    """

    tenants: TenantResolver
    origins: TenantOrigins
    is_shared: bool

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return a gateway's verdict on its own question.

        Raises
        ------
        Unauthenticated
            ``invalid_query``, ``unknown_tenant``, ``foreign_origin``, ``invalid_address``.
        Unavailable
            ``directory_unavailable``

        """
        named = self._named(event)
        try:
            tenant = self.tenants.resolve(asked_host(event), named)
            self._require_own_page(event, tenant)
            visitor = visitor_at(tenant, sent_from(event))
        except (NotFound, InvalidInput) as error:
            raise Unauthenticated(error.code, error.detail) from error
        return allow_visitor(event["methodArn"], visitor)

    def _named(self, event: Mapping[str, Any]) -> str | None:
        query = event.get("queryStringParameters") or {}
        sent = event.get("multiValueQueryStringParameters") or {}
        if not query and not sent:
            return None
        if not self.is_shared:
            raise Unauthenticated("invalid_query", "Connect without a query.")
        if set(query) | set(sent) != {TENANT_PARAMETER} or len(sent.get(TENANT_PARAMETER, ())) > 1:
            raise Unauthenticated("invalid_query", "Name a tenant in the query, and nothing else.")
        return str(query[TENANT_PARAMETER])

    def _require_own_page(self, event: Mapping[str, Any], tenant: TenantId) -> None:
        """Return for a page of the tenant's, and for what is no page.

        The data is anybody's; but each page on the web could have its readers' browsers connect,
        each from an address of its own, and no bound of addresses would hold them.
        """
        origin = sent_origin(event)
        if origin is None or is_own_origin(origin, asked_host(event)):
            return
        if origin not in self.origins.of(tenant):
            raise Unauthenticated("foreign_origin", "Connect from a page of the exchange's own.")


def admitted_visitor(request: Mapping[str, Any]) -> VisitorId | None:
    """Return whose an event is, as the verdict on its handshake said; None without such a one."""
    try:
        return VisitorId.parse(str((request.get("authorizer") or {}).get("visitor", "")))
    except InvalidInput:
        return None
