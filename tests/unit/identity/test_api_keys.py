"""API keys: who makes them, what they may be, how they end, and what the authorizer hands on."""

import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from bursa.aws.clients import kms_client
from bursa.bootstrap import security
from bursa.identity.api_keys import KEYS_MAX, LIFE_MS_MAX, ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.gateway import ROUTES, allow_key, deny, signing_key
from bursa.identity.principal import Principal, Scope
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.signed_requests import USE_NOTED_EVERY_MS
from bursa.identity.signed_requests_dynamodb import KeyStates, SignedRequestTables
from bursa.kernel.errors import NotAllowed, Unauthenticated
from bursa.kernel.identifiers import AccountId, ActorKind
from bursa.kernel.rates import Rate
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, BOB, NOON_MS, TENANT, Exchange, read_event
from tests.doubles.signing import METHOD_ARN, PRIVATE, SECRET, ed25519_key, hmac_key
from tests.unit.conftest import Context, Response, as_documented, response_of, started

FAR_MS = 4_102_444_800_000
PUBLIC = "RmFrZSBwdWJsaWMga2V5IG9mIDMyIGJ5dGVzISEhISE="
REQUEST: dict[str, Any] = {
    "label": "bot",
    "algorithm": "hmac-sha256",
    "scopes": ["read", "trade"],
    "code": "123456",
}


class Factor:
    """Takes one code."""

    def __init__(self, *_: object) -> None:
        self.asked: list[str] = []

    def require(self, principal: Principal, code: str) -> None:
        self.asked.append(code)
        if code != "123456":
            raise NotAllowed("wrong_code", "Another.")


@pytest.fixture
def api(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(security, "SecondFactor", Factor)
    user = read_event("orders-place")["requestContext"]["authorizer"]["user"]
    DirectoryTable(exchange._dynamodb, "directory").open_account(TENANT, user)
    return started("identity_api.app")


def send(
    api: ModuleType, method: str, path: str, body: object = None, account: AccountId = ALICE
) -> Response:
    event = read_event("orders-place")
    event |= {"httpMethod": method, "path": path, "resource": path}
    event["requestContext"]["authorizer"]["account"] = str(account)
    event["body"] = None if body is None else json.dumps(body)
    return as_documented(method, path, response_of(api.handler(event, Context())))


def table() -> ApiKeysTable:
    return ApiKeysTable(IdentityModels("identity"))


def made(api: ModuleType, **changes: Any) -> dict[str, Any]:
    response = send(api, "POST", "/api-keys", REQUEST | changes)
    assert response.status == 201, response
    return response.body


def test_a_secret_is_shown_once_and_sealed(api: ModuleType, exchange: Exchange) -> None:
    response = made(api)
    key_id, secret = response["key"]["key_id"], response["secret"]
    assert len(secret) == 64
    assert secret not in str(send(api, "GET", "/api-keys").body)
    assert secret not in str(exchange._dynamodb.scan(TableName="identity")["Items"])
    key = table().find(ALICE, key_id.partition(".")[2])
    assert key is not None
    context = {"purpose": "api-key", "tenant": "t1", "account": "t1-1", "key": key.name}
    opened = kms_client().decrypt(CiphertextBlob=key.material, EncryptionContext=context)
    assert opened["Plaintext"].decode() == secret


def test_of_an_ed25519_key_only_the_public_half_is_known(api: ModuleType) -> None:
    response = made(api, algorithm="ed25519", public_key=PUBLIC)
    assert response["secret"] is None
    assert response["key"]["public_key"] == PUBLIC


def test_what_was_asked_for_is_what_is_kept(api: ModuleType) -> None:
    asked = {
        "label": "Händler 1",
        "scopes": ["withdraw", "read"],
        "addresses": ["198.51.100.7", "2001:db8::/32"],
        "expires_at_ms": soon(api),
        "rate": {"per_s": 5, "burst": 50},
    }
    key = made(api, **asked)["key"]
    assert key | asked | {"scopes": ["read", "withdraw"]} == key | {
        "addresses": asked["addresses"]
    } | {"scopes": ["read", "withdraw"]}
    assert key["addresses"] == ["198.51.100.7/32", "2001:db8::/32"]
    assert (key["state"], key["revoked_at_ms"], key["used_at_ms"]) == ("active", None, None)
    assert send(api, "GET", "/api-keys").body["items"] == [key]


TRANSFERS = {
    "scopes": ["transfer"],
    "algorithm": "ed25519",
    "public_key": PUBLIC,
    "addresses": ["198.51.100.7"],
}


def test_a_key_that_transfers_is_made_for_a_main_account_alone(api: ModuleType) -> None:
    assert made(api, **TRANSFERS)["key"]["scopes"] == ["transfer"]
    body = REQUEST | TRANSFERS
    response = send(api, "POST", "/api-keys", body, account=ALICE.sub_account(1))
    assert (response.status, response.body["code"]) == (400, "main_account_required")


def soon(api: ModuleType) -> int:
    now_ms: int = api.services.clock.now_ms()
    return now_ms + 60_000


INVALID: dict[str, tuple[dict[str, Any], int, str]] = {
    "no label": ({"label": ""}, 400, "invalid_label"),
    "long label": ({"label": "x" * 65}, 400, "invalid_label"),
    "label with a line end": ({"label": "a\nb"}, 400, "invalid_label"),
    "label with spaces around": ({"label": " a"}, 400, "invalid_label"),
    "no scopes": ({"scopes": []}, 400, "invalid_scopes"),
    "unknown scope": ({"scopes": ["fly"]}, 400, "invalid_scopes"),
    "scope of users only": ({"scopes": ["account"]}, 400, "invalid_scopes"),
    "unknown algorithm": ({"algorithm": "rsa"}, 400, "invalid_algorithm"),
    "no public key": ({"algorithm": "ed25519"}, 400, "invalid_public_key"),
    "short public key": (
        {"algorithm": "ed25519", "public_key": "AAAA"},
        400,
        "invalid_public_key",
    ),
    "not base64": ({"algorithm": "ed25519", "public_key": "ä" * 44}, 400, "invalid_public_key"),
    "public key with a secret": ({"public_key": PUBLIC}, 400, "invalid_public_key"),
    "no network": ({"addresses": ["example.com"]}, 400, "invalid_addresses"),
    "host bits": ({"addresses": ["198.51.100.7/24"]}, 400, "invalid_addresses"),
    "everywhere": ({"addresses": ["0.0.0.0/0"]}, 400, "invalid_addresses"),
    "everywhere by IPv6": ({"addresses": ["::/0"]}, 400, "invalid_addresses"),
    "too many": ({"addresses": ["198.51.100.7/32"] * 21}, 400, "invalid_addresses"),
    "withdraws from anywhere": ({"scopes": ["withdraw"]}, 400, "addresses_required"),
    "transfers from anywhere": (
        {"scopes": ["transfer"], "algorithm": "ed25519", "public_key": PUBLIC},
        400,
        "addresses_required",
    ),
    "transfers by a secret": (
        {"scopes": ["transfer"], "addresses": ["198.51.100.7"]},
        400,
        "ed25519_required",
    ),
    "ended before": ({"expires_at_ms": 1}, 400, "invalid_expires_at_ms"),
    "ends too late": ({"expires_at_ms": FAR_MS}, 400, "invalid_expires_at_ms"),
    "no rate": ({"rate": {"per_s": 0, "burst": 5}}, 400, "invalid_rate"),
    "rate above the burst": ({"rate": {"per_s": 6, "burst": 5}}, 400, "invalid_rate"),
    "high rate": ({"rate": {"per_s": 5, "burst": 10_001}}, 400, "invalid_rate"),
    "another field": ({"secret": "mine"}, 400, "unknown_field"),
    "wrong code": ({"code": "654321"}, 403, "wrong_code"),
}


@pytest.mark.parametrize(("changes", "status", "code"), INVALID.values(), ids=INVALID)
def test_a_key_that_may_not_be_is_not_made(
    api: ModuleType, exchange: Exchange, changes: dict[str, Any], status: int, code: str
) -> None:
    response = send(api, "POST", "/api-keys", REQUEST | changes)
    assert (response.status, response.body["code"]) == (status, code)
    assert not exchange._dynamodb.scan(TableName="identity")["Items"]


def test_a_faulty_request_uses_up_no_code(api: ModuleType) -> None:
    made(api)
    factor = api.services.security()._factor
    asked = len(factor.asked)
    send(api, "POST", "/api-keys", REQUEST | {"label": ""})
    assert len(factor.asked) == asked


def test_an_account_has_so_many_keys(api: ModuleType) -> None:
    first = made(api)["key"]["key_id"]
    count = IdentityModels("identity").key_count("t1-1", "keys")
    count.update(actions=[type(count).active.set(KEYS_MAX)])
    response = send(api, "POST", "/api-keys", REQUEST)
    assert (response.status, response.body["code"]) == (422, "too_many_api_keys")
    assert len(send(api, "GET", "/api-keys").body["items"]) == 1
    for _ in range(2):  # revoking it again makes no more room
        assert send(api, "DELETE", f"/api-keys/{first}").status == 200
    made(api)
    assert send(api, "POST", "/api-keys", REQUEST).status == 422


def test_a_revoked_key_stays_in_the_list_and_closes_its_connections(
    api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[AccountId, str]] = []
    custody = api.services.security()._keys
    monkeypatch.setattr(
        custody, "_close_connections", lambda account, owner: closed.append((account, owner))
    )
    key_id = made(api)["key"]["key_id"]

    first = send(api, "DELETE", f"/api-keys/{key_id}").body
    again = send(api, "DELETE", f"/api-keys/{key_id}").body

    assert first == again
    assert first["state"] == "revoked"
    assert send(api, "GET", "/api-keys").body["items"] == [first]
    assert closed == [(ALICE, key_id)] * 2
    events = send(api, "GET", "/security-events").body
    assert [event["kind"] for event in events["items"]] == ["api_key_revoked", "api_key_made"]
    assert {event["about"] for event in events["items"]} == {key_id}
    assert events["items"][1]["at_ms"] + 86_400_000 == events["withdrawals_paused_until_ms"]


@pytest.mark.parametrize(
    "name",
    ["{key}", "{key}0", "t1-1.{zeros}", "t1-2.{name}", "t01-1.{name}", "x", "t1-1%23.{name}"],
)
def test_not_yours_and_not_there_look_alike(api: ModuleType, name: str) -> None:
    key_id = made(api)["key"]["key_id"]
    path = name.format(key=key_id, zeros="0" * 24, name=key_id.partition(".")[2])
    who = BOB if path == key_id else ALICE
    response = send(api, "DELETE", f"/api-keys/{path}", account=who)
    assert (response.status, response.body["code"]) == (404, "unknown_api_key")
    assert send(api, "GET", "/api-keys", account=BOB).body["items"] == []
    assert send(api, "GET", "/api-keys").body["items"][0]["state"] == "active"


# --- what the authorizer hands on -----------------------------------------------------------------

KEYS = {
    "plain": ed25519_key(),
    "with everything": ed25519_key(
        scopes=frozenset({Scope.WITHDRAW}),
        addresses=("198.51.100.0/24", "2001:db8::/32"),
        rate=Rate(5, 50),
        expires_at_ms=NOON_MS + LIFE_MS_MAX,
        revoked_at_ms=7,
        used_at_ms=NOON_MS,
    ),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_functions_read_the_key_that_the_authorizer_found(key: ApiKey) -> None:
    key = replace(key, scopes=key.scopes | {Scope.READ})
    context = allow_key(METHOD_ARN, key)["context"]
    assert all(isinstance(value, str) for value in context.values())
    assert signing_key(context) == replace(key, label="", created_at_ms=0)
    with pytest.raises(Unauthenticated):
        signing_key(context | {"key_algorithm": "none"})


def test_a_function_that_verifies_nothing_lets_no_key_in(exchange: Exchange) -> None:
    api = started("identity_api.app")
    api.app._signed_requests = None
    event = read_event("orders-place") | {"httpMethod": "POST", "path": "/ws-ticket", "body": None}
    event["requestContext"]["authorizer"] = allow_key(METHOD_ARN, ed25519_key())["context"]
    response = response_of(api.handler(event, Context()))
    assert (response.status, response.body["code"]) == (401, "unauthenticated")


def added(key: ApiKey) -> ApiKey:
    event = SecurityEvent(SecurityEventKind.API_KEY_MADE, key.account, key.user, 1, "")
    assert table().add(key, event, 0)
    return key


def verdict(authorizer: ModuleType, header: str) -> dict[str, Any]:
    event = read_event("authorizer-key")
    event["headers"]["authorization"] = header
    return dict(authorizer.handler(event, Context()))


def test_a_key_is_allowed_the_routes_of_its_scopes_only(authorizer: ModuleType) -> None:
    key = added(ed25519_key())
    response = verdict(authorizer, f"Bursa-Key {key.id}")
    [statement] = response["policyDocument"]["Statement"]
    stage = METHOD_ARN.partition("/GET")[0]
    expected = [
        f"{stage}/{route}" for scope in (Scope.READ, Scope.TRADE) for route in ROUTES[scope]
    ]
    assert statement["Resource"] == expected
    assert "account" not in response["context"]
    assert response["context"]["signing_key"] == key.id


UNKNOWN = {
    "no such name": f"Bursa-Key t1-1.{'f' * 24}",
    "another account's name": "Bursa-Key t1-2.0123456789abcdef01234567",
    "another tenant's name": "Bursa-Key t2-1.0123456789abcdef01234567",
    "another row's key": "Bursa-Key t1-1.keys",
    "a separator": "Bursa-Key t1-1#x.0123456789abcdef01234567",
    "upper case": "Bursa-Key t1-1.0123456789ABCDEF01234567",
    "two": "Bursa-Key t1-1.0123456789abcdef01234567 t1-1.0123456789abcdef01234567",
    "nothing": "Bursa-Key ",
    "huge": "Bursa-Key t1-1." + "0" * 8_000,
    "tenant out of range": "Bursa-Key t99999-1.0123456789abcdef01234567",
}


@pytest.mark.parametrize("header", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_key_is_refused_and_is_no_fault(
    authorizer: ModuleType, header: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added(ed25519_key())
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        verdict(authorizer, header)
    assert "SignInFaults" not in capsys.readouterr().out


def test_a_key_is_worth_nothing_without_its_user(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    key = added(ed25519_key())
    orphan = added(ed25519_key(name="f" * 24, user="mallory"))
    assert verdict(authorizer, f"Bursa-Key {key.id}")["context"]["key_user"] == "alice"
    directory.end_sessions(TENANT, "alice", 4_000_000_000)
    assert verdict(authorizer, f"bursa-key {key.id}")["context"]["key_user"] == "alice"
    directory.set_disabled(TENANT, "alice", is_disabled=True)
    for one in (key, orphan):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            verdict(authorizer, f"Bursa-Key {one.id}")


def test_a_key_of_a_suspended_tenant_is_refused(authorizer: ModuleType, exchange: Exchange) -> None:
    key = added(ed25519_key())
    exchange._dynamodb.update_item(
        TableName="directory",
        Key={"pk": {"S": "t1"}, "sk": {"S": "profile"}},
        UpdateExpression="SET sign_in_ends_at_ms = :then",
        ExpressionAttributeValues={":then": {"N": "1"}},
    )
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        verdict(authorizer, f"Bursa-Key {key.id}")


def test_a_key_opens_no_websocket_by_its_header(authorizer: ModuleType) -> None:
    key = added(ed25519_key())
    connect = METHOD_ARN.replace("GET/balances", "$connect")
    assert allow_key(connect, key) == deny(connect)
    nothing_to_do_yet = replace(key, scopes=frozenset({Scope.WITHDRAW}))
    assert allow_key(METHOD_ARN, nothing_to_do_yet) == deny(METHOD_ARN)


def test_what_a_key_asks_for_is_recorded_as_its_own() -> None:
    account, scopes = ALICE, frozenset({Scope.TRADE})
    method: Any = "api_key"
    first = Principal(account, "alice", scopes, method, 1, 1, key=f"{ALICE}.{'0' * 24}")
    second = replace(first, key=f"{ALICE}.{'1' * 24}")
    assert first.actor.kind is ActorKind.API_KEY
    assert len({first.actor, second.actor, replace(first, key="").actor}) == 3


# --- use and revocation in the table --------------------------------------------------------------


def uses(exchange: Exchange) -> SignedRequestTables:
    client = exchange._dynamodb
    return SignedRequestTables(client, lambda: client, "nonces", "identity")


def test_the_last_use_is_written_once_in_minutes(exchange: Exchange) -> None:
    key = added(ed25519_key())
    notes = [(NOON_MS, 0), (NOON_MS + USE_NOTED_EVERY_MS, 0), (NOON_MS + USE_NOTED_EVERY_MS + 1, 1)]
    uses(exchange).note_use(key, NOON_MS, "198.51.100.7")
    for at_ms, _ in notes:
        uses(exchange).note_use(key, at_ms, "203.0.113.9")
    found = table().find(ALICE, key.name)
    assert found is not None
    assert found.used_at_ms == NOON_MS + USE_NOTED_EVERY_MS + 1
    # A use makes no key out of nothing, and a table that does not respond stops nobody.
    uses(exchange).note_use(replace(key, name="f" * 24), NOON_MS, "")
    assert table().find(ALICE, "f" * 24) is None
    client = exchange._dynamodb
    SignedRequestTables(client, lambda: client, "nonces", "none").note_use(key, NOON_MS, "")


def test_whether_a_key_goes_on(exchange: Exchange) -> None:
    states = KeyStates(exchange._dynamodb, "identity")
    active = added(hmac_key(kms_client()))
    ends = added(ed25519_key(name="e" * 24, expires_at_ms=NOON_MS))
    gone = added(ed25519_key(name="a" * 24, revoked_at_ms=1))
    found = [states.is_active(key.id, NOON_MS) for key in (active, ends, gone)]
    assert found == [True, False, False]
    assert states.is_active(ends.id, NOON_MS - 1)
    assert not states.is_active("t1-1.x", NOON_MS)
    assert not states.is_active(f"t1-1.{'9' * 24}", NOON_MS)
    assert PRIVATE
    assert SECRET
