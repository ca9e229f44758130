"""The routes about the caller itself. Adding them needs no environment, so a test can list them."""

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.identity_routes import IdentityRoutes
from bursa.identity.gateway import bearer_token

CREATED = 201


def add_routes(app: RestApi, routes: IdentityRoutes) -> None:
    """Add the routes to an API."""

    @app.post("/ws-ticket")
    def post_ticket() -> Response[str]:
        app.refuse_body()
        app.account()  # charged as a read
        return app.respond(routes.ticket(app.principal()), CREATED)

    @app.post("/sessions/revoke")
    def post_revocation() -> Response[str]:
        app.refuse_body()
        token = bearer_token(app.header("authorization") or "")
        return app.respond(routes.revoke(app.leaver(), token))
