"""Lambda behind the signed-in routes: orders, fills, balances of the caller's own account.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.public_ids import open_cursors, open_ids
from bursa.bootstrap.signed_requests import open_signed_requests
from bursa.bootstrap.start import finish_start
from bursa.bootstrap.trading import open_trading
from bursa.dialects.native.fee_routes import FeeRoutes
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.order_list_routes import OrderListRoutes
from bursa.dialects.native.trading_routes import TradingRoutes
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import SignedRequestSettings, TradingApiSettings, read_settings
from trading_api.fee_routes import add_fee_routes
from trading_api.order_list_routes import add_order_list_routes
from trading_api.routes import add_routes

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
clock = SystemClock()
trading = open_trading(read_settings(TradingApiSettings))
signed_requests = open_signed_requests(
    read_settings(SignedRequestSettings), trading.dynamodb, clock, BudgetReport(clock)
)
app = RestApi(logger, metrics, clock, trading.budgets, signed_requests)
cursors = open_cursors(trading.cursor_key)
routes = TradingRoutes(trading.catalogue, trading.use_cases, cursors, open_ids(), trading.levels)
add_routes(app, routes)
lists = OrderListRoutes(trading.catalogue, trading.use_cases, cursors, open_ids(), trading.levels)
add_order_list_routes(app, lists)
add_fee_routes(app, FeeRoutes(trading.fees, trading.catalogue))
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
