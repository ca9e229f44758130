"""Who is signed in: what the token or key tells, and what is known beside it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bursa.bootstrap import security
from bursa.identity.pool_user import PoolAddress
from bursa.identity.principal import USER_SCOPES, Principal, Scope, SignInMethod
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind, WithdrawalPause
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.standing import Standing, Standings
from bursa.kernel.clock import SystemClock
from bursa.kernel.rates import Rate
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import ALICE, CLIENT_ID, ISSUER, NOON_MS, TENANT, Exchange, read_event
from tests.unit.conftest import Context, Response, as_documented, response_of, started

Told = dict[str, Any] | Exception
KNOWN: Told = {
    "UserAttributes": [
        {"Name": "sub", "Value": "alice"},
        {"Name": "email", "Value": "alice@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ]
}


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetUser")


class Pool:
    """The user pool: tells what it was given, and remembers which token asked."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.tokens: list[str] = []

    def get_user(self, *, AccessToken: str) -> dict[str, Any]:  # noqa: N803 - as AWS names it
        self.tokens.append(AccessToken)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


Open = Callable[[Told], tuple[ModuleType, Pool]]


@pytest.fixture
def opened_api(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Open:
    del exchange  # opened before the function starts

    def open_api(told: Told = KNOWN) -> tuple[ModuleType, Pool]:
        pool = Pool(told)
        monkeypatch.setattr(security, "cognito_client", lambda: pool)
        return started("identity_api.app"), pool

    return open_api


def me(api: ModuleType, **context: str) -> Response:
    event = read_event("me")
    event["requestContext"]["authorizer"] |= {"user": "alice", "account": str(ALICE)} | context
    return as_documented("GET", "/me", response_of(api.handler(event, Context())))


def test_a_user_is_told_who_is_signed_in(opened_api: Open, exchange: Exchange) -> None:
    limits = DEFAULT_LIMITS._replace(account_reads=Rate(7, 70))
    profile = TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID}), limits)
    DirectoryTable(exchange._dynamodb, "directory").add_tenant(profile)
    api, pool = opened_api(KNOWN)
    response = me(api)
    assert response.status == 200
    rates = response.body.pop("limits")
    assert rates["reads"] == {"per_s": 7, "burst": 70}
    assert rates["connections"] == DEFAULT_LIMITS.account_connections
    assert response.body == {
        "tenant": "demo",
        "account": "t1-1",
        "user_id": "alice",
        "email": "alice@example.com",
        "email_verified": True,
        "signed_in_with": "user_pool",
        "key_id": None,
        "scopes": ["account", "read", "trade"],
        "roles": [],
        "level": None,
        "second_factor_since_ms": None,
        "withdrawals_paused_until_ms": None,
        "withdrawals_paused_by": None,
    }
    assert pool.tokens == ["header.claims.signature"]
    assert response.headers["Cache-Control"] == "no-store"


def test_scopes_are_those_of_the_token(opened_api: Open) -> None:
    api, _ = opened_api(KNOWN)
    assert me(api, scopes="read").body["scopes"] == ["read"]


def test_a_user_who_asks_again_and_again_costs_the_pool_one_call(opened_api: Open) -> None:
    api, pool = opened_api(KNOWN)
    assert {me(api).body["email"] for _ in range(10)} == {"alice@example.com"}
    assert len(pool.tokens) == 1


UNVERIFIED: Told = {
    "UserAttributes": [
        {"Name": "email", "Value": "alice@example.com"},
        {"Name": "email_verified", "Value": "false"},
    ]
}


@pytest.mark.parametrize(
    ("told", "email", "is_verified"),
    [
        (UNVERIFIED, "alice@example.com", False),
        ({"UserAttributes": [{"Name": "email", "Value": "a@b.example"}]}, "a@b.example", False),
        ({"UserAttributes": []}, None, None),
        (error("NotAuthorizedException"), None, None),
    ],
    ids=["not verified", "nothing said", "no address", "not for the pool"],
)
def test_an_address_is_what_the_pool_tells_the_token(
    opened_api: Open, told: Told, email: str | None, is_verified: bool | None
) -> None:
    api, _ = opened_api(told)
    body = me(api).body
    assert (body["email"], body["email_verified"]) == (email, is_verified)


@pytest.mark.parametrize(
    "told",
    [error("TooManyRequestsException"), EndpointConnectionError(endpoint_url="https://pool")],
    ids=["throttled", "away"],
)
def test_a_pool_that_is_away_is_not_a_user_without_an_address(
    opened_api: Open, told: Exception
) -> None:
    api, _ = opened_api(told)
    response = me(api)
    assert (response.status, response.body["code"]) == (503, "user_pool_unavailable")


def test_what_protects_the_account_is_told(opened_api: Open) -> None:
    models = IdentityModels("identity")
    until_ms = SystemClock().now_ms() + 3_600_000
    event = SecurityEvent(SecurityEventKind.API_KEY_MADE, ALICE, "alice", NOON_MS, "198.51.100.7")
    SecurityEventsTable(models).record(event, until_ms)
    models.factor("t1#alice", "second-factor", sealed=b"x", since_ms=NOON_MS).save()
    models.factor("t1#bob", "second-factor", sealed=b"x", since_ms=1).save()
    api, _ = opened_api(KNOWN)
    body = me(api).body
    assert body["second_factor_since_ms"] == NOON_MS
    assert body["withdrawals_paused_until_ms"] == until_ms
    assert body["withdrawals_paused_by"] == "api_key_made"


class Sources:
    """Whatever a standing is looked up in."""

    def __init__(self, pause: WithdrawalPause | None) -> None:
        self.latest = pause
        self.asked: list[str] = []

    def brand_name(self, tenant: object) -> str:
        return f"brand {tenant}"

    def __call__(self, tenant: object) -> TenantLimits:
        return DEFAULT_LIMITS

    def of(self, token: str) -> PoolAddress | None:
        self.asked.append(token)
        return PoolAddress("alice@example.com", is_verified=True)

    def since_ms(self, principal: Principal) -> int:
        return 5

    def pause(self, account: object) -> WithdrawalPause | None:
        return self.latest

    def now_ms(self) -> int:
        return NOON_MS

    def standing(self, principal: Principal, token: str | None) -> Standing:
        return Standings(self, self, self, self, self, self).of(principal, token)


ALICES = Principal(ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL, NOON_MS, NOON_MS // 1_000)
KEYS = Principal(
    ALICE, "alice", frozenset({Scope.READ}), SignInMethod.API_KEY, NOON_MS, 1, "t1-1.abc"
)


@pytest.mark.parametrize(
    ("until_ms", "is_paused"), [(NOON_MS + 1, True), (NOON_MS, False), (NOON_MS - 1, False)]
)
def test_a_pause_that_is_over_is_none(until_ms: int, is_paused: bool) -> None:
    pause = WithdrawalPause(until_ms, "api_key_made")
    assert Sources(pause).standing(ALICES, "token").pause == (pause if is_paused else None)


def test_a_program_is_not_told_its_makers_address() -> None:
    sources = Sources(None)
    assert sources.standing(KEYS, None).address is None
    assert not sources.asked
