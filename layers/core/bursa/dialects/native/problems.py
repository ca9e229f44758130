"""Errors on the wire: ``application/problem+json`` (RFC 9457), made in one place.

Stable for programs: ``code`` and ``status``. For people: ``title`` and ``detail``; the detail says
what to do. ``field`` names the part of the request it is about.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, NotRequired

from typing_extensions import TypedDict

from bursa.kernel.errors import (
    BursaError,
    Conflict,
    InternalError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refused,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from bursa.kernel.rates import RateState

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:bursa:problem:"


class Problem(TypedDict):
    """The body of every response that is not a success."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: NotRequired[str]
    request_id: NotRequired[str]


class ProblemResponse(NamedTuple):
    """A problem with the headers that belong to it."""

    body: Problem
    headers: Mapping[str, str]


# A test holds it complete.
STATUS: Final[Mapping[type[BursaError], int]] = {
    InvalidInput: 400,
    Unauthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Refused: 422,
    TooManyRequests: 429,
    InternalError: 500,
    Unavailable: 503,
}
# What only this dialect can say: where to look, and by which header a key is sent.
_DETAILS: Final[Mapping[str, str]] = {
    "unknown_market": "Choose a market from GET /v1/markets.",
    "idempotency_key_reused": "Choose a new Idempotency-Key: this one belongs to another request.",
}
_FIELDS: Final[Mapping[str, str]] = {"idempotency_key_reused": "Idempotency-Key"}


def status_of(error: BursaError) -> int:
    """Return the HTTP status of an error."""
    return STATUS[type(error)]


def detail_of(error: BursaError) -> str:
    """Return the sentence that tells a person what to do."""
    detail = _DETAILS.get(error.code, error.detail)
    if isinstance(error, Unavailable) and error.request_key is not None:
        return f"{detail} Repeat it with the header Idempotency-Key: {error.request_key}"
    return detail


def problem(error: BursaError, request_id: str | None = None) -> ProblemResponse:
    """Return an error as it is sent."""
    body = Problem(
        type=f"{TYPE_PREFIX}{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=status_of(error),
        code=error.code,
        detail=detail_of(error),
    )
    field = _FIELDS.get(error.code, error.field)
    if field is not None:
        body["field"] = field
    if request_id is not None:
        body["request_id"] = request_id
    headers = {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, TooManyRequests) and error.state is not None:
        headers |= rate_headers(error.state)
    return ProblemResponse(body, headers)


def rate_headers(state: RateState) -> dict[str, str]:
    """Return what the caller has left of a budget of its own, as headers."""
    return {
        "X-RateLimit-Limit": str(state.limit),
        "X-RateLimit-Remaining": str(state.remaining),
        "X-RateLimit-Reset": str(state.reset_s),
    }
