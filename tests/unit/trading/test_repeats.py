"""Requests that come again: an equal one gets the first outcome, another one a conflict, always.

The tables cross the ways to send an order with what the exchange still remembers of the first one.
"""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import moto.sqs.models
import pytest

from bursa.intake.dynamodb import DynamoReplyReader
from engine.reference import Engine
from tests.doubles.exchange import ALICE, BOB, CAROL, Exchange, WorkingClock
from tests.doubles.ids import IDS
from tests.unit.conftest import Response, Send, opened
from wire import codec

BUY = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}
ASYNC = {"Prefer": "respond-async"}
REMEMBERED_IDS = 8


@pytest.fixture(autouse=True)
def no_deduplication(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeat comes later than the five minutes in which the queue drops it by itself."""
    monkeypatch.setattr(moto.sqs.models, "DEDUPLICATION_TIME_IN_SECONDS", 0)


# --- ways to send, and what may be forgotten ------------------------------------------------------


def single(send: Send, order: dict[str, Any]) -> Response:
    return send("POST", "/orders", order)


def batch(send: Send, order: dict[str, Any]) -> Response:
    """Send it as the second of a batch, and return it as a single one's response."""
    other = {"op": "cancel", "order_id": IDS.order(999_999)}
    response = send("POST", "/orders/batch", {"operations": [other, {"op": "place"} | order]})
    result = response.body["results"][1]
    if "order" in result:
        return Response(201, result["order"], {})
    return Response(0, result["error"], {})


def respond_async(send: Send, order: dict[str, Any]) -> Response:
    return send("POST", "/orders", order, headers=ASYNC)


WAYS = {"single": single, "batch": batch, "async": respond_async}


def nothing(_: Exchange) -> None:
    pass


def replies(exchange: Exchange) -> None:
    """A day later."""
    table = exchange._dynamodb
    for item in table.scan(TableName="replies")["Items"]:
        table.delete_item(TableName="replies", Key={"pk": item["pk"]})


def replies_and_ids(exchange: Exchange) -> None:
    """So many commands later that the engine has forgotten the id."""
    replies(exchange)
    for number in range(3 * REMEMBERED_IDS):
        exchange.commit([codec.encode_cancel(CAROL.number, 999_999, command_id=(7, number + 1))])


def replies_kept_ids_forgotten(exchange: Exchange) -> None:
    for number in range(3 * REMEMBERED_IDS):
        exchange.commit([codec.encode_cancel(CAROL.number, 999_999, command_id=(7, number + 1))])


def ids(exchange: Exchange) -> None:
    """So many commands later that the engine has forgotten the id."""
    for number in range(3 * REMEMBERED_IDS):
        exchange.commit([codec.encode_cancel(CAROL.number, 999_999, command_id=(7, number + 1))])


FORGOTTEN: dict[str, Callable[[Exchange], None]] = {
    "nothing": nothing,
    "replies": replies,
    "ids": ids,
    "replies-and-ids": replies_and_ids,
}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """An exchange whose engine remembers few ids."""
    with opened(Engine(remembered_ids=REMEMBERED_IDS)) as exchange:
        yield exchange


def open_orders(send: Send, **who: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = send("GET", "/orders", **who).body["items"]
    return items


ways = pytest.mark.parametrize("second", WAYS)
firsts = pytest.mark.parametrize("first", WAYS)
forgotten = pytest.mark.parametrize("gone", FORGOTTEN)


# --- one client order id --------------------------------------------------------------------------


@firsts
@ways
@forgotten
def test_an_equal_order_is_the_first_one(
    send: Send, exchange: Exchange, first: str, second: str, gone: str
) -> None:
    order = BUY | {"client_order_id": "mine"}
    WAYS[first](send, order)
    exchange.work()
    FORGOTTEN[gone](exchange)

    repeated = WAYS[second](send, order)

    assert repeated.status == 201
    (only,) = open_orders(send)
    assert repeated.body | {"fills": None} == only | {"fills": None}


@firsts
@ways
@forgotten
def test_another_order_is_a_conflict(
    send: Send, exchange: Exchange, first: str, second: str, gone: str
) -> None:
    order = BUY | {"client_order_id": "mine"}
    WAYS[first](send, order)
    exchange.work()
    FORGOTTEN[gone](exchange)

    repeated = WAYS[second](send, order | {"quantity": "2"})

    assert repeated.body["code"] == "client_order_id_reused"
    assert len(open_orders(send)) == 1
    assert exchange.work() == 0


def test_every_part_of_an_order_counts(send: Send) -> None:
    order = BUY | {"client_order_id": "mine"}
    single(send, order)
    changes: list[dict[str, Any]] = [
        {"market": "BTC-IDR"},
        {"side": "sell"},
        {"price": "20001"},
        {"post_only": True},
        {"time_in_force": "ioc"},
        {"self_trade_prevention": "cancel_both"},
    ]

    codes = {single(send, order | change).body.get("code") for change in changes}

    assert codes == {"client_order_id_reused"}


@firsts
@ways
@forgotten
def test_a_refused_order_stays_refused(
    send: Send, exchange: Exchange, clock: WorkingClock, first: str, second: str, gone: str
) -> None:
    order = SELL | {"client_order_id": "mine"}
    WAYS[first](send, order)
    exchange.work()
    FORGOTTEN[gone](exchange)
    # What would let it through now must not: the id is used.
    exchange.commit([codec.encode_funds(7, ALICE.number, 1, 10**9)])

    before_ms = clock.slept_ms
    repeated = WAYS[second](send, order)
    asked = send("GET", "/orders/by-client-id/mine")
    other = WAYS[second](send, order | {"quantity": "0.5"})

    assert repeated.body["code"] == "insufficient_balance"
    assert (asked.status, asked.body["code"]) == (422, "insufficient_balance")
    assert other.body["code"] == "client_order_id_reused"
    assert open_orders(send) == []
    assert clock.slept_ms - before_ms < 100, "a refusal is an answer, at once"


@firsts
@ways
@pytest.mark.parametrize("change", [{}, {"price": "20001"}])
def test_a_repeat_before_the_read_models_know_the_first(
    send: Send, exchange: Exchange, first: str, second: str, change: dict[str, Any]
) -> None:
    """The engine knows the id; what was asked is in the reply, or soon in the read models."""
    order = BUY | {"client_order_id": "mine"}
    exchange.project = False
    WAYS[first](send, order)
    exchange.work()
    exchange.project_after_ms = 60

    repeated = WAYS[second](send, order | change)

    if second == "async":
        assert repeated.status == 202
    elif change:
        assert repeated.body["code"] == "client_order_id_reused"
    else:
        assert repeated.status == 201


def test_an_equal_order_after_another_one_that_was_a_conflict(
    send: Send, exchange: Exchange
) -> None:
    """The reply under the single order's name is the conflict's, and the batch was first."""
    order = BUY | {"client_order_id": "mine"}
    exchange.project = False
    batch(send, order)
    exchange.project_after_ms = 60
    assert single(send, order | {"price": "20001"}).body["code"] == "client_order_id_reused"

    assert single(send, order).status == 201


def test_a_decided_async_order_answers_at_once(
    send: Send, exchange: Exchange, clock: WorkingClock
) -> None:
    order = BUY | {"client_order_id": "mine"}
    respond_async(send, order)
    exchange.work()

    before_ms = clock.slept_ms
    responses = [single(send, order), respond_async(send, order)]

    assert [one.status for one in responses] == [201, 201]
    assert clock.slept_ms == before_ms


def test_a_reply_that_was_lost_is_not_waited_for(
    send: Send, exchange: Exchange, clock: WorkingClock
) -> None:
    exchange.lose_replies = True

    response = single(send, BUY | {"client_order_id": "mine"})

    assert response.status == 201
    assert clock.slept_ms < 100


# --- what the engine changes ----------------------------------------------------------------------


def test_an_order_decremented_by_self_trade_prevention_is_still_the_same(send: Send) -> None:
    send("POST", "/orders", SELL | {"price": "30000", "quantity": "1"}, account=BOB)
    order = BUY | {"price": "30000", "quantity": "3", "self_trade_prevention": "decrement"}
    order |= {"quantity": "0.003", "client_order_id": "mine"}
    send("POST", "/orders", SELL | {"price": "30000", "quantity": "0.001"}, account=BOB)

    first = send("POST", "/orders", order, account=BOB)
    second = send("POST", "/orders", order, account=BOB)
    other = send("POST", "/orders", order | {"quantity": "0.004"}, account=BOB)

    assert first.status == second.status == 201
    assert second.body == first.body
    assert (other.status, other.body["code"]) == (409, "client_order_id_reused")


def test_a_decremented_order_under_a_key_is_still_the_same(send: Send) -> None:
    key = {"Idempotency-Key": "k"}
    send("POST", "/orders", SELL | {"price": "30000", "quantity": "0.001"}, account=BOB)
    order = BUY | {"price": "30000", "quantity": "0.003", "self_trade_prevention": "decrement"}

    first = send("POST", "/orders", order, account=BOB, headers=key)
    second = send("POST", "/orders", order, account=BOB, headers=key)

    assert (first.status, second) == (201, first)


# --- one Idempotency-Key --------------------------------------------------------------------------

KEY = {"Idempotency-Key": "k"}
Request = tuple[str, str, dict[str, Any] | None, dict[str, str] | None]


def requests_with_orders(first: str, second: str) -> dict[str, Request]:
    place = {"op": "place"} | BUY
    return {
        "order": ("POST", "/orders", BUY | {"quantity": "0.5"}, None),
        "other-order": ("POST", "/orders", BUY | {"quantity": "0.6"}, None),
        "named-order": ("POST", "/orders", BUY | {"client_order_id": "a"}, None),
        "order-of-another-name": ("POST", "/orders", BUY | {"client_order_id": "b"}, None),
        "batch": ("POST", "/orders/batch", {"operations": [place]}, None),
        "longer-batch": ("POST", "/orders/batch", {"operations": [place, place]}, None),
        "batch-of-a": (
            "POST",
            "/orders/batch",
            {"operations": [place | {"client_order_id": "c"}]},
            None,
        ),
        "batch-of-b": (
            "POST",
            "/orders/batch",
            {"operations": [place | {"client_order_id": "d"}]},
            None,
        ),
        "batch-of-a-cancel": (
            "POST",
            "/orders/batch",
            {"operations": [{"op": "cancel", "order_id": second}, place]},
            None,
        ),
        "cancel": ("DELETE", f"/orders/{first}", None, None),
        "other-cancel": ("DELETE", f"/orders/{second}", None, None),
        "cancel-all": ("DELETE", "/orders", None, None),
        "cancel-all-of-a-market": ("DELETE", "/orders", None, {"market": "BTC-IDR"}),
    }


NAMES = tuple(requests_with_orders("1", "2"))


def carry_out(send: Send, request: Request, wait: dict[str, str] | None = None) -> Response:
    method, path, body, query = request
    return send(method, path, body, headers=KEY | (wait or {}), query=query)


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("gone", ["nothing", "ids"])
def test_a_key_belongs_to_one_request(
    send: Send, exchange: Exchange, first: str, gone: str
) -> None:
    placed = [send("POST", "/orders", BUY | {"quantity": "0.1"}).body["order_id"] for _ in "12"]
    requests = requests_with_orders(*placed)
    response = carry_out(send, requests[first])
    assert response.status < 300
    FORGOTTEN[gone](exchange)
    before = open_orders(send)

    repeated = carry_out(send, requests[first])
    others = {name: carry_out(send, requests[name]) for name in NAMES if name != first}

    assert repeated.body == response.body
    codes = {name: (one.status, one.body["code"]) for name, one in others.items()}
    assert codes == dict.fromkeys(others, (409, "idempotency_key_reused"))
    assert open_orders(send) == before, "nothing was carried out"


@pytest.mark.parametrize("way", ["named-order", "batch-of-a"])
@pytest.mark.parametrize("gone", FORGOTTEN)
def test_a_key_belongs_to_a_request_of_which_nothing_was_sent(
    send: Send, exchange: Exchange, way: str, gone: str
) -> None:
    """The order was known by its name, so the key came with a mere repeat of it."""
    requests = requests_with_orders(IDS.order(1), IDS.order(2))
    method, path, body, _ = requests[way]
    send(method, path, body)
    FORGOTTEN[gone](exchange)
    first = carry_out(send, requests[way])
    assert first.status < 300
    before = open_orders(send)

    others = {name: carry_out(send, requests[name]) for name in NAMES if name != way}

    codes = {name: (one.status, one.body["code"]) for name, one in others.items()}
    assert codes == dict.fromkeys(others, (409, "idempotency_key_reused"))
    assert carry_out(send, requests[way]) == first
    assert open_orders(send) == before
    assert exchange.work() == 0


def test_a_key_that_came_with_a_cancel_first_answers_no_known_order(send: Send) -> None:
    send("POST", "/orders", BUY | {"client_order_id": "a"})
    assert send("DELETE", "/orders", headers=KEY).status == 200
    repeated = send("POST", "/orders", BUY | {"client_order_id": "a"}, headers=KEY)
    assert (repeated.status, repeated.body["code"]) == (409, "idempotency_key_reused")


def test_of_two_at_once_one_gets_the_key(send: Send, trading_api: ModuleType) -> None:
    """A cancel under the key is decided after the known order's request found no reply."""
    send("POST", "/orders", BUY | {"client_order_id": "a"})
    find = DynamoReplyReader.find
    found: list[Response] = []

    def find_and_be_overtaken(self: Any, *names: Any, **how: Any) -> Any:
        reply = find(self, *names, **how)
        if not found:
            found.append(Response(0, {}, {}))
            found[0] = send("DELETE", "/orders", headers=KEY)
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoReplyReader, "find", find_and_be_overtaken)
        order = send("POST", "/orders", BUY | {"client_order_id": "a"}, headers=KEY)

    assert found[0].status == 200
    assert (order.status, order.body["code"]) == (409, "idempotency_key_reused")


# --- undecided ------------------------------------------------------------------------------------


LATER_KINDS = ("other-order", "longer-batch", "other-cancel", "cancel-all")


@pytest.mark.parametrize(
    ("first", "wait"), [*((name, ASYNC) for name in NAMES), ("order", {}), ("cancel", {})]
)
def test_another_request_under_an_undecided_key_is_a_conflict_and_never_a_202(
    send: Send, exchange: Exchange, first: str, wait: dict[str, str]
) -> None:
    """The queue drops whatever comes under a name that it has seen within five minutes."""
    placed = [send("POST", "/orders", BUY | {"quantity": "0.1"}).body["order_id"] for _ in "12"]
    requests = requests_with_orders(*placed)
    exchange.asleep = True
    assert carry_out(send, requests[first], wait).status == 202
    waiting = exchange.waiting()

    others = {name: carry_out(send, requests[name], ASYNC) for name in LATER_KINDS if name != first}
    again = carry_out(send, requests[first], ASYNC)

    codes = {name: (one.status, one.body["code"]) for name, one in others.items()}
    assert codes == dict.fromkeys(others, (409, "idempotency_key_reused"))
    assert again.status == 202
    exchange.asleep = False
    assert exchange.work() in {waiting, waiting + 1}, "the queue may have forgotten the first"
    assert carry_out(send, requests[first]).status in {200, 201}


def test_a_reply_that_was_lost_is_filled_in_by_the_repeat(send: Send, exchange: Exchange) -> None:
    order = BUY | {"quantity": "0.5"}
    exchange.lose_replies = True
    assert send("POST", "/orders", order, headers=KEY).status == 202
    exchange.lose_replies = False
    assert send("POST", "/orders", order, headers=KEY).status == 201


def test_a_batch_sends_what_is_new_and_says_what_is_known(send: Send, exchange: Exchange) -> None:
    single(send, BUY | {"client_order_id": "old"})
    replies_and_ids(exchange)
    operations = [
        {"op": "place"} | BUY | {"client_order_id": "old"},
        {"op": "place"} | BUY | {"client_order_id": "new", "quantity": "0.5"},
        {"op": "place"} | BUY | {"client_order_id": "old", "quantity": "0.7"},
        {"op": "cancel", "client_order_id": "new"},
    ]

    first = send("POST", "/orders/batch", {"operations": operations}, headers=KEY)
    again = send("POST", "/orders/batch", {"operations": operations}, headers=KEY)
    other = send("POST", "/orders/batch", {"operations": operations[1:]}, headers=KEY)

    results = first.body["results"]
    assert [list(result)[-1] for result in results] == ["order", "order", "error", "order"]
    assert results[2]["error"]["code"] == "client_order_id_reused"
    assert again == first
    assert other.body["code"] == "idempotency_key_reused"
    assert [order["client_order_id"] for order in open_orders(send)] == ["new", "old"]
