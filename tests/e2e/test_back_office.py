"""The back office of the running exchange: an owner with a second factor, and the log of it."""

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from websockets.sync.client import connect

from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.local_exchange import variables_of_tools

ROOT = Path(__file__).resolve().parents[2]
MARKET = "BTC-IDR"


class Owner(NamedTuple):
    client: Client
    codes: Codes


def sign_in_with_code(client: Client, codes: Codes) -> None:
    """Begin another session of a client's user, with its second factor."""
    exchange = client.deployment
    cognito = boto3.client(
        "cognito-idp",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        config=Config(signature_version=UNSIGNED),
    )
    asked = cognito.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=exchange.user_pool_client_id,
        AuthParameters={"USERNAME": client.user.email, "PASSWORD": client.user.password},
    )
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    signed_in = cognito.respond_to_auth_challenge(
        ClientId=exchange.user_pool_client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=asked["Session"],
        ChallengeResponses={
            "USERNAME": client.user.email,
            "SOFTWARE_TOKEN_MFA_CODE": codes(),
        },
    )["AuthenticationResult"]
    client.session.headers["Authorization"] = f"Bearer {signed_in['AccessToken']}"


@pytest.fixture(scope="module")
def owner(exchange: Deployment) -> Any:
    """Let alice, whom the tenant's file names as its admin, into the back office."""
    client = Client(exchange, exchange.users[0])
    with pytest.raises(ApiError) as refused:
        client.call("GET", "/admin/me")
    assert refused.value.code == "second_factor_required"
    codes = Codes(client.call("POST", "/second-factor")["secret"])
    client.call("POST", "/second-factor/confirm", json={"code": codes()})
    with pytest.raises(ApiError) as refused:
        client.call("GET", "/admin/me")
    assert refused.value.code == "sign_in_again"
    time.sleep(1)  # a session counts from the next second on
    sign_in_with_code(client, codes)
    yield Owner(client, codes)
    client.call("POST", "/second-factor/remove", json={"code": codes()})


def change(client: Client, path: str, body: Json, key: str = "") -> Json:
    headers = {"Idempotency-Key": key or secrets.token_hex(8)}
    return client.call("POST", f"/admin{path}", json=body, headers=headers)


def audit(exchange: Deployment, *arguments: str) -> Any:
    """Run a command of `bursa audit` as a person with the role for that, and read what it says."""
    stack = ("--stack", "bursa", "--region", exchange.region)
    done = subprocess.run(  # noqa: S603 - this project's own module
        [sys.executable, "-m", "scripts.bursa", "audit", *arguments, *stack, "--json"],
        cwd=ROOT,
        env=variables_of_tools(exchange, "AuditReader"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_a_user_without_a_role_finds_no_back_office(exchange: Deployment) -> None:
    bob = Client(exchange, exchange.users[1])
    for method, path in (("GET", "/admin/me"), ("POST", f"/admin/markets/{MARKET}/state")):
        refused = bob.send(method, path, json={} if method == "POST" else None)
        assert refused.status_code == 403, refused.text


def test_an_owner_halts_a_market_and_opens_it_again(owner: Owner) -> None:
    key = secrets.token_hex(8)
    halt = {"state": "halted", "reason": "A test"}
    try:
        assert change(owner.client, f"/markets/{MARKET}/state", halt, key) == {"state": "halted"}
        assert change(owner.client, f"/markets/{MARKET}/state", halt, key) == {"state": "halted"}
        states = owner.client.call("GET", "/admin/markets")["items"]
        assert [one["state"] for one in states if one["market"] == MARKET] == ["halted"]
    finally:
        change(owner.client, f"/markets/{MARKET}/state", halt | {"state": "open"})


def test_an_owner_ends_a_users_sessions_and_websockets(exchange: Deployment, owner: Owner) -> None:
    bob = Client(exchange, exchange.users[1])
    (found,) = owner.client.call("GET", "/admin/users", params={"email": bob.user.email})["items"]
    assert found["account"] == bob.user.account
    with connect(bob.websocket_url()) as socket:
        socket.send(json.dumps({"op": "subscribe", "channels": ["orders"]}))
        socket.recv(timeout=10)
        path = f"/users/{found['user_id']}/sessions/revoke"
        ended = change(owner.client, path, {"reason": "A stolen phone"})
        assert ended["connections_closed"] >= 1
    time.sleep(12)  # the gateway keeps a verdict for ten seconds
    assert bob.send("GET", "/balances").status_code == 401


def test_an_owner_revokes_a_key(owner: Owner) -> None:
    asked = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"]}
    made = owner.client.call("POST", "/api-keys", json=asked | {"code": owner.codes()})["key"]
    user_id = owner.client.call("GET", "/admin/me")["user_id"]
    listed = owner.client.call("GET", f"/admin/users/{user_id}/api-keys")["items"]
    assert made["key_id"] in [one["key_id"] for one in listed]
    revoked = change(owner.client, f"/api-keys/{made['key_id']}/revoke", {"reason": "Leaked"})
    assert revoked["revoked_at_ms"]


def test_the_log_of_all_this_is_whole(exchange: Deployment, owner: Owner, tmp_path: Path) -> None:
    change(owner.client, f"/markets/{MARKET}/state", {"state": "open", "reason": "A test"})
    page = owner.client.call("GET", "/admin/audit", params={"limit": 2})
    assert [entry["kind"] for entry in page["items"]] == ["outcome", "intent"]
    assert page["items"][0]["address"]
    report = audit(exchange, "verify", "demo")
    assert (report["whole"], report["head"]) == (True, page["items"][0]["hash"])
    assert report["heads"] >= 1
    file = tmp_path / "audit.jsonl"
    assert audit(exchange, "export", "t1", str(file))["entries"] == report["entries"]
    assert audit(exchange, "verify", "t1", "--file", str(file))["whole"]
