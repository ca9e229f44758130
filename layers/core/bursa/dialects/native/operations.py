"""The list of the REST API's routes: what each takes, returns and needs.

Tests hold it, the functions' routes, the template's events and the committed docs/openapi.json
together. It imports the shapes of requests, which a cold start can't afford.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bursa.dialects.native import kyc_bodies, requests, responses
from bursa.identity.principal import Scope
from bursa.kernel.identifiers import CLIENT_ORDER_ID

Json: TypeAlias = dict[str, Any]


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

    method: Literal["get", "post", "put", "delete"]
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
    Operation("get", "/me", "getMe", "Who is signed in, and what it may do", responses.Me),
    Operation(
        "get",
        "/kyc",
        "getKyc",
        "Your level, and what the next one needs of you",
        kyc_bodies.Kyc,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "put",
        "/kyc/personal-data",
        "putPersonalData",
        "Say who you are",
        kyc_bodies.Kyc,
        body=kyc_bodies.PersonalDataRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/kyc/documents",
        "createUpload",
        "Get a form with which you upload one file",
        kyc_bodies.UploadForm,
        status=201,
        body=kyc_bodies.DocumentRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/kyc/applications",
        "applyForLevel",
        "Apply for a level with what you have given",
        kyc_bodies.Kyc,
        status=201,
        body=kyc_bodies.ApplicationRequest,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "post",
        "/kyc/callbacks/{tenant}/{provider}",
        "receiveKycCallback",
        "For providers of identity checks: a signed event about an application",
        kyc_bodies.ReceivedCallback,
        public=True,
    ),
    Operation(
        "get",
        "/me/preferences",
        "getPreferences",
        "Your language, time zone, and what you want mails about",
        responses.UserPreferencesState,
        scope=Scope.ACCOUNT,
    ),
    Operation(
        "put",
        "/me/preferences",
        "replacePreferences",
        "Replace your preferences as a whole",
        responses.UserPreferencesState,
        body=requests.PreferencesRequest,
        scope=Scope.ACCOUNT,
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
