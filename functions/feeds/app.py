"""Lambda on the journal's stream: sends WebSocket clients what happened, in all shards."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.streams import feed_services
from bursa.journal.stream import batch_response, stream_records

logger = Logger()
# Messages go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = feed_services(logger, metrics)
finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Publish one batch of the stream. A record that can't be read is the projector's to report."""
    metrics.add_metric("RecordsReceived", MetricUnit.Count, len(event["Records"]))
    batch = stream_records(event, services.parts.joined)
    records = [entry.record for entry in batch if entry.record is not None]
    published = services.feeds.publish(records)
    metrics.add_metric("MessagesSent", MetricUnit.Count, published.messages)
    metrics.add_metric("ConnectionsEnded", MetricUnit.Count, published.ended)
    metrics.add_metric("ConnectionsTooSlow", MetricUnit.Count, published.too_slow)
    metrics.add_metric("VisitorsLeftOut", MetricUnit.Count, published.left_out)
    if published.newest_ms:
        lag_ms = max(0, services.clock.now_ms() - published.newest_ms)
        metrics.add_metric("FeedLag", MetricUnit.Milliseconds, lag_ms)
    return batch_response(event, None)
