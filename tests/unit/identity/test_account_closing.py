"""Closing an account, and all that is known of a user in one response."""

import json
import time
from types import ModuleType
from typing import Any

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.bootstrap import identity, security
from bursa.identity.api_keys import KEYS_MAX, REVOKED_KEPT_MAX
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEventKind
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import RateState
from bursa.tenants.account_limits import AccountLimits
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.ended_sessions_dynamodb import EndedSessionRows
from tests.doubles.exchange import BOB, CAROL, TENANT, Exchange, read_event
from tests.doubles.factors import AnyCode
from tests.doubles.user_pool import token
from tests.unit.conftest import Context, Response, as_documented, response_of, started

NOW_S = int(time.time())
CODE = '{"code": "123456"}'
KEY = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"], "code": "123456"}


class Cognito:
    """Remembers whose refresh tokens were revoked."""

    def __init__(self) -> None:
        self.revoked: list[str] = []

    def global_sign_out(self, **parameters: str) -> None:
        self.revoked.append(parameters["AccessToken"])

    def get_user(self, **_: str) -> dict[str, Any]:
        known = {"email": "carol@example.com", "email_verified": "true"}
        return {"UserAttributes": [{"Name": name, "Value": known[name]} for name in known]}


class Sockets:
    """Remembers what was closed."""

    def close(self, connection_ids: Any, _bodies: Any) -> None:
        list(connection_ids)


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> Cognito:
    pool = Cognito()
    for module in (identity, security):
        monkeypatch.setattr(module, "cognito_client", lambda: pool)
    monkeypatch.setattr(security, "SecondFactor", AnyCode)
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: Sockets())
    return pool


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    for subject in ("alice", "bob", "carol"):
        directory.open_account(TENANT, subject)
    return directory


@pytest.fixture
def api(authorizer: ModuleType, directory: DirectoryTable, cognito: Cognito) -> ModuleType:
    return started("identity_api.app")


def call(
    api: ModuleType,
    verb: str,
    path: str,
    body: str | None = None,
    *,
    user: str = "carol",
    account: AccountId = CAROL,
    **context: str,
) -> Response:
    event = read_event("sessions-revoke") | {"httpMethod": verb, "path": path, "body": body}
    event["requestContext"]["authorizer"] |= {
        "user": user,
        "account": str(account),
        "session": "s1",
        "signed_in_at": str(NOW_S - 60),
    } | context
    return as_documented(verb, path, response_of(api.handler(event, Context())))


def kinds(user: str = "carol") -> list[SecurityEventKind]:
    found = SecurityEventsTable(IdentityModels("identity")).events(TENANT, user)
    return [one.kind for one in found]


def test_an_account_is_closed_and_lets_nobody_in_any_more(
    api: ModuleType, authorizer: ModuleType, directory: DirectoryTable, cognito: Cognito
) -> None:
    made = call(api, "POST", "/api-keys", json.dumps(KEY)).body["key"]["key_id"]
    assert authorizer.sign_in.by_token(token(sub="carol")).user == "carol"
    first = call(api, "POST", "/me/close", CODE)
    assert first.status == 200
    assert first.body["account"] == str(CAROL)
    assert first.body["refresh_tokens_revoked"] is True
    assert 0 <= first.body["closed_at_ms"] - NOW_S * 1_000 < 3_600_000
    assert cognito.revoked

    for sent in (token(sub="carol"), token(sub="carol", auth_time=NOW_S, origin_jti="new")):
        with pytest.raises(Unauthenticated) as refused:
            authorizer.sign_in.by_token(sent)
        assert refused.value.code == "account_closed"
    with pytest.raises(Unauthenticated) as refused:
        authorizer.sign_in.by_key(made)
    assert refused.value.code == "unknown_key"
    assert [key["state"] for key in call(api, "GET", "/api-keys").body["items"]] == ["revoked"]
    assert authorizer.sign_in.by_token(token(sub="alice")).user == "alice"

    again = call(api, "POST", "/me/close", CODE)
    assert again.body["closed_at_ms"] == first.body["closed_at_ms"]
    assert kinds().count(SecurityEventKind.ACCOUNT_CLOSED) == 1


def test_whoever_signs_in_again_gets_no_other_account(
    api: ModuleType, authorizer: ModuleType, directory: DirectoryTable
) -> None:
    call(api, "POST", "/me/close", CODE)
    with pytest.raises(Unauthenticated):
        authorizer.sign_in.by_token(token(sub="carol"))
    assert directory.account_of(TENANT, "carol") == CAROL


def test_an_operator_may_take_it_back_and_sessions_of_before_go_on(
    api: ModuleType, authorizer: ModuleType, exchange: Exchange
) -> None:
    call(api, "POST", "/me/close", CODE)
    EndedSessionRows(exchange._dynamodb, "directory").reopen_user(TENANT, "carol")
    assert authorizer.sign_in.by_token(token(sub="carol")).user == "carol"


def test_what_is_in_it_keeps_it_open(api: ModuleType, directory: DirectoryTable) -> None:
    response = call(api, "POST", "/me/close", CODE, user="bob", account=BOB)
    assert (response.status, response.body["code"]) == (422, "balances_left")
    assert response.body["detail"].endswith("BTC, USDT.")
    bob = directory.user_of(TENANT, "bob")
    assert bob is not None
    assert bob.closed_at_ms == 0


def test_an_open_sub_account_keeps_it_open(
    api: ModuleType, exchange: Exchange, directory: DirectoryTable
) -> None:
    table = SubAccountsTable(exchange._dynamodb, "directory")
    seat = CAROL.sub_account(2)
    assert table.replace(CAROL, SubAccountList({2: SubAccount(seat, "bot", 1)}, 0))

    kept = call(api, "POST", "/me/close", CODE)
    closed = SubAccount(seat, "bot", 1, closed_at_ms=2)
    assert table.replace(CAROL, SubAccountList({2: closed}, table.read(CAROL).version))

    assert (kept.status, kept.body["code"]) == (422, "sub_accounts_left")
    assert call(api, "POST", "/me/close", CODE).status == 200


def test_an_empty_sub_account_is_not_what_is_closed(
    api: ModuleType, directory: DirectoryTable
) -> None:
    """Bob has money in the main account; the request is about another of his."""
    event = read_event("sessions-revoke") | {"path": "/me/close", "body": CODE}
    event["requestContext"]["authorizer"] |= {
        "user": "bob",
        "account": str(BOB),
        "session": "s1",
        "signed_in_at": str(NOW_S - 60),
    }
    event["headers"] |= {"X-Account": str(BOB.sub_account(2))}
    response = response_of(api.handler(event, Context()))
    assert (response.status, response.body["code"]) == (422, "balances_left")
    bob = directory.user_of(TENANT, "bob")
    assert bob is not None
    assert bob.closed_at_ms == 0


def test_open_orders_keep_it_open(api: ModuleType, exchange: Exchange) -> None:
    key = {"pk": {"S": str(CAROL)}, "sk": {"S": "BTC"}}
    row = {"account": {"S": str(CAROL)}, "asset": {"S": "BTC"}, "sequence": {"N": "9"}}
    amounts = {"available": {"N": "0"}, "held": {"N": "5"}, "updated_at_ms": {"N": "1"}}
    exchange._dynamodb.put_item(TableName="balances", Item=key | row | amounts)
    response = call(api, "POST", "/me/close", CODE)
    assert (response.status, response.body["code"]) == (422, "open_orders_left")


REFUSED = {
    "no body": (None, 400, "missing_body"),
    "no code": ("{}", 400, "missing_field"),
    "more than a code": ('{"code": "123456", "account": "t1-1"}', 400, "unknown_field"),
}


@pytest.mark.parametrize(("body", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_request_without_a_code_closes_nothing(
    api: ModuleType, directory: DirectoryTable, body: str | None, status: int, code: str
) -> None:
    response = call(api, "POST", "/me/close", body)
    assert (response.status, response.body["code"]) == (status, code)
    carol = directory.user_of(TENANT, "carol")
    assert carol is not None
    assert carol.closed_at_ms == 0


def test_a_token_alone_closes_nothing(
    api: ModuleType, directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the second factor is asked for again
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: Sockets())
    api = started("identity_api.app")
    response = call(api, "POST", "/me/close", CODE)
    assert (response.status, response.body["code"]) == (403, "second_factor_required")


def test_an_api_key_closes_and_exports_nothing(api: ModuleType) -> None:
    for verb, path, body in (("POST", "/me/close", CODE), ("GET", "/me/export", None)):
        response = call(api, verb, path, body, method="api_key")
        assert (response.status, response.body["code"]) == (403, "token_required")


def test_all_that_is_known_is_in_one_response_and_no_secret(
    api: ModuleType, authorizer: ModuleType
) -> None:
    secret = call(api, "POST", "/api-keys", json.dumps(KEY)).body["secret"]
    call(api, "PUT", "/me/preferences", '{"language": "pt-BR"}')
    event = read_event("authorizer-request")
    sent = token(sub="carol", origin_jti="s1", auth_time=NOW_S - 60)
    event["headers"] = {"authorization": f"Bearer {sent}"}
    authorizer.handler(event, Context())
    response = call(api, "GET", "/me/export")
    assert response.status == 200
    export = response.body
    assert export["user"]["email"] == "carol@example.com"
    assert export["preferences"]["language"] == "pt-BR"
    assert [one["session_id"] for one in export["sessions"]] == ["s1"]
    assert [one["label"] for one in export["api_keys"]] == ["bot"]
    assert [one["kind"] for one in export["security_events"]] == ["api_key_made"]
    assert export["elsewhere"]["fills"] == "/v1/fills?limit=500"
    assert export["elsewhere"]["notices"] == "/v1/notices?limit=100"
    assert secret not in json.dumps(export)


class Counted:
    """Budgets that are counted and never used up."""

    def __init__(self) -> None:
        self.asked = self.reads = 0

    def know(self, _account: AccountId, _own: AccountLimits) -> None:
        pass

    def require(self, _account: AccountId, charges: tuple[Charge, ...]) -> None:
        self.reads += sum(one.amount for one in charges if one.budget is Budget.READS)

    def state(self, _account: AccountId, _budget: Budget) -> RateState:
        return RateState(1, 1, 0)


def test_an_export_costs_as_many_reads_as_it_makes(api: ModuleType) -> None:
    counted = api.app._budgets = Counted()
    call(api, "GET", "/me/export")
    assert counted.reads == 25


def test_keys_that_are_over_are_kept_in_a_bounded_number(api: ModuleType) -> None:
    """A list of keys is read as a whole, so nobody may make it as long as it likes."""
    active = [
        call(api, "POST", "/api-keys", json.dumps(KEY)).body["key"]["key_id"]
        for _ in range(KEYS_MAX - 1)
    ]
    for _ in range(REVOKED_KEPT_MAX + 5):
        key_id = call(api, "POST", "/api-keys", json.dumps(KEY)).body["key"]["key_id"]
        event = read_event("sessions-revoke")
        event |= {"httpMethod": "DELETE", "path": f"/api-keys/{key_id}", "body": None}
        event["requestContext"]["authorizer"] |= {"user": "carol", "account": str(CAROL)}
        assert response_of(api.handler(event, Context())).status == 200
    kept = call(api, "GET", "/api-keys").body["items"]
    states = [key["state"] for key in kept]
    assert states.count("revoked") <= REVOKED_KEPT_MAX + 1
    assert {key["key_id"] for key in kept if key["state"] == "active"} == set(active)


def test_no_session_of_a_closed_user_goes_on(exchange: Exchange, directory: DirectoryTable) -> None:
    directory.close_user(TENANT, "carol", 1)
    carol = directory.user_of(TENANT, "carol")
    assert carol is not None
    assert not carol.has_session(NOW_S + 10**6)
