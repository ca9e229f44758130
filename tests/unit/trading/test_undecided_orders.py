"""Two orders under one client order id while nothing is decided: the engine alone tells the first.

Until it has, each is a 202 and none a conflict; afterwards a repeat of each says which it was. The
queue drops, as it does on AWS, what comes under a name that it has seen within five minutes.
"""

from typing import Any

import pytest

from bursa.aws.clients import dynamodb_client
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.submission import order_command_id
from tests.doubles.exchange import ALICE, FAR_S, TENANT, Exchange
from tests.unit.conftest import Response, Send
from tests.unit.trading.test_repeats import BUY, SELL, open_orders, respond_async, single

MINE = BUY | {"client_order_id": "mine"}
OTHER = MINE | {"quantity": "0.5"}
CHANGES: dict[str, dict[str, str]] = {"equal": {}, "other": {"quantity": "0.5"}}


def batch(send: Send, order: dict[str, Any]) -> Response:
    """Send it in a batch, and return it as a single one's response."""
    response = send("POST", "/orders/batch", {"operations": [{"op": "place"} | order]})
    if response.status != 200:
        return response
    (result,) = response.body["results"]
    if "order" in result:
        return Response(201, result["order"], {})
    return Response(0, result["error"], {})


WAYS = {"single": single, "batch": batch, "async": respond_async}
firsts = pytest.mark.parametrize("first", WAYS)
seconds = pytest.mark.parametrize("second", WAYS)
changes = pytest.mark.parametrize("change", CHANGES)


PLACED, REUSED = "201", "client_order_id_reused"
SAID = {"equal": PLACED, "other": REUSED}


def verdict(response: Response) -> str:
    """Return the error's code, or the status where it is none."""
    return str(response.body.get("code", response.status))


def the_first_is_live_and_each_is_told(send: Send, first: dict[str, Any]) -> None:
    """Check what both get once it is decided, and that a repeat places nothing."""
    other = first | {"quantity": "0.7"}
    for way in WAYS.values():
        assert verdict(way(send, first)) == PLACED
        assert verdict(way(send, other)) == REUSED
    assert [one["quantity"] for one in open_orders(send)] == [first["quantity"]]
    assert send("GET", "/orders/by-client-id/mine").body["quantity"] == first["quantity"]


@firsts
@seconds
@changes
def test_undecided_orders_are_under_way_and_none_is_a_conflict(
    send: Send, exchange: Exchange, first: str, second: str, change: str
) -> None:
    exchange.asleep = True
    order, later = MINE, MINE | CHANGES[change]

    statuses = [WAYS[first](send, order).status, WAYS[second](send, later).status]
    statuses += [WAYS[first](send, order).status, WAYS[second](send, later).status]

    assert statuses == [202] * 4
    exchange.asleep = False
    exchange.work()
    assert verdict(WAYS[second](send, later)) == SAID[change]
    the_first_is_live_and_each_is_told(send, order)


@firsts
@pytest.mark.parametrize("second", ["single", "batch"])
@changes
def test_what_is_decided_during_the_wait_is_the_answer(
    send: Send, exchange: Exchange, first: str, second: str, change: str
) -> None:
    exchange.asleep = True
    assert WAYS[first](send, MINE).status == 202
    exchange.asleep = False

    assert verdict(WAYS[second](send, MINE | CHANGES[change])) == SAID[change]
    the_first_is_live_and_each_is_told(send, MINE)


# The overtaking request publishes what the overtaken one has counted so far.
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@seconds
@changes
@pytest.mark.parametrize("wakes", [True, False], ids=["decided", "undecided"])
def test_a_waiting_order_is_never_told_that_an_overtaking_one_has_its_id(
    send: Send, exchange: Exchange, second: str, change: str, *, wakes: bool
) -> None:
    exchange.asleep = True
    find = DynamoReplyReader.find
    overtaking: list[Response] = []

    def find_and_be_overtaken(self: Any, *names: Any, **how: Any) -> Any:
        if not overtaking:
            overtaking.append(Response(0, {}, {}))
            overtaking[0] = WAYS[second](send, MINE | CHANGES[change])
            exchange.asleep = not wakes
        return find(self, *names, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoReplyReader, "find", find_and_be_overtaken)
        waiting = single(send, MINE)

    assert overtaking[0].status == 202
    # There is one clock: an overtaking one that waits takes all of the other's time.
    assert waiting.status == (201 if wakes and second == "async" else 202)
    exchange.asleep = False
    exchange.work()
    the_first_is_live_and_each_is_told(send, MINE)


@pytest.mark.parametrize(
    ("first", "second", "later", "messages"),
    [
        ("async", "async", MINE, 1),
        ("async", "async", OTHER, 2),
        ("single", "async", OTHER, 2),
        ("async", "single", OTHER, 2),
        ("batch", "async", OTHER, 2),
    ],
)
def test_what_nobody_waits_for_reaches_the_engine_unless_it_is_a_repeat(
    send: Send, exchange: Exchange, first: str, second: str, later: dict[str, Any], messages: int
) -> None:
    exchange.asleep = True
    WAYS[first](send, MINE)
    WAYS[second](send, later)
    exchange.asleep = False

    assert exchange.work() == messages
    the_first_is_live_and_each_is_told(send, MINE)


def test_undecided_orders_cost_no_row(send: Send, exchange: Exchange) -> None:
    exchange.asleep = True
    for way in (single, respond_async):
        way(send, MINE)

    assert dynamodb_client().scan(TableName="replies")["Count"] == 0


def test_the_reply_to_a_refused_order_says_nothing_against_the_first_one(
    send: Send, exchange: Exchange
) -> None:
    """The reply under the client order id is the second order's; no row shows the first yet."""
    exchange.project = False
    respond_async(send, MINE)
    exchange.work()
    assert verdict(single(send, OTHER)) == "order_not_ready"

    assert single(send, MINE).status == 202

    exchange.project_after_ms = 0
    exchange.pass_time(1)
    the_first_is_live_and_each_is_told(send, MINE)


def test_a_name_that_is_bound_to_another_order_decides_nothing(
    send: Send, exchange: Exchange
) -> None:
    """Async orders were bound before; such a row is kept for a day."""
    name = order_command_id(ALICE, "mine")
    DynamoReplyReader(dynamodb_client(), "replies").bind(TENANT, name, b"another!", FAR_S)

    exchange.asleep = True
    assert [way(send, MINE).status for way in (single, respond_async)] == [202, 202]
    exchange.asleep = False
    assert verdict(single(send, MINE)) == PLACED


@pytest.mark.parametrize("first", ["single", "async"])
def test_an_undecided_order_that_is_then_refused_keeps_its_id(
    send: Send, exchange: Exchange, first: str
) -> None:
    refused, other = SELL | {"client_order_id": "mine"}, MINE
    exchange.asleep = True
    assert WAYS[first](send, refused).status == 202
    assert respond_async(send, other).status == 202
    exchange.asleep = False
    exchange.work()

    assert verdict(single(send, refused)) == "insufficient_balance"
    assert verdict(single(send, other)) == REUSED
    assert open_orders(send) == []
