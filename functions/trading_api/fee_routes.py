"""The routes about fees. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.fee_routes import FeeRoutes
from bursa.dialects.native.http_api import RestApi


def add_fee_routes(app: RestApi, fees: FeeRoutes) -> None:
    """Add the routes about fees to an API."""

    @app.get("/fees")
    def get_fees() -> Response[str]:
        return app.respond(fees.own(app.account()))
