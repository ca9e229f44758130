"""Lambda on the journal's stream: keeps the read models of all shards in step.

A failed batch is reported from its first failed record on (ReportBatchItemFailures), so Lambda
keeps what is done and brings the rest again; where the first of several has failed, the batch fails
as a whole, so Lambda halves it. So a record that never succeeds ends alone in the failure
destination, and the metric UnprojectableRecords raises the alarm.

While rows are written their facts go to the bus (docs/events.md). A schedule, each minute, puts
what was left behind: what the bus did not take, or what was too much at once.

The stream is also where it shows when the journal is altered: JournalAltered raises an alarm.
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.streams import projector_services
from bursa.journal.stream import alterations, batch_response, stream_records
from bursa.read_models.projector import ProjectedBatch

# For a portion of facts that has begun.
SPARE_MS = 30_000

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def report_unprojectable(error: Exception) -> None:
    """Raise the alarm about a record that can't be projected."""
    metrics.add_metric("UnprojectableRecords", MetricUnit.Count, 1)
    logger.error("A record can't be projected", extra={"why": str(error)})


class FactReport:
    """Counts facts; see `bursa.facts.publisher.Report`."""

    @staticmethod
    def put(facts: int) -> None:
        """Count facts that are on the bus."""
        metrics.add_metric("FactsPut", MetricUnit.Count, facts)

    @staticmethod
    def failed(error: Exception) -> None:
        """Note that some are not, for now."""
        metrics.add_metric("FactsFailed", MetricUnit.Count, 1)
        logger.warning("Facts could not be put, and are put later", extra={"why": str(error)})


services = projector_services(report_unprojectable, FactReport())


def measure(batch: ProjectedBatch, now_ms: int) -> None:
    """Write what became of a shard's batch into metrics."""
    metrics.add_metric("RecordsProjected", MetricUnit.Count, batch.applied)
    metrics.add_metric("RecordsSkipped", MetricUnit.Count, batch.skipped)
    if batch.progress is not None and batch.applied:
        lag_ms = max(0, now_ms - batch.progress.time_ms)
        metrics.add_metric("ProjectionLag", MetricUnit.Milliseconds, lag_ms)
        metrics.add_metric("RecordsBehind", MetricUnit.Count, batch.behind)


def report_altered(event: dict[str, Any]) -> None:
    """Raise the alarm about whatever was changed in the journal, or removed from it."""
    for one in alterations(event):
        metrics.add_metric("JournalAltered", MetricUnit.Count, 1)
        logger.error("The journal was altered", extra=one._asdict())


def put_late_facts(time_is_left: Callable[[], bool]) -> dict[str, int]:
    """Put what the read models of each shard went ahead of; return what is left, by shard."""
    left = {}
    for shard, facts in services.facts().items():
        try:
            left[str(shard)] = facts.put(time_is_left)
        except Exception:
            # The other shards' facts must not wait for this one's.
            logger.exception("Facts are late", extra={"shard": shard})
            left[str(shard)] = -1
    late = sum(1 for count in left.values() if count)
    metrics.add_metric("FactsLate", MetricUnit.Count, late)
    if late:
        logger.warning("Facts are late", extra={"left": left})
    return left


finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Project one batch of the stream, or put facts that are late."""
    if "Records" not in event:
        return put_late_facts(lambda: context.get_remaining_time_in_millis() > SPARE_MS)
    metrics.add_metric("RecordsReceived", MetricUnit.Count, len(event["Records"]))
    report_altered(event)
    projected = services.projectors.project(list(stream_records(event, services.parts.joined)))
    for batch in projected.batches:
        measure(batch, services.clock.now_ms())
    return batch_response(event, projected.failed)
