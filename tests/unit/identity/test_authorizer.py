"""Signing in: whose token is good, and for whom."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bursa.identity.gateway import ROUTES, allow, authorized_principal, deny
from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import CLIENT_ID, ISSUER, TENANT, Exchange, read_event
from tests.unit.conftest import Context, started

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/v1"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

ID_TOKEN = {"token_use": "id"}
REFRESH_TOKEN = {"token_use": "refresh"}


class Pool(HTTPServer):
    """Serves the key set of the demo pool and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _KeySet)
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _KeySet(BaseHTTPRequestHandler):
    server: Pool

    def do_GET(self) -> None:
        self.server.asked += 1
        found = self.path == "/us-east-1_demo/.well-known/jwks.json"
        key = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        body = json.dumps({"keys": [key | {"kid": "k1", "alg": "RS256", "use": "sig"}]})
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    server = Pool()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def authorizer(exchange: Exchange, pool: Pool) -> ModuleType:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    module = started("authorizer.app")
    module.sign_in._tokens._key_sets._endpoint_url = pool.url
    return module


def token(
    key: rsa.RSAPrivateKey | str = KEY,
    key_id: str = "k1",
    algorithm: str = "RS256",
    **changes: object,
) -> str:
    claims: dict[str, object] = {
        "sub": "alice",
        "iss": ISSUER,
        "client_id": CLIENT_ID,
        "token_use": "access",
        "exp": int(time.time()) + 600,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": key_id})


def verdict(authorizer: ModuleType, header: str, name: str = "authorization") -> dict[str, Any]:
    event = read_event("authorizer-request")
    event["headers"] = {name: header}
    return dict(authorizer.handler(event, Context()))


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_good_token_allows_a_users_routes_and_names_its_principal(
    authorizer: ModuleType, name: str
) -> None:
    expires_at = int(time.time()) + 600

    response = verdict(authorizer, f"Bearer {token(exp=expires_at)}", name)

    [statement] = response["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Effect"]) == ("execute-api:Invoke", "Allow")
    assert statement["Resource"] == [
        f"{ARN}/{route}" for scope in (Scope.READ, Scope.TRADE) for route in ROUTES[scope]
    ]
    assert response["context"] == {
        "tenant": "t1",
        "account": "t1-1",
        "user": "alice",
        "scopes": "read trade",
        "method": "user_pool",
        "expires_at": str(expires_at),
    }


def test_functions_read_the_principal_that_the_authorizer_wrote() -> None:
    principal = Principal(
        AccountId(TENANT, 7),
        "alice",
        frozenset({Scope.READ}),
        SignInMethod.USER_POOL,
        4_102_444_800,
    )

    response = allow(f"{ARN}/GET/balances", principal)

    assert authorized_principal(response["context"]) == principal
    for changed in (
        {"scopes": "read fly"},
        {"method": "spell"},
        {"account": "x"},
        {"expires_at": ""},
    ):
        with pytest.raises(Unauthenticated):
            authorized_principal(response["context"] | changed)


@pytest.mark.parametrize(
    "arn", [f"{ARN}/POST/orders", f"{ARN}/$connect"], ids=["rest", "websocket"]
)
def test_principal_without_a_scope_is_denied(arn: str) -> None:
    nothing = Principal(
        AccountId(TENANT, 7), "alice", frozenset(), SignInMethod.USER_POOL, 4_102_444_800
    )

    assert allow(arn, nothing) == deny(arn)


def test_rest_request_can_not_sign_in_by_the_query(authorizer: ModuleType) -> None:
    """A token in a query ends up in logs; only a browser's WebSocket has no other way."""
    event = read_event("authorizer-request") | {"queryStringParameters": {"token": token()}}
    event["headers"] = {}

    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorizer.handler(event, Context())


def test_id_token_names_its_client_as_audience(authorizer: ModuleType) -> None:
    good = token(client_id=None, aud=CLIENT_ID, **ID_TOKEN)

    assert verdict(authorizer, f"Bearer {good}")["principalId"] == "alice"


def test_websocket_sends_its_token_in_the_query(authorizer: ModuleType) -> None:
    event = {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:def456/v1/$connect",
        "queryStringParameters": {"token": token()},
        "headers": {"Host": "def456"},
    }

    assert authorizer.handler(event, Context())["context"]["account"] == "t1-1"


@pytest.mark.parametrize("query", [None, {}, {"token": "x.y.z"}], ids=["none", "empty", "garbage"])
def test_websocket_with_a_bad_token_is_denied(
    authorizer: ModuleType, query: dict[str, str] | None
) -> None:
    arn = "arn:aws:execute-api:us-east-1:123456789012:def456/v1/$connect"
    event = {"type": "REQUEST", "methodArn": arn, "queryStringParameters": query, "headers": {}}

    response = authorizer.handler(event, Context())

    assert response["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [arn]}
    ]
    assert "context" not in response


NOW = int(time.time())


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer x.y.z", id="garbage"),
        pytest.param("Bearer " + "x" * 10_000, id="huge"),
        pytest.param(f"Basic {token()}", id="another-scheme"),
        pytest.param(f"Bearer {token(exp=NOW - 3_600)}", id="expired"),
        pytest.param(f"Bearer {token(exp=None)}", id="endless"),
        pytest.param(f"Bearer {token(nbf=NOW + 3_600)}", id="not-yet-valid"),
        pytest.param(f"Bearer {token(OTHER_KEY)}", id="signed-by-another-key"),
        pytest.param(f"Bearer {token(key_id='k2')}", id="unknown-key-id"),
        pytest.param(f"Bearer {token('', algorithm='none')}", id="unsigned"),
        pytest.param(f"Bearer {token('x' * 32, algorithm='HS256')}", id="shared-secret"),
        pytest.param(f"Bearer {token(iss='https://evil.example/us-east-1_demo')}", id="stranger"),
        pytest.param(f"Bearer {token(iss=None)}", id="no-issuer"),
        pytest.param(f"Bearer {token(client_id='other')}", id="another-client"),
        pytest.param(f"Bearer {token(client_id=None)}", id="no-client"),
        pytest.param(f"Bearer {token(**REFRESH_TOKEN)}", id="another-use"),
        pytest.param(f"Bearer {token(**ID_TOKEN)}", id="id-token-without-audience"),
        pytest.param(f"Bearer {token(sub='mallory')}", id="user-without-account"),
        pytest.param(f"Bearer {token()[:-4]}AAAA", id="signature-changed"),
    ],
)
def test_bad_token_is_the_gateways_401(authorizer: ModuleType, header: str) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        verdict(authorizer, header)


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
    authorizer.sign_in._tokens._key_sets._endpoint_url = "http://127.0.0.1:1"

    with pytest.raises(OSError, match="refused"):
        verdict(authorizer, f"Bearer {token()}")

    assert '"SignInFaults":[1.0]' in capsys.readouterr().out


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
    [{"scopes": "read fly"}, {"method": "spell"}, {"account": "x"}, {"expires_at": ""}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_verdict_of_another_version_signs_nobody_in(changed: dict[str, str]) -> None:
    account = AccountId(TenantId(1), 7)
    principal = Principal(account, "alice", frozenset(Scope), SignInMethod.USER_POOL, 2**33)
    context = allow(f"{ARN}/GET/orders", principal)["context"]
    assert authorized_principal(context) == principal
    with pytest.raises(Unauthenticated):
        authorized_principal(context | changed)
