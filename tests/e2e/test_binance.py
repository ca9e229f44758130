"""The Binance dialect on the emulator: the query byte for byte, keys, orders, two tenants."""

import hmac
import json
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from scripts.client import Deployment
from tests.doubles.local_exchange import Local

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

TIMEOUT_S = 30
PATIENCE_S = 20.0
# A price that no other test's orders meet.
ORDER = {
    "symbol": "ETHUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "102.5",
}
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class User:
    """A demo user as a trading program: an address, a key and a secret."""

    base: str
    key: str
    secret: str

    def send(self, method: str, path: str, **parameters: Any) -> requests.Response:
        """Send a signed request with its parameters in the query."""
        text = urlencode({**parameters, "timestamp": time.time_ns() // 1_000_000})
        signed = f"{text}&signature={self.sign(text)}"
        return requests.request(
            method,
            f"{self.base}{path}?{signed}",
            headers={"X-MBX-APIKEY": self.key, **JSON_TYPE},
            timeout=TIMEOUT_S,
        )

    def sign(self, text: str) -> str:
        return hmac.digest(self.secret.encode(), text.encode(), "sha256").hex()


@pytest.fixture(scope="module")
def outputs(exchange: Deployment, exchange_place: Local) -> dict[str, Any]:
    assert exchange
    found: dict[str, Any] = json.loads((exchange_place.home / "outputs.json").read_text())
    return found


def users(outputs: dict[str, Any], tenant: int = 0) -> list[User]:
    chosen = outputs["tenants"][tenant]
    base = chosen["binance_url"]
    return [User(base, one["api_key"], one["api_secret"]) for one in chosen["users"]]


def test_an_order_is_placed_traded_and_seen(outputs: dict[str, Any]) -> None:
    buyer, seller = users(outputs)[:2]
    placed = buyer.send("POST", "/api/v3/order", **ORDER)
    assert placed.status_code == 200, placed.text
    number = placed.json()["orderId"]
    assert placed.headers["X-MBX-ORDER-COUNT-10S"].isdecimal()
    sold = seller.send("POST", "/api/v3/order", **(ORDER | {"side": "SELL", "quantity": "0.04"}))
    assert sold.json()["status"] == "FILLED", sold.text

    deadline = time.monotonic() + PATIENCE_S
    found: dict[str, Any] = {"status": "NEW"}
    while found["status"] == "NEW" and time.monotonic() < deadline:
        found = buyer.send("GET", "/api/v3/order", symbol="ETHUSDT", orderId=number).json()
        time.sleep(0.1)  # the read models follow
    assert (found["status"], float(found["executedQty"])) == ("PARTIALLY_FILLED", 0.04)
    mine: list[dict[str, Any]] = []
    while not mine and time.monotonic() < deadline:
        mine = buyer.send("GET", "/api/v3/myTrades", symbol="ETHUSDT", orderId=number).json()
        time.sleep(0.1)  # lists show what is written as a whole, a moment after the order
    assert len(mine) == 1
    listed = buyer.send("GET", "/api/v3/allOrders", symbol="ETHUSDT", orderId=number).json()
    assert listed[0]["orderId"] == number
    opened = buyer.send("GET", "/api/v3/openOrders", symbol="ETHUSDT").json()
    assert number in [one["orderId"] for one in opened]

    trades = requests.get(
        f"{buyer.base}/api/v3/trades?symbol=ETHUSDT&limit=5", timeout=TIMEOUT_S
    ).json()
    assert trades
    book = requests.get(f"{buyer.base}/api/v3/depth?symbol=ETHUSDT", timeout=TIMEOUT_S)
    assert book.status_code == 200

    cancelled = buyer.send("DELETE", "/api/v3/order", symbol="ETHUSDT", orderId=number)
    assert cancelled.json()["status"] == "CANCELED", cancelled.text


def test_a_client_order_id_may_be_used_again(outputs: dict[str, Any]) -> None:
    buyer = users(outputs)[0]
    mine = {"newClientOrderId": "e2e-binance", **ORDER, "price": "1.5", "quantity": "10"}
    first = buyer.send("POST", "/api/v3/order", **mine).json()
    again = buyer.send("POST", "/api/v3/order", **mine)
    assert (again.status_code, again.json()["msg"]) == (400, "Duplicate order sent.")
    path = {"symbol": "ETHUSDT", "origClientOrderId": "e2e-binance"}
    buyer.send("DELETE", "/api/v3/order", **path)
    deadline = time.monotonic() + PATIENCE_S
    second = buyer.send("POST", "/api/v3/order", **mine)
    while second.status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)  # the read model follows
        second = buyer.send("POST", "/api/v3/order", **mine)
    assert second.json()["orderId"] != first["orderId"]  # numbers are permuted and do not grow
    gone = buyer.send("DELETE", "/api/v3/openOrders", symbol="ETHUSDT")
    assert second.json()["orderId"] in [one["orderId"] for one in gone.json()]


def test_a_list_is_placed_read_and_cancelled(outputs: dict[str, Any]) -> None:
    seller = users(outputs)[1]
    pair = {"symbol": "ETHUSDT", "side": "SELL", "quantity": "1"}
    pair |= {"aboveType": "LIMIT_MAKER", "abovePrice": "9000", "aboveClientOrderId": "e2e-above"}
    pair |= {"belowType": "STOP_LOSS", "belowStopPrice": "60", "belowClientOrderId": "e2e-below"}
    placed = seller.send("POST", "/api/v3/orderList/oco", listClientOrderId="e2e-list", **pair)
    assert placed.status_code == 200, placed.text
    number = placed.json()["orderListId"]

    for named in ({"orderListId": number}, {"origClientOrderId": "e2e-list"}):
        found = seller.send("GET", "/api/v3/orderList", **named).json()
        assert (found["orderListId"], found["listOrderStatus"]) == (number, "EXECUTING")
    again = seller.send("POST", "/api/v3/orderList/oco", listClientOrderId="e2e-list", **pair)
    assert (again.status_code, again.json()["msg"]) == (400, "Duplicate order sent.")
    named = {"symbol": "ETHUSDT", "listClientOrderId": "e2e-list"}
    cancelled = seller.send("DELETE", "/api/v3/orderList", **named).json()
    assert [one["status"] for one in cancelled["orderReports"]] == ["CANCELED", "CANCELED"]


def post_as_it_is(url: str, body: str, key: str) -> tuple[int, Any]:
    """Send a request whose address the client does not rewrite, as requests would."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(connection):
        connection.request("POST", f"{parts.path}?{parts.query}", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_the_body_is_signed_as_it_was_sent(outputs: dict[str, Any]) -> None:
    buyer = users(outputs)[0]
    stamp = time.time_ns() // 1_000_000
    # Escapes that nobody needs, which no gateway may rewrite.
    query = f"symbol=ETHUS%44T&side=BUY&type=LIMIT&timestamp={stamp}"
    body = "timeInForce=GTC&quantity=10&price=1%2e5"
    signed = f"{body}&signature={buyer.sign(query + body)}"
    url = f"{buyer.base}/api/v3/order/test?{query}"
    assert post_as_it_is(url, signed, buyer.key) == (200, {})
    forged = {"code": -1022, "msg": "Signature for this request is not valid."}
    assert post_as_it_is(url, f"{signed[:-1]}x", buyer.key) == (400, forged)


def test_a_tenants_key_is_of_no_use_with_another(outputs: dict[str, Any]) -> None:
    ours, theirs = users(outputs, 0)[0], users(outputs, 1)[0]
    stranger = User(theirs.base, ours.key, ours.secret)
    refused = stranger.send("GET", "/api/v3/account")
    assert (refused.status_code, refused.json()["code"]) == (401, -2015)
    assert theirs.send("GET", "/api/v3/account").status_code == 200

    def symbols(base: str) -> set[str]:
        info = requests.get(f"{base}/api/v3/exchangeInfo", timeout=TIMEOUT_S).json()
        return {one["symbol"] for one in info["symbols"]}

    assert symbols(ours.base) != symbols(theirs.base)


def test_a_tenant_is_named_by_header_too(outputs: dict[str, Any]) -> None:
    first, second = (
        {name.replace("-", "") for name in tenant["markets"]} for tenant in outputs["tenants"]
    )
    shared = outputs["tenants"][1]["binance_url"].rpartition("/")[0]
    # Other tests list markets of the first tenant.
    for tenant, own, foreign in zip(
        outputs["tenants"], (first, second), (second, first), strict=True
    ):
        answer = requests.get(
            f"{shared}/api/v3/exchangeInfo", headers={"X-Tenant": tenant["id"]}, timeout=TIMEOUT_S
        ).json()
        found = {one["symbol"] for one in answer["symbols"]}
        assert own <= found
        assert found.isdisjoint(foreign)
    unnamed = requests.get(f"{shared}/api/v3/ticker/price", timeout=TIMEOUT_S).json()
    found = {one["symbol"] for one in unnamed}
    assert first <= found
    assert found.isdisjoint(second)


def test_assets_and_fees(outputs: dict[str, Any]) -> None:
    buyer = users(outputs)[0]
    assert buyer.send("GET", "/sapi/v1/capital/config/getall").json()
    assert buyer.send("GET", "/sapi/v1/asset/tradeFee").json()
    tickers = requests.get(f"{buyer.base}/api/v3/ticker/24hr", timeout=TIMEOUT_S).json()
    assert "ETHUSDT" in [one["symbol"] for one in tickers]
