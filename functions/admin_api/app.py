"""Lambda behind the routes of tenants' back offices.

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from admin_api.fee_tier_routes import add_fee_tier_routes
from admin_api.limit_routes import add_limit_routes
from admin_api.report_routes import add_report_routes
from admin_api.routes import add_routes
from admin_api.statement_routes import add_statement_routes
from bursa.bootstrap.back_office import back_office_services
from bursa.bootstrap.start import finish_start
from bursa.dialects.native.http_api import RestApi

logger = Logger()
# Connections are closed by a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = back_office_services(logger, metrics)
app = RestApi(logger, metrics, services.clock, services.budgets)
add_routes(app, services.routes, services.proposals)
add_statement_routes(app, services.statements)
add_fee_tier_routes(app, services.fee_tiers)
add_report_routes(app, services.reports)
add_limit_routes(app, services.limits)
finish_start()


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one request."""
    return app.handle(event, context)
