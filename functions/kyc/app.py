"""Lambda behind the routes about who a user is, those of compliance, and the hook of providers.

It takes what users send and seals it, and shows it to people of compliance, each time on record;
whom it is compared with is the workflow's (`kyc_tasks`). API keys are not let in.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.kyc import kyc_services
from bursa.bootstrap.start import finish_start
from bursa.dialects.native.http_api import RestApi
from kyc.case_routes import add_case_routes
from kyc.routes import add_routes

logger = Logger()
# Connections are closed by a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = kyc_services(logger, metrics)
app = RestApi(logger, metrics, services.clock, services.budgets)
add_routes(app, services.routes)
add_case_routes(app, services.cases)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
