"""The description of the REST API (OpenAPI 3.1), generated from the shapes that the code uses.

`OPERATIONS` is the list of routes. Tests hold it, the functions' routes, the template's events and
the committed docs/openapi.json together. Only the route that serves the document and the script
that writes it import this module.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter

from bursa.dialects.native import requests, responses
from bursa.dialects.native.problems import PROBLEM_JSON, Problem
from bursa.identity.principal import Scope
from bursa.kernel.identifiers import CLIENT_ORDER_ID

Json: TypeAlias = dict[str, Any]

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
_PUBLIC_ERRORS = (400, 404, 429)
_READ_ERRORS = (400, 401, 403, 404, 429)
_RATE_HEADERS: Json = {
    "X-RateLimit-Limit": "How many the budget has when it is full",
    "X-RateLimit-Remaining": "How many of them are left, as far as is known",
    "X-RateLimit-Reset": "Seconds until it is full again",
}
_RETRY_AFTER: Json = {"Retry-After": "Seconds to wait"}
_WRITE_ERRORS = tuple(_ERRORS)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the request that is neither its path nor its body."""

    name: str
    location: Literal["query", "header"]
    description: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Attributes
    ----------
    method, path
        As in the template; a path begins after the version.
    name, summary
        Its id for generated clients, and a line for people.
    response, status
        The shape of a success, and its status.
    body
        The shape of the request, if it has one.
    parameters
        Beyond those in the path.
    public
        Whether it needs no token.
    scope
        What the caller must be allowed, unless the route is public.
    may_pend
        Whether it can respond 202.

    """

    method: Literal["get", "post", "delete"]
    path: str
    name: str
    summary: str
    response: Any
    status: int = 200
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    public: bool = False
    scope: Scope = Scope.READ
    may_pend: bool = False


_TEXT: Json = {"type": "string"}
_MARKET = Parameter("market", "query", "Only of this market", _TEXT)
_CURSOR = Parameter("cursor", "query", "The next_cursor of the page before", _TEXT)
_MIN_SEQUENCE = Parameter(
    "min_sequence",
    "query",
    "The sequence of a response that the list must reflect; it waits a moment for it",
    {"type": "integer", "minimum": 1},
)
_STATUS = Parameter(
    "status",
    "query",
    "open is everything that can still trade, closed everything else; or one exact status",
    {
        "type": "string",
        "enum": [
            "open",
            "closed",
            "partially_filled",
            "pending_trigger",
            "filled",
            "cancelled",
            "expired",
        ],
    },
)
_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Your name for this request: a repeat under the same name gets the first one's response",
    {"type": "string", "pattern": CLIENT_ORDER_ID},
)
_PREFER = Parameter(
    "Prefer",
    "header",
    "respond-async gets 202 as soon as the request is handed in",
    {"type": "string", "enum": ["respond-async"]},
)
_WRITE = (_KEY, _PREFER)


def _limit(most: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": 100}
    return Parameter("limit", "query", "Most items on a page", schema)


def _depth(most: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": 100}
    return Parameter("depth", "query", "Most price levels of each side", schema)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get",
        "/health",
        "getHealth",
        "Whether the read models are in step with the journal",
        responses.Health,
        public=True,
    ),
    Operation(
        "get",
        "/tenant",
        "getTenant",
        "What a client needs at its start: branding, sign-in, limits, state",
        responses.Tenant,
        public=True,
    ),
    Operation("get", "/markets", "listMarkets", "All markets", responses.MarketPage, public=True),
    Operation(
        "get",
        "/markets/{market}",
        "getMarket",
        "One market",
        responses.MarketDefinition,
        public=True,
    ),
    Operation(
        "get",
        "/markets/{market}/book",
        "getBook",
        "The best prices of a market's book",
        responses.Book,
        parameters=(_depth(1_000),),
        public=True,
    ),
    Operation(
        "get",
        "/markets/{market}/trades",
        "listTrades",
        "A market's trades, newest first",
        responses.TradePage,
        parameters=(_limit(1_000), _CURSOR),
        public=True,
    ),
    Operation(
        "get",
        "/markets/{market}/ticker",
        "getTicker",
        "A market's last price and last day",
        responses.Ticker,
        public=True,
    ),
    Operation(
        "get",
        "/openapi.json",
        "getOpenApi",
        "This document",
        dict[str, Any],
        public=True,
    ),
    Operation(
        "post",
        "/orders",
        "placeOrder",
        "Place an order; responds once the engine has decided",
        responses.PlacedOrder,
        status=201,
        body=requests.OrderRequest,
        parameters=_WRITE,
        scope=Scope.TRADE,
        may_pend=True,
    ),
    Operation(
        "post",
        "/orders/batch",
        "carryOutBatch",
        "Place and cancel several orders in this order; each has its own result",
        responses.BatchResults,
        body=requests.BatchRequest,
        parameters=_WRITE,
        scope=Scope.TRADE,
        may_pend=True,
    ),
    Operation(
        "get",
        "/orders",
        "listOrders",
        "Your orders, newest first",
        responses.OrderPage,
        parameters=(_MARKET, _STATUS, _limit(500), _CURSOR, _MIN_SEQUENCE),
    ),
    Operation("get", "/orders/{order_id}", "getOrder", "One of your orders", responses.Order),
    Operation(
        "get",
        "/orders/by-client-id/{client_order_id}",
        "getOrderByClientId",
        "One of your orders by your own id",
        responses.Order,
    ),
    Operation(
        "delete",
        "/orders/{order_id}",
        "cancelOrder",
        "Cancel one of your orders",
        responses.OrderState,
        parameters=_WRITE,
        scope=Scope.TRADE,
        may_pend=True,
    ),
    Operation(
        "delete",
        "/orders",
        "cancelAllOrders",
        "Cancel all your orders, or those in one market",
        responses.CancelledOrders,
        parameters=(_MARKET, *_WRITE),
        scope=Scope.TRADE,
        may_pend=True,
    ),
    Operation(
        "get",
        "/fills",
        "listFills",
        "Your sides of trades, newest first",
        responses.FillPage,
        parameters=(_MARKET, _limit(500), _CURSOR, _MIN_SEQUENCE),
    ),
    Operation(
        "get",
        "/balances",
        "listBalances",
        "Your balances",
        responses.BalancePage,
        parameters=(_MIN_SEQUENCE,),
    ),
    Operation(
        "post",
        "/ws-ticket",
        "createTicket",
        "A one-use ticket to open a WebSocket with, good for 30 seconds",
        responses.WebSocketTicket,
        status=201,
    ),
    Operation(
        "post",
        "/sessions/revoke",
        "revokeSessions",
        "Sign out everywhere: end all your sessions and close their WebSockets",
        responses.EndedSessions,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/api-keys",
        "createApiKey",
        "Make an API key; needs a code of your second factor",
        responses.MadeApiKey,
        status=201,
        body=requests.ApiKeyRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "get",
        "/api-keys",
        "listApiKeys",
        "Your account's API keys, newest first",
        responses.ApiKeyList,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "delete",
        "/api-keys/{key_id}",
        "revokeApiKey",
        "Revoke an API key and close its WebSockets",
        responses.ApiKeyState,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/second-factor",
        "beginSecondFactor",
        "Begin to set up an authenticator",
        responses.SecondFactorSetup,
        status=201,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/second-factor/confirm",
        "confirmSecondFactor",
        "Require the authenticator's codes from now on",
        responses.SecondFactorState,
        body=requests.CodeRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/second-factor/remove",
        "removeSecondFactor",
        "Require no codes any more",
        responses.SecondFactorState,
        body=requests.CodeRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "get",
        "/security-events",
        "listSecurityEvents",
        "What has happened to your account's security, newest first",
        responses.SecurityEventList,
        scope=Scope.ACCOUNT,
    ),
)


def openapi_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    schemas: Json = {}
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
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
    parameters = _path_parameters(operation.path) + [
        {
            "name": parameter.name,
            "in": parameter.location,
            "description": parameter.description,
            "schema": parameter.schema,
        }
        for parameter in operation.parameters
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": _content(_schema(operation.body, schemas)),
        }
    responses_by_status = {
        str(operation.status): {
            "description": "Done",
            "content": _content(_schema(operation.response, schemas)),
        }
    }
    if operation.may_pend:
        responses_by_status["202"] = {
            "description": "Handed in, not decided yet",
            "content": _content(_schema(responses.PendingOrder, schemas)),
        }
    problem = {PROBLEM_JSON: {"schema": _schema(Problem, schemas)}}
    for status in _errors(operation):
        responses_by_status[str(status)] = {"description": _ERRORS[status], "content": problem}
    for code, response in responses_by_status.items():
        if headers := _headers(operation, code):
            response["headers"] = headers
    described["responses"] = responses_by_status
    described["security"] = _security(operation)
    return described


def _security(operation: Operation) -> list[Json]:
    if operation.public:
        return []
    keys: list[Json] = [] if operation.scope is Scope.ACCOUNT else [{_API_KEY: []}]
    return [{_BEARER: []}, *keys]


def _errors(operation: Operation) -> tuple[int, ...]:
    if operation.public:
        return _PUBLIC_ERRORS
    return _READ_ERRORS if operation.method == "get" else _WRITE_ERRORS


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


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _TEXT}
        for part in path.split("/")
        if part.startswith("{")
    ]


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _schema(model: Any, schemas: Json) -> Json:  # noqa: ANN401 - a shape of any kind
    """Refer to a shape, and keep it and the shapes inside it among the components."""
    schema = TypeAdapter(model).json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    name = schema.get("title")
    if name is None:
        return schema
    schemas[name] = schema
    return {"$ref": _REFERENCE.format(model=name)}
