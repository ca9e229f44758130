"""Signing in: whose token is good, and for whom."""

import time
from types import ModuleType
from typing import Any

import pytest

from bursa.identity.gateway import ROUTES, allow, authorized_principal, deny
from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel.errors import Unauthenticated, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import CLIENT_ID, TENANT, Exchange, read_event
from tests.doubles.user_pool import OTHER_KEY, Pool, token
from tests.unit.conftest import Context

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/v1"

ID_TOKEN = {"token_use": "id"}
REFRESH_TOKEN = {"token_use": "refresh"}


def verdict(authorizer: ModuleType, header: str, name: str = "authorization") -> dict[str, Any]:
    event = read_event("authorizer-request")
    event["headers"] = {name: header}
    return dict(authorizer.handler(event, Context()))


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_good_token_allows_a_users_routes_and_names_its_principal(
    authorizer: ModuleType, name: str
) -> None:
    now = int(time.time())

    sent = token(exp=now + 600, auth_time=now - 9, origin_jti="0b1f-7c")

    response = verdict(authorizer, f"Bearer {sent}", name)

    [statement] = response["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Effect"]) == ("execute-api:Invoke", "Allow")
    assert statement["Resource"] == [f"{ARN}/{route}" for scope in Scope for route in ROUTES[scope]]
    assert response["context"] == {
        "tenant": "t1",
        "account": "t1-1",
        "user": "alice",
        "scopes": "account read trade transfer withdraw",
        "method": "user_pool",
        "expires_at": str(now + 600),
        "signed_in_at": str(now - 9),
        "level": "0",
        "session": "0b1f-7c",
    }


SCOPES = {
    "a user's own": ("aws.cognito.signin.user.admin", "account read trade transfer withdraw"),
    "only to read": ("openid bursa/read", "read"),
    "to trade and read": ("bursa/trade bursa/read", "read trade"),
}


@pytest.mark.parametrize(("sent", "granted"), SCOPES.values(), ids=SCOPES)
def test_scopes_of_the_token_decide(authorizer: ModuleType, sent: str, granted: str) -> None:
    response = verdict(authorizer, f"Bearer {token(scope=sent)}")

    assert response["context"]["scopes"] == granted


@pytest.mark.parametrize("sent", ["", "openid email", "BURSA/READ", "other/read", "bursa/fly"])
def test_token_without_our_scopes_is_known_but_allowed_nothing(
    authorizer: ModuleType, sent: str
) -> None:
    response = verdict(authorizer, f"Bearer {token(scope=sent)}")

    [statement] = response["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"


def test_functions_read_the_principal_that_the_authorizer_wrote() -> None:
    principal = Principal(
        AccountId(TENANT, 7),
        "alice",
        frozenset({Scope.READ}),
        SignInMethod.USER_POOL,
        4_102_444_800,
        1_795_291_100,
    )

    response = allow(f"{ARN}/GET/balances", principal)

    assert authorized_principal(response["context"]) == principal
    for changed in (
        {"scopes": "read fly"},
        {"method": "spell"},
        {"account": "x"},
        {"expires_at": ""},
        {"signed_in_at": ""},
    ):
        with pytest.raises(Unauthenticated):
            authorized_principal(response["context"] | changed)


@pytest.mark.parametrize(
    "arn", [f"{ARN}/POST/orders", f"{ARN}/$connect"], ids=["rest", "websocket"]
)
def test_principal_without_a_scope_is_denied(arn: str) -> None:
    nothing = Principal(
        AccountId(TENANT, 7), "alice", frozenset(), SignInMethod.USER_POOL, 4_102_444_800, 1
    )

    assert allow(arn, nothing) == deny(arn)


def test_rest_request_can_not_sign_in_by_the_query(authorizer: ModuleType) -> None:
    """A token in a query ends up in logs."""
    event = read_event("authorizer-request") | {"queryStringParameters": {"token": token()}}
    event["headers"] = {}

    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorizer.handler(event, Context())


NOW = int(time.time())


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer", id="no-token"),
        pytest.param(f"Basic {token()}", id="another-scheme"),
        pytest.param(f"Bearer {token(exp=NOW - 3_600)}", id="expired"),
        pytest.param(f"Bearer {token(client_id='other')}", id="another-client"),
        pytest.param(f"Bearer {token(client_id=None)}", id="no-client"),
        pytest.param(f"Bearer {token(client_id=None, aud=CLIENT_ID)}", id="audience-of-id-tokens"),
        pytest.param(f"Bearer {token(client_id=None, aud=CLIENT_ID, **ID_TOKEN)}", id="id-token"),
        pytest.param(f"Bearer {token(**ID_TOKEN)}", id="id-token-that-names-a-client"),
        pytest.param(f"Bearer {token(**REFRESH_TOKEN)}", id="another-use"),
        pytest.param(f"Bearer {token(sub='mallory')}", id="user-without-account"),
    ],
)
def test_bad_token_is_the_gateways_401(authorizer: ModuleType, header: str) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        verdict(authorizer, header)


def test_id_token_has_a_code_of_its_own(authorizer: ModuleType) -> None:
    with pytest.raises(Unauthenticated) as refused:
        authorizer.sign_in.by_token(token(client_id=None, aud=CLIENT_ID, **ID_TOKEN))
    assert refused.value.code == "id_token_refused"


def test_session_that_was_ended_is_refused_and_a_later_one_is_not(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.end_sessions(TENANT, "alice", NOW - 30)

    for signed_in_at in (NOW - 300, NOW - 30):
        with pytest.raises(Unauthenticated) as refused:
            # A token that was refreshed just now belongs to the session that began before.
            authorizer.sign_in.by_token(token(auth_time=signed_in_at, iat=NOW))
        assert refused.value.code == "session_ended"
    assert authorizer.sign_in.by_token(token(auth_time=NOW - 29)).user == "alice"


def test_disabled_user_is_refused_until_it_is_enabled(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.set_disabled(TENANT, "alice", is_disabled=True)
    with pytest.raises(Unauthenticated) as refused:
        authorizer.sign_in.by_token(token())
    assert refused.value.code == "session_ended"

    directory.set_disabled(TENANT, "alice", is_disabled=False)
    assert authorizer.sign_in.by_token(token()).user == "alice"


def suspend(exchange: Exchange, at_ms: int | None) -> None:
    """Write when a tenant's users are refused, as its record does."""
    change: dict[str, Any] = {"UpdateExpression": "REMOVE sign_in_ends_at_ms"}
    if at_ms is not None:
        change = {
            "UpdateExpression": "SET sign_in_ends_at_ms = :at",
            "ExpressionAttributeValues": {":at": {"N": str(at_ms)}},
        }
    key = {"pk": {"S": str(TENANT)}, "sk": {"S": "profile"}}
    exchange._dynamodb.update_item(TableName="directory", Key=key, **change)


def test_users_of_a_suspended_tenant_are_refused_until_it_is_resumed(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    suspend(exchange, NOW * 1_000 - 1)
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            authorizer.sign_in.by_token(token())
        assert refused.value.code == "tenant_suspended"
    with pytest.raises(Unauthenticated) as refused:
        # Who is not known learns nothing of the tenant.
        authorizer.sign_in.by_token(token(OTHER_KEY))
    assert refused.value.code == "invalid_token"

    suspend(exchange, NOW * 1_000 + 3_600_000)
    assert authorizer.sign_in.by_token(token()).user == "alice"
    suspend(exchange, None)
    assert authorizer.sign_in.by_token(token()).user == "alice"


def test_key_set_is_fetched_once_and_not_for_invented_keys(
    authorizer: ModuleType, pool: Pool
) -> None:
    asked = pool.asked
    for _ in range(3):
        verdict(authorizer, f"Bearer {token()}")
    with pytest.raises(Exception, match="Unauthorized"):
        verdict(authorizer, f"Bearer {token(key_id='invented')}")

    assert pool.asked == asked + 1


def test_pool_that_does_not_respond_is_a_fault_and_no_verdict(
    authorizer: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    authorizer.sign_in.by_token._tokens._key_sets._endpoint_url = "http://127.0.0.1:1"

    with pytest.raises(Unavailable):
        verdict(authorizer, f"Bearer {token()}")

    printed = capsys.readouterr().out
    assert '"SignInFaults":[1.0]' in printed
    assert '"KeySetFailures":[1.0]' in printed


def test_nothing_is_fetched_for_a_stranger(authorizer: ModuleType, pool: Pool) -> None:
    asked = pool.asked
    with pytest.raises(Exception, match="Unauthorized"):
        verdict(authorizer, f"Bearer {token(iss=f'{pool.url}/us-east-1_demo')}")

    assert pool.asked == asked


def test_tenant_that_disowns_an_issuer(authorizer: ModuleType, exchange: Exchange) -> None:
    """An issuer's row leads to a tenant; the tenant's own profile has the last word."""
    directory = DirectoryTable(exchange._dynamodb, "directory")
    moved = TenantProfile(TENANT, 0, "demo", "https://new.example", frozenset({CLIENT_ID}))
    directory.add_tenant(moved)

    with pytest.raises(Exception, match="Unauthorized"):
        verdict(authorizer, f"Bearer {token()}")


def test_accounts_are_counted_per_tenant_and_opened_once(exchange: Exchange) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    other = TenantId(2)

    opened = [str(directory.open_account(TENANT, name)) for name in ("a", "b", "a")]

    assert opened == ["t1-1", "t1-2", "t1-1"]
    assert str(directory.open_account(other, "a")) == "t2-1"
    assert directory.account_of(TENANT, "c") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"scopes": "read fly"},
        {"method": "spell"},
        {"account": "x"},
        {"expires_at": ""},
        {"signed_in_at": ""},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_verdict_of_another_version_signs_nobody_in(changed: dict[str, str]) -> None:
    account = AccountId(TenantId(1), 7)
    principal = Principal(account, "alice", frozenset(Scope), SignInMethod.USER_POOL, 2**33, 1)
    context = allow(f"{ARN}/GET/orders", principal)["context"]
    assert authorized_principal(context) == principal
    with pytest.raises(Unauthenticated):
        authorized_principal(context | changed)
