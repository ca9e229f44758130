"""A user's password by our own route, and the providers' sign-ins it has linked."""

import json
from types import ModuleType
from typing import Any

import pytest

from bursa.bootstrap import identity, security
from bursa.identity.linked_identities import ALLOWED_MS, LinkedIdentity
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.records_dynamodb import FactorRecord, IdentityModels
from bursa.identity.security_events import SecurityEventKind
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.kernel import keys
from bursa.kernel.clock import SystemClock
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, TENANT, Exchange, read_event
from tests.doubles.linked_pool import LinkedPool, PoolUser
from tests.unit.conftest import Context, Response, as_documented, response_of, started

GOOGLE = LinkedIdentity("Google", "123", 5)
NEW = "Correct-horse-9"


class Sockets:
    """Closes nothing."""

    def close(self, connection_ids: Any, _bodies: Any) -> None:
        list(connection_ids)


@pytest.fixture
def pool() -> LinkedPool:
    return LinkedPool(PoolUser("alice", "alice@example.com"))


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    return directory


@pytest.fixture
def api(directory: DirectoryTable, pool: LinkedPool, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    del directory
    for module in (identity, security):
        monkeypatch.setattr(module, "cognito_client", lambda: pool)
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: Sockets())
    return started("identity_api.app")


@pytest.fixture
def table(api: ModuleType) -> LinkedIdentitiesTable:
    del api
    return LinkedIdentitiesTable(IdentityModels("identity"))


def call(
    api: ModuleType, verb: str, path: str, body: object = None, user: str = "alice"
) -> Response:
    text = None if body is None else json.dumps(body)
    event = read_event("sessions-revoke") | {"httpMethod": verb, "path": path, "body": text}
    event["requestContext"]["authorizer"] |= {"user": user, "account": str(ALICE)}
    documented = "/me/identities/{provider}" if path.startswith("/me/identities/") else path
    return as_documented(verb, documented, response_of(api.handler(event, Context())))


def told() -> list[tuple[str, str]]:
    found = SecurityEventsTable(IdentityModels("identity")).events(TENANT, "alice")
    return [(one.kind, one.about) for one in found]


def change(api: ModuleType, old: str = "the owner's", new: str = NEW) -> Response:
    return call(api, "POST", "/me/password", {"password": old, "new_password": new})


def test_a_new_password_ends_all_sessions_and_pauses_withdrawals(
    api: ModuleType, pool: LinkedPool, directory: DirectoryTable
) -> None:
    response = change(api)
    assert (response.status, response.body["refresh_tokens_revoked"]) == (200, True)
    assert pool.users["alice@example.com"].phrase == NEW
    assert len(pool.signed_out) == 1
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    assert not user.has_session(response.body["ended_at_ms"] // 1_000)
    assert told() == [(SecurityEventKind.PASSWORD_CHANGED, "")]
    pause = SecurityEventsTable(IdentityModels("identity")).pause(ALICE)
    assert pause is not None
    assert pause.why == "password_changed"


REFUSALS = {
    "wrong": ("NotAuthorizedException:Incorrect username or password.", 403, "wrong_password"),
    "over": ("NotAuthorizedException:Access Token has been revoked", 401, "token_expired"),
    "weak": ("InvalidPasswordException", 400, "invalid_new_password"),
    "had": ("PasswordHistoryPolicyViolationException", 400, "password_used_before"),
    "guessing": ("LimitExceededException", 429, "too_many_passwords"),
    "away": ("InternalErrorException", 503, "user_pool_unavailable"),
}


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_password_that_stays_changes_nothing_else(
    api: ModuleType,
    pool: LinkedPool,
    directory: DirectoryTable,
    fault: str,
    status: int,
    code: str,
) -> None:
    pool.faults.append(fault)
    response = change(api)
    assert (response.status, response.body["code"]) == (status, code)
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    assert (user.signed_out_at, told(), pool.signed_out) == (0, [], [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "missing_body"),
        ({"password": "x"}, "missing_field"),
        ({"password": "x", "new_password": 12}, "not_a_string"),
        ({"password": "x", "new_password": "y" * 257}, "wrong_type"),
        ({"password": "x", "new_password": "y", "code": "1"}, "unknown_field"),
    ],
    ids=["nothing", "half", "a number", "too long", "more"],
)
def test_a_body_that_is_no_password_is_refused(api: ModuleType, body: object, code: str) -> None:
    response = call(api, "POST", "/me/password", body)
    assert (response.status, response.body["code"]) == (400, code)


def test_a_linked_sign_in_is_listed_and_unlinked_for_good(
    api: ModuleType, table: LinkedIdentitiesTable, pool: LinkedPool
) -> None:
    assert call(api, "GET", "/me/identities").body["items"] == []
    assert table.link(TENANT, "alice", GOOGLE, None, 0)
    pool.links["Google", "123"] = "alice"
    assert call(api, "GET", "/me/identities").body["items"] == [
        {"provider": "Google", "linked_at_ms": 5, "allowed_until_ms": None}
    ]
    for _ in range(2):
        response = call(api, "DELETE", "/me/identities/Google")
        assert (response.status, response.body["linked_at_ms"]) == (200, None)
    assert (pool.links, told()) == ({}, [(SecurityEventKind.IDENTITY_UNLINKED, "Google")])
    assert call(api, "GET", "/me/identities").body["items"] == []
    known = table.find(TENANT, "alice", "Google")
    assert known is not None
    assert known.unlinked_at_ms > 0


@pytest.mark.parametrize("provider", ["Google", "Corp", "%2e%2e"])
def test_what_is_not_linked_is_not_found(
    api: ModuleType, table: LinkedIdentitiesTable, provider: str
) -> None:
    table.link(TENANT, "bob", GOOGLE, None, 0)
    response = call(api, "DELETE", f"/me/identities/{provider}")
    assert (response.status, response.body["code"]) == (404, "unknown_identity")


def test_the_next_sign_in_may_be_linked_for_ten_minutes(
    api: ModuleType, table: LinkedIdentitiesTable
) -> None:
    before_ms = SystemClock().now_ms()
    response = call(api, "PUT", "/me/identities/Google", {})
    assert response.status == 200
    until_ms = response.body["allowed_until_ms"]
    assert before_ms + ALLOWED_MS <= until_ms <= SystemClock().now_ms() + ALLOWED_MS
    assert call(api, "GET", "/me/identities").body["items"] == [
        {"provider": "Google", "linked_at_ms": None, "allowed_until_ms": until_ms}
    ]
    assert table.find(TENANT, "bob", "Google") is None


def test_who_has_a_second_factor_allows_by_its_code(
    api: ModuleType, table: LinkedIdentitiesTable
) -> None:
    models = IdentityModels("identity")
    row: FactorRecord = models.factor(keys.user_records(TENANT, "alice"), keys.SECOND_FACTOR)
    row.update(actions=[models.factor.since_ms.set(1), models.factor.sealed.set(b"x")])
    response = call(api, "PUT", "/me/identities/Google", {})
    assert (response.status, response.body["code"]) == (400, "invalid_code")
    assert table.find(TENANT, "alice", "Google") is None


def test_a_provider_that_is_not_the_tenants_is_not_found(api: ModuleType) -> None:
    response = call(api, "PUT", "/me/identities/Corp", {})
    assert (response.status, response.body["code"]) == (404, "unknown_provider")
