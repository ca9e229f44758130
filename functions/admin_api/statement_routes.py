"""The routes of statements in the back office."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from admin_api.routes import caller, envelope
from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.statement_routes import Asked, StatementRoutes
from bursa.dialects.native.tables import Table


def add_statement_routes(app: RestApi, statements: Callable[[], StatementRoutes]) -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/admin/users/<user_id>/statement")
    @takes("account", "from_ms", "to_ms", "format")
    def get_statement(user_id: str) -> Response[str]:
        asked = Asked(
            app.query("from_ms"), app.query("to_ms"), app.query("format"), app.query("account")
        )
        found = statements().statement(caller(app), user_id, asked, envelope(app))
        if isinstance(found, Table):
            return app.respond_csv(found.text, found.name)
        return app.respond(found)
