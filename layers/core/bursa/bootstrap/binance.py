"""The Binance dialect over the use cases that every dialect has."""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bursa.aws.clients import dynamodb_client
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.signed_requests import open_signed_requests
from bursa.bootstrap.trading import open_trading
from bursa.dialects.binance.account_routes import AccountRoutes
from bursa.dialects.binance.api import BinanceApi
from bursa.dialects.binance.client_order_ids import ClientOrderIds
from bursa.dialects.binance.list_names import ListNames
from bursa.dialects.binance.market_routes import MarketRoutes
from bursa.dialects.binance.order_list_routes import OrderListRoutes
from bursa.dialects.binance.sign_in import BinanceSignIn
from bursa.dialects.binance.symbols import Symbols
from bursa.dialects.binance.trading_routes import TradingRoutes
from bursa.dialects.binance.wallet_routes import WalletRoutes
from bursa.dialects.native.public_responses import PublicResponses
from bursa.identity.key_sign_in import KeySignIn
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import (
    BinanceApiSettings,
    SignedRequestSettings,
    TradingApiSettings,
    read_settings,
)
from bursa.market_data.candles import ReadCandles
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.market_data.queries import MarketQueries
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import HostTenants
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from bursa.identity.api_keys import ApiKey
    from bursa.kernel.clock import Clock
    from bursa.kernel.identifiers import AccountId

_ONE_READ = (Charge(Budget.READS, 1),)


class BinanceServices(NamedTuple):
    """What the function calls."""

    api: BinanceApi
    is_shared: bool


def open_binance(clock: "Clock | None" = None) -> BinanceServices:
    """Build it from the environment."""
    settings = read_settings(BinanceApiSettings)
    clock = clock or SystemClock()
    report = BudgetReport(clock)
    trading = open_trading(read_settings(TradingApiSettings), clock, report)
    use_cases, budgets = trading.use_cases, trading.budgets
    client = dynamodb_client()
    directory = DirectoryTable(client, settings.directory_table)
    shards = TenantShards(directory, clock)
    signed_requests = open_signed_requests(
        read_settings(SignedRequestSettings), client, clock, report
    )
    symbols = Symbols(trading.catalogue)
    data = MarketDataTables(client, settings.markets_table, settings.trades_table)
    is_shared = settings.tenants_share_hosts == "true"

    @cache
    def keys() -> KeySignIn:
        # Most starts serve market data first, and these cost one 40 ms.
        from bursa.identity.api_keys_dynamodb import ApiKeysTable  # noqa: PLC0415
        from bursa.identity.records_dynamodb import IdentityModels  # noqa: PLC0415

        return KeySignIn(directory, ApiKeysTable(IdentityModels(settings.identity_table)), clock)

    def find_key(key_id: str) -> "ApiKey":
        return keys()(key_id)

    def pay(account: "AccountId") -> None:
        budgets.require(account, _ONE_READ)

    client_ids = ClientOrderIds(use_cases.queries, pay)
    routes = (
        MarketRoutes(
            MarketQueries(trading.catalogue, data, clock),
            ReadCandles(trading.catalogue, data, clock),
            symbols,
            shards.limits,
            PublicResponses(clock),
        ),
        TradingRoutes(use_cases, symbols, client_ids, trading.levels, random_key, trading.fees),
        OrderListRoutes(
            use_cases,
            symbols,
            client_ids,
            ListNames(use_cases.queries, pay),
            trading.levels,
            random_key,
            budgets,
        ),
        AccountRoutes(use_cases, symbols, budgets, trading.fees),
        WalletRoutes(use_cases, symbols, trading.fees),
    )
    api = BinanceApi(
        {name: one for part in routes for name, one in part.endpoints().items()},
        HostTenants(directory, clock, is_shared=is_shared),
        BinanceSignIn(find_key, signed_requests.prove, clock),
        budgets,
        clock,
    )
    return BinanceServices(api, is_shared)
