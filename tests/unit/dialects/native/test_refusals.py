"""Every bad input has its own code, says what to do, and changes nothing."""

import json

import pytest

from bursa.dialects.native.problems import status_of
from bursa.dialects.native.refusals import REFUSABLE, refusal
from tests.unit.conftest import Idle
from wire import layout as w

ORDER = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
MARKET_ORDER = {"market": "BTC-USDT", "side": "buy", "type": "market", "quantity": "1"}
OP = {"op": "place"} | ORDER


def but(**changes: object) -> dict[str, object]:
    return ORDER | changes


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in ORDER.items() if key != name}


BAD_ORDERS = [
    pytest.param(None, (400, "missing_body", None), id="no-body"),
    pytest.param("", (400, "missing_body", None), id="empty-body"),
    pytest.param("{", (400, "invalid_json", None), id="not-json"),
    pytest.param('{"price":NaN}', (400, "invalid_json", None), id="bare-NaN"),
    pytest.param('{"price":1e999}', (400, "missing_field", "market"), id="infinite-number"),
    pytest.param("[" * 5000, (400, "invalid_json", None), id="deeply-nested"),
    pytest.param("1" * 5000, (400, "invalid_json", None), id="number-of-5000-digits"),
    pytest.param('{"side":"buy","side":"sell"}', (400, "duplicate_key", None), id="key-twice"),
    pytest.param("[]", (400, "body_not_an_object", None), id="list"),
    pytest.param('"x"', (400, "body_not_an_object", None), id="string"),
    pytest.param("x" * 40000, (413, "body_too_large", None), id="too-large"),
    pytest.param(but(colour="red"), (400, "unknown_field", "colour"), id="extra-field"),
    pytest.param(
        but(account="t1-2"), (400, "unknown_field", "account"), id="someone-elses-account"
    ),
    pytest.param(without("market"), (400, "missing_field", "market"), id="no-market"),
    pytest.param(but(market="DOGE-USDT"), (404, "unknown_market", "market"), id="unknown-market"),
    pytest.param(but(market="../BTC"), (404, "unknown_market", "market"), id="odd-market"),
    pytest.param(but(market=1), (400, "not_a_string", "market"), id="market-a-number"),
    pytest.param(but(side="hold"), (400, "invalid_side", "side"), id="unknown-side"),
    pytest.param(but(type="stop"), (400, "invalid_type", "type"), id="unknown-type"),
    pytest.param(
        but(time_in_force="day"), (400, "invalid_time_in_force", "time_in_force"), id="unknown-tif"
    ),
    pytest.param(without("price"), (400, "missing_price", "price"), id="no-price"),
    pytest.param(without("quantity"), (400, "missing_quantity", "quantity"), id="no-quantity"),
    pytest.param(but(price=20000), (400, "not_a_string", "price"), id="price-a-number"),
    pytest.param(but(price=20000.5), (400, "not_a_string", "price"), id="price-a-float"),
    pytest.param(but(price=True), (400, "not_a_string", "price"), id="price-a-boolean"),
    pytest.param(but(price=["1"]), (400, "not_a_string", "price"), id="price-a-list"),
    pytest.param(but(price="abc"), (400, "invalid_price", "price"), id="price-letters"),
    pytest.param(but(price="NaN"), (400, "invalid_price", "price"), id="price-NaN"),
    pytest.param(but(price="Infinity"), (400, "invalid_price", "price"), id="price-infinite"),
    pytest.param(but(price="1e3"), (400, "invalid_price", "price"), id="price-exponent"),
    pytest.param(but(price=" 1"), (400, "invalid_price", "price"), id="price-space"),
    pytest.param(but(price="1\n"), (400, "invalid_price", "price"), id="price-newline"),
    pytest.param(but(price="01"), (400, "invalid_price", "price"), id="price-leading-zero"),
    pytest.param(but(price="1,5"), (400, "invalid_price", "price"), id="price-comma"),
    pytest.param(but(price="\uff11"), (400, "invalid_price", "price"), id="price-wide-digit"),
    pytest.param(but(price=""), (400, "invalid_price", "price"), id="price-empty"),
    pytest.param(but(price="-1"), (400, "price_not_positive", "price"), id="price-negative"),
    pytest.param(but(price="0.00"), (400, "price_not_positive", "price"), id="price-zero"),
    pytest.param(but(price="20000.001"), (400, "price_off_tick", "price"), id="price-off-tick"),
    pytest.param(but(price=str(10**400)), (400, "price_too_large", "price"), id="price-10^400"),
    pytest.param(but(price=str(10**15)), (400, "price_too_large", "price"), id="price-10^15"),
    pytest.param(but(quantity=1), (400, "not_a_string", "quantity"), id="quantity-a-number"),
    pytest.param(
        but(quantity="-1"), (400, "quantity_not_positive", "quantity"), id="quantity-negative"
    ),
    pytest.param(but(quantity="0"), (400, "quantity_not_positive", "quantity"), id="quantity-zero"),
    pytest.param(but(quantity="1.000000001"), (400, "quantity_off_lot", "quantity"), id="off-lot"),
    pytest.param(but(quantity="NaN"), (400, "invalid_quantity", "quantity"), id="quantity-NaN"),
    pytest.param(
        but(quantity="9" * 401), (400, "quantity_too_large", "quantity"), id="quantity-10^401"
    ),
    pytest.param(
        but(quantity="3000000"), (400, "quantity_too_large", "quantity"), id="above-2^48-lots"
    ),
    pytest.param(
        but(quantity="0.00000001"), (422, "notional_too_small", "quantity"), id="too-small"
    ),
    pytest.param(
        but(price="9000000000", quantity="1000000"),
        (422, "notional_too_large", "quantity"),
        id="too-valuable",
    ),
    pytest.param(
        but(quote_amount="5"),
        (400, "quote_amount_not_allowed", "quote_amount"),
        id="limit-by-quote",
    ),
    pytest.param(
        but(time_in_force="ioc", post_only=True),
        (400, "invalid_post_only", "post_only"),
        id="post-only-ioc",
    ),
    pytest.param(but(post_only="yes"), (400, "wrong_type", "post_only"), id="post-only-a-string"),
    pytest.param(
        but(self_trade_prevention="x"),
        (400, "invalid_self_trade_prevention", "self_trade_prevention"),
        id="unknown-stp",
    ),
    pytest.param(
        but(client_order_id=""),
        (400, "invalid_client_order_id", "client_order_id"),
        id="client-id-empty",
    ),
    pytest.param(
        but(client_order_id="a b"),
        (400, "invalid_client_order_id", "client_order_id"),
        id="client-id-space",
    ),
    pytest.param(
        but(client_order_id="a\x00"),
        (400, "invalid_client_order_id", "client_order_id"),
        id="client-id-NUL",
    ),
    pytest.param(
        but(client_order_id="a" * 65),
        (400, "invalid_client_order_id", "client_order_id"),
        id="client-id-long",
    ),
    pytest.param(
        but(client_order_id=7), (400, "not_a_string", "client_order_id"), id="client-id-a-number"
    ),
    pytest.param(
        MARKET_ORDER | {"price": "1"}, (400, "price_not_allowed", "price"), id="market-with-price"
    ),
    pytest.param(
        MARKET_ORDER | {"time_in_force": "gtc"},
        (400, "invalid_time_in_force", "time_in_force"),
        id="market-gtc",
    ),
    pytest.param(
        MARKET_ORDER | {"post_only": True},
        (400, "invalid_post_only", "post_only"),
        id="market-post-only",
    ),
    pytest.param(
        MARKET_ORDER | {"quote_amount": "5"},
        (400, "quantity_not_allowed", "quantity"),
        id="market-both-amounts",
    ),
    pytest.param(
        {"market": "BTC-USDT", "side": "sell", "type": "market", "quote_amount": "5"},
        (400, "quote_amount_not_allowed", "quote_amount"),
        id="market-sell-by-quote",
    ),
    pytest.param(
        {"market": "BTC-USDT", "side": "buy", "type": "market", "quote_amount": "0.5"},
        (422, "notional_too_small", "quote_amount"),
        id="market-buy-too-small",
    ),
    pytest.param(
        {"market": "BTC-USDT", "side": "buy", "type": "market", "quote_amount": "5.00000000001"},
        (400, "quote_amount_too_precise", "quote_amount"),
        id="market-buy-too-precise",
    ),
]


@pytest.mark.parametrize(("body", "expected"), BAD_ORDERS)
def test_bad_order(idle: Idle, body: object, expected: tuple[int, str, str | None]) -> None:
    response = idle.send("POST", "/orders", body)

    status, code, field = expected
    assert (response.status, response.body["code"]) == (status, code)
    assert response.body.get("field") == field
    assert response.body["status"] == status
    assert response.body["detail"].endswith((".", "-", ">'", '"')), response.body["detail"]
    assert response.body["request_id"] == "0b0e6f0c-0000-4000-8000-000000000002"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert idle.exchange.waiting() == 0


BAD_BATCHES = [
    pytest.param({}, "missing_field", "operations", id="no-operations-field"),
    pytest.param({"operations": []}, "no_operations", "operations", id="no-operations"),
    pytest.param({"operations": {}}, "wrong_type", "operations", id="operations-an-object"),
    pytest.param({"operations": [1]}, "wrong_type", "operations[0]", id="operation-a-number"),
    pytest.param({"operations": [OP] * 51}, "too_many_operations", "operations", id="51"),
    pytest.param({"operations": [OP, ORDER]}, "missing_field", "operations[1]", id="no-op"),
    pytest.param(
        {"operations": [OP | {"op": "destroy"}]}, "invalid_op", "operations[0]", id="unknown-op"
    ),
    pytest.param(
        {"operations": [OP, OP | {"price": 1}]}, "not_a_string", "operations[1].price", id="number"
    ),
    pytest.param(
        {"operations": [OP, OP, OP | {"price": "1.001"}]},
        "price_off_tick",
        "operations[2].price",
        id="off-tick",
    ),
    pytest.param(
        {"operations": [OP | {"market": "X"}]},
        "unknown_market",
        "operations[0].market",
        id="market",
    ),
    pytest.param(
        {"operations": [{"op": "cancel"}]}, "missing_order_id", "operations[0].order_id", id="no-id"
    ),
    pytest.param(
        {"operations": [{"op": "cancel", "order_id": "A" * 32, "client_order_id": "a"}]},
        "two_order_ids",
        "operations[0].order_id",
        id="two-ids",
    ),
    pytest.param(
        {"operations": [{"op": "cancel", "order_id": "9" * 33}]},
        "invalid_order_id",
        "operations[0].order_id",
        id="id-too-long",
    ),
    pytest.param(
        {"operations": [{"op": "cancel", "order_id": 1}]},
        "not_a_string",
        "operations[0].order_id",
        id="id-a-number",
    ),
]


@pytest.mark.parametrize(("body", "code", "field"), BAD_BATCHES)
def test_bad_batch_sends_nothing(idle: Idle, body: object, code: str, field: str) -> None:
    response = idle.send("POST", "/orders/batch", body)

    status = 404 if code == "unknown_market" else 400
    assert (response.status, response.body["code"], response.body.get("field")) == (
        status,
        code,
        field,
    )
    assert idle.exchange.waiting() == 0


BAD_QUERIES = [
    pytest.param("/orders", {"status": "gone"}, 400, "invalid_status", id="status"),
    pytest.param("/orders", {"limit": "0"}, 400, "invalid_limit", id="limit-0"),
    pytest.param("/orders", {"limit": "501"}, 400, "invalid_limit", id="limit-501"),
    pytest.param("/orders", {"limit": "-1"}, 400, "invalid_limit", id="limit-negative"),
    pytest.param("/orders", {"limit": "1e2"}, 400, "invalid_limit", id="limit-exponent"),
    pytest.param("/orders", {"cursor": "AAAA"}, 400, "invalid_cursor", id="cursor-invented"),
    pytest.param("/orders", {"cursor": "%%%"}, 400, "invalid_cursor", id="cursor-not-base64"),
    pytest.param("/orders", {"cursor": "é" * 3}, 400, "invalid_cursor", id="cursor-not-ascii"),
    pytest.param("/orders", {"cursor": "A" * 500}, 400, "invalid_cursor", id="cursor-long"),
    pytest.param("/orders", {"market": "X"}, 404, "unknown_market", id="market"),
    pytest.param("/fills", {"limit": "x"}, 400, "invalid_limit", id="fills-limit"),
    pytest.param("/fills", {"cursor": "AAAA"}, 400, "invalid_cursor", id="fills-cursor"),
    pytest.param("/orders/12", {}, 400, "invalid_order_id", id="order-number"),
    pytest.param("/orders/abc", {}, 400, "invalid_order_id", id="order-letters"),
    pytest.param(f"/orders/{'A' * 32}", {}, 404, "unknown_order", id="no-such-order"),
    pytest.param("/orders/by-client-id/a b", {}, 400, "invalid_client_order_id", id="client-id"),
    pytest.param("/orders/by-client-id/nope", {}, 404, "unknown_order", id="no-such-client-id"),
    pytest.param("/nothing", {}, 404, "unknown_route", id="route"),
]


@pytest.mark.parametrize(("path", "query", "status", "code"), BAD_QUERIES)
def test_bad_query(idle: Idle, path: str, query: dict[str, str], status: int, code: str) -> None:
    response = idle.send("GET", path, query=query)

    assert (response.status, response.body["code"]) == (status, code)


@pytest.mark.parametrize("key", ["", "a b", "a" * 65, "\x00"])
def test_bad_idempotency_key(idle: Idle, key: str) -> None:
    response = idle.send("POST", "/orders", ORDER, headers={"idempotency-key": key})

    assert (response.status, response.body["code"]) == (400, "invalid_idempotency_key")
    assert idle.exchange.waiting() == 0


@pytest.mark.parametrize("side", ["\ud800", "\\ud800"], ids=["bare", "escaped"])
def test_half_a_character(idle: Idle, side: str) -> None:
    response = idle.send("POST", "/orders", json.dumps(ORDER).replace("buy", side))

    assert response.status == 400
    assert idle.exchange.waiting() == 0


def test_names_of_unknown_fields_are_shortened(idle: Idle) -> None:
    response = idle.send("POST", "/orders", ORDER | {"x" * 1_000: "y"})

    assert response.body["field"] == "x" * 64


def test_every_reason_of_the_engine_has_a_response() -> None:
    reasons = set(range(w.REASON_ACCEPTED + 1, w.REASON_LAST + 1))

    assert reasons == REFUSABLE
    for reason in reasons:
        error = refusal(reason)
        assert error.code == w.REASON_NAMES[reason]
        assert status_of(error) in (404, 409, 422, 500)
        assert error.detail.endswith(".")


@pytest.mark.parametrize("reason", sorted(REFUSABLE), ids=w.REASON_NAMES.get)
def test_none_promises_that_the_same_request_may_be_sent_again(reason: int) -> None:
    """The engine remembers what it has rejected, so a repeat gets the same refusal."""
    assert not hasattr(refusal(reason), "retry_after_s")


@pytest.mark.parametrize("reason", [w.REASON_CAPACITY_EXHAUSTED, w.REASON_COMMAND_FROM_FUTURE])
def test_what_may_pass_says_to_send_it_under_a_new_id(reason: int) -> None:
    assert "under a new client_order_id" in refusal(reason).detail
