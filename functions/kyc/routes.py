"""The routes about who a user is. Adding them needs no environment, so a test can list them."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi
from bursa.identity.gateway import bearer_token
from bursa.identity.second_factor import require_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.kyc_routes import KycRoutes

CREATED = 201


def add_routes(app: RestApi, routes: "Callable[[], KycRoutes]") -> None:
    """Add the routes to an API; what they call is built when one is called."""

    @app.get("/kyc")
    def get_kyc() -> Response[str]:
        app.account()  # charged as a read
        return app.respond(routes().state(app.principal()))

    @app.put("/kyc/personal-data")
    def put_personal_data() -> Response[str]:
        app.account()
        return app.respond(routes().give_personal_data(app.principal(), app.body_text()))

    @app.post("/kyc/documents")
    def post_document() -> Response[str]:
        app.account()
        return app.respond(routes().upload(app.principal(), app.body_text()), CREATED)

    @app.post("/kyc/applications")
    def post_application() -> Response[str]:
        app.account()
        principal = app.principal()
        require_token(principal)
        token = bearer_token(app.header("authorization") or "")
        return app.respond(routes().apply(principal, token, app.body_text()), CREATED)

    @app.post("/kyc/callbacks/<tenant>/<provider>")
    def post_callback(tenant: str, provider: str) -> Response[str]:
        taken = routes().take_callback(tenant, provider, app.header_values(), app.body_bytes())
        return app.respond(taken)
