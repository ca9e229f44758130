"""What the routes of tenants' back offices call."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import (
    dynamodb_client,
    guard_dynamodb_client,
    sqs_client,
)
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.intake import open_intake
from bursa.bootstrap.sockets import open_sockets
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
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.bootstrap.back_office_routes import BackOffice
    from bursa.dialects.native.account_limit_routes import AccountLimitRoutes
    from bursa.dialects.native.admin_routes import AdminRoutes
    from bursa.dialects.native.fee_tier_routes import FeeTierRoutes
    from bursa.dialects.native.proposal_routes import ProposalRoutes
    from bursa.dialects.native.report_routes import ReportRoutes
    from bursa.dialects.native.statement_routes import StatementRoutes
    from bursa.intake.submission import Intake
    from bursa.kernel.clock import Clock

QUEUE_DEPTH_MAX = 1_000


@dataclass(frozen=True, slots=True)
class BackOfficeServices:
    """What the function calls."""

    routes: "Callable[[], AdminRoutes]"
    proposals: "Callable[[], ProposalRoutes]"
    statements: "Callable[[], StatementRoutes]"
    fee_tiers: "Callable[[], FeeTierRoutes]"
    reports: "Callable[[], ReportRoutes]"
    limits: "Callable[[], AccountLimitRoutes]"
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
    def back_office() -> "BackOffice":
        from bursa.bootstrap.back_office_routes import open_back_office  # noqa: PLC0415 - see there

        sockets = open_sockets(read_settings(SocketSettings), logger, metrics)
        connections = ConnectionsTable(
            client, read_settings(SocketSettings).connections_table, TableWriter(client)
        )
        end = SessionEnd(directory, connections, sockets, [signed_out()])

        def report_unpublished(why: str) -> None:
            metrics.add_metric("AuditHeadsUnpublished", MetricUnit.Count, 1)
            logger.warning("The head of an audit log was not published", extra={"why": why})

        def report_refused(code: str) -> None:
            metrics.add_metric("ApprovalsRefused", MetricUnit.Count, 1)
            logger.warning("A decision on a proposal was refused", extra={"code": code})

        intake = _open_intake(settings, client, shards, clock)
        return open_back_office(
            settings, directory, end, intake, report_unpublished, report_refused, clock, shards
        )

    return BackOfficeServices(
        lambda: back_office().routes,
        lambda: back_office().proposals,
        lambda: back_office().statements,
        lambda: back_office().fee_tiers,
        lambda: back_office().reports,
        lambda: back_office().limits,
        budgets,
        clock,
    )


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
