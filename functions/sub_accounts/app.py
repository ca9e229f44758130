"""Lambda behind the routes about sub-accounts: it opens them, and transfers between them.

Its role alone may send to the transfers queue, and by that nothing else can come than a transfer
between accounts of one user (docs/adr/0069). Of API keys those are let in that may transfer; they
sign by Ed25519, so it opens nobody's secret.

It also answers the preflights of these routes; market_api has no room for those of all.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.sub_accounts import sub_account_services
from bursa.dialects.native.http_api import RestApi
from sub_accounts.routes import add_routes

logger = Logger()
tracer = Tracer()
metrics = Metrics()
services = sub_account_services()
app = RestApi(
    logger,
    metrics,
    services.clock,
    services.budgets,
    services.signed_requests,
    preflights=services.origins,
)
add_routes(app, services.routes)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
