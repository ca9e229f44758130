"""The signed-in routes. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.dry_run_routes import ORDER_READS
from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.parameters import ListParameters, read_flag
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import (
    AmendRequest,
    BatchRequest,
    PlaceRequest,
    ReplaceRequest,
)
from bursa.dialects.native.trading_routes import TradingRoutes

CREATED = 201
OK = 200


def add_routes(app: RestApi, routes: TradingRoutes) -> None:
    """Add the signed-in routes to an API."""
    _add_commands(app, routes)
    _add_changes(app, routes)
    _add_questions(app, routes)


def _add_commands(app: RestApi, routes: TradingRoutes) -> None:
    @app.post("/orders")
    def post_order() -> Response[str]:
        principal = app.principal()
        request = read_body(app.body_text(), PlaceRequest)
        if request.dry_run:
            app.account(ORDER_READS)
        return app.respond(routes.place(principal, request, app.headers()), _status(request))

    @app.post("/orders/batch")
    def post_batch() -> Response[str]:
        principal, request = app.principal(), read_body(app.body_text(), BatchRequest)
        return app.respond(routes.batch(principal, request, app.headers(), app.account))

    @app.delete("/orders/<order_id>")
    def delete_order(order_id: str) -> Response[str]:
        return app.respond(routes.cancel(app.principal(), order_id, app.headers()))

    @app.delete("/orders/by-client-id/<client_order_id>")
    def delete_order_by_client_id(client_order_id: str) -> Response[str]:
        return app.respond(
            routes.cancel_by_client_id(app.principal(), client_order_id, app.headers())
        )

    @app.post("/orders/cancel-all-after")
    def post_cancel_all_after() -> Response[str]:
        return app.respond(routes.cancel_all_after(app.principal(), app.body_text(), app.headers()))

    @app.delete("/orders")
    @takes("market", "side")
    def delete_orders() -> Response[str]:
        return app.respond(
            routes.cancel_all(
                app.principal(), app.query("market"), app.query("side"), app.headers()
            )
        )


def _add_changes(app: RestApi, routes: TradingRoutes) -> None:
    @app.patch("/orders/<order_id>")
    def patch_order(order_id: str) -> Response[str]:
        # Its market is read with it, so the caller pays for a read, too.
        app.account()
        request = read_body(app.body_text(), AmendRequest)
        if request.dry_run:
            app.account(ORDER_READS)
        return app.respond(routes.amend(app.principal(), order_id, request, app.headers()))

    @app.post("/orders/<order_id>/replace")
    def replace_order(order_id: str) -> Response[str]:
        app.account()
        request = read_body(app.body_text(), ReplaceRequest)
        if request.dry_run:
            app.account(ORDER_READS)
        return app.respond(
            routes.replace(app.principal(), order_id, request, app.headers()), _status(request)
        )


def _add_questions(app: RestApi, routes: TradingRoutes) -> None:
    @app.get("/orders")
    @takes("market", "status", "side", "from", "to", "limit", "cursor", "min_sequence")
    def get_orders() -> Response[str]:
        return app.respond(routes.orders(app.account(), _list_parameters(app)))

    @app.get("/orders/<order_id>")
    def get_order(order_id: str) -> Response[str]:
        return app.respond(routes.order(app.account(), order_id))

    @app.get("/orders/by-client-id/<client_order_id>")
    @takes("settle")
    def get_order_by_client_id(client_order_id: str) -> Response[str]:
        if read_flag(app.query("settle"), "settle"):
            app.account()
            return app.respond(routes.settle(app.principal(), client_order_id, app.headers()))
        return app.respond(routes.order_by_client_id(app.account(), client_order_id))

    @app.get("/fills")
    @takes("market", "side", "from", "to", "limit", "cursor", "min_sequence")
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
        side=app.query("side"),
        from_ms=app.query("from"),
        to_ms=app.query("to"),
    )


def _status(request: PlaceRequest | ReplaceRequest) -> int:
    return OK if request.dry_run else CREATED
