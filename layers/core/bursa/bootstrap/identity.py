"""What the routes of sessions and tickets call."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.read_budgets import open_read_budgets
from bursa.bootstrap.signed_requests import open_signed_requests
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.feed_messages import signed_out
from bursa.dialects.native.identity_routes import IdentityRoutes
from bursa.identity.sessions import SessionEnd
from bursa.identity.signed_requests import SignedRequests
from bursa.identity.tickets import Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.identity.user_pool_cognito import RefreshTokens
from bursa.intake.budgets import Budgets
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import (
    IdentityApiSettings,
    SignedRequestSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import HostTenants
from bursa.tenants.origins import HostOrigins, TenantOrigins
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.account_routes import AccountRoutes
    from bursa.dialects.native.notice_routes import NoticeRoutes
    from bursa.dialects.native.security_routes import SecurityRoutes
    from bursa.dialects.native.session_routes import SessionRoutes
    from bursa.dialects.native.sign_in_routes import SignInRoutes

    _SeldomAsked = tuple[
        Callable[[], SecurityRoutes],
        Callable[[], AccountRoutes],
        Callable[[], SessionRoutes],
        Callable[[], SignInRoutes],
        Callable[[], NoticeRoutes],
    ]


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """What the function calls."""

    routes: IdentityRoutes
    security: "Callable[[], SecurityRoutes]"
    account: "Callable[[], AccountRoutes]"
    sessions: "Callable[[], SessionRoutes]"
    sign_ins: "Callable[[], SignInRoutes]"
    notices: "Callable[[], NoticeRoutes]"
    budgets: Budgets
    signed_requests: SignedRequests
    origins: HostOrigins
    clock: SystemClock


def identity_services(logger: Logger, metrics: Metrics) -> IdentityServices:
    """Build it from the environment."""
    settings = read_settings(IdentityApiSettings)
    socket_settings = read_settings(SocketSettings)
    client, clock = dynamodb_client(), SystemClock()

    def report_unrevoked(why: str) -> None:
        metrics.add_metric("RefreshTokensUnrevoked", MetricUnit.Count, 1)
        logger.warning("A user pool did not revoke refresh tokens", extra={"why": why})

    directory = DirectoryTable(client, settings.directory_table)
    end_sessions = SessionEnd(
        directory,
        ConnectionsTable(client, socket_settings.connections_table, TableWriter(client)),
        open_sockets(socket_settings, logger, metrics),
        [signed_out()],
    )
    tickets = Tickets(TicketsTable(client, settings.tickets_table), clock, random_key)
    refresh_tokens = RefreshTokens(cognito_client, report_unrevoked)
    routes = IdentityRoutes(tickets, end_sessions, refresh_tokens, clock)
    report = BudgetReport(clock)
    shards = TenantShards(directory, clock)
    budgets = open_read_budgets(shards, settings.budgets_table, clock, report)
    signed_requests = open_signed_requests(
        read_settings(SignedRequestSettings), client, clock, report
    )

    is_shared = settings.tenants_share_hosts == "true"
    tenants = HostTenants(directory, clock, is_shared=is_shared)
    origins = HostOrigins(tenants, TenantOrigins(directory, clock), is_shared=is_shared)
    later = _seldom_asked(settings, directory, end_sessions, shards, clock)
    return IdentityServices(routes, *later, budgets, signed_requests, origins, clock)


def _seldom_asked(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    end_sessions: SessionEnd,
    shards: TenantShards,
    clock: SystemClock,
) -> "_SeldomAsked":
    """Return what builds the routes that most starts serve none of, each at its first request."""

    @cache
    def security() -> "SecurityRoutes":
        from bursa.bootstrap.security import open_security_routes  # noqa: PLC0415 - see there

        return open_security_routes(settings, directory, end_sessions, clock)

    @cache
    def account() -> "AccountRoutes":
        from bursa.bootstrap.security import open_account_routes  # noqa: PLC0415 - see there

        return open_account_routes(settings, directory, shards, clock)

    @cache
    def sessions() -> "SessionRoutes":
        from bursa.bootstrap.security import open_session_routes  # noqa: PLC0415 - see there

        return open_session_routes(settings, directory, end_sessions, clock)

    @cache
    def sign_ins() -> "SignInRoutes":
        from bursa.bootstrap.security import open_sign_in_routes  # noqa: PLC0415 - see there

        return open_sign_in_routes(settings, directory, clock)

    @cache
    def notices() -> "NoticeRoutes":
        from bursa.bootstrap.security import open_notice_routes  # noqa: PLC0415 - see there

        return open_notice_routes(settings, directory, clock)

    return security, account, sessions, sign_ins, notices
