"""The routes of compliance about users' cases, which are the back office's."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from bursa.back_office.desk import Envelope
from bursa.dialects.native.http_api import RestApi, takes
from bursa.identity.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.admin_kyc_routes import AdminKycRoutes


def add_case_routes(app: RestApi, routes: "Callable[[], AdminKycRoutes]") -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/admin/kyc/cases")
    @takes("state", "limit", "cursor")
    def get_cases() -> Response[str]:
        found = routes().cases(
            _caller(app),
            app.query("state"),
            app.query("limit"),
            app.query("cursor"),
            _envelope(app),
        )
        return app.respond(found)

    @app.get("/admin/kyc/cases/<user_id>")
    def get_case(user_id: str) -> Response[str]:
        return app.respond(routes().case(_caller(app), user_id, _envelope(app)))

    @app.get("/admin/kyc/cases/<user_id>/personal-data")
    @takes("reason")
    def get_personal_data(user_id: str) -> Response[str]:
        caller, reason = _caller(app), app.query("reason")
        return app.respond(routes().personal_data(caller, user_id, reason, _envelope(app)))

    @app.get("/admin/kyc/cases/<user_id>/documents/<document>")
    @takes("reason")
    def get_document(user_id: str, document: str) -> Response[str]:
        caller, reason = _caller(app), app.query("reason")
        return app.respond(routes().document(caller, user_id, document, reason, _envelope(app)))

    @app.post("/admin/kyc/cases/<user_id>/decision")
    def post_decision(user_id: str) -> Response[str]:
        return app.respond(routes().decide(_caller(app), user_id, app.body_text(), _envelope(app)))

    @app.post("/admin/kyc/cases/<user_id>/lower")
    def post_lower_level(user_id: str) -> Response[str]:
        return app.respond(routes().lower(_caller(app), user_id, app.body_text(), _envelope(app)))

    @app.post("/admin/kyc/cases/<user_id>/reopen")
    def post_reopening(user_id: str) -> Response[str]:
        return app.respond(routes().reopen(_caller(app), user_id, app.body_text(), _envelope(app)))

    @app.post("/admin/kyc/cases/<user_id>/erasure")
    def post_erasure(user_id: str) -> Response[str]:
        return app.respond(routes().erase(_caller(app), user_id, app.body_text(), _envelope(app)))


def _caller(app: RestApi) -> Principal:
    """Return who asks, charged as a reader of its own account."""
    app.account()
    return app.principal()


def _envelope(app: RestApi) -> Envelope:
    return Envelope(app.headers().idempotency_key or "", "", app.address(), app.request_id() or "")
