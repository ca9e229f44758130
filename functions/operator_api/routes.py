"""The routes of the operator's API. Adding them needs no environment, so a test can list them."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from bursa.dialects.native.http_api import RestApi, takes
from bursa.tenants.jobs import JobKind, JobOrigin

if TYPE_CHECKING:
    from collections.abc import Callable

    # Loaded by the first request: pydantic costs a start.
    from bursa.dialects.operator.routes import OperatorRoutes

_ACCEPTED = 202


def add_routes(app: RestApi, routes: "Callable[[], OperatorRoutes]") -> None:
    """Add the routes to an API; what they need is built when the first is called."""

    @app.get("/operator/tenants")
    @takes("limit", "cursor")
    def get_tenants() -> Response[str]:
        return app.respond(routes().tenants(app.query("limit"), app.query("cursor")))

    @app.post("/operator/tenants")
    def post_tenant() -> Response[str]:
        begun = routes().create(app.iam_principal(), app.body_text(), _key(app), _origin(app))
        return app.respond(begun, _ACCEPTED)

    @app.get("/operator/tenants/<tenant>")
    def get_tenant(tenant: str) -> Response[str]:
        return app.respond(routes().tenant(tenant))

    @app.get("/operator/jobs/<job_id>")
    def get_job(job_id: str) -> Response[str]:
        return app.respond(routes().job(job_id))

    for kind in (JobKind.SUSPEND, JobKind.RESUME, JobKind.EXPORT, JobKind.DELETE):
        _add_change(app, routes, kind)


def _add_change(app: RestApi, routes: "Callable[[], OperatorRoutes]", kind: JobKind) -> None:
    @app.post(f"/operator/tenants/<tenant>/{kind.value}")
    def post_change(tenant: str) -> Response[str]:
        by, body = app.iam_principal(), app.body_text()
        begun = routes().change(by, kind, tenant, body, _key(app), _origin(app))
        return app.respond(begun, _ACCEPTED)


def _key(app: RestApi) -> str:
    return app.headers().idempotency_key or ""


def _origin(app: RestApi) -> JobOrigin:
    return JobOrigin(app.address(), app.request_id() or "")
