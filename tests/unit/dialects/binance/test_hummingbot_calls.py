"""What hummingbot's connector asks over REST, as its source has it, and what it reads of it.

It could not be run as it is (docs/clients.md). Order states come to it by a stream, which is not
here yet; these are its calls besides, with which it also makes up for a stream that is silent.
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.doubles.binance import BinanceClient

# 32 characters, the most it sends.
ID = "x-XEKWYICXBBCUT64a1b2c3d4e5f6a7b"
STATES = {"NEW", "FILLED", "PARTIALLY_FILLED", "CANCELED", "REJECTED", "EXPIRED"}


def place(client: BinanceClient, side: str, order_type: str, order_id: str, **more: Any) -> Any:
    sent = {"symbol": "BTCUSDT", "side": side, "quantity": f"{Decimal('0.5'):f}"}
    sent |= {"type": order_type, "newClientOrderId": order_id}
    answer = client.signed("POST", "/api/v3/order", **sent, **more)
    assert answer.status == 200, answer
    assert answer.body["transactTime"] > 0
    return answer.body["orderId"]


def limit(price: str) -> dict[str, str]:
    return {"price": f"{Decimal(price):f}", "timeInForce": "GTC"}


def test_its_start(alice: BinanceClient) -> None:
    assert alice.public("/api/v3/ping").body == {}
    assert alice.public("/api/v3/time").body["serverTime"] > 0
    (rule, *_) = alice.public("/api/v3/exchangeInfo").body["symbols"]
    assert rule["status"] == "TRADING"
    assert any("SPOT" in one for one in rule["permissionSets"])
    filters = {one["filterType"]: one for one in rule["filters"]}
    assert Decimal(filters["PRICE_FILTER"]["tickSize"]) > 0
    assert Decimal(filters["LOT_SIZE"]["minQty"]) == Decimal(filters["LOT_SIZE"]["stepSize"])
    assert Decimal(filters["NOTIONAL"]["minNotional"]) > 0
    assert alice.public("/api/v3/ticker/bookTicker").body[0]["symbol"]
    assert float(alice.public("/api/v3/ticker/24hr", symbol="BTCUSDT").body["lastPrice"]) == 0
    book = alice.public("/api/v3/depth", symbol="BTCUSDT", limit="1000").body
    assert set(book) == {"lastUpdateId", "bids", "asks"}


def test_an_order_from_place_to_fill(alice: BinanceClient, bob: BinanceClient) -> None:
    number = place(bob, "SELL", "LIMIT_MAKER", ID, price="20000")
    assert place(alice, "BUY", "LIMIT", ID, **limit("20000")) != number

    for client, is_maker in ((bob, True), (alice, False)):
        order = client.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=ID).body
        assert (order["status"], order["updateTime"] > 0) == ("FILLED", True)
        for asked in ({"startTime": 1_000}, {"orderId": int(order["orderId"])}):
            (fill,) = client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", **asked).body
            assert (fill["orderId"], fill["isMaker"]) == (order["orderId"], is_maker)
            assert Decimal(fill["quoteQty"]) == Decimal(fill["qty"]) * Decimal(fill["price"])
            assert fill["commissionAsset"] == ("USDT" if is_maker else "BTC")
            assert Decimal(fill["commission"]) > 0
    balances = alice.signed("GET", "/api/v3/account").body["balances"]
    held = {one["asset"]: Decimal(one["free"]) + Decimal(one["locked"]) for one in balances}
    assert held["BTC"] == Decimal("0.499")


def test_a_market_order_and_a_cancel(alice: BinanceClient, bob: BinanceClient) -> None:
    place(bob, "SELL", "LIMIT", ID, **limit("20000"))
    place(alice, "BUY", "MARKET", ID)
    place(alice, "BUY", "LIMIT", f"{ID[:-1]}0", **limit("100"))
    order = {"symbol": "BTCUSDT", "origClientOrderId": f"{ID[:-1]}0"}
    assert alice.signed("GET", "/api/v3/order", **order).body["status"] in STATES
    assert alice.signed("DELETE", "/api/v3/order", **order).body["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("method", "more", "code", "text"),
    [
        ("DELETE", {}, -2011, "Unknown order sent."),
        ("GET", {}, -2013, "Order does not exist."),
        ("GET", {"timestamp": 1_600_000_000_000}, -1021, "Timestamp for this request"),
    ],
)
def test_errors_that_it_tells_by_their_text(
    alice: BinanceClient, method: str, more: dict[str, int], code: int, text: str
) -> None:
    order = {"symbol": "BTCUSDT", "origClientOrderId": "x-XEKWYICX-never"}
    answer = alice.signed(method, "/api/v3/order", **order, **more)
    assert answer.error[0] == code
    assert answer.error[1].startswith(text)


def test_its_stream_is_not_there(alice: BinanceClient) -> None:
    answer = alice.send("POST", "/api/v3/userDataStream", "", "", {"x-mbx-apikey": alice.key.id})
    assert answer.error == (-1020, "This operation is not supported.")
