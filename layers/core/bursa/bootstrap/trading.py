"""Build what trades for an account: orders, fills, balances. Of no dialect."""

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from bursa.accounts.catch_up import CatchUp
from bursa.accounts.dynamodb import AccountSettings, BalancesTable, FillsTable, OrdersTable
from bursa.accounts.positions_dynamodb import PositionsTable
from bursa.accounts.queries import AccountQueries
from bursa.aws.clients import dynamodb_client, secrets_client, sqs_client
from bursa.aws.secrets import Secret
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.intake import open_backlog, open_budgets, open_intake
from bursa.bootstrap.trade_limits import open_trade_limits
from bursa.compliance.level_check import LevelCheck
from bursa.fees.queries import FeeQueries
from bursa.fees.records_dynamodb import FeeRecords
from bursa.intake.admission import BudgetedAdmission
from bursa.intake.budgets import Budget, Budgets, Charge
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.kernel.clock import SystemClock
from bursa.market_data.dynamodb import MarketsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards
from bursa.trading.batch import BatchExecution
from bursa.trading.cancel import DeadManSwitch, MassCancellation, OrderCancellation
from bursa.trading.change import OrderAmendment
from bursa.trading.decisions import OrderDecisions
from bursa.trading.dry_run import DryRun
from bursa.trading.dry_run_rules import MarketView
from bursa.trading.list_decisions import ListDecisions
from bursa.trading.place import OrderPlacement
from bursa.trading.place_list import ListCancellation, ListPlacement
from bursa.trading.settle import OrderSettlement
from bursa.trading.use_cases import TradingUseCases

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from bursa.intake.backlog_sqs import CommandBacklog
    from bursa.intake.budgets import Report
    from bursa.kernel.clock import Clock
    from bursa.kernel.identifiers import TenantId
    from bursa.kernel.markets import Market
    from bursa.kernel.settings import TradingApiSettings

DEFINITIONS_AGE_MS_MAX = 30_000


class Trading(NamedTuple):
    """The use cases, what a dialect looks markets up in, and the parts that may fail."""

    use_cases: TradingUseCases
    catalogue: MarketsTable
    backlog_of: "Callable[[int], CommandBacklog]"
    budgets: Budgets
    cursor_key: Secret
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    levels: LevelCheck
    fees: FeeQueries


def open_trading(
    settings: "TradingApiSettings",
    clock: "Clock | None" = None,
    report: "Report | None" = None,
) -> Trading:
    """Build the use cases from a function's settings; `report` counts what budgets refuse."""
    clock = clock or SystemClock()
    dynamodb, sqs = dynamodb_client(), sqs_client()
    catalogue = MarketsTable(dynamodb, settings.markets_table, clock, DEFINITIONS_AGE_MS_MAX)
    orders = OrdersTable(dynamodb, settings.orders_table)
    fills = FillsTable(dynamodb, settings.fills_table)
    balances = BalancesTable(dynamodb, settings.balances_table)
    backlog_of = cache(partial(open_backlog, dynamodb, sqs, settings, clock))
    shards = TenantShards(DirectoryTable(dynamodb, settings.directory_table), clock)
    budgets = open_budgets(settings, shards, backlog_of, clock, report or BudgetReport(clock))
    intake = open_intake(
        dynamodb,
        sqs,
        settings,
        backlog_of,
        clock,
        queue_url_prefix=settings.command_queue_url_prefix,
        shards=shards,
        admission=BudgetedAdmission(budgets, lambda account: backlog_of(shards(account.tenant))),
    )
    replies = DynamoReplyReader(dynamodb, settings.replies_table)
    decisions = OrderDecisions(catalogue, orders, fills, replies, clock)
    positions = PositionsTable(dynamodb, settings.progress_table, shards)
    list_decisions = ListDecisions(catalogue, orders, fills, clock)
    catch_up = CatchUp(
        positions,
        clock,
        lambda account, reads: budgets.spare(account, Charge(Budget.READS, reads)),
    )
    queries = AccountQueries(catalogue, orders, fills, balances, replies=replies, catch_up=catch_up)
    view = partial(_view, dynamodb, settings.markets_table)
    use_cases = TradingUseCases(
        place=OrderPlacement(intake, decisions),
        cancel=OrderCancellation(intake, decisions, queries),
        cancel_all=MassCancellation(intake),
        cancel_all_after=DeadManSwitch(intake),
        amend=OrderAmendment(intake),
        settle=OrderSettlement(intake, queries),
        batch=BatchExecution(intake, decisions),
        dry_run=DryRun(view, balances, queries, clock),
        place_list=ListPlacement(intake, list_decisions),
        cancel_list=ListCancellation(intake, list_decisions, queries),
        queries=queries,
    )
    cursor_key = Secret(secrets_client, settings.cursor_key_secret)
    limits = open_trade_limits(settings, dynamodb, clock, orders, positions, view)
    levels = LevelCheck(shards.levels, limits)
    account_settings = AccountSettings(dynamodb, settings.balances_table)
    fee_records = FeeRecords(dynamodb, settings.directory_table)
    fees = FeeQueries(catalogue, account_settings, fee_records)
    return Trading(
        use_cases, catalogue, backlog_of, budgets, cursor_key, dynamodb, sqs, levels, fees
    )


def _view(
    dynamodb: "DynamoDBClient", markets_table: str, tenant: "TenantId", market: "Market"
) -> MarketView:
    # What unpacks books costs other cold starts nothing.
    from bursa.market_data.public_data_dynamodb import MarketDataTables  # noqa: PLC0415
    from bursa.market_data.quoted_markets import QuotedMarkets  # noqa: PLC0415

    return QuotedMarkets(MarketDataTables(dynamodb, markets_table, ""))(tenant, market)
