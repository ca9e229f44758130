"""What a client is told of an order that it does not send."""

from typing import Any

import pytest

from tests.doubles.exchange import ALICE, BOB, BTC_USDT, Exchange
from tests.unit.conftest import Send
from wire import codec
from wire import layout as w


def order(side: str, **more: object) -> dict[str, object]:
    return {"market": "BTC-USDT", "side": side, "quantity": "1", **more}


def dry_run(send: Send, body: dict[str, object]) -> Any:
    response = send("POST", "/orders", body | {"dry_run": True}, account=ALICE)
    assert response.status == 200, response.body
    return response.body


def test_it_says_what_would_be_traded_reserved_and_charged(send: Send, exchange: Exchange) -> None:
    for price, quantity in (("20000", "0.5"), ("20001", "0.25")):
        send("POST", "/orders", order("sell", price=price) | {"quantity": quantity}, account=BOB)
    before = len(exchange.records)
    balances = send("GET", "/balances").body
    said = dry_run(send, order("buy", price="20001", client_order_id="mine"))

    assert said == {
        "accepted": True,
        "refusal": None,
        "needed": {"asset": "USDT", "amount": "20001"},
        "available": {"asset": "USDT", "amount": "1000000"},
        "reserved": {"asset": "USDT", "amount": "5000.25"},
        "waiting_quantity": "0.25",
        "taking": {
            "quantity": "0.75",
            "quote_amount": "15000.25",
            # 20000.33…, to the tick that is worse for a buyer.
            "average_price": "20000.34",
            "worst_price": "20001",
            "fee": {"asset": "BTC", "amount": "0.0015"},
        },
        "fees": {
            "maker_ppm": 1_000,
            "taker_ppm": 2_000,
            "at_most": {"asset": "BTC", "amount": "0.002"},
        },
        "status": "open",
        "sequence": exchange.records[-1].time_ms,
    }
    # Nothing was sent or held, and the id is free.
    assert (len(exchange.records), send("GET", "/balances").body) == (before, balances)
    placed = send("POST", "/orders", order("buy", price="20001", client_order_id="mine"))
    assert placed.status == 201
    assert sum(float(one["fee"]) for one in placed.body["fills"]) == pytest.approx(0.0015)


@pytest.mark.parametrize(
    ("body", "code", "nearest"),
    [
        pytest.param(
            order("buy", price="0.5"),
            "notional_too_small",
            {"field": "quantity", "value": "2"},
            id="too little",
        ),
        pytest.param(
            order("buy", price="2000000"),
            "insufficient_balance",
            {"field": "quantity", "value": "0.5"},
            id="too much",
        ),
        pytest.param(
            order("buy", price="20000.5", post_only=True),
            "post_only_would_cross",
            {"field": "price", "value": "19999.99"},
            id="post only",
        ),
        pytest.param(order("sell", price="30000"), "insufficient_balance", None, id="nothing"),
        pytest.param(
            order("buy", price="1", type="stop_limit", trigger_price="30000", time_in_force="gtd",
                  expires_at_ms=1),
            "invalid_expire_time",
            None,
            id="over",
        ),
    ],
)  # fmt: skip
def test_it_says_what_an_order_would_be_refused_for(
    send: Send, body: dict[str, object], code: str, nearest: Any
) -> None:
    send("POST", "/orders", order("sell", price="20000"), account=BOB)
    said = dry_run(send, body)
    assert (said["accepted"], said["taking"], said["waiting_quantity"]) == (False, None, "0")
    assert said["refusal"]["code"] == code
    assert said["refusal"]["nearest"] == nearest
    sent = send("POST", "/orders", body)
    assert (sent.status, sent.body["code"]) == (422, code)
    assert sent.body["detail"] == said["refusal"]["detail"]
    assert sent.body.get("field") == said["refusal"]["field"]


def test_a_price_beyond_the_collar_is_told_the_nearest(send: Send, exchange: Exchange) -> None:
    exchange.commit(
        [
            codec.encode_set_market_limits(BTC_USDT, collar_ppm=100_000),
            codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN, 2_000_000),
        ]
    )
    body = order("buy", price="22000.01")
    refusal = dry_run(send, body)["refusal"]
    assert refusal["code"] == "price_outside_collar"
    assert refusal["nearest"] == {"field": "price", "value": "22000"}
    assert dry_run(send, body | {"price": "22000"})["accepted"]


def test_a_faulty_body_is_a_400_as_it_is_for_an_order(send: Send) -> None:
    response = send("POST", "/orders", order("buy", price="20000.001", dry_run=True))
    assert (response.status, response.body["code"]) == (400, "price_off_tick")
    response = send("POST", "/orders", order("buy", price="1", dry_run=True, market="X-Y"))
    assert (response.status, response.body["code"]) == (404, "unknown_market")


def test_a_dry_run_uses_no_key_and_is_of_a_batch_as_a_whole(send: Send) -> None:
    body, key = order("buy", price="20000"), {"Idempotency-Key": "key"}
    assert send("POST", "/orders", body | {"dry_run": True}, headers=key).status == 200
    assert send("POST", "/orders", body, headers=key).status == 201
    batch = {"operations": [{"op": "place", "dry_run": True} | body]}
    assert send("POST", "/orders/batch", batch).body["code"] == "unknown_field"
