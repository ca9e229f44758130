"""Lists of orders: two of which one cancels the other, and an entry with the exits after it."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, CAROL, MARKET, QUOTE, RICH, SELL, Desk
from wire import layout as w
from wire.codec import (
    encode_cancel,
    encode_cancel_all_after,
    encode_list,
    encode_place,
    encode_set_account,
)
from wire.events import Order, OrderConditions, OrderList, Result

AT_MARKET: dict[str, Any] = {"order_type": w.TYPE_STOP_MARKET}
LIMIT: dict[str, Any] = {"order_type": w.TYPE_STOP_LIMIT}
PROFIT: dict[str, Any] = {"order_type": w.TYPE_TAKE_PROFIT_MARKET}
TRAILING: dict[str, Any] = {"order_type": w.TYPE_TRAILING_STOP_MARKET, "trail": 3}


def order(side: int, price: int, quantity: int = 5, account: int = ALICE, **more: Any) -> bytes:
    return encode_place(account, MARKET, side, price, quantity, **more)


def stop(side: int, trigger: int, quantity: int = 5, account: int = ALICE, **more: Any) -> bytes:
    return order(side, 0, quantity, account, trigger_price=trigger, **{**AT_MARKET, **more})


def place(desk: Desk, *orders: bytes) -> str:
    """Place a list; return the name of its last command's reason."""
    desk.send(encode_list(*orders))
    last: Result = desk.of(Result)[-1]
    return w.REASON_NAMES[last.reason]


def placed(desk: Desk, *orders: bytes) -> range:
    """Place a list, which must be accepted; return its orders' ids."""
    assert place(desk, *orders) == "accepted"
    list_id: int = desk.of(Result)[-1].order_id
    return range(list_id - len(orders) + 1, list_id + 1)


def pair(desk: Desk, quantity: int = 5) -> range:
    """Place a sell at 110 with a stop at 90."""
    return placed(desk, order(SELL, 110, quantity), stop(SELL, 90, quantity))


def bracket(desk: Desk, **entry: Any) -> range:
    """Place a buy of 5 at 99 whose exits sell at 110, or at 90."""
    return placed(desk, order(SELL, 110), stop(SELL, 90), order(BUY, 99, **entry))


def trade(desk: Desk, price: int) -> None:
    """Let Bob and Carol trade a lot at a price that is the best on both sides."""
    desk.place(BOB, SELL, price, 1)
    desk.place(CAROL, BUY, price, 1)
    assert desk.trades[0][2] == price


def statuses(desk: Desk, ids: range) -> list[str]:
    """Return the status of each order, "gone" for one that is not open."""
    orders = [desk.engine.order(one) for one in ids]
    return [w.STATUS_NAMES[one.status] if one else "gone" for one in orders]


# --- what is no list ------------------------------------------------------------------------------

GOOD = order(SELL, 110), stop(SELL, 90)


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        (GOOD[:1], "invalid_list"),
        (GOOD[::-1], "accepted"),
        ((GOOD[0], stop(BUY, 120)), "invalid_list"),
        ((GOOD[0], stop(SELL, 90, 4)), "invalid_list"),
        ((order(SELL, 110), order(SELL, 111)), "invalid_list"),
        ((stop(SELL, 90), stop(SELL, 91)), "invalid_list"),
        ((order(SELL, 80), stop(SELL, 90)), "invalid_list"),
        ((order(BUY, 90), stop(BUY, 110)), "accepted"),
        ((order(BUY, 111), stop(BUY, 110)), "invalid_list"),
        ((order(SELL, 110, post_only=True), GOOD[1]), "invalid_list"),
        ((order(SELL, 110, time_in_force=w.TIF_IOC), GOOD[1]), "invalid_list"),
        ((GOOD[0], stop(SELL, 0)), "invalid_trigger_price"),
        ((order(SELL, 110, 0), GOOD[1]), "quantity_out_of_range"),
        ((order(SELL, 99), GOOD[1]), "list_would_execute"),
        ((GOOD[0], stop(SELL, 101)), "list_would_execute"),
        ((GOOD[0], stop(SELL, 110)), "invalid_list"),
        ((stop(SELL, 99, **PROFIT), GOOD[1]), "list_would_execute"),
        ((stop(SELL, 110, **PROFIT), GOOD[1]), "accepted"),
        ((order(SELL, 110, RICH), stop(SELL, 90, RICH)), "insufficient_balance"),
        ((*GOOD, order(BUY, 99)), "accepted"),
        ((*GOOD, order(SELL, 120)), "invalid_list"),
        ((*GOOD, order(BUY, 99, 4)), "invalid_list"),
        ((order(SELL, 110), stop(SELL, 90), stop(BUY, 101)), "accepted"),
        ((order(SELL, 110, RICH), stop(SELL, 90, RICH), order(BUY, 99, RICH)),
         "insufficient_balance"),
        (
            (order(SELL, 110, time_in_force=w.TIF_GTD, expire_ms=9), GOOD[1], order(BUY, 99)),
            "invalid_list",
        ),
        ((*GOOD, order(BUY, 99, post_only=True)), "accepted"),
        ((*GOOD, order(BUY, 99, account=BOB)), "invalid_list"),
        ((GOOD[0], stop(SELL, 0, **TRAILING)), "invalid_list"),
        ((*GOOD, stop(BUY, 0, **TRAILING)), "invalid_list"),
    ],
)  # fmt: skip
def test_what_a_list_may_be(desk: Desk, orders: tuple[bytes, ...], reason: str) -> None:
    trade(desk, 100)
    desk.place(BOB, BUY, 99, 1)
    before = [desk.engine.balance(ALICE, asset) for asset in (BASE, QUOTE)]
    assert place(desk, *orders) == reason
    if reason != "accepted":
        assert [desk.engine.balance(ALICE, asset) for asset in (BASE, QUOTE)] == before
        assert desk.of(Order) == []
        assert desk.cancel_all(ALICE) == "accepted"
        assert desk.result.detail == 0


def test_what_was_staged_is_for_the_next_command_only(desk: Desk) -> None:
    staged, last = encode_list(*GOOD)[: w.COMMAND_BYTES], encode_list(*GOOD)[w.COMMAND_BYTES :]
    assert desk.send(staged) == "accepted"
    desk.time(1)
    assert desk.send(last) == "invalid_list"
    assert desk.send(staged) == "accepted"
    restored = type(desk.engine).restore(desk.engine.checkpoint())
    assert Desk.of_engine(restored).send(last) == "accepted"


def test_a_list_needs_room_for_all_of_it(desk: Desk) -> None:
    desk.tenant_limits(orders_per_market=2)
    assert place(desk, *GOOD, order(BUY, 99)) == "too_many_orders"
    assert place(desk, *GOOD) == "accepted"
    assert desk.rejection(ALICE, BUY, 99, 1) == "too_many_orders"


# --- two of which one cancels the other -----------------------------------------------------------


def test_it_states_the_list_and_holds_the_larger_need(desk: Desk) -> None:
    ids = placed(desk, order(BUY, 90), order(BUY, 120, trigger_price=110, **LIMIT))
    assert desk.of(OrderList) == [OrderList(ids[-1], one, ids[-1]) for one in ids]
    assert [one.order_id for one in desk.of(OrderConditions)] == [ids[1]]
    assert desk.engine.balance(ALICE, QUOTE) == (RICH - 600, 600)
    assert desk.cancel(ALICE, ids[1]) == "accepted"
    assert desk.engine.balance(ALICE, QUOTE) == (RICH, 0)


def test_any_fill_of_one_cancels_the_other(desk: Desk) -> None:
    first, second = ids = placed(desk, order(BUY, 90), order(BUY, 120, trigger_price=110, **LIMIT))
    desk.place(BOB, SELL, 90, 2)
    assert desk.trades == [(first, desk.result.order_id, 90, 2)]
    assert desk.ended[second] == "one_cancels_other"
    assert statuses(desk, ids) == ["partially_filled", "gone"]
    assert desk.engine.balance(ALICE, QUOTE) == (RICH - 450, 270)


def test_one_that_triggers_cancels_the_other(desk: Desk) -> None:
    ids = pair(desk)
    desk.place(BOB, BUY, 85, 9)
    trade(desk, 90)
    assert desk.ended == {
        ids[0]: "one_cancels_other",
        ids[1]: "filled",
        **{one: "filled" for one in desk.ended if one not in ids},
    }
    assert desk.engine.balance(ALICE, BASE) == (RICH - 50, 0)


@pytest.mark.parametrize("which", [0, 1])
def test_who_cancels_one_cancels_both(desk: Desk, which: int) -> None:
    ids = pair(desk)
    desk.cancel(ALICE, ids[which])
    assert desk.ended == dict.fromkeys(ids, "cancelled_by_user")


def test_one_that_expires_ends_both(desk: Desk) -> None:
    until: dict[str, Any] = {"time_in_force": w.TIF_GTD, "expire_ms": 9}
    ids = placed(desk, order(SELL, 110, **until), stop(SELL, 90))
    desk.time(9)
    assert desk.ended == dict.fromkeys(ids, "expired")


@pytest.mark.parametrize("replace", [False, True])
def test_none_of_a_list_is_changed(desk: Desk, replace: bool) -> None:
    ids = pair(desk)
    for one in ids:
        assert desk.change(ALICE, one, quantity=3, replace=replace) == "order_in_list"


def test_an_uncross_cancels_the_other(desk: Desk) -> None:
    ids = pair(desk)
    desk.state(w.STATE_AUCTION)
    desk.place(BOB, BUY, 110, 2)
    desk.state(w.STATE_OPEN)
    assert desk.ended[ids[1]] == "one_cancels_other"
    assert statuses(desk, ids) == ["partially_filled", "gone"]


@pytest.mark.parametrize(
    ("mode", "left"),
    [
        (w.STP_CANCEL_MAKER, ["gone", "gone"]),
        (w.STP_CANCEL_TAKER, ["open", "pending_trigger"]),
        (w.STP_DECREMENT, ["open", "gone"]),
    ],
)
def test_self_trade_prevention_of_one(desk: Desk, mode: int, left: list[str]) -> None:
    ids = pair(desk)
    desk.place(ALICE, BUY, 110, 2, stp=mode)
    assert statuses(desk, ids) == left


@pytest.mark.parametrize("goes", ["cancel_all", "frozen", "countdown"])
def test_what_ends_all_orders_ends_lists(desk: Desk, goes: str) -> None:
    pair(desk)
    bracket(desk)
    desk.place(BOB, SELL, 99, 2)
    if goes == "cancel_all":
        desk.cancel_all(ALICE)
        assert desk.result.detail == 5
    elif goes == "frozen":
        desk.send(encode_set_account(ALICE, state=w.ACCOUNT_STATE_FROZEN))
    else:
        desk.send(encode_cancel_all_after(ALICE, 50))
        desk.time(50)
    assert len(desk.ended) == 5
    assert desk.engine.balance(ALICE, BASE) == (RICH + 20, 0)


# --- an entry and its exits -----------------------------------------------------------------------


def test_exits_wait_without_funds_until_the_entry_has_filled(desk: Desk) -> None:
    ids = bracket(desk)
    assert statuses(desk, ids) == ["pending_entry", "pending_entry", "open"]
    assert desk.engine.balance(ALICE, BASE) == (RICH, 0)
    desk.place(BOB, SELL, 99, 3)
    assert statuses(desk, ids)[:2] == ["pending_entry", "pending_entry"]
    desk.place(BOB, SELL, 99, 2)
    assert statuses(desk, ids) == ["open", "pending_trigger", "gone"]
    assert desk.engine.balance(ALICE, BASE) == (RICH, 50)


def test_an_entry_that_fills_on_arrival(desk: Desk) -> None:
    desk.place(BOB, SELL, 100, 9)
    ids = placed(desk, *GOOD, encode_place(ALICE, MARKET, BUY, 0, 5, order_type=w.TYPE_MARKET))
    assert statuses(desk, ids) == ["open", "pending_trigger", "gone"]


def test_an_entry_that_fills_nothing_has_no_exits(desk: Desk) -> None:
    ids = bracket(desk, time_in_force=w.TIF_IOC)
    assert desk.ended == dict.fromkeys(ids, "unfilled_remainder")


def test_exits_are_for_what_an_entry_was_filled(desk: Desk) -> None:
    ids = bracket(desk)
    desk.place(BOB, SELL, 99, 3)
    desk.cancel(ALICE, ids[2])
    assert [desk.engine.order(one).quantity for one in ids[:2]] == [3, 3]
    assert statuses(desk, ids) == ["open", "pending_trigger", "gone"]


@pytest.mark.parametrize("by", ["exit", "list"])
def test_who_cancels_an_exit_or_the_list_gets_none(desk: Desk, by: str) -> None:
    ids = bracket(desk)
    desk.place(BOB, SELL, 99, 3)
    whole = by == "list"
    assert desk.send(encode_cancel(ALICE, ids[2 if whole else 0], whole_list=whole)) == "accepted"
    assert desk.ended == dict.fromkeys(ids, "cancelled_by_user")


def test_a_list_is_cancelled_by_its_id_after_its_entry(desk: Desk) -> None:
    ids = bracket(desk)
    desk.place(BOB, SELL, 99, 5)
    assert desk.send(encode_cancel(BOB, ids[2], whole_list=True)) == "unknown_order"
    assert desk.send(encode_cancel(ALICE, ids[1], whole_list=True)) == "unknown_order"
    assert desk.send(encode_cancel(ALICE, ids[2], whole_list=True)) == "accepted"
    assert desk.ended == dict.fromkeys(ids[:2], "cancelled_by_user")
    assert desk.send(encode_cancel(ALICE, ids[2], whole_list=True)) == "unknown_order"


def test_exits_are_as_many_lots_as_can_be_paid(desk: Desk) -> None:
    desk.funds(w.COMMAND_DEBIT, ALICE, BASE, RICH - 25)
    desk.tenant_limits()
    ids = bracket(desk)
    desk.place(BOB, SELL, 99, 4)
    desk.funds(w.COMMAND_HOLD, ALICE, BASE, 30, hold_id=1)
    desk.place(BOB, SELL, 99, 1)
    assert [desk.engine.order(one).remaining for one in ids[:2]] == [4, 4]
    assert desk.engine.balance(ALICE, BASE) == (5, 70)


def test_exits_worth_too_little_are_not_placed(desk: Desk) -> None:
    desk.limits(min_notional=300)
    ids = bracket(desk)
    desk.place(BOB, SELL, 99, 4)
    desk.cancel(ALICE, ids[2])
    assert statuses(desk, ids) == ["open", "pending_trigger", "gone"]
    again = bracket(desk)
    desk.limits(min_notional=600)
    desk.place(BOB, SELL, 95, 7)
    assert {desk.ended[one] for one in again[:2]} == {"exit_too_small"}


def test_an_exit_with_nothing_to_wait_for_is_executed_at_once(desk: Desk) -> None:
    desk.place(BOB, BUY, 85, 9)
    trade(desk, 90)
    ids = placed(desk, order(SELL, 110), stop(SELL, 100), order(BUY, 99))
    desk.place(BOB, SELL, 89, 5)
    assert {one: desk.ended[one] for one in ids} == {
        ids[0]: "one_cancels_other",
        ids[1]: "filled",
        ids[2]: "filled",
    }


def test_a_checkpoint_keeps_lists(desk: Desk) -> None:
    pair(desk)
    ids = bracket(desk)
    again = Desk.of_engine(type(desk.engine).restore(desk.engine.checkpoint()))
    commands = (order(SELL, 99, account=BOB), order(BUY, 110, 1, account=CAROL))
    for command in commands:
        desk.send(command)
        again.send(command)
        assert again.events == desk.events
    assert "gone" in statuses(again, ids)
