"""The signed-in routes: orders, fills, balances of the caller's own account.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.accounts.dynamodb import BalancesTable, FillsTable, OrdersTable
from bursa.accounts.queries import AccountQueries, ListParameters
from bursa.aws.clients import dynamodb_client, sqs_client
from bursa.dialects.native.bodies import read_body
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.requests import BatchRequest, OrderRequest
from bursa.intake.backlog_sqs import CommandBacklog, QueueWatermark
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.sqs import SqsCommandSender
from bursa.intake.submission import Intake
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import TradingApiSettings, read_settings
from bursa.market_data.dynamodb import MarketsTable
from bursa.trading.batch import CarryOutBatch
from bursa.trading.cancel import CancelAllOrders, CancelOrder
from bursa.trading.outcomes import Settlement
from bursa.trading.place import PlaceOrder

CREATED = 201
DEFINITIONS_AGE_MS_MAX = 30_000

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
app = RestApi(logger, metrics)

settings = read_settings(TradingApiSettings)
clock = SystemClock()
dynamodb = dynamodb_client()
catalogue = MarketsTable(dynamodb, settings.markets_table, clock, DEFINITIONS_AGE_MS_MAX)
orders = OrdersTable(dynamodb, settings.orders_table)
fills = FillsTable(dynamodb, settings.fills_table)
sqs = sqs_client()
backlog = CommandBacklog(
    sqs,
    settings.command_queue_url,
    clock,
    settings.queue_depth_max,
    watermark=QueueWatermark(dynamodb, settings.progress_table, settings.shard),
    age_ms_max=settings.queue_age_ms_max,
)
intake = Intake(
    SqsCommandSender(sqs, settings.command_queue_url, backlog),
    DynamoReplyReader(dynamodb, settings.answers_table),
    clock,
    settings.answer_deadline_ms,
)
settlement = Settlement(catalogue, orders, fills, clock)
place_order = PlaceOrder(catalogue, intake, settlement, random_key)
carry_out_batch = CarryOutBatch(catalogue, intake, settlement, random_key)
cancel_order = CancelOrder(intake, settlement, orders, random_key)
cancel_all_orders = CancelAllOrders(catalogue, intake, random_key)
queries = AccountQueries(catalogue, orders, fills, BalancesTable(dynamodb, settings.balances_table))


@app.post("/orders")
def post_order() -> Response[str]:
    """Place an order."""
    request = read_body(app.body_text(), OrderRequest)
    return app.answer(place_order(app.account(), request, app.options()), CREATED)


@app.post("/orders/batch")
def post_batch() -> Response[str]:
    """Carry out several operations in order."""
    request = read_body(app.body_text(), BatchRequest)
    return app.answer(carry_out_batch(app.account(), request, app.options()))


@app.get("/orders")
def get_orders() -> Response[str]:
    """List orders."""
    return app.answer(queries.orders(app.account(), _list_parameters()))


@app.get("/orders/<order_id>")
def get_order(order_id: str) -> Response[str]:
    """Read one order."""
    return app.answer(queries.order(app.account(), order_id))


@app.get("/orders/by-client-id/<client_order_id>")
def get_order_by_client_id(client_order_id: str) -> Response[str]:
    """Read one order by the client's own id."""
    return app.answer(queries.order_by_client_id(app.account(), client_order_id))


@app.delete("/orders/<order_id>")
def delete_order(order_id: str) -> Response[str]:
    """Cancel one order."""
    return app.answer(cancel_order(app.account(), order_id, app.options()))


@app.delete("/orders")
def delete_orders() -> Response[str]:
    """Cancel all orders, or those in one market."""
    return app.answer(cancel_all_orders(app.account(), app.query("market"), app.options()))


@app.get("/fills")
def get_fills() -> Response[str]:
    """List fills."""
    return app.answer(queries.fills(app.account(), _list_parameters()))


@app.get("/balances")
def get_balances() -> Response[str]:
    """List balances."""
    return app.answer(queries.balances(app.account()))


def _list_parameters() -> ListParameters:
    return ListParameters(
        market=app.query("market"),
        status=app.query("status"),
        limit=app.query("limit"),
        cursor=app.query("cursor"),
    )


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return app.handle(event, context)
