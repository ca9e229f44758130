"""Trailing stops through the whole REST side."""

from typing import Any

import pytest

from tests.doubles.exchange import ALICE, BOB, Exchange
from tests.unit.conftest import Send

MARKET = {"market": "BTC-USDT"}
STOP = MARKET | {
    "side": "sell",
    "type": "trailing_stop_market",
    "quantity": "0.5",
    "trail_amount": "500",
}
LIMIT = STOP | {"type": "trailing_stop_limit", "limit_offset": "20"}


def trade_at(send: Send, *prices: str) -> None:
    """Let Bob sell to Alice at each price, far above what a trade must be worth to count."""
    for price in prices:
        for side, account in (("sell", BOB), ("buy", ALICE)):
            order = MARKET | {"side": side, "price": price, "quantity": "0.1"}
            assert send("POST", "/orders", order, account=account).status == 201


def placed(send: Send, order: dict[str, Any]) -> dict[str, Any]:
    status, body, _ = send("POST", "/orders", order, account=BOB)
    assert status == 201, body
    return dict(body)


def shown(send: Send, order: dict[str, Any]) -> dict[str, Any]:
    return dict(send("GET", f"/orders/{order['order_id']}", account=BOB).body)


def of_trail(order: dict[str, Any]) -> tuple[Any, ...]:
    names = ("trigger_price", "trail_amount", "trail_ppm", "activation_price", "limit_offset")
    return tuple(order[name] for name in names)


def test_its_trigger_follows_the_price_where_its_owner_sees_it(send: Send) -> None:
    trade_at(send, "20000")
    order = placed(send, STOP)
    assert (order["status"], order["time_in_force"]) == ("pending_trigger", "ioc")
    assert of_trail(order) == ("19500", "500", None, None, None)
    assert of_trail(shown(send, order)) == of_trail(order)

    trade_at(send, "20100", "20050")

    assert of_trail(shown(send, order)) == ("19600", "500", None, None, None)


def test_it_sells_when_the_price_has_come_back(send: Send) -> None:
    trade_at(send, "20000")
    order = placed(send, STOP | {"trail_amount": "100"})
    send("POST", "/orders", MARKET | {"side": "buy", "price": "19900", "quantity": "2"})
    sold = MARKET | {"side": "sell", "price": "19900", "quantity": "0.1"}
    assert send("POST", "/orders", sold, account=BOB).status == 201

    done = shown(send, order)
    assert (done["status"], done["filled_quote"]) == ("filled", "9950")
    assert done["trigger_price"] == "19900"


def test_by_parts_per_million_from_an_activation_price(send: Send) -> None:
    trade_at(send, "20000")
    wanted = {"trail_amount": None, "trail_ppm": 10_000, "activation_price": "20100"}
    order = placed(send, {k: v for k, v in (STOP | wanted).items() if v is not None})
    assert of_trail(order) == ("19899", None, 10_000, "20100", None)

    trade_at(send, "20200")

    assert of_trail(shown(send, order)) == ("19998", None, 10_000, "20100", None)


def test_its_limit_is_its_offset_beyond_the_trigger(send: Send) -> None:
    trade_at(send, "20000")
    order = placed(send, LIMIT | {"trail_amount": "100"})
    assert (order["price"], order["limit_offset"]) == ("19880", "20")
    trade_at(send, "20100", "20000")
    done = shown(send, order)
    assert (done["status"], done["price"], done["trigger_price"]) == ("open", "19980", "20000")


def test_its_trail_is_amended_and_its_replacement_keeps_the_highest_price(send: Send) -> None:
    trade_at(send, "20000")
    order = placed(send, STOP)
    trade_at(send, "20100", "20050")

    path = f"/orders/{order['order_id']}"
    amended = send("PATCH", path, {"trail_amount": "400"}, account=BOB)
    assert (amended.status, amended.body["trigger_price"]) == (200, "19700")
    replaced = send("POST", f"{path}/replace", {"trail_ppm": 100_000}, account=BOB)
    assert (replaced.status, of_trail(replaced.body)[:3]) == (201, ("18090", None, 100_000))


@pytest.mark.parametrize(
    ("order", "code"),
    [
        pytest.param({"trail_amount": None}, "missing_trail", id="no-trail"),
        pytest.param({"trail_ppm": 5}, "two_trails", id="two-trails"),
        pytest.param({"trail_amount": "0"}, "trail_amount_not_positive", id="trail-of-0"),
        pytest.param({"trail_amount": "0.00001"}, "trail_amount_off_tick", id="off-tick"),
        pytest.param({"trail_amount": None, "trail_ppm": 0}, "invalid_trail_ppm", id="0-ppm"),
        pytest.param(
            {"trail_amount": None, "trail_ppm": 1_000_000}, "invalid_trail_ppm", id="whole-price"
        ),
        pytest.param({"trail_amount": None, "trail_ppm": "5"}, "wrong_type", id="ppm-as-text"),
        pytest.param({"trigger_price": "1"}, "trigger_price_not_allowed", id="trigger"),
        pytest.param({"limit_offset": "1"}, "limit_offset_not_allowed", id="offset-at-market"),
        pytest.param({"type": "trailing_stop_limit"}, "missing_price", id="limit-without-a-price"),
        pytest.param(
            {"type": "trailing_stop_limit", "price": "1", "limit_offset": "1"},
            "two_prices",
            id="two-prices",
        ),
        pytest.param(
            {"type": "limit", "price": "1", "trail_amount": "1"}, "trail_not_allowed", id="limit"
        ),
        pytest.param(
            {
                "type": "stop_market",
                "trigger_price": "1",
                "trail_amount": None,
                "activation_price": "1",
            },
            "activation_price_not_allowed",
            id="activation-of-a-stop",
        ),
    ],
)
def test_what_contradicts_itself_is_a_400_and_is_not_sent(
    send: Send, exchange: Exchange, order: dict[str, Any], code: str
) -> None:
    order = {name: value for name, value in (STOP | order).items() if value is not None}
    status, problem, _ = send("POST", "/orders", order, account=BOB)
    assert (status, problem["code"]) == (400, code)
    assert exchange.waiting() == 0


def test_a_wrong_share_is_refused_with_the_nearest(send: Send) -> None:
    order = {name: value for name, value in STOP.items() if name != "trail_amount"}
    problem = send("POST", "/orders", order | {"trail_ppm": 1_000_000}, account=BOB).body
    assert problem["detail"] == "Send trail_ppm as a whole number from 1 to 999999: 999999."


def test_without_a_price_to_follow_it_is_refused(send: Send) -> None:
    status, problem, _ = send("POST", "/orders", STOP, account=BOB)
    assert (status, problem["code"]) == (422, "invalid_trigger_price")
    assert "activation_price" in problem["detail"]


def test_in_a_batch(send: Send) -> None:
    trade_at(send, "20000")
    batch = {"operations": [{"op": "place"} | STOP, {"op": "place"} | LIMIT]}
    results = send("POST", "/orders/batch", batch, account=BOB).body["results"]
    assert [one["order"]["trigger_price"] for one in results] == ["19500", "19500"]
