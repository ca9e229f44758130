"""Whose pages may use a verdict, and whose may open a WebSocket."""

import time
from types import ModuleType
from typing import Any

import pytest

from bursa.identity.gateway import deny, listed_origins
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.identity.tickets import Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.kernel.clock import SystemClock, random_key
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import ALICE, CLIENT_ID, TENANT, Exchange, read_event
from tests.doubles.user_pool import Pool, token
from tests.unit.conftest import Context

CONNECT = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/$connect"
HOST = "https://abcdef1234.execute-api.us-east-1.amazonaws.com"
PAGE = "https://trade.brand.example"


@pytest.fixture(autouse=True)
def listed(exchange: Exchange, pool: Pool) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    known = directory.profile(TENANT)
    assert known is not None
    directory.add_tenant(
        TenantProfile(
            TENANT, 0, "demo", known.issuer, frozenset({CLIENT_ID}), origins=frozenset({PAGE})
        )
    )


@pytest.fixture
def ticket(exchange: Exchange) -> str:
    now_s = int(time.time())
    DirectoryTable(exchange._dynamodb, "directory").open_account(TENANT, "alice")
    principal = Principal(
        ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL, now_s + 600, now_s - 60
    )
    tickets = Tickets(TicketsTable(exchange._dynamodb, "tickets"), SystemClock(), random_key)
    return tickets.issue(principal).text


def connecting(authorizer: ModuleType, ticket: str, headers: dict[str, str]) -> dict[str, Any]:
    event = read_event("authorizer-ticket")
    event["methodArn"] = CONNECT
    event["headers"] |= headers
    event["queryStringParameters"] = {"ticket": ticket}
    event["multiValueQueryStringParameters"] = {"ticket": [ticket]}
    return dict(authorizer.handler(event, Context()))


def test_a_verdict_hands_on_the_origins_of_the_callers_tenant(authorizer: ModuleType) -> None:
    event = read_event("authorizer-request")
    event["headers"] = {"Authorization": f"Bearer {token()}"}
    context = authorizer.handler(event, Context())["context"]
    assert listed_origins(context) == {PAGE}


@pytest.mark.parametrize(
    "headers",
    [{"Origin": PAGE}, {"origin": PAGE}, {}, {"Origin": HOST}],
    ids=["a listed page", "in lower case", "no page", "a client that sends the host itself"],
)
def test_a_websocket_opens_for(
    authorizer: ModuleType, ticket: str, headers: dict[str, str]
) -> None:
    verdict = connecting(authorizer, ticket, headers)
    assert verdict["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "*",
        f"{PAGE}.evil.example",
        PAGE.replace("https", "http"),
        HOST.replace("https", "http"),
        f"{HOST}.evil.example",
    ],
)
def test_a_page_of_another_opens_no_websocket_and_spoils_its_ticket(
    authorizer: ModuleType, ticket: str, origin: str
) -> None:
    assert connecting(authorizer, ticket, {"Origin": origin}) == deny(CONNECT)
    assert connecting(authorizer, ticket, {"Origin": PAGE}) == deny(CONNECT)
