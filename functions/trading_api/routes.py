"""The signed-in routes. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.parameters import ListParameters
from bursa.dialects.native.trading_routes import TradingRoutes

CREATED = 201


def add_routes(app: RestApi, routes: TradingRoutes) -> None:
    """Add the signed-in routes to an API."""

    @app.post("/orders")
    def post_order() -> Response[str]:
        return app.respond(routes.place(app.principal(), app.body_text(), app.headers()), CREATED)

    @app.post("/orders/batch")
    def post_batch() -> Response[str]:
        return app.respond(routes.batch(app.principal(), app.body_text(), app.headers()))

    @app.get("/orders")
    @takes("market", "status", "limit", "cursor", "min_sequence")
    def get_orders() -> Response[str]:
        return app.respond(routes.orders(app.account(), _list_parameters(app)))

    @app.get("/orders/<order_id>")
    def get_order(order_id: str) -> Response[str]:
        return app.respond(routes.order(app.account(), order_id))

    @app.get("/orders/by-client-id/<client_order_id>")
    def get_order_by_client_id(client_order_id: str) -> Response[str]:
        return app.respond(routes.order_by_client_id(app.account(), client_order_id))

    @app.delete("/orders/<order_id>")
    def delete_order(order_id: str) -> Response[str]:
        return app.respond(routes.cancel(app.principal(), order_id, app.headers()))

    @app.delete("/orders")
    @takes("market")
    def delete_orders() -> Response[str]:
        return app.respond(routes.cancel_all(app.principal(), app.query("market"), app.headers()))

    @app.get("/fills")
    @takes("market", "limit", "cursor", "min_sequence")
    def get_fills() -> Response[str]:
        return app.respond(routes.fills(app.account(), _list_parameters(app)))

    @app.get("/balances")
    @takes("min_sequence")
    def get_balances() -> Response[str]:
        return app.respond(routes.balances(app.account(), app.query("min_sequence")))


def _list_parameters(app: RestApi) -> ListParameters:
    return ListParameters(
        market=app.query("market"),
        status=app.query("status"),
        limit=app.query("limit"),
        cursor=app.query("cursor"),
        min_sequence=app.query("min_sequence"),
    )
