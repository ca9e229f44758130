"""The routes of the caller's notices."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.notice_routes import NoticeRoutes


def add_notice_routes(app: RestApi, notices: Callable[[], NoticeRoutes]) -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/notices")
    @takes("limit", "cursor")
    def get_notices() -> Response[str]:
        app.account()
        found = notices().newest(app.principal(), app.query("limit"), app.query("cursor"))
        return app.respond(found)

    @app.post("/notices/read")
    def post_read() -> Response[str]:
        app.account()
        return app.respond(notices().read(app.principal(), app.body_text()))
