"""Placing orders, through the whole REST side."""

from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from bursa.dialects.native.public_ids import NO_ORDER
from bursa.journal.lease import LeaseRow
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.journal.record import decode_record
from bursa.kernel.identifiers import Actor, ActorKind
from tests.doubles.exchange import ALICE, BOB, CAROL, Exchange, WorkingClock, read_event
from tests.doubles.ids import IDS
from tests.unit.conftest import Send
from wire import layout as w
from wire.codec import decode_commands

BUY = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}


def test_order_that_rests(send: Send) -> None:
    status, order, _ = send("POST", "/orders", BUY | {"price": "20000.50", "quantity": "0.10"})

    assert status == 201
    assert IDS.read_order(order.pop("order_id")) > NO_ORDER
    assert order.pop("created_at_ms") == order.pop("updated_at_ms") == order.pop("sequence") > 0
    assert order == {
        "client_order_id": None,
        "market": "BTC-USDT",
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "post_only": False,
        "self_trade_prevention": "cancel_maker",
        "price": "20000.5",
        "quantity": "0.1",
        "quote_amount": None,
        "trigger_price": None,
        "trail_amount": None,
        "trail_ppm": None,
        "activation_price": None,
        "limit_offset": None,
        "display_quantity": None,
        "expires_at_ms": None,
        "list_id": None,
        "filled_quantity": "0",
        "remaining_quantity": "0.1",
        "filled_quote": "0",
        "status": "open",
        "close_reason": None,
        "fills": [],
    }


def test_order_that_trades_shows_its_own_side_only(send: Send) -> None:
    send("POST", "/orders", SELL | {"quantity": "0.3"}, account=BOB)

    status, order, _ = send("POST", "/orders", BUY | {"price": "21000"})

    assert status == 201
    assert (order["status"], order["filled_quantity"]) == ("partially_filled", "0.3")
    assert (order["remaining_quantity"], order["filled_quote"]) == ("0.7", "6000")
    (fill,) = order["fills"]
    assert fill.pop("time_ms") == order["created_at_ms"]
    assert fill == {
        "trade_id": IDS.trade(1),
        "order_id": order["order_id"],
        "market": "BTC-USDT",
        "side": "buy",
        "role": "taker",
        "price": "20000",
        "quantity": "0.3",
        "quote_amount": "6000",
        "fee": "0.0006",
        "fee_asset": "BTC",
        "sequence": order["sequence"],
    }
    assert "t1-2" not in str(order)


def test_market_buy_spends_a_quote_amount(send: Send) -> None:
    send("POST", "/orders", SELL, account=BOB)

    status, order, _ = send(
        "POST",
        "/orders",
        {"market": "BTC-USDT", "side": "buy", "type": "market", "quote_amount": "5000"},
    )

    assert status == 201
    assert (order["status"], order["filled_quote"]) == ("filled", "5000")
    assert (order["quantity"], order["quote_amount"]) == (None, "5000")
    assert order["filled_quantity"] == "0.25"


@pytest.mark.parametrize(
    ("account", "order", "code"),
    [
        pytest.param(CAROL, BUY, "insufficient_balance", id="more-than-the-balance"),
        pytest.param(BOB, SELL | {"quantity": "101"}, "insufficient_balance", id="sells-too-much"),
        pytest.param(
            BOB,
            BUY | {"post_only": True, "price": "21000", "quantity": "0.001"},
            "post_only_would_cross",
            id="post-only",
        ),
    ],
)
def test_engine_rejects(
    send: Send, exchange: Exchange, account: object, order: dict[str, object], code: str
) -> None:
    send("POST", "/orders", SELL, account=BOB)

    status, problem, headers = send("POST", "/orders", order, account=account)

    assert (status, problem["code"], problem["status"]) == (422, code, 422)
    assert headers["Content-Type"] == "application/problem+json"
    assert send("GET", "/orders", account=CAROL).body["items"] == []


def test_repeated_client_order_id_is_one_order_and_one_response(
    send: Send, exchange: Exchange
) -> None:
    order = BUY | {"client_order_id": "mine"}

    first = send("POST", "/orders", order)
    second = send("POST", "/orders", order)

    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert len(send("GET", "/orders").body["items"]) == 1


def test_same_client_order_id_of_two_accounts_is_two_orders(send: Send) -> None:
    order = BUY | {"client_order_id": "mine", "quantity": "0.001"}

    first = send("POST", "/orders", order)
    second = send("POST", "/orders", order, account=BOB)

    assert first.body["order_id"] != second.body["order_id"]


@pytest.mark.parametrize("change", [{"price": "20001"}, {"quantity": "2"}, {"side": "sell"}])
def test_client_order_id_for_another_order_is_a_conflict(
    send: Send, change: dict[str, str]
) -> None:
    send("POST", "/orders", BUY | {"client_order_id": "mine"})

    status, problem, _ = send("POST", "/orders", BUY | {"client_order_id": "mine"} | change)

    assert (status, problem["code"]) == (409, "client_order_id_reused")
    assert len(send("GET", "/orders").body["items"]) == 1


def test_client_order_id_for_another_quote_amount_is_a_conflict(send: Send) -> None:
    send("POST", "/orders", SELL, account=BOB)
    order = {"market": "BTC-USDT", "side": "buy", "type": "market", "client_order_id": "mine"}
    first = send("POST", "/orders", order | {"quote_amount": "5000"})

    repeated = send("POST", "/orders", order | {"quote_amount": "5000"})
    status, problem, _ = send("POST", "/orders", order | {"quote_amount": "6000"})

    assert repeated == first
    assert (status, problem["code"]) == (409, "client_order_id_reused")


def test_repeat_is_read_from_the_read_models_when_the_reply_is_gone(send: Send) -> None:
    """A batch has placed the order, so the single order's own message has no first reply."""
    order = BUY | {"client_order_id": "mine"}
    send("POST", "/orders", SELL | {"quantity": "0.3"}, account=BOB)
    batch = send("POST", "/orders/batch", {"operations": [{"op": "place"} | order]})

    status, repeated, _ = send("POST", "/orders", order)

    assert status == 201
    assert repeated == batch.body["results"][0]["order"]


def test_repeat_of_a_refused_order_is_refused_alike(send: Send) -> None:
    order = SELL | {"client_order_id": "mine"}
    send("POST", "/orders/batch", {"operations": [{"op": "place"} | order]})

    status, problem, _ = send("POST", "/orders", order)

    assert (status, problem["code"]) == (422, "insufficient_balance")


def test_idempotency_key_names_an_order_without_a_client_order_id(send: Send) -> None:
    key = {"Idempotency-Key": "request-1"}

    first = send("POST", "/orders", BUY, headers=key)
    second = send("POST", "/orders", BUY, headers=key)
    other = send("POST", "/orders", BUY | {"price": "19000"}, headers=key)

    assert second.body == first.body
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")


def test_idempotency_key_of_another_kind_of_request_is_a_conflict(send: Send) -> None:
    key = {"Idempotency-Key": "request-1"}
    order = send("POST", "/orders", BUY, headers=key).body

    response = send("DELETE", f"/orders/{order['order_id']}", headers=key)

    assert (response.status, response.body["code"]) == (409, "idempotency_key_reused")


def test_respond_async_says_where_to_look(send: Send, exchange: Exchange) -> None:
    order = BUY | {"client_order_id": "mine"}
    exchange.asleep = True

    status, pending, headers = send("POST", "/orders", order, headers={"Prefer": "respond-async"})

    assert status == 202
    assert pending["status"] == "pending"
    assert headers["Location"] == pending["location"] == "/v1/orders/by-client-id/mine"
    assert send("GET", "/orders/by-client-id/mine").status == 404
    exchange.asleep = False
    exchange.work()
    assert send("GET", "/orders/by-client-id/mine").body["status"] == "open"


def test_deadline_says_how_to_ask_again(
    send: Send, exchange: Exchange, clock: WorkingClock
) -> None:
    exchange.asleep = True

    status, pending, _ = send("POST", "/orders", BUY)

    assert status == 202
    assert 4_900 <= clock.slept_ms <= 5_000
    exchange.asleep = False
    key = {"Idempotency-Key": pending["idempotency_key"]}
    repeated = send("POST", "/orders", BUY, headers=key)
    assert (repeated.status, repeated.body["status"]) == (201, "open")
    assert len(send("GET", "/orders").body["items"]) == 1


def test_deadline_after_an_order_was_projected_still_finds_it(
    send: Send, exchange: Exchange
) -> None:
    order = BUY | {"client_order_id": "mine"}
    send("POST", "/orders", order, headers={"Prefer": "respond-async"})
    exchange.work()

    repeated = send("POST", "/orders", order)

    assert (repeated.status, repeated.body["status"]) == (201, "open")


def throttled(*_: object, **__: object) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "SendMessage")


def timed_out(*_: object, **__: object) -> None:
    raise ReadTimeoutError(endpoint_url="https://sqs")


@pytest.mark.parametrize("failure", [throttled, timed_out])
def test_queue_that_takes_nothing_is_a_503(
    send: Send, trading_api: ModuleType, monkeypatch: pytest.MonkeyPatch, failure: object
) -> None:
    monkeypatch.setattr(trading_api.trading.sqs, "send_message", failure)

    status, problem, headers = send("POST", "/orders", BUY, headers={"Idempotency-Key": "k1"})

    assert (status, problem["code"]) == (503, "queue_unavailable")
    assert headers["Retry-After"] == "1"
    assert "Idempotency-Key: k1" in problem["detail"]


def test_full_queue_is_a_503_and_gets_nothing(
    send: Send, trading_api: ModuleType, exchange: Exchange
) -> None:
    exchange.asleep = True
    trading_api.trading.backlog_of(0)._depth_max = 0
    send("POST", "/orders", BUY, headers={"Prefer": "respond-async"})
    trading_api.trading.backlog_of(0)._read_at_ms = float("-inf")

    status, problem, headers = send("POST", "/orders", BUY)

    assert (status, problem["code"], headers["Retry-After"]) == (503, "queue_full", "5")
    assert exchange.waiting() == 1


@pytest.mark.parametrize(
    ("waiting", "age_ms", "retry_after"),
    [
        pytest.param(1, 15_001, "15", id="just too long"),
        pytest.param(1, 42_000, "42", id="as long as it has taken so far"),
        pytest.param(1, 3_600_000, "60", id="a worker that is gone for an hour"),
        pytest.param(1, 15_000, None, id="not yet too long"),
        pytest.param(0, 3_600_000, None, id="no worker, but nothing waits"),
        pytest.param(1, None, None, id="no worker has said anything"),
    ],
)
def test_commands_that_wait_for_too_long_are_a_503(
    send: Send,
    trading_api: ModuleType,
    exchange: Exchange,
    waiting: int,
    age_ms: int | None,
    retry_after: str | None,
) -> None:
    exchange.asleep = True
    for _ in range(waiting):
        send("POST", "/orders", BUY, headers={"Prefer": "respond-async"})
    if age_ms is not None:
        lease = LeaseRow("worker", 1, 1, watermark_ms=exchange.time_ms - age_ms)
        assert DynamoLeases(trading_api.trading.dynamodb, "progress", 0).swap(None, lease)
    trading_api.trading.backlog_of(0)._read_at_ms = float("-inf")

    status, body, headers = send("POST", "/orders", BUY, headers={"Prefer": "respond-async"})

    assert headers.get("Retry-After") == retry_after
    if retry_after is None:
        assert status == 202
    else:
        assert (status, body["code"], exchange.waiting()) == (503, "queue_slow", waiting)


def test_not_being_able_to_look_at_the_backlog_is_no_reason_to_refuse(
    send: Send, trading_api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading_api.trading.sqs, "get_queue_attributes", throttled)
    monkeypatch.setattr(trading_api.trading.backlog_of(0)._states, "read", throttled)

    assert send("POST", "/orders", BUY).status == 201


def test_unreadable_replies_leave_the_order_pending(
    send: Send, trading_api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_item = trading_api.trading.dynamodb.get_item

    def get_from_directory(**request: Any) -> Any:
        return get_item(**request) if request["TableName"] == "directory" else throttled()

    monkeypatch.setattr(trading_api.trading.dynamodb, "get_item", get_from_directory)

    status, pending, _ = send("POST", "/orders", BUY | {"client_order_id": "mine"})

    assert (status, pending["location"]) == (202, "/v1/orders/by-client-id/mine")


def test_a_command_names_the_user_who_asked(send: Send, exchange: Exchange) -> None:
    placed = send("POST", "/orders", BUY)
    send("DELETE", f"/orders/{placed.body['order_id']}")
    user = read_event("orders-place")["requestContext"]["authorizer"]["user"]

    asked = [
        command
        for record in exchange.records[-2:]
        for command in decode_commands(decode_record(record).commands)
        if command.kind != w.COMMAND_ADVANCE_TIME
    ]

    assert [command.kind for command in asked] == [w.COMMAND_PLACE, w.COMMAND_CANCEL]
    alice = Actor.named(ActorKind.USER, str(ALICE.tenant), user)
    assert {Actor.from_word(command.actor) for command in asked} == {alice}
