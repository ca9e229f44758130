"""Lambda behind the public routes: markets, books, trades, tickers, health.

It also answers the preflights of all routes, with which a browser asks whether a page may call.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.market_data import open_market_data
from bursa.bootstrap.start import finish_start
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.public_responses import PublicResponses
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import MarketApiSettings, read_settings
from market_api.routes import add_routes

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
services = open_market_data(read_settings(MarketApiSettings))
app = RestApi(logger, metrics, SystemClock(), origins=services.origins)
add_routes(app, services.routes, services.tenants, PublicResponses(services.clock))
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
