"""The list of the operator's routes, and their description (OpenAPI 3.1), made from the shapes."""

from typing import Final

from bursa.dialects.native.openapi import content_of, path_parameters, schema_of
from bursa.dialects.native.operation import Json, Operation, Parameter
from bursa.dialects.native.problems import PROBLEM_JSON, Problem
from bursa.dialects.operator import requests, responses
from bursa.kernel.identifiers import CLIENT_ORDER_ID

PATH: Final = "/operator/{proxy+}"
_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Required: your name for this request; a repeat under it is the same job",
    {"type": "string", "pattern": CLIENT_ORDER_ID},
)
_PAGE: Final = (
    Parameter("limit", "query", "Most tenants on a page", {"type": "integer", "maximum": 200}),
    Parameter("cursor", "query", "The next_cursor of the page before", {"type": "string"}),
)
_ERRORS: Final = {
    400: "The request can't be understood or breaks a rule of form; of a tenant, every fault",
    403: "IAM does not let the caller in",
    404: "There is no such tenant or job",
    409: "Something else was asked for under this name",
    413: "The body is too large",
    429: "Too many requests",
    503: "Try again after Retry-After seconds; the same request is the same job",
}
_READ_ERRORS: Final = (400, 403, 404, 429, 503)


def _read(
    path: str,
    name: str,
    summary: str,
    response: object,
    *parameters: Parameter,
) -> Operation:
    return Operation("get", f"/operator{path}", name, summary, response, parameters=parameters)


def _job(path: str, name: str, summary: str, body: object) -> Operation:
    return Operation(
        "post",
        f"/operator{path}",
        name,
        summary,
        responses.JobState,
        202,
        body=body,
        parameters=(_KEY,),
    )


OPERATIONS: Final = (
    _read("/tenants", "listTenants", "Tenants by number", responses.TenantList, *_PAGE),
    _read("/tenants/{tenant}", "getTenant", "A tenant by its id or name", responses.TenantState),
    _read("/jobs/{job_id}", "getJob", "A job, for 90 days", responses.JobState),
    _job(
        "/tenants",
        "createTenant",
        "Open a tenant, or bring it up to date",
        requests.CreateTenantRequest,
    ),
    _job(
        "/tenants/{tenant}/suspend",
        "suspendTenant",
        "Cancels only, then no sign-in",
        requests.SuspendTenantRequest,
    ),
    _job(
        "/tenants/{tenant}/resume",
        "resumeTenant",
        "Each market as it was",
        requests.ResumeTenantRequest,
    ),
    _job(
        "/tenants/{tenant}/export",
        "exportTenant",
        "Users, settings, markets, trades, orders, fills and balances into a bucket",
        requests.ExportTenantRequest,
    ),
    _job(
        "/tenants/{tenant}/delete",
        "deleteTenant",
        "Close a tenant; after the waiting period and an export, delete it",
        requests.DeleteTenantRequest,
    ),
)


def operator_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    schemas: Json = {}
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        described = _describe(operation, schemas)
        paths.setdefault(f"/v1{operation.path}", {})[operation.method] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bursa for operators",
            "version": version,
            "description": (
                "Requests are signed with AWS Signature Version 4 for execute-api, by the role "
                "that a deployment's output OperatorRole names: see docs/onboarding.md. Changes "
                "are jobs."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "iam": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
        },
    }


def _describe(operation: Operation, schemas: Json) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{"iam": []}],
    }
    parameters = path_parameters(operation.path) + [
        {
            "name": one.name,
            "in": one.location,
            "required": one is _KEY,
            "description": one.description,
            "schema": one.schema,
        }
        for one in operation.parameters
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = content_of(schema_of(operation.body, schemas))
        described["requestBody"] = {"required": True, "content": content}
    problem = {PROBLEM_JSON: {"schema": schema_of(Problem, schemas)}}
    statuses = _READ_ERRORS if operation.method == "get" else tuple(_ERRORS)
    described["responses"] = {
        str(operation.status): {
            "description": "Done" if operation.method == "get" else "Taken, or known already",
            "content": content_of(schema_of(operation.response, schemas)),
        },
        **{
            str(status): {"description": _ERRORS[status], "content": problem} for status in statuses
        },
    }
    return described
