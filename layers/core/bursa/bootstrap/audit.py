"""What reads the audit logs of tenants, for a tool."""

from typing import TYPE_CHECKING, NamedTuple

from bursa.aws.clients import dynamodb_client, s3_client
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable

if TYPE_CHECKING:
    from bursa.kernel.settings import AuditToolSettings


class AuditTools(NamedTuple):
    """What the tool calls."""

    table: AuditTable
    heads: AuditHeads
    directory: DirectoryTable

    def tenant(self, name: str) -> TenantId:
        """Return the tenant with an id or a name; raises `NotFound` ``unknown_tenant``."""
        try:
            return TenantId.parse(name)
        except InvalidInput:
            tenant = self.directory.tenant_named(name)
        if tenant is None:
            raise NotFound("unknown_tenant", f"There is no tenant {name}; list them all first.")
        return tenant


def open_audit_tools(settings: "AuditToolSettings") -> AuditTools:
    """Build them."""
    return AuditTools(
        AuditTable(settings.audit_table),
        AuditHeads(s3_client, settings.archive_bucket),
        DirectoryTable(dynamodb_client(), settings.directory_table),
    )
