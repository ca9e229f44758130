"""Lambda on the journal's stream: keeps the read models of all shards in step.

A failed batch is reported from its first failed record on (ReportBatchItemFailures), so Lambda
keeps what is done and brings the rest again; where the first of several has failed, the batch fails
as a whole, so Lambda halves it. So a record that never succeeds ends alone in the failure
destination, and the metric UnprojectableRecords raises the alarm.

The stream is also where it shows when the journal is altered: JournalAltered raises an alarm.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.streams import projector_services
from bursa.journal.stream import alterations, batch_response, stream_records
from bursa.read_models.projector import ProjectedBatch

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def report_unprojectable(error: Exception) -> None:
    """Raise the alarm about a record that can't be projected."""
    metrics.add_metric("UnprojectableRecords", MetricUnit.Count, 1)
    logger.error("A record can't be projected", extra={"why": str(error)})


services = projector_services(report_unprojectable)


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


finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Project one batch of the stream."""
    metrics.add_metric("RecordsReceived", MetricUnit.Count, len(event["Records"]))
    report_altered(event)
    projected = services.projectors.project(list(stream_records(event, services.parts.joined)))
    for batch in projected.batches:
        measure(batch, services.clock.now_ms())
    return batch_response(event, projected.failed)
