"""What the routes of tenants' back offices call."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import (
    cognito_client,
    dynamodb_client,
    guard_dynamodb_client,
    s3_client,
    sqs_client,
)
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.intake import open_intake
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.admin_routes import AdminRoutes
from bursa.dialects.native.feed_messages import signed_out
from bursa.identity.sessions import SessionEnd
from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.budgets import Budgets
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.intake.sightings import Sightings
from bursa.intake.sqs import queue_url
from bursa.kernel.clock import SystemClock, one_in
from bursa.kernel.settings import AdminApiSettings, SocketSettings, read_settings
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.dynamodb import MarketsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.back_office.audit_log import AuditLog
    from bursa.intake.submission import Intake
    from bursa.kernel.clock import Clock

QUEUE_DEPTH_MAX = 1_000


@dataclass(frozen=True, slots=True)
class BackOfficeServices:
    """What the function calls."""

    routes: "Callable[[], AdminRoutes]"
    budgets: Budgets
    clock: "Clock"


def back_office_services(
    logger: Logger, metrics: Metrics, clock: "Clock | None" = None
) -> BackOfficeServices:
    """Build it from the environment."""
    settings = read_settings(AdminApiSettings)
    client, clock = dynamodb_client(), clock or SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    shards = TenantShards(directory, clock)
    buckets = DynamoBuckets(guard_dynamodb_client, settings.budgets_table)
    budgets = Budgets(
        shards.limits,
        buckets,
        clock,
        BudgetReport(clock),
        lambda _account: False,  # only the worker knows who is busy, and only of commands
        sightings=Sightings(buckets, one_in),
    )

    @cache
    def routes() -> AdminRoutes:
        sockets = open_sockets(read_settings(SocketSettings), logger, metrics)
        connections = ConnectionsTable(
            client, read_settings(SocketSettings).connections_table, TableWriter(client)
        )
        end = SessionEnd(directory, connections, sockets, [signed_out()])

        def report_unpublished(why: str) -> None:
            metrics.add_metric("AuditHeadsUnpublished", MetricUnit.Count, 1)
            logger.warning("The head of an audit log was not published", extra={"why": why})

        intake = _open_intake(settings, client, shards, clock)
        log = _open_log(settings, clock, report_unpublished)
        return _open_routes(settings, directory, end, intake, log, clock)

    return BackOfficeServices(routes, budgets, clock)


def _open_intake(
    settings: AdminApiSettings, client: "DynamoDBClient", shards: TenantShards, clock: "Clock"
) -> "Intake":
    """Return the intake of the funds queues."""
    sqs = sqs_client()

    def backlog_of(shard: int) -> CommandBacklog:
        url = queue_url(settings.funds_queue_url_prefix, shard)
        return CommandBacklog(sqs, url, clock, QUEUE_DEPTH_MAX)

    return open_intake(
        client,
        sqs,
        settings,
        backlog_of,
        clock,
        queue_url_prefix=settings.funds_queue_url_prefix,
        shards=shards,
    )


def _open_log(
    settings: AdminApiSettings, clock: "Clock", report_unpublished: "Callable[[str], None]"
) -> "AuditLog":
    from bursa.back_office.audit_dynamodb import AuditTable  # noqa: PLC0415 - see _open_routes
    from bursa.back_office.audit_heads_s3 import AuditHeads  # noqa: PLC0415
    from bursa.back_office.audit_log import AuditLog  # noqa: PLC0415

    heads = AuditHeads(s3_client, settings.archive_bucket)
    return AuditLog(AuditTable(settings.audit_table), heads, clock, report_unpublished)


def _open_routes(  # noqa: PLR0917 - what the routes share with nothing else
    settings: AdminApiSettings,
    directory: DirectoryTable,
    end: SessionEnd,
    intake: "Intake",
    log: "AuditLog",
    clock: "Clock",
) -> AdminRoutes:
    """Build the routes at the first request: pynamodb costs a start 40 ms."""
    from bursa.back_office.audit_dynamodb import AuditTable  # noqa: PLC0415 - see above
    from bursa.back_office.commands import StaffCommands  # noqa: PLC0415
    from bursa.back_office.desk import Desk  # noqa: PLC0415
    from bursa.back_office.effects import Tools, effects  # noqa: PLC0415
    from bursa.back_office.sessions import StaffSessionEnd  # noqa: PLC0415
    from bursa.back_office.staff import Admission  # noqa: PLC0415
    from bursa.back_office.users import Users  # noqa: PLC0415
    from bursa.back_office.users_cognito import BackOfficePools  # noqa: PLC0415
    from bursa.identity.api_keys_dynamodb import ApiKeysTable  # noqa: PLC0415
    from bursa.identity.records_dynamodb import IdentityModels  # noqa: PLC0415
    from bursa.identity.second_factor_dynamodb import FactorsTable  # noqa: PLC0415

    table, models = AuditTable(settings.audit_table), IdentityModels(settings.identity_table)
    pools, keys = BackOfficePools(cognito_client), ApiKeysTable(models)
    users = Users(directory, pools)
    # A back office reads little, and what it changes it wants to see.
    markets = MarketsTable(dynamodb_client(), settings.markets_table, clock, 0)
    sessions = StaffSessionEnd(end, pools, directory)
    tools = Tools(
        users=users,
        sessions=sessions,
        keys=keys,
        connections=sessions,
        markets=markets,
        profiles=directory,
        commands=StaffCommands(intake),
    )
    admission = Admission(FactorsTable(models), table, clock)
    return AdminRoutes(admission, Desk(log, effects(tools)), users, keys, markets, table, clock)
