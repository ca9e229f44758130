"""Orders of the Binance dialect: placed, looked up, cancelled, amended."""

from typing import Any

import pytest

from bursa.dialects.binance.client_order_ids import ClientOrderIds
from bursa.kernel.errors import TooManyRequests, Unavailable
from bursa.kernel.rates import RateState
from tests.doubles.binance import KINDS, BinanceClient
from tests.doubles.exchange import Exchange

LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.5",
    "price": "20000",
}
SELL = LIMIT | {"side": "SELL"}
ONE: dict[str, Any] = {"symbol": "BTCUSDT"}


def place(client: BinanceClient, **changes: Any) -> Any:
    answer = client.signed("POST", "/api/v3/order", **(LIMIT | changes))
    assert answer.status == 200, answer
    return answer.body


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_rests_trades_and_is_cancelled(
    alice: BinanceClient, bob: BinanceClient, kind: str
) -> None:
    alice.kind = bob.kind = kind
    placed = place(alice, newClientOrderId="mine")
    assert placed["status"] == "NEW"
    assert placed["fills"] == []
    sold = place(bob, side="SELL", quantity="0.2")
    assert (sold["status"], sold["executedQty"]) == ("FILLED", "0.20000000")
    assert sold["cummulativeQuoteQty"] == "4000.0000000000".rstrip("0") + "0" * 8
    (fill,) = sold["fills"]
    assert (fill["price"], fill["qty"], fill["commissionAsset"]) == (
        "20000.00000000",
        "0.20000000",
        "USDT",
    )

    found = alice.signed("GET", "/api/v3/order", **ONE, origClientOrderId="mine").body
    assert (found["status"], found["executedQty"]) == ("PARTIALLY_FILLED", "0.20000000")
    assert found["orderId"] == placed["orderId"]

    cancelled = alice.signed("DELETE", "/api/v3/order", **ONE, orderId=placed["orderId"]).body
    assert cancelled["status"] == "CANCELED"
    assert cancelled["origClientOrderId"] == "mine"
    assert cancelled["origQty"] == "0.50000000"
    again = alice.signed("DELETE", "/api/v3/order", **ONE, orderId=placed["orderId"])
    assert (again.status, again.error) == (400, (-2011, "Unknown order sent."))


def test_a_new_order_as_a_whole(alice: BinanceClient) -> None:
    placed = place(alice, newClientOrderId="x-1", newOrderRespType="FULL")
    time_ms = placed["transactTime"]
    assert placed == {
        "symbol": "BTCUSDT",
        "orderId": placed["orderId"],
        "orderListId": -1,
        "clientOrderId": "x-1",
        "transactTime": time_ms,
        "price": "20000.00000000",
        "origQty": "0.50000000",
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "selfTradePreventionMode": "NONE",
        "workingTime": time_ms,
        "fills": [],
    }
    assert 0 < placed["orderId"] < 1 << 53


TYPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "limit maker": (
        {"type": "LIMIT_MAKER", "timeInForce": None},
        {"type": "LIMIT_MAKER", "timeInForce": "GTC", "status": "NEW"},
    ),
    "iceberg": ({"icebergQty": "0.1"}, {"icebergQty": "0.10000000"}),
    "all of it shown": ({"icebergQty": "0.5"}, {"icebergQty": "0.00000000"}),
    "stop": (
        {"type": "STOP_LOSS", "stopPrice": "30000", "price": None, "timeInForce": None},
        {"type": "STOP_LOSS", "stopPrice": "30000.00000000", "isWorking": False},
    ),
    "stop limit": (
        {"type": "STOP_LOSS_LIMIT", "stopPrice": "30000", "price": "31000"},
        {"type": "STOP_LOSS_LIMIT", "price": "31000.00000000", "workingTime": -1},
    ),
    "take profit": (
        {"type": "TAKE_PROFIT", "stopPrice": "10000", "price": None, "timeInForce": None},
        {"type": "TAKE_PROFIT", "stopPrice": "10000.00000000", "isWorking": False},
    ),
    "take profit limit": (
        {"type": "TAKE_PROFIT_LIMIT", "stopPrice": "10000", "price": "9000"},
        {"type": "TAKE_PROFIT_LIMIT", "price": "9000.00000000", "workingTime": -1},
    ),
    "trailing take profit": (
        {
            "type": "TAKE_PROFIT",
            "stopPrice": "10000",
            "trailingDelta": "100",
            "price": None,
            "timeInForce": None,
        },
        {
            "type": "TAKE_PROFIT",
            "stopPrice": "10000.00000000",
            "trailingDelta": 100,
            "isWorking": False,
        },
    ),
    "trailing take profit limit": (
        {
            "type": "TAKE_PROFIT_LIMIT",
            "stopPrice": "10000",
            "trailingDelta": "2000",
            "price": "11000",
        },
        {"type": "TAKE_PROFIT_LIMIT", "price": "11000.00000000", "trailingDelta": 2_000},
    ),
    "immediate or cancel": ({"timeInForce": "IOC"}, {"status": "EXPIRED"}),
    "fill or kill": ({"timeInForce": "FOK"}, {"status": "EXPIRED"}),
    "market without a book": (
        {"type": "MARKET", "price": None, "timeInForce": None},
        {"type": "MARKET", "status": "EXPIRED", "price": "0.00000000"},
    ),
    "self-trade prevention": (
        {"selfTradePreventionMode": "EXPIRE_BOTH"},
        {"selfTradePreventionMode": "EXPIRE_BOTH"},
    ),
    "zeros at the end": (
        {"quantity": "0.50000000", "price": "20000.000"},
        {"origQty": "0.50000000"},
    ),
}


@pytest.mark.parametrize(("sent", "expected"), TYPES.values(), ids=TYPES)
def test_an_order_type(
    alice: BinanceClient, sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    placed = place(alice, **sent, newOrderRespType="RESULT")
    found = alice.signed("GET", "/api/v3/order", **ONE, orderId=placed["orderId"]).body
    assert {name: found[name] for name in expected} == expected
    for name in set(placed) & set(found) - {"transactTime"}:
        assert placed[name] == found[name], name


def test_a_market_buy_by_what_it_spends(alice: BinanceClient, bob: BinanceClient) -> None:
    place(bob, **SELL)
    spent = place(
        alice, type="MARKET", quantity=None, price=None, timeInForce=None, quoteOrderQty="1000"
    )
    assert spent["origQuoteOrderQty"] == "1000.00000000"
    assert (spent["executedQty"], spent["origQty"]) == ("0.05000000", "0.05000000")
    assert spent["status"] == "FILLED"


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ("ACK", {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}),
        (None, {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}),
    ],
)
def test_what_a_stop_is_answered_with(
    alice: BinanceClient, wanted: str | None, fields: set[str]
) -> None:
    placed = place(
        alice,
        type="STOP_LOSS",
        stopPrice="30000",
        price=None,
        timeInForce=None,
        newOrderRespType=wanted,
    )
    assert set(placed) == fields
    assert len(placed["clientOrderId"]) == 22


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "symbol": ({"symbol": "XYZUSDT"}, -1121, "Invalid symbol."),
    "native name": ({"symbol": "BTC-USDT"}, -1121, "Invalid symbol."),
    "no symbol": (
        {"symbol": None},
        -1102,
        "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
    ),
    "side": ({"side": "buy"}, -1117, "Invalid side."),
    "type": ({"type": "PEGGED"}, -1116, "Invalid orderType."),
    "trailing stop-loss that begins elsewhere": (
        {"type": "STOP_LOSS_LIMIT", "stopPrice": "1", "trailingDelta": "100"},
        -1106,
        "Parameter 'stopPrice' sent when not required.",
    ),
    "trailing take-profit that begins nowhere": (
        {"type": "TAKE_PROFIT_LIMIT", "trailingDelta": "100"},
        -1102,
        "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.",
    ),
    "small delta": (
        {"type": "STOP_LOSS_LIMIT", "trailingDelta": "9"},
        -1013,
        "Filter failure: TRAILING_DELTA",
    ),
    "large delta": (
        {"type": "STOP_LOSS_LIMIT", "trailingDelta": "2001"},
        -1013,
        "Filter failure: TRAILING_DELTA",
    ),
    "delta of a limit order": (
        {"trailingDelta": "100"},
        -1106,
        "Parameter 'trailingDelta' sent when not required.",
    ),
    "no time in force": (
        {"timeInForce": None},
        -1102,
        "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
    ),
    "time in force": ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    "price off tick": ({"price": "20000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    "price of nothing": ({"price": "0"}, -1013, "Filter failure: PRICE_FILTER"),
    "price too high": ({"price": "9" * 16}, -1013, "Filter failure: PRICE_FILTER"),
    "quantity off lot": ({"quantity": "0.000000001"}, -1013, "Filter failure: LOT_SIZE"),
    "value too small": ({"quantity": "0.00000001"}, -1013, "Filter failure: NOTIONAL"),
    "no number": (
        {"price": "1e5"},
        -1100,
        (
            r"Illegal characters found in parameter 'price'; "
            r"legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."
        ),
    ),
    "empty price": (
        {"price": ""},
        -1102,
        "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
    ),
    "iceberg that shows too much": ({"icebergQty": "1"}, -2010, "IcebergQty exceeds QTY."),
    "iceberg at once": (
        {"icebergQty": "0.1", "timeInForce": "IOC"},
        -1115,
        "Invalid timeInForce.",
    ),
    "trigger of a limit order": (
        {"stopPrice": "1"},
        -1106,
        "Parameter 'stopPrice' sent when not required.",
    ),
    "market with a price": (
        {"type": "MARKET", "timeInForce": None},
        -1106,
        "Parameter 'price' sent when not required.",
    ),
    "sell by quote": (
        {
            "type": "MARKET",
            "side": "SELL",
            "price": None,
            "quantity": None,
            "timeInForce": None,
            "quoteOrderQty": "100",
        },
        -2010,
        "Quote order qty market orders are not support for this symbol.",
    ),
    "market of nothing": (
        {"type": "MARKET", "price": None, "quantity": None, "timeInForce": None},
        -1102,
        "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
    ),
    "self-trade prevention": (
        {"selfTradePreventionMode": "TRANSFER"},
        -2010,
        "This symbol does not allow the specified self-trade prevention mode.",
    ),
    "client order id": (
        {"newClientOrderId": "a/b"},
        -1100,
        (
            "Illegal characters found in parameter 'newClientOrderId'; "
            "legal range is '^(?!.*::)[.A-Z:a-z0-9_-]{1,36}$'."
        ),
    ),
    "another's attempt": (
        {"newClientOrderId": "a::2"},
        -1100,
        (
            "Illegal characters found in parameter 'newClientOrderId'; "
            "legal range is '^(?!.*::)[.A-Z:a-z0-9_-]{1,36}$'."
        ),
    ),
    "what this exchange has not": (
        {"pegPriceType": "PRIMARY_PEG"},
        -1104,
        "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
    ),
    "too much": (
        {"quantity": "1000", "price": "20000"},
        -2010,
        "Account has insufficient balance for requested action.",
    ),
}


@pytest.mark.parametrize(("sent", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_an_order_that_is_refused(
    alice: BinanceClient, exchange: Exchange, sent: dict[str, Any], code: int, text: str
) -> None:
    answer = alice.signed("POST", "/api/v3/order", **(LIMIT | sent))
    assert (answer.status, answer.error) == (400, (code, text))
    tested = alice.signed("POST", "/api/v3/order/test", **(LIMIT | sent))
    if code != -2010 or "insufficient" not in text:
        assert tested.error == (code, text)
    assert alice.signed("GET", "/api/v3/openOrders").body == []


def test_a_limit_maker_that_would_take(alice: BinanceClient, bob: BinanceClient) -> None:
    place(bob, **SELL)
    answer = alice.signed(
        "POST", "/api/v3/order", **(LIMIT | {"type": "LIMIT_MAKER", "timeInForce": None})
    )
    assert answer.error == (-2010, "Order would immediately match and take.")


def test_an_order_is_tried_without_an_effect(alice: BinanceClient, exchange: Exchange) -> None:
    records = len(exchange.records)
    assert alice.signed("POST", "/api/v3/order/test", **LIMIT).body == {}
    rates = alice.signed("POST", "/api/v3/order/test", **LIMIT, computeCommissionRates="true").body
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00200000"}
    assert len(exchange.records) == records


def test_what_is_not_decided_in_time_has_an_unknown_status(
    alice: BinanceClient, exchange: Exchange
) -> None:
    exchange.asleep = True
    unknown = alice.signed("POST", "/api/v3/order", **LIMIT, newClientOrderId="mine")
    assert unknown.status == 504
    assert unknown.error == (
        -1007,
        (
            "Timeout waiting for response from backend server. "
            "Send status unknown; execution status unknown."
        ),
    )
    exchange.asleep = False
    # The same order under the same id is that one, or tells that it is there.
    place(alice, newClientOrderId="mine")
    assert len(alice.signed("GET", "/api/v3/openOrders").body) == 1


# --- client order ids --------------------------------------------------------------------------


def test_an_id_is_unique_among_open_orders(alice: BinanceClient) -> None:
    first = place(alice, newClientOrderId="mine")
    for changes in ({}, {"price": "19000"}):
        again = alice.signed("POST", "/api/v3/order", **(LIMIT | changes), newClientOrderId="mine")
        assert (again.status, again.error) == (400, (-2010, "Duplicate order sent."))
    alice.signed("DELETE", "/api/v3/order", **ONE, origClientOrderId="mine")

    second = place(alice, newClientOrderId="mine")
    assert second["orderId"] != first["orderId"]
    assert second["clientOrderId"] == "mine"
    found = alice.signed("GET", "/api/v3/order", **ONE, origClientOrderId="mine").body
    assert (found["orderId"], found["status"]) == (second["orderId"], "NEW")
    listed = alice.signed("GET", "/api/v3/allOrders", **ONE).body
    assert [one["clientOrderId"] for one in listed] == ["mine", "mine"]
    cancelled = alice.signed("DELETE", "/api/v3/order", **ONE, origClientOrderId="mine").body
    assert cancelled["orderId"] == second["orderId"]


def test_an_id_of_a_refused_order_may_be_used_again(alice: BinanceClient) -> None:
    refused = alice.signed(
        "POST", "/api/v3/order", **(LIMIT | {"quantity": "1000"}), newClientOrderId="mine"
    )
    assert refused.error[0] == -2010
    missing = alice.signed("GET", "/api/v3/order", **ONE, origClientOrderId="mine")
    assert missing.error == (-2013, "Order does not exist.")
    assert place(alice, newClientOrderId="mine")["status"] == "NEW"


def test_an_id_may_be_used_many_times(alice: BinanceClient, exchange: Exchange) -> None:
    numbers = [
        place(alice, newClientOrderId="mine", timeInForce="IOC")["orderId"] for _ in range(12)
    ]
    assert len(set(numbers)) == len(numbers)
    found = alice.signed("GET", "/api/v3/order", **ONE, origClientOrderId="mine").body
    assert found["orderId"] == numbers[-1]


def test_an_order_that_was_told_of_is_a_duplicate_before_it_can_be_read(
    alice: BinanceClient, exchange: Exchange
) -> None:
    exchange.project = False
    place(alice, newClientOrderId="mine")
    again = alice.signed("POST", "/api/v3/order", **LIMIT, newClientOrderId="mine")
    assert again.error == (-2010, "Duplicate order sent.")
    exchange.asleep = False


def test_an_order_that_cannot_be_read_yet_can_be_cancelled(
    alice: BinanceClient, exchange: Exchange
) -> None:
    exchange.project = False
    placed = place(alice, newClientOrderId="mine")
    cancelled = alice.signed("DELETE", "/api/v3/order", **ONE, orderId=placed["orderId"])
    assert (cancelled.status, cancelled.body["status"]) == (200, "CANCELED")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (TooManyRequests("too_many_reads", "", state=RateState(1, 0, 1_000)), (429, -1003)),
        (Unavailable("read_models_unavailable", ""), (504, -1007)),
    ],
)
def test_who_can_not_look_is_not_told_that_there_is_no_order(
    alice: BinanceClient, monkeypatch: pytest.MonkeyPatch, failure: Exception, told: tuple[int, int]
) -> None:
    """The id was used before; only a look tells under which of its attempts the order is."""
    place(alice, newClientOrderId="mine", timeInForce="IOC")
    place(alice, newClientOrderId="mine")

    def fail(*_: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(ClientOrderIds, "order", fail)
        response = alice.signed("DELETE", "/api/v3/order", **ONE, origClientOrderId="mine")

    assert (response.status, response.error[0]) == told
    left = alice.signed("GET", "/api/v3/openOrders", **ONE).body
    assert [one["clientOrderId"] for one in left] == ["mine"]


# --- one order ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "code"), [("GET", -2013), ("DELETE", -2011)], ids=["get", "delete"]
)
@pytest.mark.parametrize(
    "named",
    [
        {"orderId": 999_999_999},
        {"origClientOrderId": "nothing"},
        {"symbol": "BTCIDR", "origClientOrderId": "mine"},
        {"origClientOrderId": "mine", "orderId": 1},
    ],
    ids=["number", "id", "another symbol", "two that differ"],
)
def test_an_order_that_there_is_none_of(
    alice: BinanceClient, method: str, code: int, named: dict[str, Any]
) -> None:
    place(alice, newClientOrderId="mine")
    answer = alice.signed(method, "/api/v3/order", **(ONE | named))
    assert answer.error[0] == code
    assert len(alice.signed("GET", "/api/v3/openOrders").body) == 1


def test_an_order_must_be_named(alice: BinanceClient) -> None:
    answer = alice.signed("GET", "/api/v3/order", **ONE)
    assert answer.error == (
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    )
