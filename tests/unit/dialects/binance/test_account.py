"""What an account reads of its own by the Binance dialect, and its limits."""

from typing import Any

import pytest

from bursa.dialects.binance.ids import trade_number
from bursa.dialects.binance.rates import IGNORED_MAX, Refusals
from bursa.dialects.binance.rejections import REJECTABLE, rejection
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.rates import RateState
from tests.doubles.binance import BinanceClient
from tests.doubles.exchange import ALICE, NOON_MS
from wire import codec
from wire import layout as w

LIMIT: dict[str, Any] = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


def place(client: BinanceClient, side: str, price: str, quantity: str, **more: Any) -> Any:
    answer = client.signed(
        "POST", "/api/v3/order", **LIMIT, side=side, price=price, quantity=quantity, **more
    )
    assert answer.status == 200, answer
    return answer.body


def get(client: BinanceClient, path: str, **asked: Any) -> Any:
    answer = client.signed("GET", path, **asked)
    assert answer.status == 200, answer
    return answer.body


def test_balances(alice: BinanceClient) -> None:
    place(alice, "BUY", "20000", "0.5")
    account = get(alice, "/api/v3/account")
    assert account["balances"] == [
        {"asset": "USDT", "free": "990000.00000000", "locked": "10000.00000000"}
    ]
    assert (account["makerCommission"], account["takerCommission"]) == (10, 20)
    assert account["commissionRates"]["taker"] == "0.00200000"
    assert (account["accountType"], account["canTrade"]) == ("SPOT", True)
    assert account["updateTime"] > 0
    assert get(alice, "/api/v3/account", omitZeroBalances="true")["balances"]


def test_lists_of_orders(alice: BinanceClient) -> None:
    placed = [place(alice, "BUY", price, "0.1") for price in ("100", "200", "300")]
    numbers = [one["orderId"] for one in placed]
    alice.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=numbers[1])

    def listed(path: str, **asked: Any) -> list[int]:
        return [one["orderId"] for one in get(alice, path, **asked)]

    assert listed("/api/v3/openOrders") == [numbers[0], numbers[2]]
    assert listed("/api/v3/openOrders", symbol="BTCUSDT") == [numbers[0], numbers[2]]
    assert listed("/api/v3/openOrders", symbol="BTCIDR") == []
    every = "/api/v3/allOrders"
    assert listed(every, symbol="BTCUSDT") == numbers
    assert listed(every, symbol="BTCUSDT", limit=2) == numbers[1:]
    assert listed(every, symbol="BTCUSDT", orderId=numbers[1]) == numbers[1:]
    assert listed(every, symbol="BTCUSDT", orderId=numbers[0], limit=1) == numbers[:1]
    third_ms = placed[2]["transactTime"]
    assert listed(every, symbol="BTCUSDT", startTime=third_ms) == numbers[2:]
    assert listed(every, symbol="BTCUSDT", endTime=third_ms - 1) == numbers[:2]
    wrong = alice.signed("GET", every, symbol="BTCUSDT", startTime=2, endTime=1)
    assert wrong.error == (-1130, "Data sent for parameter 'endTime' is not valid.")


def test_lists_of_trades(alice: BinanceClient, bob: BinanceClient) -> None:
    place(bob, "SELL", "20000", "1")
    bought = [place(alice, "BUY", "20000", quantity) for quantity in ("0.1", "0.2", "0.3")]
    path = "/api/v3/myTrades"
    trades = get(alice, path, symbol="BTCUSDT")
    assert [one["qty"] for one in trades] == ["0.10000000", "0.20000000", "0.30000000"]
    assert trades[0] == {
        "symbol": "BTCUSDT",
        "id": trade_number(1),
        "orderId": bought[0]["orderId"],
        "orderListId": -1,
        "price": "20000.00000000",
        "qty": "0.10000000",
        "quoteQty": "2000.00000000",
        "commission": "0.00020000",
        "commissionAsset": "BTC",
        "time": bought[0]["transactTime"],
        "isBuyer": True,
        "isMaker": False,
        "isBestMatch": True,
    }
    assert [one["isMaker"] for one in get(bob, path, symbol="BTCUSDT")] == [True] * 3

    def ids(**asked: Any) -> list[int]:
        return [one["id"] for one in get(alice, path, symbol="BTCUSDT", **asked)]

    one, two, three = map(trade_number, (1, 2, 3))
    assert ids() == [one, two, three]
    assert ids(orderId=bought[1]["orderId"]) == [two]
    assert ids(fromId=two) == [two, three]
    # From the last one that a client knows on, as clients page.
    assert ids(fromId=two + 1) == [three]
    assert ids(fromId=0) == ids(fromId=1) == [one, two, three]
    assert ids(fromId=one, limit=1) == [one]
    assert ids(limit=1) == [three]
    assert ids(startTime=bought[2]["transactTime"]) == [three]
    assert ids(endTime=bought[0]["transactTime"]) == [one]
    assert alice.signed("GET", path, symbol="BTCUSDT", fromId=1, startTime=1).error[0] == -1128


def test_fees_and_assets(alice: BinanceClient) -> None:
    rates = get(alice, "/api/v3/account/commission", symbol="BTCUSDT")
    assert rates["standardCommission"] == {
        "maker": "0.00100000",
        "taker": "0.00200000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    fees = get(alice, "/sapi/v1/asset/tradeFee")
    assert [one["symbol"] for one in fees] == ["BTCUSDT", "BTCIDR"]
    assert get(alice, "/sapi/v1/asset/tradeFee", symbol="BTCUSDT") == fees[:1]
    assets = get(alice, "/sapi/v1/capital/config/getall")
    assert [one["coin"] for one in assets] == ["BTC", "IDR", "USDT"]
    assert assets[2]["free"] == "1000000.00000000"
    assert {one["depositAllEnable"] for one in assets} == {False}


def test_fees_are_those_of_the_accounts_own_tier(alice: BinanceClient, bob: BinanceClient) -> None:
    kept = w.SETTING_KEPT
    alice.clock.exchange.commit(
        [
            codec.encode_set_fee_tier(1, 3, 500, 700),
            codec.encode_set_account(ALICE.number, tier=3, stp_group=kept, state=kept),
        ]
    )
    for client, maker, taker in ((alice, "0.00050000", "0.00070000"), (bob, "0.00100000", None)):
        account = get(client, "/api/v3/account")
        rates = get(client, "/api/v3/account/commission", symbol="BTCUSDT")["standardCommission"]
        (fees,) = get(client, "/sapi/v1/asset/tradeFee", symbol="BTCUSDT")
        found = {account["commissionRates"]["maker"], rates["maker"], fees["makerCommission"]}
        assert found == {maker}
        assert taker in {None, rates["taker"]}


def test_wallets_say_that_there_are_none(alice: BinanceClient) -> None:
    assert get(alice, "/sapi/v1/capital/deposit/hisrec") == []
    assert get(alice, "/sapi/v1/capital/withdraw/history") == []
    for method, path in (
        ("GET", "/sapi/v1/capital/deposit/address"),
        ("POST", "/sapi/v1/capital/withdraw/apply"),
    ):
        answer = alice.signed(method, path, coin="BTC")
        assert (answer.status, answer.error) == (400, (-1020, "This operation is not supported."))


# --- limits ------------------------------------------------------------------------------------


def test_what_was_used_is_told(alice: BinanceClient) -> None:
    first = alice.signed("GET", "/api/v3/account")
    second = alice.signed("GET", "/api/v3/account")
    used = [int(one.headers["X-MBX-USED-WEIGHT-1M"]) for one in (first, second)]
    assert used[1] == used[0] + 1
    assert "X-MBX-ORDER-COUNT-10S" not in first.headers
    placed = alice.signed("POST", "/api/v3/order", **LIMIT, side="BUY", price="100", quantity="0.1")
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    (counts,) = get(alice, "/api/v3/rateLimit/order")
    assert (counts["limit"], counts["count"]) == (250, 1)
    assert "X-MBX-USED-WEIGHT-1M" not in alice.public("/api/v3/ping").headers


def test_who_asks_too_much_is_refused_and_then_banned(alice: BinanceClient) -> None:
    answers = [alice.signed("GET", "/api/v3/openOrders") for _ in range(300)]
    statuses = [one.status for one in answers]
    refused = statuses.index(429)
    assert set(statuses[:refused]) == {200}
    assert set(statuses[refused:]) <= {200, 429, 418}
    assert 418 in statuses
    banned = next(one for one in answers if one.status == 418)
    assert banned.error[0] == -1003
    assert "IP banned until" in banned.error[1]
    assert int(banned.headers["Retry-After"]) >= 1
    first = answers[refused]
    assert first.error[1].startswith("Too much request weight used; current limit is 250")
    # Who is refused may still get out.
    cancelled = alice.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert cancelled.error == (-2011, "Unknown order sent.")


def test_a_ban_needs_who_goes_on() -> None:
    refusals = Refusals()
    refusal = TooManyRequests("too_many_reads", "", retry_after_s=2, state=RateState(250, 0, 10))
    patient = [refusals.write(ALICE, refusal, NOON_MS + n * 2_000).status for n in range(10)]
    assert set(patient) == {429}
    hasty = [refusals.write(ALICE, refusal, NOON_MS + 30_000 + n).status for n in range(10)]
    assert hasty == [429] * IGNORED_MAX + [418] * (10 - IGNORED_MAX)


def test_orders_that_are_refused_for_their_form_have_a_limit(alice: BinanceClient) -> None:
    answers = [
        alice.signed("POST", "/api/v3/order", **LIMIT, side="BUY", price="0.001", quantity="1")
        for _ in range(300)
    ]
    assert {one.status for one in answers} >= {400, 429}
    too_many = next(one for one in answers if one.status == 429)
    assert too_many.error[0] == -1015


@pytest.mark.parametrize("reason", sorted(w.REASON_NAMES), ids=w.REASON_NAMES.get)
def test_every_reason_of_the_engine_is_an_error(reason: int) -> None:
    if reason == w.REASON_ACCEPTED:
        assert reason not in REJECTABLE
        return
    error = rejection(reason)
    assert error.code < 0
    assert error.msg.endswith(".") or "Filter failure: " in error.msg
