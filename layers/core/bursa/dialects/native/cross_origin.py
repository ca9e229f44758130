"""What a browser is told about pages of other origins (CORS, the Fetch standard).

A page of a listed origin may read responses and send what the API takes. Nothing is said to any
other. Nothing of a browser's own (cookies, certificates) ever counts here, so credentials are never
allowed: a page has a token, or it has nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from bursa.identity.signatures import HEADERS as SIGNATURE_HEADERS

# What tests/contract/test_cross_origin.py holds to the API's description.
METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
REQUEST_HEADERS: Final = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "prefer",
    "x-account",
    "x-tenant",
    *SIGNATURE_HEADERS,
)
# Without this a page sees the body and little else. The gateway names each request.
RESPONSE_HEADERS: Final = (
    "ETag",
    "Location",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "x-amzn-RequestId",
)
# Two hours, the most that browsers in use keep it.
_PREFLIGHT_MAX_AGE_S: Final = 7_200
_ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"


def response_headers(origin: str) -> dict[str, str]:
    """Return what lets a page of this origin read a response."""
    return {
        _ALLOW_ORIGIN: origin,
        "Access-Control-Expose-Headers": ", ".join(RESPONSE_HEADERS),
    }


def preflight_headers(origin: str) -> dict[str, str]:
    """Return what lets a page of this origin send a request."""
    return {
        _ALLOW_ORIGIN: origin,
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Allow-Headers": ", ".join(REQUEST_HEADERS),
        "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_S),
    }


def add_headers(response: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Add headers to a response as the gateway takes it, and that it depends on the origin."""
    sent: dict[str, list[str]] = response.setdefault("multiValueHeaders", {})
    varies = [name for name in sent.get("Vary", []) if name]
    sent["Vary"] = [", ".join(["Origin", *varies])]
    sent.update({name: [value] for name, value in headers.items()})
