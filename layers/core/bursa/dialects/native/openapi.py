"""The description of the REST API (OpenAPI 3.1), generated from the shapes that the code uses.

Its routes are those of `bursa.dialects.native.operations` and of the back office. Only the route
that serves the document and the script that writes it import this module.
"""

from typing import Any

from pydantic import TypeAdapter

from bursa.dialects.native import responses
from bursa.dialects.native.admin_kyc_operations import ADMIN_KYC_OPERATIONS
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS
from bursa.dialects.native.operation import Json, Operation, Parameter
from bursa.dialects.native.operations import OPERATIONS
from bursa.dialects.native.problems import PROBLEM_JSON, Problem
from bursa.identity.principal import Scope

_REFERENCE = "#/components/schemas/{model}"
_BEARER = "bearer"
_API_KEY = "api_key"
_ERRORS = {
    400: "The request can't be understood or breaks a rule of form",
    401: "No token or signature, or one that can't be trusted",
    403: "Who asks is known, but may not do this",
    404: "There is no such thing, or it belongs to someone else",
    409: "The id belongs to something different, or the order is closed",
    413: "The body is too large",
    422: "Rejected: the market's rules or the balance forbid it",
    429: "Your budget is used up: try again after Retry-After seconds",
    503: "Try again after Retry-After seconds; nothing was lost",
}
_PUBLIC_ERRORS = (400, 404, 429, 503)
_READ_ERRORS = (400, 401, 403, 404, 429, 503)
_RATE_HEADERS: Json = {
    "X-RateLimit-Limit": "How many the budget has when it is full",
    "X-RateLimit-Remaining": "How many of them are left, as far as is known",
    "X-RateLimit-Reset": "Seconds until it is full again",
}
_ACCOUNT = Parameter(
    "X-Account",
    "header",
    "Of your accounts the one that this is about; the main one without it. Not with an API key, "
    "which is for one account",
    {"type": "string"},
)
_RETRY_AFTER: Json = {"Retry-After": "Seconds to wait"}
_WRITE_ERRORS = tuple(_ERRORS)


def openapi_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    schemas: Json = {}
    paths: dict[str, Json] = {}
    for operation in (*OPERATIONS, *ADMIN_OPERATIONS, *ADMIN_KYC_OPERATIONS):
        described = _describe(operation, schemas)
        paths.setdefault(f"/v1{operation.path}", {})[operation.method] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bursa",
            "version": version,
            "description": (
                "Amounts are decimal strings, times are UTC milliseconds, ids are strings. "
                "Every error is application/problem+json with a stable code. Web pages may call "
                "from the origins that their exchange lists, without credentials: see docs/api.md."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                _API_KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": (
                        "'Bursa-Key <key id>', with X-Bursa-Timestamp, X-Bursa-Nonce if needed, "
                        "and X-Bursa-Signature: see docs/api.md"
                    ),
                },
            },
        },
    }


def _describe(operation: Operation, schemas: Json) -> Json:
    described: Json = {"operationId": operation.name, "summary": operation.summary}
    parameters = path_parameters(operation.path) + [
        {
            "name": parameter.name,
            "in": parameter.location,
            "description": parameter.description,
            "schema": parameter.schema,
        }
        | ({"required": True} if parameter.required else {})
        for parameter in _parameters(operation)
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": content_of(schema_of(operation.body, schemas)),
        }
    done = content_of(schema_of(operation.response, schemas))
    if operation.has_table:
        done |= {"text/csv": {"schema": {"type": "string"}}}
    responses_by_status: Json = {str(operation.status): {"description": "Done", "content": done}}
    if operation.also is not None:
        responses_by_status["200"] = {
            "description": "Nothing was to be done",
            "content": content_of(schema_of(operation.also, schemas)),
        }
    if operation.may_pend:
        responses_by_status["202"] = {
            "description": "Handed in, not decided yet",
            "content": content_of(schema_of(responses.PendingOrder, schemas)),
        }
    problem = {PROBLEM_JSON: {"schema": schema_of(Problem, schemas)}}
    for status in _errors(operation):
        responses_by_status[str(status)] = {"description": _ERRORS[status], "content": problem}
    for code, response in responses_by_status.items():
        if headers := _headers(operation, code):
            response["headers"] = headers
    described["responses"] = responses_by_status
    described["security"] = _security(operation)
    return described


def _parameters(operation: Operation) -> tuple[Parameter, ...]:
    """Return a route's own, and with which account a user who has signed in may ask."""
    of_a_user = not operation.public and not operation.path.startswith("/admin/")
    return operation.parameters + ((_ACCOUNT,) if of_a_user else ())


def _security(operation: Operation) -> list[Json]:
    if operation.public:
        return []
    keys: list[Json] = [] if operation.scope is Scope.ACCOUNT else [{_API_KEY: []}]
    return [{_BEARER: []}, *keys]


def _errors(operation: Operation) -> list[int]:
    usual = _READ_ERRORS if operation.method == "get" else _WRITE_ERRORS
    return sorted({*(_PUBLIC_ERRORS if operation.public else usual), *operation.refused_with})


def _headers(operation: Operation, status: str) -> Json:
    """Return a response's headers: a budget is the account's, so only signed-in routes state it."""
    stated = {} if operation.public else dict(_RATE_HEADERS)
    if status == "401":
        stated = {}
    if status in {"429", "503"}:
        stated |= _RETRY_AFTER
    whole_number = {"type": "integer", "minimum": 0}
    return {
        name: {"description": description, "schema": whole_number}
        for name, description in stated.items()
    }


def path_parameters(path: str) -> list[Json]:
    """Return what a path names."""
    return [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in path.split("/")
        if part.startswith("{")
    ]


def content_of(schema: Json) -> Json:
    """Return a body of JSON."""
    return {"application/json": {"schema": schema}}


def schema_of(model: Any, schemas: Json) -> Json:  # noqa: ANN401 - a shape of any kind
    """Refer to a shape, and keep it and the shapes inside it among the components."""
    schema = TypeAdapter(model).json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    name = schema.get("title")
    if name is None:
        return schema
    schemas[name] = schema
    return {"$ref": _REFERENCE.format(model=name)}
