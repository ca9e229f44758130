"""The public routes. Adding them needs no environment, so a test can list them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.market_routes import MarketRoutes
from bursa.dialects.native.public_responses import PublicResponses
from bursa.kernel.identifiers import TenantId
from bursa.tenants.ports import TenantResolver

# Definitions are kept for seconds anyway; the description changes with a deployment only.
HEALTH_KEPT_MS = 1_000
MARKET_DATA_KEPT_MS = 500
DEFINITIONS_KEPT_MS = 1_000
# What a suspension changes is felt within seconds here; clients ask again at their next start.
TENANT_KEPT_MS = 5_000
TENANT_MAX_AGE_S = 10
DESCRIPTION_MAX_AGE_S = 300


def add_routes(
    app: RestApi, routes: MarketRoutes, tenants: TenantResolver, kept: PublicResponses
) -> None:
    """Add the public routes to an API."""

    def tenant() -> TenantId:
        return tenants.resolve(app.host(), app.header("X-Tenant"))

    def market_data(name: str, market: str, make: Callable[[TenantId], object]) -> Response[str]:
        of = tenant()
        key = (name, market)
        return app.respond_public(kept.find(of, key, MARKET_DATA_KEPT_MS, lambda: make(of)))

    _add_deployment_routes(app, routes, kept)
    _add_definition_routes(app, routes, tenant, kept)

    @app.get("/markets/<market>")
    def get_market(market: str) -> Response[str]:
        return market_data("market", market, lambda of: routes.market(of, market))

    @app.get("/markets/<market>/book")
    @takes("depth")
    def get_book(market: str) -> Response[str]:
        of, depth = tenant(), routes.depth(app.query("depth"))
        return app.respond_public(
            kept.find_list(
                of,
                ("book", market),
                MARKET_DATA_KEPT_MS,
                depth,
                lambda longer: routes.book(of, market, longer),
                lambda book: book | {"bids": book["bids"][:depth], "asks": book["asks"][:depth]},
            )
        )

    @app.get("/markets/<market>/trades")
    @takes("limit", "cursor")
    def get_trades(market: str) -> Response[str]:
        of, limit = tenant(), routes.limit(app.query("limit"))
        before = routes.position(of, market, app.query("cursor"))
        return app.respond_public(
            kept.find_list(
                of,
                ("trades", market, before),
                MARKET_DATA_KEPT_MS,
                limit,
                lambda longer: routes.trades(of, market, longer, before),
                lambda trades: routes.trade_page(of, trades.newest(limit)),
            )
        )

    @app.get("/markets/<market>/ticker")
    def get_ticker(market: str) -> Response[str]:
        return market_data("ticker", market, lambda of: routes.ticker(of, market))

    _add_candles(app, routes, tenant, kept)


def _add_candles(
    app: RestApi, routes: MarketRoutes, tenant: Callable[[], TenantId], kept: PublicResponses
) -> None:
    @app.get("/markets/<market>/candles")
    @takes("interval", "from_ms", "to_ms", "limit")
    def get_candles(market: str) -> Response[str]:
        of, limit = tenant(), routes.limit(app.query("limit"))
        interval = routes.interval(app.query("interval"))
        asked = routes.period(app.query("from_ms"), app.query("to_ms"))
        period = asked.of_starts(interval)
        return app.respond_public(
            kept.find_list(
                of,
                ("candles", market, interval.name, period),
                MARKET_DATA_KEPT_MS,
                limit,
                lambda longer: routes.candles(of, market, interval, period, longer),
                lambda candles: routes.candle_list(candles, period, limit),
            )
        )


def _add_definition_routes(
    app: RestApi, routes: MarketRoutes, tenant: Callable[[], TenantId], kept: PublicResponses
) -> None:
    """Add the routes about a tenant as a whole."""

    @app.get("/tenant")
    def get_tenant() -> Response[str]:
        of = tenant()
        return app.respond_public(
            kept.find(
                of,
                "tenant",
                TENANT_KEPT_MS,
                lambda: routes.tenant(of),
                max_age_s=TENANT_MAX_AGE_S,
            )
        )

    @app.get("/markets")
    def get_markets() -> Response[str]:
        of = tenant()
        return app.respond_public(
            kept.find(of, "markets", DEFINITIONS_KEPT_MS, lambda: routes.markets(of))
        )


def _add_deployment_routes(app: RestApi, routes: MarketRoutes, kept: PublicResponses) -> None:
    """Add the routes that are of no tenant."""

    def description() -> object:
        # The one route that needs the request models: they cost other cold starts nothing.
        from bursa.dialects.native.openapi import openapi_document  # noqa: PLC0415

        return openapi_document(routes.version)

    @app.get("/health")
    def get_health() -> Response[str]:
        return app.respond_public(kept.find(None, "health", HEALTH_KEPT_MS, routes.health))

    @app.get("/openapi.json")
    def get_openapi() -> Response[str]:
        return app.respond_public(
            kept.find(None, "openapi", None, description, max_age_s=DESCRIPTION_MAX_AGE_S)
        )
