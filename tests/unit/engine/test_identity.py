"""A command takes effect once, however often it is delivered."""

from collections.abc import Callable

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, QUOTE, SELL, Desk
from wire import layout as w
from wire.codec import encode, encode_cancel_all_after, encode_epoch, encode_reject
from wire.events import Countdown, Epoch


def test_a_duplicate_names_the_original(desk: Desk) -> None:
    order = desk.place(ALICE, BUY, 100, 1, command_id=(1, 2))
    assert desk.rejection(ALICE, BUY, 100, 1, command_id=(1, 2)) == "duplicate_command"
    assert desk.result.order_id == order
    assert desk.queue(BUY) == [(order, 1)]


def test_a_refused_command_stays_refused_when_delivered_again(desk: Desk) -> None:
    desk.funds(w.COMMAND_DEBIT, BOB, QUOTE, 999_950)
    assert desk.rejection(BOB, BUY, 100, 1, command_id=(1, 3)) == "insufficient_balance"
    desk.funds(w.COMMAND_CREDIT, BOB, QUOTE, 1000)
    assert desk.rejection(BOB, BUY, 100, 1, command_id=(1, 3)) == "duplicate_command"
    assert w.REASON_NAMES[desk.result.detail] == "insufficient_balance"


def test_a_cancel_of_all_is_remembered_as_no_order(desk: Desk) -> None:
    orders = [desk.place(ALICE, BUY, 90 + n, 1) for n in range(3)]
    assert desk.cancel_all(ALICE, command_id=(1, 4)) == "accepted"
    assert (desk.result.order_id, desk.result.detail) == (0, len(orders))
    assert desk.cancel_all(ALICE, command_id=(1, 4)) == "duplicate_command"
    assert (desk.result.order_id, desk.result.detail) == (0, 0)
    assert desk.cancel(ALICE, target=(1, 4)) == "unknown_order"


def test_once_an_id_is_forgotten_commands_as_old_are_refused(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(remembered_ids=2)
    desk.time(100)
    for number in (1, 2):
        desk.place(ALICE, BUY, 90, 1, command_id=(0, number), time_ms=100 + number)
    fresh = {"command_id": (0, 9), "time_ms": 50}
    assert desk.rejection(ALICE, BUY, 90, 1, **fresh) == "accepted"
    again = {"command_id": (0, 1), "time_ms": 101}
    assert desk.rejection(ALICE, BUY, 90, 1, **again) == "command_too_old"
    assert desk.rejection(ALICE, BUY, 90, 1, command_id=(0, 4), time_ms=101) == "command_too_old"
    assert desk.rejection(ALICE, BUY, 90, 1, command_id=(0, 5), time_ms=102) == "accepted"
    assert desk.rejection(ALICE, BUY, 90, 1) == "accepted"


def test_dead_mans_switch(desk: Desk) -> None:
    order = desk.place(ALICE, BUY, 100, 1)
    desk.time(1000)
    assert desk.send(encode_cancel_all_after(ALICE, 500)) == "accepted"
    assert desk.of(Countdown) == [Countdown(desk.result.sequence, ALICE, 1500)]
    desk.time(1400)
    desk.send(encode_cancel_all_after(ALICE, 500))
    desk.time(1899)
    assert desk.ended == {}
    desk.time(1900)
    assert desk.ended == {order: "countdown_elapsed"}
    assert [event.deadline_ms for event in desk.of(Countdown)] == [0]


def test_disarmed_switch_does_nothing(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 1)
    desk.send(encode_cancel_all_after(ALICE, 500))
    desk.send(encode_cancel_all_after(ALICE, 0))
    desk.time(10_000)
    assert desk.ended == {}


def test_time_never_goes_back(desk: Desk) -> None:
    desk.time(100)
    assert desk.time(50) == "accepted"
    assert desk.engine.time_ms == 100


def test_sequence_is_dense_also_over_refusals(desk: Desk) -> None:
    first = desk.engine.sequence
    desk.place(ALICE, BUY, 100, 1)
    desk.place(ALICE, BUY, -1, 1)
    desk.send(b"\xff" * w.COMMAND_BYTES)
    assert desk.engine.sequence == first + 3
    assert desk.result.sequence == first + 3


def test_epoch_and_reject_are_journaled_without_other_effect(desk: Desk) -> None:
    desk.send(encode_epoch(7, (1, 2)))
    assert desk.of(Epoch) == [Epoch(desk.result.sequence, 7, 1, 2)]
    assert desk.send(encode_reject(ALICE, w.REASON_INTERNAL_ERROR)) == "internal_error"
    assert desk.send(encode_reject(ALICE, 999)) == "malformed_command"
    assert len(desk.events) == 1


@pytest.mark.parametrize("kind", w.ACTOR_NAMES)
def test_who_asked_makes_no_difference_to_the_engine(desk: Desk, kind: int) -> None:
    actor = kind << w.ACTOR_KIND_SHIFT | 0xFF_FFFF_FFFF_FFFF
    desk.place(ALICE, SELL, 100, 5, actor=actor)
    asked, again = desk.events, Desk(type(desk.engine)())
    again.place(ALICE, SELL, 100, 5)
    assert asked == again.events


@pytest.mark.parametrize("actor", [4 << w.ACTOR_KIND_SHIFT, -1, 1 << 62])
def test_an_actor_of_no_kind_is_malformed(desk: Desk, actor: int) -> None:
    assert desk.rejection(ALICE, SELL, 100, 5, actor=actor) == "malformed_command"
    assert desk.cancel(ALICE, 1, actor=actor) == "malformed_command"
    assert desk.send(encode(w.COMMAND_DEBIT, ALICE, QUOTE, 1, actor=actor)) == "malformed_command"
