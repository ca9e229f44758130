"""Lambda behind the HTTP API that speaks Binance's Spot REST API, for all tenants.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.binance import open_binance
from bursa.bootstrap.start import finish_start
from bursa.dialects.binance.http_api import BinanceRestApi

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()
services = open_binance()
app = BinanceRestApi(services.api, logger, metrics, is_shared=services.is_shared)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event)
