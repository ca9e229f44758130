"""Two orders under one client order id while nothing is decided: the engine alone tells the first.

Until it has, each is a 202 and none a conflict; afterwards a repeat of each says which it was. The
queue drops, as it does on AWS, what comes under a name that it has seen within five minutes.
"""

from typing import Any

import moto.sqs.models
import pytest

from bursa.aws.clients import dynamodb_client
from bursa.intake.dynamodb import DynamoReplyReader
from bursa.intake.message import CommandMessage
from bursa.intake.names import order_command_id
from bursa.intake.outcomes import read_outcomes
from bursa.intake.reply import unpack_events
from tests.doubles.exchange import ALICE, FAR_S, TENANT, Exchange, WorkingClock
from tests.unit.conftest import Response, Send
from tests.unit.trading.test_repeats import BUY, SELL, open_orders, respond_async, single
from wire import layout as w

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
        ("single", "single", MINE, 1),
        ("single", "single", OTHER, 2),
        ("single", "batch", OTHER, 2),
        ("batch", "single", OTHER, 2),
    ],
)
def test_every_order_reaches_the_engine_unless_it_is_a_repeat(
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
    """There is no reply to the first; no row shows it yet."""
    exchange.project = False
    respond_async(send, MINE)
    exchange.work()
    assert verdict(single(send, OTHER)) == "order_not_ready"

    assert verdict(single(send, MINE)) == "order_not_ready"

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


# --- where replies are ----------------------------------------------------------------------------


def replies(exchange: Exchange) -> dict[str, list[int]]:
    """Return the reasons in each stored reply, by the kind of its name."""
    of_the_id = order_command_id(ALICE, "mine").hex()
    found = {}
    for item in dynamodb_client().scan(TableName="replies")["Items"]:
        name = item["pk"]["S"].removeprefix(f"{TENANT}#")
        outcomes = read_outcomes(unpack_events(item["events"]["B"]), ALICE.number)
        kind = "order" if name == of_the_id else "message"
        found[kind] = [one.result.reason for one in outcomes]
    return found


ACCEPTED, DUPLICATE = [w.REASON_ACCEPTED], [w.REASON_DUPLICATE_COMMAND]
REFUSED = [w.REASON_INSUFFICIENT_BALANCE]


@pytest.mark.parametrize("lost", [False, True], ids=["replied", "lost"])
@pytest.mark.parametrize("first", [MINE, SELL | {"client_order_id": "mine"}], ids=["live", "no"])
def test_a_refusal_never_takes_the_row_of_the_order_that_has_the_id(
    send: Send, exchange: Exchange, first: dict[str, Any], *, lost: bool
) -> None:
    exchange.asleep, exchange.project = True, False
    statuses = [single(send, first).status, single(send, OTHER).status]
    assert statuses == [202, 202]

    exchange.asleep, exchange.lose_replies = False, lost
    exchange.work()
    exchange.lose_replies = False
    exchange.carry_out(exchange.delivered[1])

    decided = {"order": ACCEPTED if first is MINE else REFUSED}
    assert replies(exchange) == ({} if lost else decided) | {"message": DUPLICATE}


def test_an_order_that_was_just_answered_is_found_before_any_row_shows_it(
    send: Send, exchange: Exchange
) -> None:
    exchange.project = False
    assert single(send, MINE).status == 201
    assert verdict(single(send, OTHER)) == REUSED
    exchange.carry_out(exchange.delivered[0])
    asked = send("GET", "/orders/by-client-id/mine")
    assert verdict(asked) == "not_known_yet"

    exchange.project_after_ms = 60
    asked = send("GET", "/orders/by-client-id/mine")
    assert (asked.status, asked.body["quantity"]) == (200, MINE["quantity"])


def test_a_refusal_that_was_just_answered_is_found_before_any_row_shows_it(
    send: Send, exchange: Exchange
) -> None:
    refused = SELL | {"client_order_id": "mine"}
    exchange.project = False
    assert verdict(single(send, refused)) == "insufficient_balance"

    for way in (single, batch):
        assert verdict(way(send, MINE)) == REUSED
        assert verdict(way(send, refused)) == "insufficient_balance"
    assert verdict(send("GET", "/orders/by-client-id/mine")) == "insufficient_balance"


@pytest.mark.parametrize("second", ["single", "batch"])
def test_nobody_is_told_the_refusal_of_an_order_that_may_be_another_one(
    send: Send, exchange: Exchange, second: str
) -> None:
    """There is no reply to an async order, so only the read models say what was refused."""
    refused = SELL | {"client_order_id": "mine"}
    exchange.project = False
    respond_async(send, refused)
    exchange.work()

    assert verdict(WAYS[second](send, MINE)) == "order_not_ready"
    assert verdict(WAYS[second](send, refused)) == "order_not_ready"

    exchange.project_after_ms = 60
    assert verdict(WAYS[second](send, MINE)) == REUSED
    assert verdict(WAYS[second](send, refused)) == "insufficient_balance"


def test_an_order_whose_reply_was_lost_is_answered_by_its_second_delivery(
    send: Send, exchange: Exchange
) -> None:
    exchange.lose_replies = True
    assert single(send, MINE).status == 201, "the read models have it"
    exchange.project = False
    mine = MINE | {"client_order_id": "later"}
    assert single(send, mine).status == 202
    exchange.lose_replies = False
    exchange.carry_out(exchange.delivered[-1])

    exchange.project_after_ms = 60
    assert verdict(single(send, mine)) == PLACED


def test_a_worker_that_knows_no_orders_reply_is_understood(
    send: Send, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a deployment it keeps each reply under its message's id."""

    def by_message(message: CommandMessage, *, decided: bool) -> str:
        return message.message_id

    monkeypatch.setattr("tests.doubles.exchange.reply_name", by_message)

    assert verdict(single(send, MINE)) == PLACED
    assert verdict(single(send, OTHER)) == REUSED
    assert verdict(single(send, SELL | {"client_order_id": "no"})) == "insufficient_balance"
    the_first_is_live_and_each_is_told(send, MINE)


@pytest.mark.parametrize("polls", [1, 4])
def test_an_order_that_is_decided_costs_one_row_and_a_read_a_poll(
    send: Send, exchange: Exchange, clock: WorkingClock, polls: int
) -> None:
    exchange.asleep = True
    sleep_ms, find = clock.sleep_ms, DynamoReplyReader.find
    slept: list[float] = []
    reads: list[bool] = []

    def wake_late(duration_ms: float) -> None:
        slept.append(duration_ms)
        exchange.asleep = len(slept) < polls
        sleep_ms(duration_ms)

    def counted(self: Any, *names: Any, latest: bool = True) -> Any:
        reads.append(latest)
        return find(self, *names, latest=latest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "sleep_ms", wake_late)
        patch.setattr(DynamoReplyReader, "find", counted)
        assert single(send, MINE).status == 201

    assert len(reads) == polls
    assert replies(exchange) == {"order": ACCEPTED}


def test_what_was_too_old_hours_ago_says_nothing_of_an_equal_order(
    send: Send, exchange: Exchange, clock: WorkingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first was overtaken before an outage of hours; the second is decided late."""
    exchange.asleep = True
    assert single(send, MINE).status == 202
    exchange.engine.state.horizon_ms = exchange.time_ms + 1_000
    exchange.asleep = False
    exchange.work()
    assert replies(exchange) == {"message": [w.REASON_COMMAND_TOO_OLD]}
    assert verdict(single(send, MINE)) == "command_too_old", "the queue has dropped it"

    exchange.time_ms += 3 * 3_600_000
    monkeypatch.setattr(moto.sqs.models, "DEDUPLICATION_TIME_IN_SECONDS", 0)
    exchange.asleep = True
    sleep_ms, begin_ms = clock.sleep_ms, clock.slept_ms

    def wake_late(duration_ms: float) -> None:
        exchange.asleep = clock.slept_ms - begin_ms < 1_000
        sleep_ms(duration_ms)

    monkeypatch.setattr(clock, "sleep_ms", wake_late)
    assert verdict(single(send, MINE)) == PLACED
