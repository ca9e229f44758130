"""The routes about the caller itself. Adding them needs no environment, so a test can list them."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.account_routes import AccountRoutes
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.identity_routes import IdentityRoutes
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.identity.gateway import bearer_token
from bursa.identity.principal import SignInMethod
from bursa.identity.second_factor import require_token

CREATED = 201


def add_routes(
    app: RestApi,
    routes: IdentityRoutes,
    security: Callable[[], SecurityRoutes],
    account: Callable[[], AccountRoutes],
) -> None:
    """Add the routes to an API; those of security and account are built when one is called."""

    @app.post("/ws-ticket")
    def post_ticket() -> Response[str]:
        app.refuse_body()
        app.account()  # charged as a read
        return app.respond(routes.ticket(app.principal()), CREATED)

    @app.post("/sessions/revoke")
    def post_revocation() -> Response[str]:
        app.refuse_body()
        return app.respond(routes.revoke(app.leaver(), _token(app)))

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

    _add_key_routes(app, security)
    _add_factor_routes(app, security)


def _add_key_routes(app: RestApi, security: Callable[[], SecurityRoutes]) -> None:
    @app.post("/api-keys")
    def post_key() -> Response[str]:
        app.account()  # charged as a read
        made = security().make_key(app.principal(), app.body_text(), app.address())
        return app.respond(made, CREATED)

    @app.get("/api-keys")
    def get_keys() -> Response[str]:
        app.account()
        return app.respond(security().keys(app.principal()))

    @app.delete("/api-keys/<key_id>")
    def delete_key(key_id: str) -> Response[str]:
        # Charged as what ends sessions: a flood of other requests is never in its way.
        return app.respond(security().revoke_key(app.leaver(), key_id, app.address()))


def _add_factor_routes(app: RestApi, security: Callable[[], SecurityRoutes]) -> None:
    @app.post("/second-factor")
    def post_factor() -> Response[str]:
        app.refuse_body()
        app.account()
        return app.respond(security().begin_factor(app.principal(), _token(app)), CREATED)

    @app.post("/second-factor/confirm")
    def post_confirmation() -> Response[str]:
        app.account()
        confirmed = security().confirm_factor(
            app.principal(), _token(app), app.body_text(), app.address()
        )
        return app.respond(confirmed)

    @app.post("/second-factor/remove")
    def post_removal() -> Response[str]:
        app.account()
        removed = security().remove_factor(
            app.principal(), _token(app), app.body_text(), app.address()
        )
        return app.respond(removed)

    @app.get("/security-events")
    def get_events() -> Response[str]:
        app.account()
        return app.respond(security().events(app.principal()))


def _token(app: RestApi) -> str:
    """Return the token of a user who has signed in; raises `NotAllowed` ``token_required``."""
    require_token(app.principal())
    return bearer_token(app.header("authorization") or "")
