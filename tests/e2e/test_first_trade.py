"""From a sign-up to the first trade of each brand by an API key, by HTTP alone, and the README's.

The one thing that users can't do, having money, is the operator's line in the tenant's file.
"""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from scripts.client import ApiError, Client, Deployment, Json
from scripts.local.caller import Caller, give_play_money
from scripts.local.environment import LocalEnvironment
from tests.doubles.authenticator import Codes
from tests.doubles.local_exchange import ROOT, Local
from tests.doubles.newcomers import apply, pool_client, sign_up, wait_for, wait_for_level
from tests.doubles.signing import CLIENT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

PATIENCE_S = 30.0
TIMEOUT_S = 30
# Of each brand: what its first trading level needs beyond personal data, and an order that no other
# test's meets.
BRANDS = {
    "demo": ((), {"market": "ETH-USDT", "price": "101.5", "quantity": "0.1"}),
    "aurora": (
        ("identity_document",),
        {"market": "BTC-EUR", "price": "50000.03", "quantity": "0.001"},
    ),
}
OTHERS = {"demo": "aurora", "aurora": "demo"}


class Bot:
    """What trades with a key, and knows nothing else of its owner."""

    def __init__(self, exchange: Deployment, key: str, secret: str) -> None:
        self.rest_url = exchange.rest_url
        self.session = requests.Session()
        self.session.auth = CLIENT.KeyAuth(exchange.rest_url, key, CLIENT.hmac_signer(secret))

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        response = self.session.request(
            method,
            f"{self.rest_url}{path}",
            data=None if body is None else json.dumps(body),
            timeout=TIMEOUT_S,
        )
        assert response.ok, response.text
        content: Json = response.json()
        return content


def order(terms: Json, side: str) -> Json:
    return terms | {"side": side, "type": "limit", "client_order_id": secrets.token_hex(8)}


def pass_kyc(newcomer: Client, brand: str, documents: tuple[str, ...], terms: Json) -> None:
    """Show who one is, until that counts."""
    me = newcomer.call("GET", "/me")
    assert (me["tenant"], me["level"]) == (brand, 0)
    stands = newcomer.call("GET", "/kyc")
    assert (stands["state"], stands["level"], stands["next_level"]) == ("nothing_sent", 0, 1)
    assert stands["missing"] == sorted(("personal_data", *documents))
    with pytest.raises(ApiError) as refused:
        newcomer.call("POST", "/orders", json=order(terms, "buy"))
    assert refused.value.code == "level_too_low"
    assert "personal_data" in refused.value.problem["detail"]
    applied = apply(newcomer, 1, *documents)
    assert (applied["state"], applied["applied_for"]) == ("in_review", 1)
    assert wait_for(newcomer, "approved")["level"] == 1
    wait_for_level(newcomer, 1)


def make_key(newcomer: Client, exchange: Deployment) -> Bot:
    """Make a key, which takes a second factor."""
    asked = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read", "trade"]}
    with pytest.raises(ApiError) as refused:
        newcomer.call("POST", "/api-keys", json=asked | {"code": "123456"})
    assert refused.value.code == "second_factor_required"
    codes = Codes(newcomer.call("POST", "/second-factor")["secret"])
    newcomer.call("POST", "/second-factor/confirm", json={"code": codes()})
    made = newcomer.call("POST", "/api-keys", json=asked | {"code": codes()})
    return Bot(exchange, made["key"]["key_id"], made["secret"])


@pytest.mark.parametrize("brand", BRANDS)
def test_from_sign_up_to_the_first_trade_by_a_key(
    exchange_place: Local, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, terms = BRANDS[brand]
    exchange = exchange_place.deployment(brand)
    known = Client(exchange, exchange.users[0])
    newcomer = Client(exchange, sign_up(exchange))
    pass_kyc(newcomer, brand, documents, terms)
    bot = make_key(newcomer, exchange)

    monkeypatch.setenv("BURSA_HOME", str(exchange_place.home))
    operator = LocalEnvironment.read()
    for _ in range(2):
        # Once, however often the operator is asked.
        give_play_money(operator, Caller(exchange.rest_url, newcomer.token))
    money = wait_until(lambda: bot.call("GET", "/balances")["items"])
    available = {row["asset"]: row["available"] for row in money}
    assert [available[asset] for asset in terms["market"].split("-")] == ["10000", "10000"]

    asked = known.call("POST", "/orders", json=order(terms, "sell"))
    try:
        bought = bot.call("POST", "/orders", order(terms, "buy"))
        assert bought["status"] == "filled"
        trade = bought["fills"][0]["trade_id"]
    finally:
        known.call("DELETE", "/orders", params={"market": terms["market"]})
    assert asked["status"] in {"open", "filled"}
    wait_until(lambda: trade in [one["trade_id"] for one in bot.call("GET", "/fills")["items"]])
    # The password that the newcomer has chosen is still its own, and now takes a code as well.
    again = pool_client(exchange).initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=exchange.user_pool_client_id,
        AuthParameters={"USERNAME": newcomer.user.email, "PASSWORD": newcomer.user.password},
    )
    assert again["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    sees_nothing(exchange_place.deployment(OTHERS[brand]), terms["market"], bought)


def sees_nothing(other: Deployment, market: str, bought: Json) -> None:
    """Assert that neither a user nor a page of the other brand has heard of a trade."""
    stranger = Client(other, other.users[0])
    for path in (f"/markets/{market}/trades", f"/markets/{market}/book"):
        with pytest.raises(ApiError) as refused:
            stranger.call("GET", path)
        assert (refused.value.status, refused.value.code) == (404, "unknown_market")
    for method in ("GET", "DELETE"):
        with pytest.raises(ApiError) as refused:
            stranger.call(method, f"/orders/{bought['order_id']}")
        assert (refused.value.status, refused.value.code) == (404, "unknown_order")
    for path in ("/orders", "/fills"):
        assert market not in [one["market"] for one in stranger.call("GET", path)["items"]]


def wait_until(read: Callable[[], Any]) -> Any:
    """Return what is read once it is something; the read models follow the journal."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := read()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_the_outputs_name_each_brand_and_the_first_ones_users(exchange_place: Local) -> None:
    running = json.loads((exchange_place.home / "outputs.json").read_text())
    brands = running["tenants"]
    assert [(one["name"], one["host"]) for one in brands] == [
        ("demo", "demo.localhost"),
        ("aurora", "aurora.localhost"),
    ]
    for one in brands:
        names = ["account", "api_key", "api_secret", "email", "password"]
        assert [sorted(user) for user in one["users"]] == [names] * 2
        assert {user["account"].partition("-")[0] for user in one["users"]} == {one["id"]}
    assert running["users"] == brands[0]["users"]
    assert running["tenant"] == {"id": brands[0]["id"], "name": "demo"}


def tour() -> str:
    """Return the commands of the README from a sign-up to the trade by a key."""
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    first = next(at for at, block in enumerate(blocks) if "make -s sign-up" in block)
    return "\n".join(blocks[first : first + 2])


def test_the_readmes_tour_leads_to_a_trade_by_a_key(exchange_place: Local) -> None:
    """Its commands as they stand: one object or a sentence a command, in their order."""
    done = subprocess.run(  # noqa: S603 - this project's own README
        ["/bin/bash", "-ec", tour()],
        cwd=ROOT,
        env=exchange_place.environment() | {"TENANT": "", "AS": ""},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = list(objects(done.stdout))
    refused, key_order, sold, fills, strange = said[1], *said[-4:]
    assert refused["code"] == "level_too_low", done.stdout
    assert key_order["status"] in {"open", "filled"}, done.stdout
    assert sold["status"] == "filled", done.stdout
    # The read models may be a moment behind what was traded.
    assert {one["order_id"] for one in fills["items"]} <= {key_order["order_id"]}
    assert "BTC-USDT" not in [one["market"] for one in strange["items"]]


def objects(text: str) -> Iterator[Json]:
    """Yield the JSON objects of what was printed: curl ends no line."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        found, at = decoder.raw_decode(text, at)
        yield found
