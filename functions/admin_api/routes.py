"""The routes of the back office. Adding them needs no environment, so a test can list them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from bursa.back_office.desk import Envelope
from bursa.dialects.native.admin_routes import AdminRoutes
from bursa.dialects.native.http_api import RestApi, takes
from bursa.identity.principal import Principal


def add_routes(app: RestApi, routes: Callable[[], AdminRoutes]) -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/admin/me")
    def get_own_role() -> Response[str]:
        return app.respond(routes().own_role(_caller(app), _envelope(app)))

    @app.get("/admin/users")
    @takes("email", "user_id")
    def get_users() -> Response[str]:
        found = routes().users(
            _caller(app), app.query("email"), app.query("user_id"), _envelope(app)
        )
        return app.respond(found)

    @app.post("/admin/users/<user_id>/sessions/revoke")
    def post_session_end(user_id: str) -> Response[str]:
        ended = routes().end_sessions(_caller(app), user_id, app.body_text(), _envelope(app))
        return app.respond(ended)

    @app.get("/admin/users/<user_id>/api-keys")
    def get_api_keys(user_id: str) -> Response[str]:
        return app.respond(routes().api_keys(_caller(app), user_id, _envelope(app)))

    @app.post("/admin/api-keys/<key_id>/revoke")
    def post_key_revocation(key_id: str) -> Response[str]:
        revoked = routes().revoke_key(_caller(app), key_id, app.body_text(), _envelope(app))
        return app.respond(revoked)

    _add_market_routes(app, routes)

    @app.get("/admin/audit")
    @takes("limit", "cursor")
    def get_audit() -> Response[str]:
        page = routes().audit(_caller(app), app.query("limit"), app.query("cursor"), _envelope(app))
        return app.respond(page)


def _add_market_routes(app: RestApi, routes: Callable[[], AdminRoutes]) -> None:
    @app.get("/admin/markets")
    def get_markets() -> Response[str]:
        return app.respond(routes().markets(_caller(app), _envelope(app)))

    @app.post("/admin/markets/<market>/state")
    def post_market_state(market: str) -> Response[str]:
        state = routes().set_market_state(_caller(app), market, app.body_text(), _envelope(app))
        return app.respond(state)


def _caller(app: RestApi) -> Principal:
    """Return who asks, charged as a reader of its own account."""
    app.account()
    return app.principal()


def _envelope(app: RestApi) -> Envelope:
    return Envelope(app.headers().idempotency_key or "", "", app.address(), app.request_id() or "")
