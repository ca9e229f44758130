"""The intake of all shards over SQS and DynamoDB."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bursa.aws.clients import guard_dynamodb_client
from bursa.intake.admission import Admission
from bursa.intake.backlog_sqs import CommandBacklog, QueueStates
from bursa.intake.budgets import Budgets, Report
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.shard_queues import ShardQueues
from bursa.intake.sightings import Sightings
from bursa.intake.sqs import SqsCommandSender, queue_url
from bursa.intake.submission import Intake
from bursa.kernel.clock import Clock, one_in, random_key
from bursa.kernel.settings import read_trace_header
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from bursa.kernel.settings import (
        AdminApiSettings,
        FeeTiersSettings,
        OnboardingSettings,
        SubAccountsSettings,
        TenantToolSettings,
        TradingApiSettings,
    )


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
        states=QueueStates(dynamodb, settings.progress_table, shard),
        age_ms_max=settings.queue_age_ms_max,
        own_age_ms_max=settings.account_queue_age_ms_max,
    )


def open_intake(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: (
        "TradingApiSettings | OnboardingSettings | TenantToolSettings | AdminApiSettings"
        " | SubAccountsSettings | FeeTiersSettings"
    ),
    backlog_of: Callable[[int], CommandBacklog],
    clock: Clock,
    *,
    queue_url_prefix: str,
    shards: TenantShards,
    admission: Admission | None = None,
) -> Intake:
    """Return the intake of one kind of queue; `backlog_of` gives the bounds of a shard's."""

    def open_queue(shard: int) -> SqsCommandSender:
        url = queue_url(queue_url_prefix, shard)
        return SqsCommandSender(sqs, url, backlog_of(shard), read_trace_header)

    return Intake(
        ShardQueues(shards, open_queue),
        DynamoReplyReader(dynamodb, settings.replies_table),
        clock,
        settings.reply_deadline_ms,
        random_key,
        admission=admission,
    )


def open_budgets(
    settings: "TradingApiSettings",
    shards: TenantShards,
    backlog_of: Callable[[int], CommandBacklog],
    clock: Clock,
    report: Report,
) -> Budgets:
    """Return the budgets of the tenants' accounts."""
    buckets = DynamoBuckets(guard_dynamodb_client, settings.budgets_table)
    return Budgets(
        shards.limits,
        buckets,
        clock,
        report,
        lambda account: backlog_of(shards(account.tenant)).is_busy(account),
        sightings=Sightings(buckets, one_in),
    )
