"""One route of the REST API: what it takes, returns and needs; and what several routes take."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bursa.identity.principal import Scope
from bursa.kernel.identifiers import CLIENT_ORDER_ID

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the request that is neither its path nor its body, and whether it must be there."""

    name: str
    location: Literal["query", "header"]
    description: str
    schema: Json
    required: bool = False


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
    also
        The shape of a 200, where that is another success.
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
    refused_with
        The statuses of refusals beyond those of every route of its kind.
    has_table
        Whether it can respond with its success as CSV.

    """

    method: Literal["get", "post", "put", "patch", "delete"]
    path: str
    name: str
    summary: str
    response: Any
    status: int = 200
    also: Any = None
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    public: bool = False
    scope: Scope = Scope.READ
    may_pend: bool = False
    refused_with: tuple[int, ...] = ()
    has_table: bool = False


_TEXT: Json = {"type": "string"}
MARKET = Parameter("market", "query", "Only of this market", _TEXT)
CURSOR = Parameter("cursor", "query", "The next_cursor of the page before", _TEXT)
MIN_SEQUENCE = Parameter(
    "min_sequence",
    "query",
    "The sequence of a response that the list must reflect; it waits a moment for it",
    {"type": "integer", "minimum": 1},
)
KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Your name for this request: a repeat under the same name gets the first one's response",
    {"type": "string", "pattern": CLIENT_ORDER_ID},
)
PREFER = Parameter(
    "Prefer",
    "header",
    "respond-async gets 202 as soon as the request is handed in",
    {"type": "string", "enum": ["respond-async"]},
)
WRITE = (KEY, PREFER)


def limit(most: int) -> Parameter:
    """Return the parameter for how many items a page has."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": 100}
    return Parameter("limit", "query", "Most items on a page", schema)
