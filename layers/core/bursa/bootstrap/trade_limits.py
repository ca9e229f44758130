"""Build what counts how much users trade, and holds it to their levels."""

from typing import TYPE_CHECKING, Protocol

from bursa.accounts.dynamodb import BalancesTable, OrdersTable
from bursa.accounts.sub_accounts_dynamodb import HeldAmounts, SubAccountsTable
from bursa.compliance.trade_limits import TradeLimits, TradeUsage
from bursa.compliance.trade_reservations_dynamodb import TradeReservationsTable
from bursa.kernel.settings import BudgetSettings, read_settings
from bursa.market_data.dynamodb import MarketsTable
from bursa.market_data.traded_value import TradedValues
from bursa.market_data.traded_value_dynamodb import TradedTables
from bursa.read_models.rows import TRADED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.accounts.positions_dynamodb import PositionsTable
    from bursa.kernel.clock import Clock
    from bursa.kernel.identifiers import TenantId
    from bursa.kernel.markets import Market
    from bursa.trading.dry_run_rules import MarketView

_DEFINITIONS_AGE_MS_MAX = 30_000


class TradeLimitSettings(Protocol):
    """Names of tables, as the settings of several functions have them."""

    @property
    def balances_table(self) -> str:
        """Of balances, and what was traded."""

    @property
    def markets_table(self) -> str:
        """Of markets, and their closing prices."""

    @property
    def directory_table(self) -> str:
        """Of users' sub-accounts."""


def open_trade_usage(
    settings: TradeLimitSettings, client: "DynamoDBClient", clock: "Clock"
) -> TradeUsage:
    """Build what counts; a market may be as old as for an order that is checked."""
    markets = MarketsTable(client, settings.markets_table, clock, _DEFINITIONS_AGE_MS_MAX)
    rows = TradedTables(client, settings.balances_table, settings.markets_table, clock)
    held = HeldAmounts(
        SubAccountsTable(client, settings.directory_table),
        BalancesTable(client, settings.balances_table),
    )
    return TradeUsage(TradedValues(rows, markets.all), held, clock.now_ms)


def open_trade_limits(  # noqa: PLR0917 - where all that counts is
    settings: TradeLimitSettings,
    client: "DynamoDBClient",
    clock: "Clock",
    orders: OrdersTable,
    positions: "PositionsTable",
    view: "Callable[[TenantId, Market], MarketView]",
) -> TradeLimits:
    """Build what holds users to their levels."""
    reservations = TradeReservationsTable(client, read_settings(BudgetSettings).budgets_table)
    return TradeLimits(
        open_trade_usage(settings, client, clock),
        orders,
        reservations,
        view,
        lambda tenant: positions.has_schema(tenant, TRADED_SCHEMA),
    )
