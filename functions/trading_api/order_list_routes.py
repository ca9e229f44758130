"""The routes of lists of orders. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.order_list_routes import OrderListRoutes

CREATED = 201


def add_order_list_routes(app: RestApi, lists: OrderListRoutes) -> None:
    """Add the routes of lists of orders to an API."""

    @app.post("/order-lists")
    def post_order_list() -> Response[str]:
        return app.respond(lists.place(app.principal(), app.body_text(), app.headers()), CREATED)

    @app.get("/order-lists/<list_id>")
    def get_order_list(list_id: str) -> Response[str]:
        return app.respond(lists.order_list(app.account(), list_id))

    @app.delete("/order-lists/<list_id>")
    def delete_order_list(list_id: str) -> Response[str]:
        return app.respond(lists.cancel(app.principal(), list_id, app.headers()))
