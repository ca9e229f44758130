"""What the function behind the routes about sub-accounts calls."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bursa.aws.clients import dynamodb_client, secrets_client, sqs_client
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.intake import open_intake
from bursa.bootstrap.read_budgets import open_read_budgets
from bursa.bootstrap.signed_requests import open_signed_requests
from bursa.intake.admission import BudgetedAdmission
from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.budgets import Budgets
from bursa.intake.sqs import queue_url
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import SignedRequestSettings, SubAccountsSettings, read_settings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import HostTenants
from bursa.tenants.origins import HostOrigins, TenantOrigins
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.sub_account_routes import SubAccountRoutes
    from bursa.identity.signed_requests import SignedRequests
    from bursa.kernel.clock import Clock

DEFINITIONS_AGE_MS_MAX = 30_000
# Beyond this many waiting transfers the edge returns 503 instead of making the wait longer.
QUEUE_DEPTH_MAX = 2_000


@dataclass(frozen=True, slots=True)
class SubAccountServices:
    """What the function calls."""

    routes: "Callable[[], SubAccountRoutes]"
    budgets: Budgets
    signed_requests: "SignedRequests"
    origins: HostOrigins
    clock: "Clock"


def sub_account_services(clock: "Clock | None" = None) -> SubAccountServices:
    """Build it from the environment."""
    settings, clock = read_settings(SubAccountsSettings), clock or SystemClock()
    client = dynamodb_client()
    directory = DirectoryTable(client, settings.directory_table)
    shards, report = TenantShards(directory, clock), BudgetReport(clock)
    budgets = open_read_budgets(shards, settings.budgets_table, clock, report)
    signed_requests = open_signed_requests(
        read_settings(SignedRequestSettings), client, clock, report
    )

    @cache
    def routes() -> "SubAccountRoutes":
        return _open_routes(settings, shards, budgets, clock)

    is_shared = settings.tenants_share_hosts == "true"
    tenants = HostTenants(directory, clock, is_shared=is_shared)
    origins = HostOrigins(tenants, TenantOrigins(directory, clock), is_shared=is_shared)
    return SubAccountServices(routes, budgets, signed_requests, origins, clock)


def _open_routes(
    settings: SubAccountsSettings, shards: TenantShards, budgets: Budgets, clock: "Clock"
) -> "SubAccountRoutes":
    # What only a request needs: a start serves preflights of other functions' routes soonest so.
    from bursa.accounts.dynamodb import BalancesTable, TransfersTable  # noqa: PLC0415
    from bursa.accounts.sub_accounts import OpenAccounts, SubAccounts  # noqa: PLC0415
    from bursa.accounts.sub_accounts_dynamodb import (  # noqa: PLC0415
        AccountHoldings,
        ActiveKeys,
        SubAccountsTable,
    )
    from bursa.accounts.transfers import Transfers  # noqa: PLC0415
    from bursa.aws.secrets import Secret  # noqa: PLC0415
    from bursa.bootstrap.public_ids import open_cursors  # noqa: PLC0415
    from bursa.dialects.native.sub_account_routes import SubAccountRoutes  # noqa: PLC0415
    from bursa.market_data.dynamodb import MarketsTable  # noqa: PLC0415

    client, sqs = dynamodb_client(), sqs_client()

    @cache
    def backlog_of(shard: int) -> CommandBacklog:
        url = queue_url(settings.transfers_queue_url_prefix, shard)
        return CommandBacklog(sqs, url, clock, QUEUE_DEPTH_MAX)

    intake = open_intake(
        client,
        sqs,
        settings,
        backlog_of,
        clock,
        queue_url_prefix=settings.transfers_queue_url_prefix,
        shards=shards,
        admission=BudgetedAdmission(budgets, lambda account: backlog_of(shards(account.tenant))),
    )
    records = SubAccountsTable(client, settings.directory_table)
    sub_accounts = SubAccounts(
        records,
        AccountHoldings(BalancesTable(client, settings.balances_table)),
        ActiveKeys(client, settings.identity_table),
        clock,
        random_key,
    )
    return SubAccountRoutes(
        sub_accounts,
        Transfers(intake, OpenAccounts(records)),
        TransfersTable(client, settings.fills_table),
        MarketsTable(client, settings.markets_table, clock, DEFINITIONS_AGE_MS_MAX),
        open_cursors(Secret(secrets_client, settings.cursor_key_secret)),
    )
