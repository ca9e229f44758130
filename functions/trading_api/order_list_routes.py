"""The routes of lists of orders. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.dry_run_routes import ORDER_READS
from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.order_list_routes import OrderListRoutes
from bursa.dialects.native.parameters import ListParameters
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import OrderListRequest

CREATED = 201


def add_order_list_routes(app: RestApi, lists: OrderListRoutes) -> None:
    """Add the routes of lists of orders to an API."""

    @app.post("/order-lists")
    def post_order_list() -> Response[str]:
        principal, request = app.principal(), read_body(app.body_text(), OrderListRequest)
        if request.dry_run:
            app.account(ORDER_READS)
            return app.respond(lists.dry_run(principal, request))
        return app.respond(lists.place(principal, request, app.headers()), CREATED)

    @app.get("/order-lists")
    @takes("market", "limit", "cursor", "min_sequence")
    def get_order_lists() -> Response[str]:
        parameters = ListParameters(
            market=app.query("market"),
            limit=app.query("limit"),
            cursor=app.query("cursor"),
            min_sequence=app.query("min_sequence"),
        )
        return app.respond(lists.open_lists(app.account(), parameters, app.account))

    @app.get("/order-lists/<list_id>")
    def get_order_list(list_id: str) -> Response[str]:
        return app.respond(lists.order_list(app.account(), list_id))

    @app.delete("/order-lists/<list_id>")
    def delete_order_list(list_id: str) -> Response[str]:
        return app.respond(lists.cancel(app.principal(), list_id, app.headers()))
