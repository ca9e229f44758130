"""The back office of the running exchange: an owner with a second factor, and the log of it."""

import json
import secrets
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from websockets.sync.client import connect

from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.local_exchange import OPEN_TIMEOUT_S, variables_of_tools
from tests.doubles.newcomers import sign_up

ROOT = Path(__file__).resolve().parents[2]
MARKET = "BTC-IDR"


class Person(NamedTuple):
    """Somebody of the back office, with a session that began with a code."""

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
    yield Person(client, codes)
    client.call("POST", "/second-factor/remove", json={"code": codes()})


def give_role(exchange: Deployment, client: Client, role: str) -> None:
    """Put a user into a group of its pool, as a tenant's first owner is."""
    token = str(client.session.headers["Authorization"]).removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    boto3.client(
        "cognito-idp",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    ).admin_add_user_to_group(
        UserPoolId=claims["iss"].rpartition("/")[2],
        Username=claims["sub"],
        GroupName=f"bursa-{role}",
    )


def hire(exchange: Deployment, role: str) -> Person:
    """Let somebody who has signed up into the back office."""
    client = Client(exchange, sign_up(exchange))
    client.call("GET", "/me")
    give_role(exchange, client, role)
    codes = Codes(client.call("POST", "/second-factor")["secret"])
    client.call("POST", "/second-factor/confirm", json={"code": codes()})
    time.sleep(1)
    sign_in_with_code(client, codes)
    assert client.call("GET", "/admin/me")["role"] == role
    return Person(client, codes)


@pytest.fixture(scope="module")
def treasurer(exchange: Deployment) -> Person:
    """Somebody for its money."""
    return hire(exchange, "finance")


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


def run_of(exchange: Deployment, function: str) -> Any:
    """Start a function that is on a schedule, and return what it says."""
    client: Any = boto3.client  # its overloads know services by name only
    functions = client(
        "lambda",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )
    pages = functions.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    [name] = [one for one in names if function in one]
    return json.loads(functions.invoke(FunctionName=name, Payload=b"{}")["Payload"].read())


def test_a_user_without_a_role_finds_no_back_office(exchange: Deployment) -> None:
    bob = Client(exchange, exchange.users[1])
    for method, path in (("GET", "/admin/me"), ("POST", f"/admin/markets/{MARKET}/state")):
        refused = bob.send(method, path, json={} if method == "POST" else None)
        assert refused.status_code == 403, refused.text


def test_an_owner_halts_a_market_and_opens_it_again(owner: Person) -> None:
    key = secrets.token_hex(8)
    halt = {"state": "halted", "reason": "A test"}
    try:
        assert change(owner.client, f"/markets/{MARKET}/state", halt, key) == {"state": "halted"}
        assert change(owner.client, f"/markets/{MARKET}/state", halt, key) == {"state": "halted"}
        states = owner.client.call("GET", "/admin/markets")["items"]
        assert [one["state"] for one in states if one["market"] == MARKET] == ["halted"]
    finally:
        change(owner.client, f"/markets/{MARKET}/state", halt | {"state": "open"})


def test_an_owner_ends_a_users_sessions_and_websockets(exchange: Deployment, owner: Person) -> None:
    bob = Client(exchange, exchange.users[1])
    (found,) = owner.client.call("GET", "/admin/users", params={"email": bob.user.email})["items"]
    assert found["account"] == bob.user.account
    with connect(bob.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket:
        socket.send(json.dumps({"op": "subscribe", "channels": ["orders"]}))
        socket.recv(timeout=10)
        path = f"/users/{found['user_id']}/sessions/revoke"
        ended = change(owner.client, path, {"reason": "A stolen phone"})
        assert ended["connections_closed"] >= 1
    time.sleep(12)  # the gateway keeps a verdict for ten seconds
    assert bob.send("GET", "/balances").status_code == 401


def test_an_owner_revokes_a_key(owner: Person) -> None:
    asked = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"]}
    made = owner.client.call("POST", "/api-keys", json=asked | {"code": owner.codes()})["key"]
    user_id = owner.client.call("GET", "/admin/me")["user_id"]
    listed = owner.client.call("GET", f"/admin/users/{user_id}/api-keys")["items"]
    assert made["key_id"] in [one["key_id"] for one in listed]
    revoked = change(owner.client, f"/api-keys/{made['key_id']}/revoke", {"reason": "Leaked"})
    assert revoked["revoked_at_ms"]


def test_a_credit_is_asked_for_approved_by_another_and_seen_by_the_user(
    exchange: Deployment, owner: Person, treasurer: Person
) -> None:
    user = Client(exchange, sign_up(exchange))
    user.call("GET", "/me")
    (found,) = owner.client.call("GET", "/admin/users", params={"email": user.user.email})["items"]
    path = f"/users/{found['user_id']}/credit"
    wish = {"asset": "IDR", "amount": "150000", "reason": "A refund, ticket 4711"}
    asked = change(treasurer.client, path, wish)
    assert asked["state"] == "proposed"
    assert user.call("GET", "/balances")["items"] == []
    listed = owner.client.call("GET", "/admin/proposals")["items"][0]
    assert listed == asked["proposal"]
    # Neither who asked nor a code of before will do.
    decision = f"/admin/proposals/{listed['proposal_id']}/approve"
    approval = {"digest": listed["digest"], "reason": "Seen the ticket"}
    own = treasurer.client.send("POST", decision, json=approval | {"code": treasurer.codes()})
    assert own.json()["code"] == "not_the_asker"
    code = owner.codes()
    approved = owner.client.call("POST", decision, json=approval | {"code": code})
    assert (approved["state"], approved["after"]["amount"]) == ("done", "150000")
    again = owner.client.send("POST", decision, json=approval | {"code": code})
    assert (again.status_code, again.json()["code"]) == (403, "code_used")
    deadline = time.monotonic() + 10
    while not (balances := user.call("GET", "/balances")["items"]):
        assert time.monotonic() < deadline, "the balance did not come"
        time.sleep(0.1)
    (balance,) = balances
    assert (balance["asset"], balance["available"]) == ("IDR", "150000")
    statement = owner.client.call(
        "GET", f"/admin/users/{found['user_id']}/statement", params={"from_ms": 0}
    )
    (idr,) = statement["assets"]
    assert (idr["opening"], idr["closing"]) == ("0", "150000")
    (movement,) = idr["movements"]
    assert (movement["kind"], movement["reference"]) == ("credit", approved["after"]["reference"])


def test_fee_tiers_are_set_by_two_and_the_run_finds_every_user(
    exchange: Deployment, owner: Person, treasurer: Person
) -> None:
    tiers = [
        {"volume": "0", "maker_ppm": 1_000, "taker_ppm": 2_000},
        {"volume": "100000000", "maker_ppm": 800, "taker_ppm": 1_600},
    ]
    wish = {"currency": "USDT", "tiers": tiers, "reason": "A test"}
    asked = change(treasurer.client, "/fee-tiers", wish)["proposal"]
    approval = {"digest": asked["digest"], "reason": "So decided", "code": owner.codes()}
    decision = f"/admin/proposals/{asked['proposal_id']}/approve"
    assert owner.client.call("POST", decision, json=approval)["state"] == "done"
    shown = owner.client.call("GET", "/admin/fee-tiers")
    assert [(one["tier"], one["volume"]) for one in shown["tiers"]] == [(0, "0"), (1, "100000000")]
    assert run_of(exchange, "FeeTiers")["t1"]
    own = treasurer.client.call("GET", "/fees")
    assert (own["tier"], own["currency"], own["next_tier"]["tier"]) == (0, "USDT", 1)
    assert {one["taker_ppm"] for one in own["markets"]} == {2_000}


def test_a_market_is_listed_by_two_and_traded_in(exchange: Deployment, owner: Person) -> None:
    officer = hire(exchange, "compliance")
    market = f"X{secrets.token_hex(3).upper()}-USDT"
    listing = {
        "tick_size": "0.01",
        "lot_size": "0.001",
        "base_scale": 9,
        "opening_price": "150",
        "state": "open",
        "min_notional": "1",
        "max_quantity": "0",
        "max_price": "0",
        "collar_ppm": 200_000,
        "market_collar_ppm": 50_000,
        "breaker_ppm": 100_000,
        "reference_interval_ms": 60_000,
        "least_orders": 100,
        "auction_ms": 120_000,
        "reason": "A test",
    }
    asked = change(officer.client, f"/markets/{market}/listing", listing)["proposal"]
    assert owner.client.send("GET", f"/markets/{market}").status_code == 404
    approval = {"digest": asked["digest"], "reason": "So decided", "code": owner.codes()}
    decision = f"/admin/proposals/{asked['proposal_id']}/approve"
    assert owner.client.call("POST", decision, json=approval)["state"] == "done"
    deadline = time.monotonic() + 10
    while (shown := owner.client.send("GET", f"/markets/{market}")).status_code == 404:
        assert time.monotonic() < deadline, "the market did not come"
        time.sleep(0.1)
    assert (shown.json()["tick_size"], shown.json()["status"]) == ("0.01", "open")
    order = {"market": market, "side": "buy", "type": "limit", "quantity": "0.1"}
    placed = owner.client.call("POST", "/orders", json=order | {"price": "150"})
    assert placed["status"] == "open"
    # Its collar is around the opening price.
    far = owner.client.send("POST", "/orders", json=order | {"price": "300"})
    assert far.status_code == 422, far.text
    owner.client.call("DELETE", f"/orders/{placed['order_id']}")


def test_limits_of_one_user_are_set_by_two_and_hold_within_seconds(
    exchange: Deployment, owner: Person
) -> None:
    officer = hire(exchange, "compliance")
    trader = Client(exchange, sign_up(exchange))
    named = trader.call("GET", "/me")
    assert named["limits"]["commands"] != {"per_s": 400, "burst": 900}
    limits = dict.fromkeys(("cancels", "reads", "connections", "subscriptions")) | {
        "commands": {"per_s": 400, "burst": 900},
        "reason": "A test",
    }
    path = f"/users/{named['user_id']}/limits"
    asked = change(officer.client, path, limits)["proposal"]
    approval = {"digest": asked["digest"], "reason": "So decided", "code": owner.codes()}
    decision = f"/admin/proposals/{asked['proposal_id']}/approve"
    assert owner.client.call("POST", decision, json=approval)["state"] == "done"
    shown = owner.client.call("GET", f"/admin{path}")
    assert (shown["own"]["commands"], shown["own"]["reads"]) == ({"per_s": 400, "burst": 900}, None)
    deadline = time.monotonic() + 15
    while trader.call("GET", "/me")["limits"]["commands"]["per_s"] != 400:
        assert time.monotonic() < deadline, "the limits are not in force"
        time.sleep(0.5)
    refused = trader.send("POST", "/orders", json={})
    assert (refused.status_code, refused.headers["X-RateLimit-Limit"]) == (400, "900")


def test_a_report_has_what_traded_and_the_fees(exchange: Deployment, owner: Person) -> None:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))

    def read(**more: str) -> Json:
        days: dict[str, str | int] = {"first_day": today, "last_day": tomorrow, **more}
        return owner.client.call("GET", "/admin/reports/trading", params=days)

    def of_market(report: Json) -> dict[str, Decimal]:
        found = [one for one in report["markets"] if one["market"] == "BTC-USDT"]
        figures = ("trades", "volume", "quote_volume", "base_fees", "quote_fees")
        return {name: Decimal(found[0][name]) if found else Decimal(0) for name in figures}

    before = of_market(read())
    other = Client(exchange, exchange.users[1])
    order = {"market": "BTC-USDT", "type": "limit", "price": "300", "quantity": "0.5"}
    for client in (owner.client, other):
        client.call("DELETE", "/orders", params={"market": "BTC-USDT"})
    sale = owner.client.call("POST", "/orders", json=order | {"side": "sell"})
    assert sale["status"] == "open"
    assert other.call("POST", "/orders", json=order | {"side": "buy"})["status"] == "filled"
    fees = owner.client.call("GET", "/markets/BTC-USDT")["fees"]
    deadline = time.monotonic() + 10
    while (now := of_market(report := read()))["trades"] == before["trades"]:
        assert time.monotonic() < deadline, "the trade did not come"
        time.sleep(0.1)
    added = {name: now[name] - before[name] for name in now}
    million = Decimal(1_000_000)
    assert added == {
        "trades": 1,
        "volume": Decimal("0.5"),
        "quote_volume": Decimal(150),
        "base_fees": Decimal("0.5") * fees["taker_ppm"] / million,
        "quote_fees": Decimal(150) * fees["maker_ppm"] / million,
    }
    assert not report["final"]
    table = owner.client.send(
        "GET",
        "/admin/reports/trading",
        params={"first_day": today, "last_day": tomorrow, "format": "csv"},
    )
    assert table.text.splitlines()[0].startswith("day,market,trades,")


def test_the_log_of_all_this_is_whole(exchange: Deployment, owner: Person, tmp_path: Path) -> None:
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
