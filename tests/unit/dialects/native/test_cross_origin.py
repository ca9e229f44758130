"""Pages of other origins: those of the tenant's list may call and read, others are told nothing."""

import re
from types import ModuleType
from typing import Any

import pytest

from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import CLIENT_ID, ISSUER, TENANT, Exchange, read_event
from tests.unit.conftest import Context

PAGE = "https://trade.brand.example"
STRANGERS = [
    "https://evil.example",
    "https://trade.brand.example.evil.example",
    "http://trade.brand.example",
    "https://trade.brand.example:8443",
    "https://TRADE.brand.example",
    "null",
    "*",
    "",
]
EXPOSED = (
    "ETag, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "x-amzn-RequestId"
)
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def listed(exchange: Exchange) -> None:
    DirectoryTable(exchange._dynamodb, "directory").add_tenant(
        TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID}), origins=frozenset({PAGE}))
    )


def headers_of(response: dict[str, Any]) -> Headers:
    return {name: ", ".join(values) for name, values in response["multiValueHeaders"].items()}


def about_origins(headers: Headers) -> Headers:
    return {name: value for name, value in headers.items() if re.match("Access-Control-", name)}


def asked(function: ModuleType, name: str, origin: str | None, **changes: Any) -> dict[str, Any]:
    event = read_event(name) | changes
    event["headers"].pop("origin", None)
    if origin is not None:
        event["headers"]["Origin"] = origin
    response: dict[str, Any] = function.handler(event, Context())
    return response


def test_a_preflight_of_a_listed_page_says_what_it_may_send(market_api: ModuleType) -> None:
    response = asked(market_api, "preflight", PAGE)
    assert (response["statusCode"], response["body"]) == (204, "")
    headers = headers_of(response)
    assert about_origins(headers) == {
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Allow-Methods": "DELETE, GET, PATCH, POST, PUT",
        "Access-Control-Allow-Headers": (
            "authorization, content-type, idempotency-key, if-none-match, prefer, x-account, "
            "x-tenant, x-bursa-timestamp, x-bursa-nonce, x-bursa-signature"
        ),
        "Access-Control-Max-Age": "7200",
    }
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [*STRANGERS, None])
def test_a_preflight_of_any_other_is_told_nothing(
    market_api: ModuleType, origin: str | None
) -> None:
    response = asked(market_api, "preflight", origin)
    assert about_origins(headers_of(response)) == {}
    assert headers_of(response)["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 200, id="answered"),
        pytest.param({"path": "/markets/X-Y"}, 404, id="not found"),
        pytest.param({"queryStringParameters": {"x": "1"}}, 400, id="refused"),
    ],
)
@pytest.mark.parametrize("origin", [PAGE, "https://evil.example", None])
def test_a_public_response_is_readable_by_listed_pages_alone(
    market_api: ModuleType, origin: str | None, changes: dict[str, Any], status: int
) -> None:
    response = asked(market_api, "markets-list", origin, **changes)
    headers = headers_of(response)
    assert response["statusCode"] == status
    expected = {"Access-Control-Allow-Origin": PAGE, "Access-Control-Expose-Headers": EXPOSED}
    assert about_origins(headers) == (expected if origin == PAGE else {})
    assert headers["Vary"].split(", ")[0] == "Origin"


def test_what_a_cache_keeps_depends_on_origin_and_tenant(market_api: ModuleType) -> None:
    first = headers_of(asked(market_api, "markets-list", None))
    assert first["Vary"] == "Origin, X-Tenant"
    event = read_event("markets-list")
    event["headers"] |= {"if-none-match": first["ETag"], "origin": PAGE}
    again = market_api.handler(event, Context())
    assert again["statusCode"] == 304
    assert headers_of(again)["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 200), ({"path": "/nowhere"}, 404), ({"body": "{}"}, 400)],
    ids=["answered", "unknown route", "refused"],
)
@pytest.mark.parametrize("origin", [PAGE, "https://evil.example", None])
def test_a_callers_response_is_readable_by_pages_of_its_own_tenant(
    trading_api: ModuleType, origin: str | None, changes: dict[str, Any], status: int
) -> None:
    event = read_event("balances-list")
    event["requestContext"]["authorizer"]["origins"] = f"https://app.brand.example {PAGE}"
    context = {"requestContext": event["requestContext"]}
    response = asked(trading_api, "balances-list", origin, **context, **changes)
    headers = headers_of(response)
    assert response["statusCode"] == status
    assert headers.get("Access-Control-Allow-Origin") == (PAGE if origin == PAGE else None)
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [*STRANGERS, PAGE])
def test_a_verdict_without_origins_is_for_no_page(trading_api: ModuleType, origin: str) -> None:
    assert about_origins(headers_of(asked(trading_api, "balances-list", origin))) == {}
