"""Signing out everywhere: what ends, in which order, and what stays."""

import json
import time
from collections.abc import Iterable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from bursa.aws.table_writer import TableWriter
from bursa.bootstrap import identity
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.identity.session_check import SessionCheck
from bursa.identity.sessions import SessionEnd
from bursa.identity.user_pool_cognito import RefreshTokens
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.keys import connections as connections_of
from bursa.kernel.rates import RateState
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.read_models.rows import ConnectionRow, SubscriptionRow
from bursa.tenants.account_limits import AccountLimits
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, TENANT, Exchange, read_event
from tests.unit.conftest import Context, Response, response_of, started

NOW_MS = 1_795_291_200_500
NOW_S = NOW_MS // 1_000
NO_KEYS: Any = None  # no session here is a key's


class Sockets:
    """Remembers what was closed, and with which words."""

    def __init__(self, *_: object) -> None:
        self.closed: list[str] = []
        self.codes: set[str] = set()

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        self.closed += connection_ids
        self.codes |= {json.loads(body)["code"] for body in bodies}


def connections(exchange: Exchange) -> ConnectionsTable:
    client = exchange._dynamodb
    return ConnectionsTable(client, "connections", TableWriter(client, threads=1))


def connect(exchange: Exchange, name: str, account: str, user: str) -> None:
    table = connections(exchange)
    row = ConnectionRow("t1", name, account, NOW_MS, NOW_S + 600, frozenset({"book:X-Y"}), user)
    table.open(row)
    table.subscribe(row, [SubscriptionRow("t1", "book:X-Y", name, 0, NOW_S + 600, account)])


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    directory.open_account(TENANT, "bob")
    return directory


def test_a_users_sessions_and_connections_end_and_no_others(
    exchange: Exchange, directory: DirectoryTable
) -> None:
    for name, account, user in (
        ("a1", "t1-1", "alice"),
        ("a2", "t1-1", "alice"),
        ("colleague", "t1-1", "carol"),
        ("b1", "t1-2", "bob"),
    ):
        connect(exchange, name, account, user)
    sockets = Sockets()
    end = SessionEnd(directory, connections(exchange), sockets, [b'{"code": "signed_out"}'])

    end.record(ALICE, "alice", NOW_MS)
    assert end.close_connections(ALICE, "alice") == 2
    end.record(ALICE, "alice", NOW_MS)
    assert end.close_connections(ALICE, "alice") == 0

    assert sockets.closed == ["a1", "a2"]
    left = {row.connection_id for row in connections(exchange).subscriptions("t1")}
    assert left == {"colleague", "b1"}
    alice, bob = directory.user_of(TENANT, "alice"), directory.user_of(TENANT, "bob")
    assert alice is not None
    assert bob is not None
    assert (alice.signed_out_at, bob.signed_out_at) == (NOW_S, 0)


def test_the_end_of_sessions_is_never_taken_back(directory: DirectoryTable) -> None:
    for at_s in (200, 100, 200):
        directory.end_sessions(TENANT, "alice", at_s)
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.signed_out_at == 200
    assert [alice.has_session(at) for at in (199, 200, 201)] == [False, False, True]
    assert alice.account == "t1-1"


def test_no_user_is_made_by_ending_its_sessions(directory: DirectoryTable) -> None:
    directory.end_sessions(TENANT, "mallory", 100)
    assert directory.user_of(TENANT, "mallory") is None
    assert directory.user_of(TenantId(2), "alice") is None


CHECKS = {
    "goes on": (NOW_S + 1, NOW_S - 9, True),
    "token has expired": (NOW_S, NOW_S - 9, False),
    "began before the end": (NOW_S + 1, NOW_S - 10, False),
}


@pytest.mark.parametrize(("expires_at", "signed_in_at", "goes_on"), CHECKS.values(), ids=CHECKS)
def test_a_connection_is_checked_once_more(
    directory: DirectoryTable, expires_at: int, signed_in_at: int, *, goes_on: bool
) -> None:
    directory.end_sessions(TENANT, "alice", NOW_S - 10)
    who = partial(Principal, ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL)
    assert SessionCheck(directory, NO_KEYS)(who(expires_at, signed_in_at), NOW_MS) is goes_on


def test_a_disabled_or_unknown_users_connection_is_refused(directory: DirectoryTable) -> None:
    check = SessionCheck(directory, NO_KEYS)
    directory.set_disabled(TENANT, "alice", is_disabled=True)
    for user in ("alice", "mallory"):
        who = Principal(ALICE, user, USER_SCOPES, SignInMethod.USER_POOL, NOW_S + 9, NOW_S)
        assert not check(who, NOW_MS)


def test_whoever_is_first_no_connection_outlives_its_session(
    exchange: Exchange, directory: DirectoryTable
) -> None:
    """A connection is written, then the session is looked up; an end is written, then they are."""
    sockets = Sockets()
    end = SessionEnd(directory, connections(exchange), sockets, [])
    check = SessionCheck(directory, NO_KEYS)
    who = Principal(ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL, NOW_S + 9, NOW_S - 9)

    connect(exchange, "early", "t1-1", "alice")
    end.record(ALICE, "alice", NOW_MS)
    end.close_connections(ALICE, "alice")
    connect(exchange, "late", "t1-1", "alice")

    assert sockets.closed == ["early"]
    assert not check(who, NOW_MS)


# --- the routes -----------------------------------------------------------------------------------


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    sockets = Sockets()
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: sockets)
    return sockets


@pytest.fixture
def revoked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    class Cognito:
        def global_sign_out(self, **parameters: str) -> None:
            tokens.append(parameters["AccessToken"])

    tokens: list[str] = []
    monkeypatch.setattr(identity, "cognito_client", Cognito)
    return tokens


@pytest.fixture
def identity_api(
    exchange: Exchange, directory: DirectoryTable, sockets: Sockets, revoked: list[str]
) -> ModuleType:
    return started("identity_api.app")


def send(identity_api: ModuleType, name: str, **context: str) -> Response:
    event: dict[str, Any] = read_event(name)
    event["requestContext"]["authorizer"] |= {"user": "alice"} | context
    return response_of(identity_api.handler(event, Context()))


def test_a_ticket_is_given_to_the_caller(identity_api: ModuleType) -> None:
    before_ms = int(time.time() * 1_000)
    response = send(identity_api, "ws-ticket")
    assert response.status == 201
    assert response.body["ticket"].startswith("t1.")
    assert 0 < response.body["expires_at_ms"] - before_ms <= 31_000
    assert response.headers["Cache-Control"] == "no-store"


class Spent:
    """The budgets of accounts that have used all of their reads."""

    def __init__(self) -> None:
        self.charged: list[Budget] = []

    def know(self, _account: AccountId, _own: AccountLimits) -> None:
        pass

    def require(self, _account: AccountId, charges: tuple[Charge, ...]) -> None:
        self.charged += [charge.budget for charge in charges]
        if Budget.READS in self.charged[-1:]:
            raise TooManyRequests("too_many_reads", "Wait.", state=RateState(1, 0, 1))

    def state(self, _account: AccountId, _budget: Budget) -> RateState:
        return RateState(1, 0, 1)


def test_tickets_are_charged_as_reads_and_signing_out_has_a_budget_of_its_own(
    identity_api: ModuleType, sockets: Sockets
) -> None:
    spent = Spent()
    identity_api.app._budgets = spent
    assert send(identity_api, "ws-ticket").status == 429
    assert spent.charged == [Budget.READS]
    assert send(identity_api, "sessions-revoke").status == 200
    assert spent.charged == [Budget.READS, Budget.SESSIONS]


def test_signing_out_everywhere_ends_sessions_connections_and_refresh_tokens(
    identity_api: ModuleType,
    exchange: Exchange,
    directory: DirectoryTable,
    sockets: Sockets,
    revoked: list[str],
) -> None:
    connect(exchange, "a1", "t1-1", "alice")
    response = send(identity_api, "sessions-revoke")
    assert response.status == 200
    assert response.body["connections_closed"] == 1
    assert response.body["refresh_tokens_revoked"] is True
    assert (sockets.closed, sockets.codes) == (["a1"], {"signed_out"})
    assert revoked == ["header.claims.signature"]
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.signed_out_at == response.body["ended_at_ms"] // 1_000


def test_sessions_end_though_the_user_pool_does_not_respond(
    identity_api: ModuleType, monkeypatch: pytest.MonkeyPatch, directory: DirectoryTable
) -> None:
    why: list[str] = []

    class Gone:
        def global_sign_out(self, **_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://cognito.example")

    tokens = RefreshTokens(Gone, why.append)  # type: ignore[arg-type]
    monkeypatch.setattr(identity_api.services.routes, "_refresh_tokens", tokens)
    response = send(identity_api, "sessions-revoke")
    assert response.status == 200
    assert response.body["refresh_tokens_revoked"] is False
    assert len(why) == 1
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.signed_out_at > 0


def test_sessions_end_though_the_connections_cannot_be_looked_up(
    identity_api: ModuleType,
    exchange: Exchange,
    directory: DirectoryTable,
    revoked: list[str],
) -> None:
    exchange._dynamodb.delete_table(TableName="connections")
    assert send(identity_api, "sessions-revoke").status == 500
    assert revoked == ["header.claims.signature"]
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.signed_out_at > 0


def test_a_row_that_cannot_be_read_keeps_no_connection_open(
    identity_api: ModuleType, exchange: Exchange, sockets: Sockets
) -> None:
    broken = {"pk": {"S": connections_of(ALICE)}, "sk": {"S": "a0"}}
    exchange._dynamodb.put_item(TableName="connections", Item=broken)
    connect(exchange, "a1", "t1-1", "alice")
    response = send(identity_api, "sessions-revoke")
    assert (response.status, response.body["connections_closed"]) == (200, 1)
    assert sockets.closed == ["a1"]


@pytest.mark.parametrize("name", ["ws-ticket", "sessions-revoke"])
def test_an_expired_verdict_is_refused(identity_api: ModuleType, name: str) -> None:
    response = send(identity_api, name, expires_at="1")
    assert (response.status, response.body["code"]) == (401, "token_expired")


@pytest.mark.parametrize("name", ["ws-ticket", "sessions-revoke"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": "{}"}, "body_not_allowed"),
        ({"queryStringParameters": {"user": "bob"}}, "unknown_parameter"),
    ],
    ids=["body", "query"],
)
def test_a_request_says_nothing_but_who_asks(
    identity_api: ModuleType, sockets: Sockets, name: str, change: dict[str, Any], code: str
) -> None:
    response = response_of(identity_api.handler(read_event(name) | change, Context()))
    assert (response.status, response.body["code"]) == (400, code)
    assert sockets.closed == []


def test_another_account_is_not_reached_by_its_user_name(
    identity_api: ModuleType, exchange: Exchange, sockets: Sockets
) -> None:
    connect(exchange, "b1", "t1-2", "bob")
    connect(exchange, "other", str(AccountId(TenantId(2), 1)), "alice")
    assert send(identity_api, "sessions-revoke").body["connections_closed"] == 0
    assert sockets.closed == []
