"""The routes of reports in the back office."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from admin_api.routes import caller, envelope
from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.report_routes import Asked, ReportRoutes
from bursa.dialects.native.tables import Table


def add_report_routes(app: RestApi, reports: Callable[[], ReportRoutes]) -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/admin/reports/trading")
    @takes("first_day", "last_day", "format")
    def get_trading_report() -> Response[str]:
        asked = Asked(app.query("first_day"), app.query("last_day"), app.query("format"))
        found = reports().trading(caller(app), asked, envelope(app))
        if isinstance(found, Table):
            return app.respond_csv(found.text, found.name)
        return app.respond(found)
