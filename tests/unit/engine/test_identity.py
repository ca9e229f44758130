"""A command takes effect once, however often it is delivered."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, QUOTE, SELL, Desk
from wire import layout as w
from wire.codec import (
    encode,
    encode_cancel_all,
    encode_cancel_all_after,
    encode_epoch,
    encode_reject,
)
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
    desk.cancel(ALICE, target=(0, 1))
    again = {"command_id": (0, 1), "time_ms": 101}
    assert desk.rejection(ALICE, BUY, 90, 1, **again) == "command_too_old"
    assert desk.rejection(ALICE, BUY, 90, 1, command_id=(0, 4), time_ms=101) == "command_too_old"
    assert desk.rejection(ALICE, BUY, 90, 1, command_id=(0, 5), time_ms=103) == "accepted"
    assert desk.rejection(ALICE, BUY, 90, 1) == "accepted"


WAITING: dict[str, dict[str, Any]] = {
    "limit": {"price": 90},
    "iceberg": {"price": 90, "display_quantity": 1},
    "stop": {"price": 120, "order_type": w.TYPE_STOP_LIMIT, "trigger_price": 110},
    "good till date": {"price": 90, "time_in_force": w.TIF_GTD, "expire_ms": 10**9},
}


def flood(desk: Desk, commands: int) -> None:
    """Have so many commands of another account decided and remembered."""
    time_ms = desk.engine.time_ms
    for first in range(0, commands, 10_000):
        numbers = range(first, min(first + 10_000, commands))
        cancels = [
            encode_cancel_all(CAROL, command_id=(9, 1 + n), time_ms=time_ms) for n in numbers
        ]
        desk.engine.apply(b"".join(cancels))


def repeat_after(desk: Desk, commands: int, waiting: dict[str, Any]) -> None:
    """Repeat an order after other commands: it is the first one, which its id still cancels."""
    desk.time(1_000)
    first = desk.place(ALICE, BUY, quantity=5, command_id=(1, 2), time_ms=1_000, **waiting)
    desk.time(2_000)
    flood(desk, commands)
    desk.time(3_000)
    for time_ms in (1_000, 3_000):
        again = {**waiting, "quantity": 5, "command_id": (1, 2), "time_ms": time_ms}
        assert desk.rejection(ALICE, BUY, **again) == "duplicate_command"
        assert desk.result.order_id == first
    assert desk.engine.order(first).quantity == 5
    assert desk.cancel(ALICE, target=(1, 2)) == "accepted"
    assert desk.ended == {first: "cancelled_by_user"}


@pytest.mark.parametrize("waiting", WAITING.values(), ids=WAITING)
def test_an_open_order_is_known_by_its_id_when_the_memory_has_forgotten_it(
    desk_with: Callable[..., Desk], waiting: dict[str, Any]
) -> None:
    repeat_after(desk_with(remembered_ids=4), 5, waiting)


@pytest.mark.long
def test_an_open_order_is_known_after_more_than_a_million_commands(
    desk_with: Callable[..., Desk],
) -> None:
    repeat_after(desk_with(remembered_ids=1 << 20), (1 << 20) + 1_000, WAITING["limit"])


def test_every_open_order_is_known_after_a_restart(
    desk_with: Callable[..., Desk], engine_class: Any
) -> None:
    desk = desk_with(remembered_ids=5)
    desk.time(1_000)
    orders = {}
    for n in range(1, 21):
        orders[n] = desk.place(ALICE, BUY, 50 + n, 1, command_id=(n, 1), time_ms=1_000 + n)
    desk.time(2_000)
    desk.place(BOB, SELL, 68, 3)
    restored = Desk.of_engine(engine_class.restore(desk.engine.checkpoint()))
    for one in (desk, restored):
        for n, order_id in orders.items():
            reason = one.rejection(ALICE, BUY, 50 + n, 1, command_id=(n, 1), time_ms=2_000)
            assert (reason, one.result.order_id) == ("duplicate_command", order_id)
        assert one.cancel(ALICE, target=(3, 1)) == "accepted"
        assert one.cancel(ALICE, target=(3, 1)) == "unknown_order"
    assert desk.engine.checkpoint() == restored.engine.checkpoint()


def test_a_replaced_order_gives_its_id_up_and_the_new_one_keeps_its_own(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(remembered_ids=2)
    old = desk.place(ALICE, BUY, 90, 5, command_id=(1, 1), time_ms=1)
    desk.change(ALICE, old, replace=True, price=91, command_id=(1, 2), time_ms=2)
    new = desk.result.order_id
    flood(desk, 3)
    again = {"replace": True, "price": 91, "command_id": (1, 2), "time_ms": 3}
    assert desk.change(ALICE, new, **again) == "duplicate_command"
    assert desk.result.order_id == new
    assert desk.cancel(ALICE, target=(1, 1)) == "unknown_order"
    assert desk.cancel(ALICE, target=(1, 2)) == "accepted"


def test_ids_are_kept_for_a_time(desk: Desk) -> None:
    desk.time(1_000)
    desk.cancel_all(ALICE, command_id=(1, 1), time_ms=500)
    desk.time(1_000 + w.ID_MEMORY_MS - 1)
    desk.cancel_all(ALICE, command_id=(1, 2), time_ms=w.ID_MEMORY_MS)
    assert desk.engine.horizon_ms == -1
    assert desk.cancel_all(ALICE, command_id=(1, 1), time_ms=500) == "duplicate_command"
    desk.time(1_000 + w.ID_MEMORY_MS)
    assert desk.engine.horizon_ms == 1_000
    assert desk.cancel_all(ALICE, command_id=(1, 1), time_ms=500) == "command_too_old"
    assert desk.cancel_all(ALICE, command_id=(1, 2), time_ms=w.ID_MEMORY_MS) == "duplicate_command"


def test_many_old_ids_are_forgotten_over_several_batches(desk: Desk) -> None:
    flood(desk, w.IDS_FORGOTTEN_MAX + 1)
    last = {"command_id": (9, w.IDS_FORGOTTEN_MAX + 1), "time_ms": 1}
    desk.time(w.ID_MEMORY_MS + 1)
    assert desk.cancel_all(CAROL, **last) == "duplicate_command"
    desk.time(w.ID_MEMORY_MS + 1)
    assert desk.cancel_all(CAROL, **last) == "accepted"


def test_rejections_beyond_an_accounts_share_drive_no_id_out(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(remembered_ids=64)
    desk.time(1_000)
    desk.cancel_all(ALICE, command_id=(1, 1), time_ms=1_000)
    for account in (BOB, CAROL, w.account_number(1, 77), w.account_number(1, 78)):
        for n in range(100):
            desk.cancel(account, 999, command_id=(account, 1 + n), time_ms=1_000)
    assert desk.engine.horizon_ms == -1
    # Two each, and two of all accounts that do not exist.
    for account, known in ((BOB, 2), (CAROL, 2), (w.account_number(1, 77), 2)):
        reasons = [
            desk.cancel(account, 999, command_id=(account, 1 + n), time_ms=1_000) for n in range(4)
        ]
        assert reasons == ["duplicate_command"] * known + ["unknown_order"] * (4 - known)
    # What has an effect is always remembered, and time gives the share back.
    desk.place(BOB, BUY, 90, 1, command_id=(2, 1), time_ms=1_000)
    assert desk.rejection(BOB, BUY, 90, 1, command_id=(2, 1)) == "duplicate_command"
    desk.time(1_000 + w.ID_MEMORY_MS // 2)
    late = {"command_id": (2, 2), "time_ms": desk.engine.time_ms}
    assert desk.cancel(BOB, 999, **late) == "unknown_order"
    assert desk.cancel(BOB, 999, **late) == "duplicate_command"


def test_a_time_ahead_of_the_engines_is_rejected_and_hurts_no_other(
    desk_with: Callable[..., Desk], engine_class: Any
) -> None:
    desk = desk_with(remembered_ids=2)
    desk.time(100_000)
    ahead_ms = 100_000 + w.INTAKE_AHEAD_MS_MAX
    far = {"command_id": (1, 1), "time_ms": ahead_ms + 1}
    assert desk.rejection(ALICE, BUY, 90, 1, **far) == "command_from_future"
    assert desk.rejection(ALICE, BUY, 90, 1, **far) == "duplicate_command"
    assert desk.rejection(ALICE, BUY, 90, 1, command_id=(1, 2), time_ms=w.TIME_MS_MAX) == (
        "command_from_future"
    )
    # Without an id nothing is remembered, so nothing depends on the time.
    assert desk.rejection(ALICE, BUY, 90, 1, time_ms=w.TIME_MS_MAX) == "accepted"
    flood(desk, 5)
    assert desk.engine.horizon_ms == 100_000
    restored = Desk.of_engine(engine_class.restore(desk.engine.checkpoint()))
    for one in (desk, restored):
        honest = {"command_id": (1, 3), "time_ms": 100_001}
        assert one.rejection(ALICE, BUY, 90, 1, **honest) == "accepted"
    near = {"command_id": (1, 4), "time_ms": ahead_ms}
    assert desk.rejection(ALICE, BUY, 90, 1, **near) == "accepted"


def test_time_itself_may_come_from_any_future(desk: Desk) -> None:
    command = encode(w.COMMAND_ADVANCE_TIME, command_id=(1, 1), time_ms=w.TIME_MS_MAX)
    assert desk.send(command) == "accepted"
    assert desk.engine.time_ms == w.TIME_MS_MAX


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
