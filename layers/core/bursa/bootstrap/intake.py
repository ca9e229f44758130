"""The intake of all shards over SQS and DynamoDB."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bursa.intake.backlog_sqs import CommandBacklog, QueueWatermark
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.shard_queues import ShardQueues
from bursa.intake.sqs import SqsCommandSender, queue_url
from bursa.intake.submission import Intake
from bursa.kernel.clock import Clock, random_key
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from bursa.kernel.settings import OnboardingSettings, TradingApiSettings


def open_backlog(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: "TradingApiSettings",
    clock: Clock,
    shard: int,
) -> CommandBacklog:
    """Return the bounds of a shard's queue, by depth and by age."""
    return CommandBacklog(
        sqs,
        queue_url(settings.command_queue_url_prefix, shard),
        clock,
        settings.queue_depth_max,
        watermark=QueueWatermark(dynamodb, settings.progress_table, shard),
        age_ms_max=settings.queue_age_ms_max,
    )


def open_intake(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: "TradingApiSettings | OnboardingSettings",
    backlog_of: Callable[[int], CommandBacklog],
    clock: Clock,
    *,
    queue_url_prefix: str,
) -> Intake:
    """Return the intake of one kind of queue; `backlog_of` gives the bounds of a shard's."""

    def open_queue(shard: int) -> SqsCommandSender:
        return SqsCommandSender(sqs, queue_url(queue_url_prefix, shard), backlog_of(shard))

    shards = TenantShards(DirectoryTable(dynamodb, settings.directory_table), clock)
    return Intake(
        ShardQueues(shards, open_queue),
        DynamoReplyReader(dynamodb, settings.replies_table),
        clock,
        settings.reply_deadline_ms,
        random_key,
    )
