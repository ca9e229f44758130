"""When something is due by time alone: the earliest of all expiries and dead-man switches."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, SELL, Desk
from wire import layout as w
from wire.codec import encode_cancel_all_after

BORN_MS = 100


def good_till(desk: Desk, expire_ms: int, account: int = ALICE, **options: Any) -> int:
    """Place an order that rests until a time."""
    return desk.place(account, BUY, 50, 4, time_in_force=w.TIF_GTD, expire_ms=expire_ms, **options)


def arm(desk: Desk, account: int, timeout_ms: int) -> None:
    assert desk.send(encode_cancel_all_after(account, timeout_ms)) == "accepted"


def two_expiries(desk: Desk) -> None:
    good_till(desk, 300)
    good_till(desk, 200)


def amended_expiry(desk: Desk) -> None:
    order = good_till(desk, 200)
    assert desk.change(ALICE, order, price=40, quantity=9) == "accepted"


def cancelled_expiry(desk: Desk) -> None:
    order = good_till(desk, 200)
    good_till(desk, 300)
    desk.cancel(ALICE, order)


def filled_expiry(desk: Desk) -> None:
    good_till(desk, 200)
    desk.place(BOB, SELL, 50, 4)


def expired(desk: Desk) -> None:
    two_expiries(desk)
    desk.time(200)


def pending_stop(desk: Desk) -> None:
    good_till(desk, 200, order_type=w.TYPE_STOP_LIMIT, trigger_price=60)


def renewed(desk: Desk) -> None:
    arm(desk, ALICE, 50)
    desk.time(BORN_MS + 30)
    arm(desk, ALICE, 50)


def disarmed(desk: Desk) -> None:
    arm(desk, ALICE, 50)
    arm(desk, ALICE, 0)


def elapsed(desk: Desk) -> None:
    arm(desk, ALICE, 50)
    good_till(desk, 300)
    desk.time(BORN_MS + 50)


def of_several(desk: Desk) -> None:
    arm(desk, ALICE, 70)
    arm(desk, BOB, 60)
    arm(desk, CAROL, 80)


def expiry_first(desk: Desk) -> None:
    arm(desk, ALICE, 90)
    good_till(desk, 150)


def countdown_first(desk: Desk) -> None:
    arm(desk, ALICE, 90)
    good_till(desk, 300)


DUE_MS = {
    "nothing": (lambda _: None, 0),
    "an order that never expires": (lambda desk: desk.place(ALICE, BUY, 50, 4), 0),
    "the earlier of two expiries": (two_expiries, 200),
    "an amended order's": (amended_expiry, 200),
    "not a cancelled order's": (cancelled_expiry, 300),
    "not a filled order's": (filled_expiry, 0),
    "the one after an expiry": (expired, 300),
    "a pending stop's": (pending_stop, 200),
    "an armed switch's": (lambda desk: arm(desk, ALICE, 50), 150),
    "a renewed switch's": (renewed, 180),
    "not a disarmed switch's": (disarmed, 0),
    "not an elapsed switch's, nor its orders'": (elapsed, 0),
    "the earliest switch's": (of_several, 160),
    "an expiry before a switch": (expiry_first, 150),
    "a switch before an expiry": (countdown_first, 190),
}


@pytest.mark.parametrize(("history", "due_ms"), DUE_MS.values(), ids=DUE_MS.keys())
def test_next_due_time(
    desk: Desk, engine_class: Any, history: Callable[[Desk], object], due_ms: int
) -> None:
    desk.time(BORN_MS)
    history(desk)
    assert desk.engine.next_due_ms == due_ms
    assert engine_class.restore(desk.engine.checkpoint()).next_due_ms == due_ms
