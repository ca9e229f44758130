"""The routes about sub-accounts. Adding them needs no environment, so a test can list them."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.dialects.native.parameters import ListParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.sub_account_routes import SubAccountRoutes

CREATED = 201


def add_routes(app: RestApi, routes: "Callable[[], SubAccountRoutes]") -> None:
    """Add the routes to an API; what they call is built when one is called."""

    @app.get("/sub-accounts")
    def get_sub_accounts() -> Response[str]:
        app.account()  # charged as a read
        return app.respond(routes().all(app.principal()))

    @app.post("/sub-accounts")
    def post_sub_account() -> Response[str]:
        app.account()
        opened = routes().open(app.principal(), app.body_text(), app.headers())
        return app.respond(opened, CREATED)

    @app.put("/sub-accounts/<account>")
    def put_sub_account(account: str) -> Response[str]:
        app.account()
        return app.respond(routes().rename(app.principal(), account, app.body_text()))

    @app.delete("/sub-accounts/<account>")
    def delete_sub_account(account: str) -> Response[str]:
        app.account()
        return app.respond(routes().close(app.principal(), account))

    @app.post("/transfers")
    def post_transfer() -> Response[str]:
        made = routes().transfer(app.principal(), app.body_text(), app.headers())
        return app.respond(made, CREATED)

    @app.get("/transfers")
    @takes("limit", "cursor")
    def get_transfers() -> Response[str]:
        app.account()
        parameters = ListParameters(limit=app.query("limit"), cursor=app.query("cursor"))
        return app.respond(routes().transfers(app.principal(), parameters))
