"""The signed-in routes, one line each; what serves them is given at cold start.

Importing this needs no environment, so that a test can list the routes.
"""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.parameters import ListParameters
from bursa.dialects.native.trading_routes import TradingRoutes

CREATED = 201

logger = Logger()
metrics = Metrics()
app: RestApi[TradingRoutes] = RestApi(logger, metrics)


@app.post("/orders")
def post_order() -> Response[str]:
    """Place an order."""
    return app.answer(app.served.place(app.account(), app.body_text(), app.headers()), CREATED)


@app.post("/orders/batch")
def post_batch() -> Response[str]:
    """Carry out several operations in order."""
    return app.answer(app.served.batch(app.account(), app.body_text(), app.headers()))


@app.get("/orders")
def get_orders() -> Response[str]:
    """Return a page of orders."""
    return app.answer(app.served.orders(app.account(), _list_parameters()))


@app.get("/orders/<order_id>")
def get_order(order_id: str) -> Response[str]:
    """Return one order."""
    return app.answer(app.served.order(app.account(), order_id))


@app.get("/orders/by-client-id/<client_order_id>")
def get_order_by_client_id(client_order_id: str) -> Response[str]:
    """Return one order by the client's own id."""
    return app.answer(app.served.order_by_client_id(app.account(), client_order_id))


@app.delete("/orders/<order_id>")
def delete_order(order_id: str) -> Response[str]:
    """Cancel one order."""
    return app.answer(app.served.cancel(app.account(), order_id, app.headers()))


@app.delete("/orders")
def delete_orders() -> Response[str]:
    """Cancel all orders, or those in one market."""
    return app.answer(app.served.cancel_all(app.account(), app.query("market"), app.headers()))


@app.get("/fills")
def get_fills() -> Response[str]:
    """Return a page of fills."""
    return app.answer(app.served.fills(app.account(), _list_parameters()))


@app.get("/balances")
def get_balances() -> Response[str]:
    """Return all balances."""
    return app.answer(app.served.balances(app.account()))


def _list_parameters() -> ListParameters:
    return ListParameters(
        market=app.query("market"),
        status=app.query("status"),
        limit=app.query("limit"),
        cursor=app.query("cursor"),
    )
