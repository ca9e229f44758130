"""The routes of the back office. Adding them needs no environment, so a test can list them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from bursa.back_office.desk import Envelope
from bursa.back_office.roles import Action
from bursa.dialects.native.admin_responses import StaffChange
from bursa.dialects.native.admin_routes import AdminRoutes
from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.proposal_routes import ProposalRoutes
from bursa.identity.principal import Principal


def add_routes(
    app: RestApi, routes: Callable[[], AdminRoutes], proposals: Callable[[], ProposalRoutes]
) -> None:
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
    _add_account_routes(app, proposals)
    _add_proposal_routes(app, proposals)

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


def _add_account_routes(app: RestApi, proposals: Callable[[], ProposalRoutes]) -> None:
    for word, action in (
        ("freeze", Action.FREEZE_ACCOUNTS),
        ("unfreeze", Action.UNFREEZE_ACCOUNTS),
        ("credit", Action.CREDIT),
        ("debit", Action.DEBIT),
        ("role", Action.SET_ROLES),
    ):
        _add_account_route(app, proposals, word, action)

    @app.post("/admin/fees")
    def post_fees() -> Response[str]:
        return app.respond(_changed(app, proposals, Action.SET_FEES, "fees"))

    @app.post("/admin/four-eyes/<asset>")
    def post_four_eyes(asset: str) -> Response[str]:
        return app.respond(_changed(app, proposals, Action.SET_FOUR_EYES, asset))


def _add_account_route(
    app: RestApi, proposals: Callable[[], ProposalRoutes], word: str, action: Action
) -> None:
    @app.post(f"/admin/users/<user_id>/{word}")
    def post_change(user_id: str) -> Response[str]:
        return app.respond(_changed(app, proposals, action, user_id))


def _changed(
    app: RestApi, proposals: Callable[[], ProposalRoutes], action: Action, named: str
) -> StaffChange:
    return proposals().change(_caller(app), action, named, app.body_text(), _envelope(app))


def _add_proposal_routes(app: RestApi, proposals: Callable[[], ProposalRoutes]) -> None:
    @app.get("/admin/proposals")
    def get_proposals() -> Response[str]:
        return app.respond(proposals().proposals(_caller(app), _envelope(app)))

    @app.post("/admin/proposals/<proposal_id>/approve")
    def post_approval(proposal_id: str) -> Response[str]:
        caller, envelope = _caller(app), _envelope(app)
        return app.respond(proposals().approve(caller, proposal_id, app.body_text(), envelope))

    @app.post("/admin/proposals/<proposal_id>/reject")
    def post_rejection(proposal_id: str) -> Response[str]:
        caller, envelope = _caller(app), _envelope(app)
        return app.respond(proposals().reject(caller, proposal_id, app.body_text(), envelope))


def _caller(app: RestApi) -> Principal:
    """Return who asks, charged as a reader of its own account."""
    app.account()
    return app.principal()


def _envelope(app: RestApi) -> Envelope:
    return Envelope(app.headers().idempotency_key or "", "", app.address(), app.request_id() or "")
