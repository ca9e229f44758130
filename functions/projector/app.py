"""Lambda on the journal's stream: keeps the read models in step.

A failed batch is reported from its first failed record on (ReportBatchItemFailures), so Lambda
keeps what is done and brings the rest again; where the first of several has failed, the batch fails
as a whole, so Lambda halves it. So a record that never succeeds ends alone in the failure
destination, and the metric UnprojectableRecords raises the alarm. Adapters are built while the
function starts, where Lambda lends a whole CPU.
"""

import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.aws.clients import dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.journal.reader_dynamodb import JournalReader
from bursa.journal.stream import batch_response, stream_records
from bursa.kernel.settings import JournalSettings, ReadModelSettings, read_settings
from bursa.read_models.bootstrap import read_models
from bursa.read_models.projector import ProjectedBatch, Projector

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def report_unprojectable(error: Exception) -> None:
    """Raise the alarm about a record that can't be projected."""
    metrics.add_metric("UnprojectableRecords", MetricUnit.Count, 1)
    logger.error("A record can't be projected", extra={"why": str(error)})


settings = read_settings(ReadModelSettings)
client = dynamodb_client()
journal = JournalReader(client, read_settings(JournalSettings).journal_table, settings.shard)
projector = Projector(
    settings.shard,
    journal,
    read_models(client, settings, TableWriter(client)),
    report_unprojectable,
)


def measure(outcome: ProjectedBatch, now_ms: int) -> None:
    """Put what a batch came to into metrics."""
    metrics.add_metric("RecordsProjected", MetricUnit.Count, outcome.applied)
    metrics.add_metric("RecordsSkipped", MetricUnit.Count, outcome.skipped)
    if outcome.progress is not None and outcome.applied:
        lag_ms = max(0, now_ms - outcome.progress.time_ms)
        metrics.add_metric("ProjectionLag", MetricUnit.Milliseconds, lag_ms)
        metrics.add_metric("RecordsBehind", MetricUnit.Count, outcome.behind)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Project one batch of the stream."""
    metrics.add_metric("RecordsReceived", MetricUnit.Count, len(event["Records"]))
    outcome = projector.project(list(stream_records(event, journal.joined)))
    measure(outcome, time.time_ns() // 1_000_000)
    return batch_response(event, outcome.failed)
