"""Lambda behind the routes about the caller itself: who it is, sessions, second factor, API keys.

It also answers the preflights of paths below /me; market_api has no room for all of them.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.identity import identity_services
from bursa.bootstrap.start import finish_start
from bursa.dialects.native.http_api import RestApi
from identity_api.notice_routes import add_notice_routes
from identity_api.routes import add_routes

logger = Logger()
# Connections are closed by a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = identity_services(logger, metrics)
app = RestApi(
    logger,
    metrics,
    services.clock,
    services.budgets,
    services.signed_requests,
    preflights=services.origins,
)
add_routes(
    app,
    services.routes,
    services.security,
    services.account,
    services.sessions,
    services.sign_ins,
)
add_notice_routes(app, services.notices)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
