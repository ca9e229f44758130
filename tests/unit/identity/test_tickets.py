"""One-use tickets: who gets in with one, once, and who doesn't."""

import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from bursa.identity.gateway import deny, sent_ticket
from bursa.identity.principal import USER_SCOPES, Principal, Scope, SignInMethod
from bursa.identity.tickets import TICKET_LIFE_MS, Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.kernel.clock import random_key
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import AccountLimits
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, TENANT, Exchange, read_event
from tests.doubles.user_pool import token
from tests.unit.conftest import Context

CONNECT = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/$connect"
NOW_S = int(time.time())


class At:
    """A clock that stands still."""

    def __init__(self, now_ms: int = NOW_S * 1_000) -> None:
        self.time_ms = now_ms

    def now_ms(self) -> int:
        return self.time_ms


def principal(account: AccountId = ALICE, expires_at: int = NOW_S + 3_000) -> Principal:
    scopes = frozenset({Scope.READ, Scope.TRADE})
    return Principal(account, "alice", scopes, SignInMethod.USER_POOL, expires_at, NOW_S - 60)


@pytest.fixture
def clock() -> At:
    return At()


@pytest.fixture
def tickets(exchange: Exchange, clock: At) -> Tickets:
    return Tickets(TicketsTable(exchange._dynamodb, "tickets"), clock, random_key)


def refused(tickets: Tickets, text: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        tickets.redeem(text)
    return f"{caught.value.code}: {caught.value}"


def test_a_ticket_stands_for_its_principal_once(tickets: Tickets, clock: At) -> None:
    ticket = tickets.issue(principal())
    assert ticket.expires_at_ms == clock.time_ms + TICKET_LIFE_MS

    assert tickets.redeem(ticket.text) == principal()
    assert refused(tickets, ticket.text).startswith("invalid_ticket")


def test_a_ticket_is_good_for_half_a_minute(tickets: Tickets, clock: At) -> None:
    early, late = tickets.issue(principal()), tickets.issue(principal())
    clock.time_ms += TICKET_LIFE_MS - 1
    assert tickets.redeem(early.text) == principal()
    clock.time_ms += 1
    assert refused(tickets, late.text).startswith("invalid_ticket")


def test_a_ticket_never_outlives_the_session(tickets: Tickets, clock: At) -> None:
    ticket = tickets.issue(principal(expires_at=NOW_S + 5))
    assert ticket.expires_at_ms == (NOW_S + 5) * 1_000
    clock.time_ms = (NOW_S + 5) * 1_000
    assert refused(tickets, ticket.text).startswith("invalid_ticket")


def test_forged_used_expired_and_foreign_tickets_are_refused_alike(
    tickets: Tickets, clock: At
) -> None:
    used, foreign, expired = (tickets.issue(principal()) for _ in range(3))
    tickets.redeem(used.text)
    key = foreign.text.partition(".")[2]
    refusals = {
        refused(tickets, text)
        for text in (
            used.text,
            f"t2.{key}",
            f"t01.{key}",
            f"t99999.{key}",
            f"t1.{'0' * 32}",
            f"t1.{key[:-1]}",
            f"t1.{key}0",
            f"t1.{key.upper()}X",
            f"t1.{key}\n",
            key,
            "",
            "t1.",
            "x" * 10_000,
            token(),
        )
    }
    clock.time_ms += TICKET_LIFE_MS
    refusals.add(refused(tickets, expired.text))
    assert len(refusals) == 1
    # None of the attempts has used up the ticket they were made from.
    clock.time_ms -= TICKET_LIFE_MS
    assert tickets.redeem(foreign.text) == principal()


def test_the_table_does_not_hold_what_a_connection_needs(
    tickets: Tickets, exchange: Exchange
) -> None:
    ticket = tickets.issue(principal())
    [item] = exchange._dynamodb.scan(TableName="tickets")["Items"]
    assert ticket.text.partition(".")[2] not in str(item)
    assert item["pk"]["S"].startswith("t1#")
    assert int(item["expires_at"]["N"]) <= NOW_S + 31


# --- at the door ----------------------------------------------------------------------------------


def connect_event(**query: str) -> dict[str, Any]:
    event = read_event("authorizer-ticket")
    event["queryStringParameters"] = query
    event["multiValueQueryStringParameters"] = {name: [text] for name, text in query.items()}
    return event


def issued(exchange: Exchange, **changes: int) -> str:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    table = TicketsTable(exchange._dynamodb, "tickets")
    clock = At(int(time.time() * 1_000))
    who = Principal(ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL, NOW_S + 3_000, NOW_S - 60)
    return Tickets(table, clock, random_key).issue(who).text


def test_a_websocket_is_opened_with_a_ticket_once(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    ticket = issued(exchange)

    first = authorizer.handler(connect_event(ticket=ticket), Context())
    second = authorizer.handler(connect_event(ticket=ticket), Context())

    assert first["policyDocument"]["Statement"][0]["Resource"] == [CONNECT]
    assert first["context"]["account"] == "t1-1"
    assert first["context"]["expires_at"] == str(NOW_S + 3_000)
    assert second == deny(CONNECT)


@pytest.mark.parametrize("name", ["token", "access_token", "Ticket"])
def test_a_token_in_the_address_opens_nothing(authorizer: ModuleType, name: str) -> None:
    assert authorizer.handler(connect_event(**{name: token()}), Context()) == deny(CONNECT)


@pytest.mark.parametrize("header", ["authorization", "Authorization"])
def test_a_header_opens_no_websocket(authorizer: ModuleType, header: str) -> None:
    event = connect_event() | {"headers": {header: f"Bearer {token()}"}}
    assert authorizer.handler(event, Context()) == deny(CONNECT)


def test_a_ticket_of_an_ended_session_opens_nothing(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    ticket = issued(exchange)
    DirectoryTable(exchange._dynamodb, "directory").end_sessions(TENANT, "alice", NOW_S)
    assert authorizer.handler(connect_event(ticket=ticket), Context()) == deny(CONNECT)


QUERIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "null": {"queryStringParameters": None, "multiValueQueryStringParameters": None},
    "another parameter": {"queryStringParameters": {"ticket": "t1.0", "x": "1"}},
    "twice": {
        "queryStringParameters": {"ticket": "b"},
        "multiValueQueryStringParameters": {"ticket": ["a", "b"]},
    },
    "twice in brackets": {
        "queryStringParameters": {"ticket": "a", "ticket[]": "b"},
        "multiValueQueryStringParameters": {"ticket": ["a"], "ticket[]": ["b"]},
    },
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_the_query_holds_one_ticket_and_nothing_else(query: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        sent_ticket({"methodArn": CONNECT} | query)


HOSTILE: dict[str, object] = {
    "empty": "",
    "huge": "t1." + "0" * 100_000,
    "not ASCII": "t1.\N{FULLWIDTH DIGIT ZERO}" + "0" * 31,
    "NUL": "t1." + "0" * 31 + "\0",
    "separator": "t1#x." + "0" * 32,
    "no such tenant": "t9999999999." + "0" * 32,
    "tenant zero": "t0." + "0" * 32,
    "another table's key": "t1." + "0" * 32 + "#connections",
    "a number": 1,
    "null": None,
    "a list": ["t1." + "0" * 32],
}


@pytest.mark.parametrize("ticket", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_ticket_is_refused_and_is_no_fault(
    authorizer: ModuleType, ticket: object, capsys: pytest.CaptureFixture[str]
) -> None:
    event = connect_event() | {
        "queryStringParameters": {"ticket": ticket},
        "multiValueQueryStringParameters": {"ticket": [ticket]},
    }
    assert authorizer.handler(event, Context()) == deny(CONNECT)
    assert "SignInFaults" not in capsys.readouterr().out


def test_limits_of_the_users_own_go_with_it(tickets: Tickets) -> None:
    limited = replace(principal(), own_limits=AccountLimits(Rate(5, 70), connections=30))
    assert tickets.redeem(tickets.issue(limited).text) == limited
