"""The public routes: markets, books, trades, tickers, health, and the API's own description.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.aws.clients import dynamodb_client
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.market_routes import MarketRoutes
from bursa.journal.head_dynamodb import JournalHeadTables
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import MarketApiSettings, read_settings
from bursa.market_data.dynamodb import MarketDataTables, MarketsTable
from bursa.market_data.health import ReadHealth
from bursa.market_data.queries import MarketQueries

DEFINITIONS_AGE_MS_MAX = 5_000

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
app = RestApi(logger, metrics)

settings = read_settings(MarketApiSettings)
clock = SystemClock()
dynamodb = dynamodb_client()
tenant = TenantId.parse(settings.default_tenant)
routes = MarketRoutes(
    MarketQueries(
        MarketsTable(dynamodb, settings.markets_table, clock, DEFINITIONS_AGE_MS_MAX),
        MarketDataTables(dynamodb, settings.markets_table, settings.trades_table),
        clock,
    ),
    ReadHealth(
        [
            (
                settings.shard,
                JournalHeadTables(
                    dynamodb, settings.journal_table, settings.progress_table, settings.shard
                ),
            )
        ]
    ),
    settings.bursa_version,
)


@app.get("/health")
def get_health() -> Response[str]:
    """Return how far the read models are behind the journal."""
    return app.answer(routes.health())


@app.get("/markets")
def get_markets() -> Response[str]:
    """Return all markets."""
    return app.answer(routes.markets(tenant))


@app.get("/markets/<market>")
def get_market(market: str) -> Response[str]:
    """Return one market."""
    return app.answer(routes.market(tenant, market))


@app.get("/markets/<market>/book")
def get_book(market: str) -> Response[str]:
    """Return the best levels of a market's book."""
    return app.answer(routes.book(tenant, market, app.query("depth")))


@app.get("/markets/<market>/trades")
def get_trades(market: str) -> Response[str]:
    """Return a page of a market's trades."""
    return app.answer(routes.trades(tenant, market, app.query("limit"), app.query("cursor")))


@app.get("/markets/<market>/ticker")
def get_ticker(market: str) -> Response[str]:
    """Return a market's last price and last day."""
    return app.answer(routes.ticker(tenant, market))


@app.get("/openapi.json")
def get_openapi() -> Response[str]:
    """Return the description of this API."""
    # The one route that needs the request models: importing them costs other cold starts nothing.
    from bursa.dialects.native.openapi import openapi_document  # noqa: PLC0415

    return app.answer(openapi_document(settings.bursa_version))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return app.handle(event, context)
