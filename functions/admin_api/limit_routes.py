"""The route that reads a user's limits; `admin_api.routes` has the one that sets them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from admin_api.routes import caller, envelope
from bursa.dialects.native.account_limit_routes import AccountLimitRoutes
from bursa.dialects.native.http_api import RestApi


def add_limit_routes(app: RestApi, limits: Callable[[], AccountLimitRoutes]) -> None:
    """Add the route to an API; what it needs is built when it is first called."""

    @app.get("/admin/users/<user_id>/limits")
    def get_limits_of_user(user_id: str) -> Response[str]:
        return app.respond(limits().of_user(caller(app), user_id, envelope(app)))
