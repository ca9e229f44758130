"""Lambda on a schedule: compares each shard's journal with its archive under Object Lock.

It also verifies the end of each tenant's audit log. Its role can write none of them, so whoever
alters the journal by the worker's role can't stop it. It counts ArchiveDiffers where journal and
archive contradict each other, or the archive is ahead of the journal; AuditLogBroken for an audit
log that is not whole; and ArchiveVerified only when every shard was compared to the end, its
archive is kept up, and every audit log could be read: an alarm watches for each.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.journal_audit import AuditLogs, OpenAudit, journal_audits
from bursa.bootstrap.start import finish_start
from bursa.journal.archive import ArchiveDiffers
from bursa.kernel.errors import BursaError

# For the last segment: up to 350 MB from each side.
SPARE_MS = 300_000
# Whoever forges may forge a million; the log need not hold them.
SHOWN_MAX = 20

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
audits = journal_audits()
finish_start()


def report_different(shard: int, why: str) -> None:
    """Raise the alarm about a journal that its archive contradicts."""
    metrics.add_metric("ArchiveDiffers", MetricUnit.Count, 1)
    logger.error("The journal is not what was archived", extra={"shard": shard, "why": why})


def verify(shard: int, open_audit: OpenAudit, context: LambdaContext) -> bool:
    """Audit one shard; return whether all of it is what its archive is, and kept up."""
    try:
        found = open_audit(lambda: context.get_remaining_time_in_millis() > SPARE_MS).advance()
    except ArchiveDiffers as error:
        report_different(shard, str(error))
        return False
    except Exception:
        # The others' audits must not wait for this one; the alarm on ArchiveVerified tells of it.
        logger.exception("A journal could not be compared", extra={"shard": shard})
        return False
    if found.ahead:
        report_different(shard, " ".join(found.ahead[:SHOWN_MAX]))
    logger.info("Compared", extra={"shard": shard, **found._asdict()})
    metrics.add_metric("RecordsVerified", MetricUnit.Count, found.records)
    metrics.add_metric("SegmentsVerified", MetricUnit.Count, found.segments)
    return found.is_complete and found.is_current


def verify_audit_logs() -> bool:
    """Verify the end of each tenant's audit log; return whether all of them could be read."""
    is_read = True
    try:
        logs = AuditLogs()
        tenants = logs.tenants()
    except BursaError:
        logger.exception("The audit logs could not be listed")
        return False
    for tenant in tenants:
        try:
            report = logs.check(tenant)
        except BursaError:
            logger.exception("An audit log could not be read", extra={"tenant": str(tenant)})
            is_read = False
            continue
        found = {"tenant": str(tenant), **asdict(report)}
        if report.is_whole:
            logger.info("An audit log is whole", extra=found)
        else:
            metrics.add_metric("AuditLogBroken", MetricUnit.Count, 1)
            logger.error("An audit log is broken", extra=found)
    return is_read


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, bool]:  # noqa: ARG001
    """Audit every shard."""
    verified = {
        str(shard): verify(shard, open_audit, context) for shard, open_audit in audits.items()
    }
    is_read = verify_audit_logs()
    if all(verified.values()) and is_read:
        metrics.add_metric("ArchiveVerified", MetricUnit.Count, 1)
    return verified
