"""The public routes. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.market_routes import MarketRoutes
from bursa.kernel.identifiers import TenantId
from bursa.tenants.ports import TenantResolver


def add_routes(app: RestApi, routes: MarketRoutes, tenants: TenantResolver) -> None:
    """Add the public routes to an API."""

    def tenant() -> TenantId:
        return tenants.resolve(app.host(), app.header("X-Tenant"))

    @app.get("/health")
    def get_health() -> Response[str]:
        return app.respond(routes.health())

    @app.get("/markets")
    def get_markets() -> Response[str]:
        return app.respond(routes.markets(tenant()))

    @app.get("/markets/<market>")
    def get_market(market: str) -> Response[str]:
        return app.respond(routes.market(tenant(), market))

    @app.get("/markets/<market>/book")
    @takes("depth")
    def get_book(market: str) -> Response[str]:
        return app.respond(routes.book(tenant(), market, app.query("depth")))

    @app.get("/markets/<market>/trades")
    @takes("limit", "cursor")
    def get_trades(market: str) -> Response[str]:
        limit, cursor = app.query("limit"), app.query("cursor")
        return app.respond(routes.trades(tenant(), market, limit, cursor))

    @app.get("/markets/<market>/ticker")
    def get_ticker(market: str) -> Response[str]:
        return app.respond(routes.ticker(tenant(), market))

    @app.get("/openapi.json")
    def get_openapi() -> Response[str]:
        # The one route that needs the request models: they cost other cold starts nothing.
        from bursa.dialects.native.openapi import openapi_document  # noqa: PLC0415

        return app.respond(openapi_document(routes.version))
