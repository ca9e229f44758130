"""Which price an order is judged by: the collar and the least value, for each type and side."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, SELL, Desk
from wire import layout as w

LIMIT: dict[str, Any] = {}
MARKET: dict[str, Any] = {"order_type": w.TYPE_MARKET, "time_in_force": w.TIF_IOC}
STOP_LIMIT: dict[str, Any] = {"order_type": w.TYPE_STOP_LIMIT}
STOP_MARKET: dict[str, Any] = {"order_type": w.TYPE_STOP_MARKET, "time_in_force": w.TIF_IOC}


def market_at_100(desk: Desk, *, bid: int = 0, ask: int = 0, **limits: int) -> None:
    """Trade once at 100, set limits, and leave a bid and an ask of ten lots."""
    desk.place(CAROL, SELL, 100, 1)
    desk.place(BOB, BUY, 100, 1)
    desk.limits(**limits)
    desk.state(w.STATE_OPEN, reference=100)
    if bid:
        desk.place(BOB, BUY, bid, 10)
    if ask:
        desk.place(CAROL, SELL, ask, 10)


# --- the collar -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "trigger_price", "reason"),
    [
        (BUY, 200, 100, "price_outside_collar"),
        (BUY, 110, 100, "accepted"),
        (BUY, 132, 120, "accepted"),
        (BUY, 133, 120, "price_outside_collar"),
        (BUY, 100, 120, "accepted"),
        (SELL, 50, 100, "price_outside_collar"),
        (SELL, 90, 100, "accepted"),
        (SELL, 72, 80, "accepted"),
        (SELL, 71, 80, "price_outside_collar"),
        (SELL, 100, 80, "accepted"),
        # A trigger that is reached already says nothing: these are limit orders.
        (BUY, 111, 50, "price_outside_collar"),
        (SELL, 89, 1_000, "price_outside_collar"),
    ],
)
def test_the_limit_of_a_stop_keeps_to_the_collar(
    desk: Desk, side: int, price: int, trigger_price: int, reason: str
) -> None:
    market_at_100(desk, bid=60, ask=150, collar_ppm=100_000)
    order = {**STOP_LIMIT, "trigger_price": trigger_price}
    assert desk.rejection(ALICE, side, price, 5, **order) == reason
    assert desk.trades == []


@pytest.mark.parametrize(("side", "price"), [(BUY, 200), (SELL, 50)])
@pytest.mark.parametrize("replace", [False, True], ids=["amend", "replace"])
def test_a_changed_stop_keeps_to_the_collar(
    desk: Desk, side: int, price: int, *, replace: bool
) -> None:
    market_at_100(desk, bid=60, ask=150, collar_ppm=100_000)
    trigger_price = 105 if side == BUY else 95
    stop = desk.place(ALICE, side, trigger_price, 5, trigger_price=trigger_price, **STOP_LIMIT)
    changes = ({"price": price}, {"price": price, "trigger_price": 100})
    for change in changes:
        assert desk.change(ALICE, stop, replace=replace, **change) == "price_outside_collar"
        assert desk.trades == []
    assert desk.engine.stops(1, side) == [(stop, 5)]


@pytest.mark.parametrize(
    ("side", "price", "trigger_price", "touch"), [(BUY, 121, 110, 110), (SELL, 81, 90, 90)]
)
def test_a_stop_that_triggers_keeps_to_the_collar_of_the_reference(
    desk: Desk, side: int, price: int, trigger_price: int, touch: int
) -> None:
    market_at_100(desk, bid=60, ask=150, collar_ppm=100_000, reference_interval_ms=1_000)
    stop = desk.place(ALICE, side, price, 5, trigger_price=trigger_price, **STOP_LIMIT)
    desk.place(CAROL, SELL, touch, 1)
    desk.place(BOB, BUY, touch, 1)
    assert len(desk.trades) == 1
    assert desk.engine.stops(1, side) == [(stop, 5)]
    # It waits until the reference has followed.
    desk.time(2_000)
    desk.place(CAROL, SELL, touch, 1)
    desk.place(BOB, BUY, touch, 1)
    assert desk.engine.stops(1, side) == []
    assert stop not in desk.ended


@pytest.mark.parametrize(("side", "touch"), [(BUY, 110), (SELL, 90)])
@pytest.mark.parametrize("kind", [MARKET, STOP_MARKET], ids=["market", "stop_market"])
def test_market_orders_keep_to_the_collar_of_limit_orders_where_they_have_none(
    desk: Desk, side: int, touch: int, kind: dict[str, Any]
) -> None:
    market_at_100(desk, bid=89, ask=111, collar_ppm=100_000)
    desk.place(BOB if side == SELL else CAROL, SELL + BUY - side, touch, 1)
    order = desk.place(
        ALICE, side, 0, 5, **kind, **({"trigger_price": 100} if kind is STOP_MARKET else {})
    )
    assert [trade[2:] for trade in desk.trades] == [(touch, 1)]
    assert desk.ended[order] == "price_protection"


def test_a_post_only_stop_that_is_reached_already_is_rejected_like_a_limit_order(
    desk: Desk,
) -> None:
    market_at_100(desk, bid=60, ask=105, collar_ppm=100_000)
    order = {**STOP_LIMIT, "trigger_price": 100, "post_only": True}
    assert desk.rejection(ALICE, BUY, 106, 5, **order) == "post_only_would_cross"
    assert desk.rejection(ALICE, BUY, 104, 5, **order) == "accepted"


# --- what an order is worth -----------------------------------------------------------------------

# Last price 100, best bid 90, best ask 110, at least 1,000: ten lots at 100, 12 at 90, 10 at 110.
WORTH = [
    ("limit buy", LIMIT, BUY, 50, 0, 19, 20),
    ("limit sell", LIMIT, SELL, 200, 0, 4, 5),
    ("market buy", MARKET, BUY, 0, 0, 9, 10),
    ("market sell", MARKET, SELL, 0, 0, 11, 12),
    ("stop-limit buy", STOP_LIMIT, BUY, 300, 125, 7, 8),
    ("stop-limit sell", STOP_LIMIT, SELL, 10, 50, 19, 20),
    ("stop-limit sell, dear", STOP_LIMIT, SELL, 300, 50, 19, 20),
    ("stop-market buy", STOP_MARKET, BUY, 0, 125, 7, 8),
    ("stop-market buy with a worst price", STOP_MARKET, BUY, 900, 125, 7, 8),
    ("stop-market sell", STOP_MARKET, SELL, 0, 50, 19, 20),
    ("stop-market sell with a worst price", STOP_MARKET, SELL, 10, 50, 19, 20),
    # Reached already: a limit order, or a market order.
    ("stop-limit buy, reached", STOP_LIMIT, BUY, 50, 99, 19, 20),
    ("stop-limit sell, reached", STOP_LIMIT, SELL, 200, 10_000, 4, 5),
    ("stop-market buy, reached", STOP_MARKET, BUY, 0, 1, 9, 10),
    ("stop-market sell, reached", STOP_MARKET, SELL, 0, 10_000, 11, 12),
]


@pytest.mark.parametrize(
    ("options", "side", "price", "trigger_price", "too_few", "enough"),
    [row[1:] for row in WORTH],
    ids=[row[0] for row in WORTH],
)
def test_by_which_price_an_order_is_worth_enough(
    desk: Desk,
    options: dict[str, Any],
    side: int,
    price: int,
    trigger_price: int,
    too_few: int,
    enough: int,
) -> None:
    market_at_100(desk, min_notional=1_000)
    desk.place(BOB, BUY, 90, 100)
    desk.place(CAROL, SELL, 110, 100)
    order = {**options, "trigger_price": trigger_price} if trigger_price else options
    assert desk.rejection(ALICE, side, price, too_few, **order) == "notional_too_small"
    assert desk.rejection(ALICE, side, price, enough, **order) == "accepted"


def test_a_change_of_a_stop_is_judged_by_its_new_trigger(desk: Desk) -> None:
    market_at_100(desk, min_notional=1_000)
    stop = desk.place(ALICE, SELL, 0, 20, trigger_price=50, **STOP_MARKET)
    assert desk.change(ALICE, stop, trigger_price=49) == "notional_too_small"
    assert desk.change(ALICE, stop, quantity=19) == "notional_too_small"
    assert desk.change(ALICE, stop, quantity=25, trigger_price=40) == "accepted"


def test_a_market_order_without_a_price_to_meet_is_worth_nothing_and_ends(desk: Desk) -> None:
    market_at_100(desk, min_notional=1_000)
    order = desk.place(ALICE, SELL, 0, 1, **MARKET)
    assert desk.ended == {order: "unfilled_remainder"}
