"""Build what the function that compares journals with their archives needs."""

from collections.abc import Callable

from bursa.aws.clients import background_dynamodb_client, s3_client
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.audit import Audit
from bursa.journal.dynamodb import JournalReader
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import JournalAuditSettings, read_settings

OpenAudit = Callable[[Callable[[], bool]], Audit]


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
