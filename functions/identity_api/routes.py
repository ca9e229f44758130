"""The routes about the caller itself. Adding them needs no environment, so a test can list them."""

from collections.abc import Callable
from contextlib import suppress

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.account_routes import AccountRoutes
from bursa.dialects.native.export_routes import EXPORT_READS, ExportRoutes
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.identity_routes import IdentityRoutes
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.dialects.native.session_routes import SessionRoutes
from bursa.dialects.native.sign_in_routes import SignInRoutes
from bursa.identity.gateway import bearer_token
from bursa.identity.principal import Principal, SignInMethod
from bursa.identity.second_factor import require_token
from bursa.kernel.errors import Unauthenticated, Unavailable

CREATED = 201


def add_routes(  # noqa: PLR0917 - one for each concern
    app: RestApi,
    routes: IdentityRoutes,
    security: Callable[[], SecurityRoutes],
    account: Callable[[], AccountRoutes],
    sessions: Callable[[], SessionRoutes],
    sign_ins: Callable[[], SignInRoutes],
) -> None:
    """Add the routes to an API; all but the first are built when one of them is called."""

    @app.post("/ws-ticket")
    def post_ticket() -> Response[str]:
        app.refuse_body()
        app.account()  # charged as a read
        return app.respond(routes.ticket(app.principal()), CREATED)

    _add_session_routes(app, routes, sessions)
    _add_account_routes(app, account)
    _add_sign_in_routes(app, routes, sessions, sign_ins)
    _add_closing_route(app, routes, security)
    _add_export_route(app, security, account, sessions, sign_ins)
    _add_key_routes(app, sessions, security)
    _add_factor_routes(app, sessions, security)


def _add_session_routes(
    app: RestApi, routes: IdentityRoutes, sessions: Callable[[], SessionRoutes]
) -> None:
    @app.post("/sessions/revoke")
    def post_revocation() -> Response[str]:
        app.refuse_body()
        leaver, token, goes_on = app.leaver(), _token(app), False
        with suppress(Unavailable):
            goes_on = sessions().goes_on(leaver)
        ended = routes.revoke(leaver, token)
        # Once for each end; what has ended stays so, whether it can be noted or not.
        with suppress(Unavailable):
            if goes_on:
                sessions().record_all_ended(leaver, app.address())
        return app.respond(ended)

    @app.get("/sessions")
    def get_sessions() -> Response[str]:
        app.account()
        return app.respond(sessions().sessions(app.principal()))

    @app.delete("/sessions/<session_id>")
    def delete_session(session_id: str) -> Response[str]:
        return app.respond(sessions().end(app.leaver(), session_id, app.address()))


def _add_account_routes(app: RestApi, account: Callable[[], AccountRoutes]) -> None:
    @app.get("/me")
    def get_me() -> Response[str]:
        app.account()
        principal = app.principal()
        is_user = principal.method is SignInMethod.USER_POOL
        return app.respond(account().me(principal, _token(app) if is_user else None))

    @app.get("/me/preferences")
    def get_preferences() -> Response[str]:
        app.account()
        return app.respond(account().preferences(app.principal()))

    @app.put("/me/preferences")
    def put_preferences() -> Response[str]:
        app.account()
        return app.respond(account().replace_preferences(app.principal(), app.body_text()))


def _add_sign_in_routes(
    app: RestApi,
    routes: IdentityRoutes,
    sessions: Callable[[], SessionRoutes],
    sign_ins: Callable[[], SignInRoutes],
) -> None:
    @app.post("/me/password")
    def post_password() -> Response[str]:
        app.account()
        principal, token = _whose_session_goes_on(app, sessions), _token(app)
        sign_ins().change_password(principal, token, app.body_text(), app.address())
        return app.respond(routes.revoke(principal, token))

    @app.get("/me/identities")
    def get_identities() -> Response[str]:
        app.account()
        return app.respond(sign_ins().identities(app.principal()))

    @app.put("/me/identities/<provider>")
    def put_identity(provider: str) -> Response[str]:
        app.account()
        principal = _whose_session_goes_on(app, sessions)
        return app.respond(sign_ins().allow(principal, provider, app.body_text()))

    @app.delete("/me/identities/<provider>")
    def delete_identity(provider: str) -> Response[str]:
        # Charged as what ends sessions: a flood of other requests is never in its way.
        return app.respond(sign_ins().unlink(app.leaver(), provider, app.address()))


def _add_export_route(
    app: RestApi,
    security: Callable[[], SecurityRoutes],
    account: Callable[[], AccountRoutes],
    sessions: Callable[[], SessionRoutes],
    sign_ins: Callable[[], SignInRoutes],
) -> None:
    @app.get("/me/export")
    def get_export() -> Response[str]:
        app.account(EXPORT_READS)
        principal, token = app.principal(), _token(app)
        parts = ExportRoutes(account(), security(), sessions(), sign_ins())
        return app.respond(parts.export(principal, token))


def _add_closing_route(
    app: RestApi, routes: IdentityRoutes, security: Callable[[], SecurityRoutes]
) -> None:
    @app.post("/me/close")
    def post_closing() -> Response[str]:
        app.account()
        principal, token = app.principal(), _token(app)
        closed_at_ms = security().close_account(principal, app.body_text(), app.address())
        return app.respond(routes.present_closed(principal, token, closed_at_ms))


def _add_key_routes(
    app: RestApi, sessions: Callable[[], SessionRoutes], security: Callable[[], SecurityRoutes]
) -> None:
    @app.post("/api-keys")
    def post_key() -> Response[str]:
        app.account()  # charged as a read
        principal = _whose_session_goes_on(app, sessions)
        made = security().make_key(principal, app.body_text(), app.address())
        return app.respond(made, CREATED)

    @app.get("/api-keys")
    def get_keys() -> Response[str]:
        app.account()
        return app.respond(security().keys(app.principal()))

    @app.delete("/api-keys/<key_id>")
    def delete_key(key_id: str) -> Response[str]:
        # Charged as what ends sessions: a flood of other requests is never in its way.
        return app.respond(security().revoke_key(app.leaver(), key_id, app.address()))


def _add_factor_routes(
    app: RestApi, sessions: Callable[[], SessionRoutes], security: Callable[[], SecurityRoutes]
) -> None:
    @app.post("/second-factor")
    def post_factor() -> Response[str]:
        app.refuse_body()
        app.account()
        principal = _whose_session_goes_on(app, sessions)
        return app.respond(security().begin_factor(principal, _token(app)), CREATED)

    @app.post("/second-factor/confirm")
    def post_confirmation() -> Response[str]:
        app.account()
        principal = _whose_session_goes_on(app, sessions)
        confirmed = security().confirm_factor(
            principal, _token(app), app.body_text(), app.address()
        )
        return app.respond(confirmed)

    @app.post("/second-factor/remove")
    def post_removal() -> Response[str]:
        app.account()
        principal = _whose_session_goes_on(app, sessions)
        removed = security().remove_factor(principal, _token(app), app.body_text(), app.address())
        return app.respond(removed)

    @app.get("/security-events")
    def get_events() -> Response[str]:
        app.account()
        return app.respond(security().events(app.principal()))


def _whose_session_goes_on(app: RestApi, sessions: Callable[[], SessionRoutes]) -> Principal:
    """Return a caller who asks for what outlives its session.

    The gateway keeps a verdict for some seconds after a session was ended, perhaps because it was
    not its user's: whoever has it must not make itself another way in meanwhile.

    Raises
    ------
    NotAllowed
        ``token_required``
    Unauthenticated
        ``session_ended``
    Unavailable
        ``directory_unavailable``

    """
    principal = app.principal()
    require_token(principal)
    if not sessions().goes_on(principal):
        raise Unauthenticated("session_ended", "Sign in again.")
    return principal


def _token(app: RestApi) -> str:
    """Return the token of a user who has signed in; raises `NotAllowed` ``token_required``."""
    require_token(app.principal())
    return bearer_token(app.header("authorization") or "")
