"""Each brand from sign-in to its first trade, by HTTP alone, and the other sees nothing of it."""

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.doubles.local_exchange import Local

TIMEOUT_S = 30
PATIENCE_S = 20.0
# A market of each, and a price that no other test trades at.
TRADES = {
    "demo": {"market": "BTC-IDR", "price": "1000001000", "quantity": "0.001"},
    "aurora": {"market": "BTC-EUR", "price": "50000.01", "quantity": "0.001"},
}
OTHERS = {"demo": "aurora", "aurora": "demo"}

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand as its own web page knows it: a host name, and what it was told at its start."""

    rest_url: str
    cognito_url: str
    host: str
    about: dict[str, Any]

    def call(
        self, method: str, path: str, token: str = "", body: object = None, **headers: str
    ) -> requests.Response:
        headers["Host"] = self.host
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.rest_url}{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S)

    def sign_in(self, user: dict[str, str]) -> requests.Response:
        """Ask the brand's own user pool."""
        asked = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.about["sign_in"]["client_ids"][0],
            "AuthParameters": {"USERNAME": user["email"], "PASSWORD": user["password"]},
        }
        headers = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "Content-Type": "application/x-amz-json-1.1",
        }
        return requests.post(
            self.cognito_url, json.dumps(asked), headers=headers, timeout=TIMEOUT_S
        )

    def token(self, user: dict[str, str]) -> str:
        signed_in = self.sign_in(user)
        assert signed_in.ok, signed_in.text
        return str(signed_in.json()["AuthenticationResult"]["AccessToken"])

    def items(self, path: str, token: str = "") -> list[dict[str, Any]]:
        listed = self.call("GET", path, token)
        assert listed.ok, listed.text
        return list(listed.json()["items"])


def opened(running: dict[str, Any], name: str) -> tuple[Brand, list[dict[str, str]]]:
    tenant = next(one for one in running["tenants"] if one["name"] == name)
    about = requests.get(
        f"{running['rest_url']}/tenant", headers={"Host": tenant["host"]}, timeout=TIMEOUT_S
    ).json()
    brand = Brand(running["rest_url"], running["endpoint_url"], tenant["host"], about)
    return brand, tenant["users"]


@pytest.fixture
def running(exchange_place: Local) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((exchange_place.home / "outputs.json").read_text())
    return content


def wait_for(seen: Any) -> None:
    """Wait until the read models show something; they follow the journal."""
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", TRADES)
def test_from_sign_in_to_a_trade_that_the_other_brand_does_not_see(
    running: dict[str, Any], name: str
) -> None:
    brand, (seller, buyer) = opened(running, name)
    other, (stranger, _) = opened(running, OTHERS[name])
    assert (brand.about["name"], brand.about["state"]) == (name, "active")
    deal = TRADES[name]
    market = deal["market"]
    assert market in brand.about["markets"]
    selling, buying = brand.token(seller), brand.token(buyer)
    order = {**deal, "type": "limit"}
    rested = brand.call("POST", "/orders", selling, {**order, "side": "sell"}).json()
    assert rested["status"] == "open", rested
    bought = brand.call("POST", "/orders", buying, {**order, "side": "buy"}).json()
    assert (bought["status"], bought["fills"][0]["price"]) == ("filled", deal["price"]), bought
    trade = bought["fills"][0]["trade_id"]
    trades = f"/markets/{market}/trades"
    wait_for(lambda: trade in [one["trade_id"] for one in brand.items(trades)])
    wait_for(lambda: trade in [one["trade_id"] for one in brand.items("/fills", selling)])

    # The other brand: its pages, its users, and this one's users there.
    assert other.call("GET", trades).json()["code"] == "unknown_market"
    assert market not in other.about["markets"]
    assert other.sign_in(seller).status_code == 400
    strange = other.token(stranger)
    for method in ("GET", "DELETE"):
        refused = other.call(method, f"/orders/{rested['order_id']}", strange)
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_order")
    for path in ("/orders", "/fills"):
        seen = other.items(path, strange)
        assert rested["order_id"] not in [one["order_id"] for one in seen]
        assert trade not in [one.get("trade_id") for one in seen]
    # Whatever host it is sent to and whatever a header names, a token is its own tenant's.
    sent_there = brand.call("GET", "/balances", strange, **{"X-Tenant": "t1"}).json()
    assert sent_there == other.call("GET", "/balances", strange, **{"X-Tenant": "t2"}).json()


def test_a_brand_begins_with_the_fee_tiers_of_its_file(running: dict[str, Any]) -> None:
    brand, (carol, _) = opened(running, "aurora")
    own = brand.call("GET", "/fees", brand.token(carol)).json()
    assert own["tier"] == 0
    assert [(one["volume"], one["taker_ppm"]) for one in own["tiers"]] == [
        ("0", 1_500),
        ("1000000", 1_200),
    ]


def test_an_order_beyond_what_a_level_allows_a_day_is_refused(running: dict[str, Any]) -> None:
    brand, (_, dave) = opened(running, "aurora")
    token = brand.token(dave)
    order = {"market": "BTC-EUR", "side": "buy", "type": "limit", "price": "45000"}
    refused = brand.call("POST", "/orders", token, {**order, "quantity": "30"})
    assert (refused.status_code, refused.json()["code"]) == (422, "level_limit_reached")
    assert "1000000 EUR" in refused.json()["detail"]
    placed = brand.call("POST", "/orders", token, {**order, "quantity": "0.01"}).json()
    assert placed["status"] == "open", placed
    traded = brand.call("GET", "/kyc", token).json()["traded"]
    assert traded is not None
    brand.call("DELETE", f"/orders/{placed['order_id']}", token)
