"""API keys on the running exchange: made with a second factor, traded with, revoked."""

import json
import os
import subprocess
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.sync.client import connect

from scripts.client import Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.local_exchange import OPEN_TIMEOUT_S
from tests.doubles.signing import CLIENT

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
# The gateway keeps a verdict for ten seconds (template.yaml, ReauthorizeEvery).
ENDS_S = 12.0
ORDER = '{"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "1.00", "quantity": "2"}'


class Owner(NamedTuple):
    client: Client
    codes: Codes


@pytest.fixture(scope="module")
def owner(exchange: Deployment) -> Any:
    """Set a second factor up for bob, and take it away again."""
    client = Client(exchange, exchange.users[1])
    setup = client.call("POST", "/second-factor")
    codes = Codes(setup["secret"])
    client.call("POST", "/second-factor/confirm", json={"code": codes()})
    yield Owner(client, codes)
    client.call("POST", "/second-factor/remove", json={"code": codes()})


@pytest.fixture(scope="module")
def keys(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place = tmp_path_factory.mktemp("keys") / "key.pem"
    place.touch(0o600)
    place.write_bytes(pem)
    public = b64encode(private.public_key().public_bytes_raw()).decode()
    asked = {"label": "bot", "scopes": ["read", "trade"]}
    ed25519 = asked | {"algorithm": "ed25519", "public_key": public, "code": owner.codes()}
    made = owner.client.call("POST", "/api-keys", json=ed25519)
    hmac = owner.client.call(
        "POST", "/api-keys", json=asked | {"algorithm": "hmac-sha256", "code": owner.codes()}
    )
    return {
        "ed25519": {"id": made["key"]["key_id"], "BURSA_PRIVATE_KEY": str(place), "pem": pem},
        "hmac": {"id": hmac["key"]["key_id"], "BURSA_SECRET": hmac["secret"]},
    }


def signed(exchange: Deployment, key: Json) -> requests.Session:
    signer = (
        CLIENT.ed25519_signer(key["pem"])
        if "pem" in key
        else CLIENT.hmac_signer(key["BURSA_SECRET"])
    )
    session = requests.Session()
    session.auth = CLIENT.KeyAuth(exchange.rest_url, key["id"], signer)
    return session


@pytest.mark.parametrize("name", ["ed25519", "hmac"])
def test_an_order_is_placed_and_cancelled_by_a_key(
    exchange: Deployment, keys: dict[str, Json], name: str
) -> None:
    session = signed(exchange, keys[name])
    placed = session.post(f"{exchange.rest_url}/orders", data=ORDER, timeout=30)
    assert placed.status_code == 201, placed.text
    order_id = placed.json()["order_id"]
    parameters = {"status": "open", "market": "BTC-USDT", "min_sequence": placed.json()["sequence"]}
    url = f"{exchange.rest_url}/orders"
    listed = session.get(url, params=parameters, timeout=30)
    for _ in range(20):
        if listed.json().get("code") != "not_known_yet":
            break
        time.sleep(0.2)
        listed = session.get(url, params=parameters, timeout=30)
    assert order_id in [order["order_id"] for order in listed.json()["items"]], listed.text
    cancelled = session.delete(f"{exchange.rest_url}/orders/{order_id}", timeout=30)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled"), cancelled.text


@pytest.mark.parametrize("name", ["ed25519", "hmac"])
@pytest.mark.parametrize("tool", ["python", "curl"])
def test_the_examples_work_as_they_stand(
    exchange: Deployment, keys: dict[str, Json], name: str, tool: str
) -> None:
    secret = {part: text for part, text in keys[name].items() if part.startswith("BURSA")}
    there = {"BURSA_URL": exchange.rest_url, "BURSA_KEY": keys[name]["id"]}
    command = [".venv/bin/python", str(EXAMPLES / "key_auth.py")]
    query = ["/orders?limit=2&market=BTC-USDT"]
    if tool == "curl":
        command, query = [str(EXAMPLES / "signed_curl.sh")], ["/orders", "limit=2&market=BTC-USDT"]
    order = [ORDER] if tool == "python" else ["", ORDER]
    for arguments in (["GET", *query], ["POST", "/orders", *order], ["DELETE", "/orders"]):
        done = subprocess.run(  # noqa: S603 - this project's own examples
            [*command, *arguments],
            cwd=ROOT,
            env=os.environ | there | secret,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_request_that_was_seen_is_refused(exchange: Deployment, keys: dict[str, Json]) -> None:
    session = signed(exchange, keys["ed25519"])
    prepared = session.prepare_request(requests.Request("GET", f"{exchange.rest_url}/balances"))
    with requests.Session() as thief:
        assert thief.send(prepared, timeout=30).status_code == 200
        again = thief.send(prepared, timeout=30)
        assert (again.status_code, again.json()["code"]) == (401, "request_replayed")
        # The gateway still has its verdict on this key; the signature is not this request's.
        prepared.url = f"{exchange.rest_url}/fills"
        other = thief.send(prepared, timeout=30)
        assert (other.status_code, other.json()["code"]) == (401, "wrong_signature")


def test_a_key_does_not_protect_the_account(exchange: Deployment, keys: dict[str, Json]) -> None:
    session = signed(exchange, keys["hmac"])
    refused = session.get(f"{exchange.rest_url}/api-keys", timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    unknown = requests.get(
        f"{exchange.rest_url}/balances",
        headers={"Authorization": f"Bursa-Key t1-1.{'0' * 24}"},
        timeout=30,
    )
    assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthenticated")


def test_a_key_opens_a_websocket(exchange: Deployment, keys: dict[str, Json]) -> None:
    session = signed(exchange, keys["ed25519"])
    issued = session.post(f"{exchange.rest_url}/ws-ticket", timeout=30)
    assert issued.ok, issued.text
    with connect(
        f"{exchange.ws_url}?ticket={issued.json()['ticket']}", open_timeout=OPEN_TIMEOUT_S
    ) as socket:
        socket.send('{"op":"ping"}')
        assert json.loads(socket.recv(timeout=30))["type"] == "pong"


def test_a_revoked_key_is_refused_within_seconds(
    exchange: Deployment, owner: Owner, keys: dict[str, Json]
) -> None:
    session = signed(exchange, keys["hmac"])

    def code_of(session: requests.Session) -> str:
        """Return the code of a refusal; empty when there is none."""
        answer = session.get(f"{exchange.rest_url}/balances", timeout=30)
        return "" if answer.ok else str(answer.json()["code"])

    while (code := code_of(session)) == "timestamp_too_old":
        pass  # a machine with much to do has held the request up until its time was over
    assert not code
    state = owner.client.call("DELETE", f"/api-keys/{keys['hmac']['id']}")
    began = time.monotonic()
    assert state["state"] == "revoked"
    # A machine with much to do may also hold a request up until its time is over.
    while (answer := session.get(f"{exchange.rest_url}/balances", timeout=30)).ok or answer.json()[
        "code"
    ] == "timestamp_too_old":
        assert time.monotonic() - began < ENDS_S
        time.sleep(0.2)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_revoked")
    other = signed(exchange, keys["ed25519"])
    assert other.get(f"{exchange.rest_url}/balances", timeout=30).status_code == 200
    kinds = [event["kind"] for event in owner.client.call("GET", "/security-events")["items"]]
    assert kinds[:3] == ["api_key_revoked", "api_key_made", "api_key_made"]
