"""Errors on the wire: ``application/problem+json`` (RFC 9457), made in one place.

Stable for programs: ``code`` and ``status``. For people: ``title`` and ``detail``; the detail says
what to do. ``field`` names the part of the request it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired

from typing_extensions import TypedDict

from bursa.kernel.errors import BursaError, Unavailable

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:bursa:problem:"


class Problem(TypedDict):
    """The body of every answer that is not a success."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: NotRequired[str]
    request_id: NotRequired[str]


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """A problem with the headers that belong to it."""

    body: Problem
    headers: Mapping[str, str]


def problem(error: BursaError, request_id: str | None = None) -> ProblemAnswer:
    """Say an error on the wire."""
    body = Problem(
        type=f"{TYPE_PREFIX}{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=error.status,
        code=error.code,
        detail=error.detail,
    )
    if error.field is not None:
        body["field"] = error.field
    if request_id is not None:
        body["request_id"] = request_id
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    return ProblemAnswer(body, headers)
