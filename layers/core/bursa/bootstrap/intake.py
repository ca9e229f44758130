"""The intake of one shard over SQS and DynamoDB."""

from typing import TYPE_CHECKING

from bursa.intake.backlog_sqs import CommandBacklog, QueueWatermark
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.sqs import SqsCommandSender
from bursa.intake.submission import Clock, Intake
from bursa.kernel.clock import random_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from bursa.kernel.settings import OnboardingSettings, TradingApiSettings


def open_backlog(
    dynamodb: "DynamoDBClient", sqs: "SQSClient", settings: "TradingApiSettings", clock: Clock
) -> CommandBacklog:
    """Return the bounds of a shard's queue, by depth and by age."""
    return CommandBacklog(
        sqs,
        settings.command_queue_url,
        clock,
        settings.queue_depth_max,
        watermark=QueueWatermark(dynamodb, settings.progress_table, settings.shard),
        age_ms_max=settings.queue_age_ms_max,
    )


def open_intake(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: "TradingApiSettings | OnboardingSettings",
    backlog: CommandBacklog,
    clock: Clock,
) -> Intake:
    """Return the intake of a shard."""
    return Intake(
        SqsCommandSender(sqs, settings.command_queue_url, backlog),
        DynamoReplyReader(dynamodb, settings.answers_table),
        clock,
        settings.answer_deadline_ms,
        random_key,
    )
