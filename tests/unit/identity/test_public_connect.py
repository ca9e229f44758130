"""Who may open a WebSocket without signing in."""

import json
from pathlib import Path
from typing import Any

import pytest

from bursa.dialects.native.public_connect import PublicConnect, admitted_visitor
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import TenantId
from bursa.market_data.visitors import visitor_at
from bursa.tenants.hosts import ANY_HOST, HostTenants
from bursa.tenants.origins import TenantOrigins

EVENTS = Path(__file__).resolve().parents[3] / "events"
T1, T2 = TenantId(1), TenantId(2)
OWN_PAGE, HOST, ADDRESS = "https://trade.brand.example", "ws.brand.example", "198.51.100.7"


class Clock:
    def monotonic_ms(self) -> float:
        return 0.0


class Directory:
    def tenant_of_host(self, host: str) -> TenantId | None:
        return {HOST: T2, ANY_HOST: T1}.get(host)

    def has_tenant(self, tenant: TenantId) -> bool:
        return tenant in {T1, T2}

    def origins(self, tenant: TenantId) -> frozenset[str]:
        return frozenset({OWN_PAGE}) if tenant == T2 else frozenset()


def admit(*, is_shared: bool) -> PublicConnect:
    tenants = HostTenants(Directory(), Clock(), is_shared=is_shared)
    return PublicConnect(tenants, TenantOrigins(Directory(), Clock()), is_shared=is_shared)


def handshake(
    host: str = HOST,
    query: dict[str, list[str]] | None = None,
    origin: str | None = None,
    address: str = ADDRESS,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "authorizer-visitor.json").read_text())
    event["requestContext"]["domainName"] = host
    event["requestContext"]["identity"]["sourceIp"] = address
    event["headers"] |= {"Host": host} | (headers or {}) | ({"Origin": origin} if origin else {})
    event["queryStringParameters"] = {k: v[-1] for k, v in query.items()} if query else None
    event["multiValueQueryStringParameters"] = query
    return event


@pytest.mark.parametrize(
    ("event", "is_shared", "tenant"),
    [
        (handshake(), False, T2),
        (handshake(origin=OWN_PAGE), False, T2),
        (handshake(origin=f"https://{HOST}"), False, T2),
        (handshake(query={"tenant": ["t1"]}), True, T1),
        (handshake(query={"tenant": ["t2"]}, origin=OWN_PAGE), True, T2),
        (handshake(host="127.0.0.1"), True, T1),
    ],
)
def test_a_visitor_is_let_in_to_the_tenant_that_it_names(
    event: dict[str, Any], is_shared: bool, tenant: TenantId
) -> None:
    verdict = admit(is_shared=is_shared)(event)
    (statement,) = verdict["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", [event["methodArn"]])
    visitor = visitor_at(tenant, ADDRESS)
    assert verdict["context"] == {"tenant": str(tenant), "visitor": str(visitor)}
    # As the gateway hands it on.
    assert admitted_visitor({"authorizer": verdict["context"]}) == visitor


@pytest.mark.parametrize(
    ("event", "is_shared", "code"),
    [
        (handshake(query={"tenant": ["t1"]}), False, "invalid_query"),
        (handshake(query={"ticket": ["t1.x"]}), False, "invalid_query"),
        (handshake(query={"ticket": ["t1.x"]}), True, "invalid_query"),
        (handshake(query={"tenant": ["t1", "t2"]}), True, "invalid_query"),
        (handshake(query={"tenant": ["t1"], "x": ["1"]}), True, "invalid_query"),
        (handshake(query={"tenant": ["t9"]}), True, "unknown_tenant"),
        (handshake(query={"tenant": [""]}), True, "unknown_tenant"),
        (handshake(query={"tenant": ["t1#x"]}), True, "unknown_tenant"),
        (handshake(host="evil.example"), False, "unknown_tenant"),
        (handshake(host=ANY_HOST), False, "unknown_tenant"),
        (handshake(origin="https://evil.example"), False, "foreign_origin"),
        (handshake(origin="null"), False, "foreign_origin"),
        (handshake(query={"tenant": ["t1"]}, origin=OWN_PAGE), True, "foreign_origin"),
        (handshake(address=""), False, "invalid_address"),
    ],
)
def test_others_are_refused_and_not_told_why(
    event: dict[str, Any], is_shared: bool, code: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        admit(is_shared=is_shared)(event)
    assert refused.value.code == code


def test_a_header_names_no_tenant_and_no_address() -> None:
    """A browser can't send one; whoever can gets no other budget by it."""
    event = handshake(headers={"X-Tenant": "t1", "X-Forwarded-For": "203.0.113.9"})
    verdict = admit(is_shared=True)(event)
    assert verdict["context"]["visitor"] == str(visitor_at(T2, ADDRESS))


@pytest.mark.parametrize(
    "context",
    [
        *({}, {"authorizer": None}, {"authorizer": {}}),
        {"authorizer": {"tenant": "t1", "account": "t1-1"}},
        {"authorizer": {"visitor": "t1-1"}},
    ],
)
def test_without_a_visitors_verdict_there_is_no_visitor(context: dict[str, Any]) -> None:
    assert admitted_visitor(context) is None
