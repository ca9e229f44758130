"""Lambda on the journal's stream: tells WebSocket clients what happened."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.aws.clients import dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.dialects.native.feed_messages import encode_message
from bursa.journal.reader_dynamodb import JournalReader
from bursa.journal.stream import batch_response, stream_records
from bursa.kernel.settings import (
    JournalSettings,
    ReadModelSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.feed import Feeds, ShardFeed
from bursa.market_data.sockets import Sockets, management_client
from bursa.read_models.bootstrap import read_models

logger = Logger()
# Messages go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def report_undelivered(why: str) -> None:
    """Count a message that was dropped although its connection is open."""
    metrics.add_metric("MessagesUndelivered", MetricUnit.Count, 1)
    logger.warning("A message was not delivered", extra={"why": why})


settings = read_settings(ReadModelSettings)
journal_settings = read_settings(JournalSettings)
socket_settings = read_settings(SocketSettings)
client = dynamodb_client()
journal = JournalReader(client, journal_settings.journal_table, settings.shard)
writer = TableWriter(client)
feeds = Feeds(
    lambda _shard: ShardFeed(
        read_models(client, settings, writer).definitions,
        ConnectionsTable(client, socket_settings.connections_table, writer),
        Sockets(
            management_client(socket_settings.websocket_endpoint, socket_settings.aws_endpoint_url),
            report_undelivered,
        ),
        encode_message,
        now_ms,
    )
)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Publish one batch of the stream. A record that can't be read is the projector's to report."""
    metrics.add_metric("RecordsReceived", MetricUnit.Count, len(event["Records"]))
    batch = stream_records(event, journal.joined)
    records = [entry.record for entry in batch if entry.record is not None]
    published = feeds.publish(records)
    metrics.add_metric("MessagesSent", MetricUnit.Count, published.messages)
    if published.newest_ms:
        metrics.add_metric(
            "FeedLag", MetricUnit.Milliseconds, max(0, now_ms() - published.newest_ms)
        )
    return batch_response(event, None)
