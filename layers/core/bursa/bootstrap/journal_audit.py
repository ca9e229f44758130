"""Build what the function needs that compares journals with their archives."""

from collections.abc import Callable, Sequence

from bursa.aws.clients import background_dynamodb_client, s3_client
from bursa.back_office.audit_chain import ChainReport
from bursa.back_office.audit_check import check
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.audit import Audit
from bursa.journal.dynamodb import JournalReader
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import JournalAuditSettings, read_settings

OpenAudit = Callable[[Callable[[], bool]], Audit]


class AuditLogs:
    """The audit logs of tenants, and their published heads."""

    def __init__(self) -> None:
        # pynamodb costs a start 40 ms.
        from bursa.back_office.audit_dynamodb import AuditTable  # noqa: PLC0415
        from bursa.back_office.audit_heads_s3 import AuditHeads  # noqa: PLC0415

        settings = read_settings(JournalAuditSettings)
        self._records = AuditTable(settings.audit_table)
        self._heads = AuditHeads(s3_client, settings.archive_bucket)

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have one; raises `Unavailable`."""
        return self._heads.tenants()

    def check(self, tenant: TenantId) -> ChainReport:
        """Verify the end of a tenant's; raises `Unavailable`."""
        return check(self._records, self._heads, tenant)


def journal_audits() -> dict[int, OpenAudit]:
    """Return what opens the audit of each shard; it is given whether there is time to go on."""
    settings = read_settings(JournalAuditSettings)
    dynamodb, s3, clock = background_dynamodb_client(), s3_client(), SystemClock()

    def opening(shard: int) -> OpenAudit:
        def open_audit(may_go_on: Callable[[], bool]) -> Audit:
            return Audit(
                JournalReader(dynamodb, settings.journal_table, shard),
                S3Archive(s3, settings.archive_bucket, shard),
                clock.now_ms,
                may_go_on,
            )

        return open_audit

    return {int(number): opening(int(number)) for number in settings.shards.split(",")}
