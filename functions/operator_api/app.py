"""Lambda behind the operator's API: reads tenants and jobs, and begins jobs. It changes nothing."""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.dialects.native.http_api import RestApi
from bursa.kernel.clock import SystemClock
from operator_api.routes import add_routes

if TYPE_CHECKING:
    from bursa.dialects.operator.routes import OperatorRoutes

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
app = RestApi(logger, metrics, SystemClock())


@cache
def routes() -> "OperatorRoutes":
    """Build them at the first request: pynamodb and pydantic cost a start."""
    from bursa.bootstrap.operator_api import operator_routes  # noqa: PLC0415

    return operator_routes()


add_routes(app, routes)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
