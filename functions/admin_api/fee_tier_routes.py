"""The routes of fee tiers in the back office."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from admin_api.routes import caller, envelope
from bursa.dialects.native.fee_tier_routes import FeeTierRoutes
from bursa.dialects.native.http_api import RestApi


def add_fee_tier_routes(app: RestApi, fees: Callable[[], FeeTierRoutes]) -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/admin/fee-tiers")
    def get_fee_tiers() -> Response[str]:
        return app.respond(fees().tiers(caller(app), envelope(app)))

    @app.get("/admin/users/<user_id>/fees")
    def get_fees_of_user(user_id: str) -> Response[str]:
        return app.respond(fees().of_user(caller(app), user_id, envelope(app)))
