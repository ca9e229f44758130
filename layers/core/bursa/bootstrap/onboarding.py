"""What opens a tenant."""

from typing import TYPE_CHECKING

from bursa.aws.clients import cognito_client, dynamodb_client, sqs_client
from bursa.bootstrap.intake import open_intake
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.dynamodb import DynamoRequestRecords
from bursa.intake.once import OnceIntake
from bursa.intake.sqs import queue_url
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import OPERATORS, Actor, ActorKind
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.onboarding import Onboarding
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.kernel.settings import OnboardingSettings, TenantToolSettings

QUEUE_DEPTH_MAX = 1_000
_ACTOR = Actor.named(ActorKind.OPERATOR, OPERATORS, "onboarding")


def open_onboarding(settings: "OnboardingSettings", actor: Actor = _ACTOR) -> Onboarding:
    """Build the onboarding of one tenant from a tool's settings, for who asks for it."""
    dynamodb = dynamodb_client()
    directory = DirectoryTable(dynamodb, settings.directory_table)
    return Onboarding(
        directory,
        CognitoUserPool(cognito_client(), settings.user_pool_id),
        open_once_intake(settings, dynamodb, directory, actor),
    )


def open_once_intake(
    settings: "OnboardingSettings | TenantToolSettings",
    dynamodb: "DynamoDBClient",
    directory: DirectoryTable,
    actor: Actor,
) -> OnceIntake:
    """Return the intake of what must happen once, by the funds queues."""
    clock, sqs = SystemClock(), sqs_client()

    def backlog_of(shard: int) -> CommandBacklog:
        url = queue_url(settings.funds_queue_url_prefix, shard)
        return CommandBacklog(sqs, url, clock, QUEUE_DEPTH_MAX)

    intake = open_intake(
        dynamodb,
        sqs,
        settings,
        backlog_of,
        clock,
        queue_url_prefix=settings.funds_queue_url_prefix,
        shards=TenantShards(directory, clock),
    )
    records = DynamoRequestRecords(dynamodb, settings.directory_table)
    return OnceIntake(intake, records, actor)
