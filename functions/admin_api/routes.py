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
        return app.respond(routes().own_role(caller(app), envelope(app)))

    @app.get("/admin/users")
    @takes("email", "user_id")
    def get_users() -> Response[str]:
        found = routes().users(caller(app), app.query("email"), app.query("user_id"), envelope(app))
        return app.respond(found)

    @app.post("/admin/users/<user_id>/sessions/revoke")
    def post_session_end(user_id: str) -> Response[str]:
        ended = routes().end_sessions(caller(app), user_id, app.body_text(), envelope(app))
        return app.respond(ended)

    @app.get("/admin/users/<user_id>/api-keys")
    def get_api_keys(user_id: str) -> Response[str]:
        return app.respond(routes().api_keys(caller(app), user_id, envelope(app)))

    @app.post("/admin/api-keys/<key_id>/revoke")
    def post_key_revocation(key_id: str) -> Response[str]:
        revoked = routes().revoke_key(caller(app), key_id, app.body_text(), envelope(app))
        return app.respond(revoked)

    _add_market_routes(app, routes)
    _add_account_routes(app, proposals)
    _add_proposal_routes(app, proposals)

    @app.get("/admin/audit")
    @takes("limit", "cursor")
    def get_audit() -> Response[str]:
        page = routes().audit(caller(app), app.query("limit"), app.query("cursor"), envelope(app))
        return app.respond(page)


def _add_market_routes(app: RestApi, routes: Callable[[], AdminRoutes]) -> None:
    @app.get("/admin/markets")
    def get_markets() -> Response[str]:
        return app.respond(routes().markets(caller(app), envelope(app)))

    @app.post("/admin/markets/<market>/state")
    def post_market_state(market: str) -> Response[str]:
        state = routes().set_market_state(caller(app), market, app.body_text(), envelope(app))
        return app.respond(state)


def _add_account_routes(app: RestApi, proposals: Callable[[], ProposalRoutes]) -> None:
    for word, action in (
        ("freeze", Action.FREEZE_ACCOUNTS),
        ("unfreeze", Action.UNFREEZE_ACCOUNTS),
        ("credit", Action.CREDIT),
        ("debit", Action.DEBIT),
        ("role", Action.SET_ROLES),
        ("fee-tier", Action.PIN_FEE_TIERS),
        ("limits", Action.SET_ACCOUNT_LIMITS),
    ):
        _add_account_route(app, proposals, word, action)

    @app.post("/admin/fees")
    def post_fees() -> Response[str]:
        return app.respond(_changed(app, proposals, Action.SET_FEES, "fees"))

    @app.post("/admin/fee-tiers")
    def post_fee_tiers() -> Response[str]:
        return app.respond(_changed(app, proposals, Action.SET_FEE_TIERS, "fee-tiers"))

    @app.post("/admin/markets/<market>/limits")
    def post_market_limits(market: str) -> Response[str]:
        return app.respond(_changed(app, proposals, Action.SET_MARKET_LIMITS, market))

    @app.post("/admin/markets/<market>/listing")
    def post_market_listing(market: str) -> Response[str]:
        return app.respond(_changed(app, proposals, Action.LIST_MARKETS, market))

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
    return proposals().change(caller(app), action, named, app.body_text(), envelope(app))


def _add_proposal_routes(app: RestApi, proposals: Callable[[], ProposalRoutes]) -> None:
    @app.get("/admin/proposals")
    def get_proposals() -> Response[str]:
        return app.respond(proposals().proposals(caller(app), envelope(app)))

    @app.post("/admin/proposals/<proposal_id>/approve")
    def post_approval(proposal_id: str) -> Response[str]:
        approved = proposals().approve(caller(app), proposal_id, app.body_text(), envelope(app))
        return app.respond(approved)

    @app.post("/admin/proposals/<proposal_id>/reject")
    def post_rejection(proposal_id: str) -> Response[str]:
        rejected = proposals().reject(caller(app), proposal_id, app.body_text(), envelope(app))
        return app.respond(rejected)


def caller(app: RestApi) -> Principal:
    """Return who asks, charged as a reader of its own account."""
    app.account()
    return app.principal()


def envelope(app: RestApi) -> Envelope:
    """Return what comes with a request beside what it asks for."""
    return Envelope(app.headers().idempotency_key or "", "", app.address(), app.request_id() or "")
