"""Trailing stops: triggers that follow the confirmed price at a distance."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, CAROL, MARKET, QUOTE, RICH, SELL, Desk
from tests.unit.engine.engines import ENGINES
from wire import layout as w
from wire.events import OrderConditions, OrderTrail

AT_MARKET: dict[str, Any] = {"order_type": w.TYPE_TRAILING_STOP_MARKET}
LIMIT: dict[str, Any] = {"order_type": w.TYPE_TRAILING_STOP_LIMIT}


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(ENGINES[request.param]())


def trade(desk: Desk, *prices: int) -> None:
    """Let Alice and Carol trade a lot at each price, which is the best on both sides."""
    for price in prices:
        desk.place(ALICE, SELL, price, 1)
        desk.place(CAROL, BUY, price, 1)
        assert desk.trades[0][2] == price


def ppm(parts: int) -> int:
    return w.TRAIL_PPM + parts


# --- where it triggers ----------------------------------------------------------------------------

# (side, trail, prices, the trigger after them); the first price is before the order.
FOLLOWED = [
    (SELL, 5, (100,), 95),
    (SELL, 5, (100, 103), 98),
    (SELL, 5, (100, 103, 101), 98),
    (SELL, 5, (100, 103, 101, 102, 104), 99),
    (BUY, 5, (100, 97), 102),
    (BUY, 5, (100, 97, 99), 102),
    # Parts of a price are rounded up to whole ticks: 2.06, 1.03 and 0.103 become 3, 2 and 1.
    (SELL, ppm(20_000), (100, 103), 100),
    (SELL, ppm(10_000), (100, 103), 101),
    (SELL, ppm(1_000), (100, 103), 102),
    (BUY, ppm(20_000), (100, 97), 99),
    (SELL, ppm(20_000), (100,), 98),
    (SELL, ppm(999_999), (100,), None),
    (SELL, 100, (100,), None),
    (SELL, 99, (100,), 1),
]


@pytest.mark.parametrize(("side", "trail", "prices", "trigger"), FOLLOWED)
def test_the_trigger_follows_the_price(
    desk: Desk, side: int, trail: int, prices: tuple[int, ...], trigger: int | None
) -> None:
    trade(desk, prices[0])
    reason = desk.rejection(BOB, side, 0, 1, trail=trail, **AT_MARKET)
    assert reason == ("invalid_trigger_price" if trigger is None else "accepted")
    order = desk.result.order_id
    trade(desk, *prices[1:])
    expected = [] if trigger is None else [(order, trigger)]
    assert desk.engine.trailing(MARKET, side) == expected


@pytest.mark.parametrize(("side", "near", "reached"), [(SELL, 99, 98), (BUY, 101, 102)])
def test_it_trades_when_the_price_comes_back_by_the_trail(
    desk: Desk, side: int, near: int, reached: int
) -> None:
    trade(desk, 100)
    order = desk.place(BOB, side, 0, 2, trail=3, **AT_MARKET)
    trade(desk, 101 if side == SELL else 99, near)
    maker = desk.place(CAROL, SELL if side == BUY else BUY, reached, 5)
    desk.place(ALICE, side, reached, 1)
    assert [one for one in desk.trades if one[1] == order] == [(maker, order, reached, 2)]
    assert desk.ended[order] == "filled"
    assert desk.engine.trailing(MARKET, side) == []


def test_the_first_states_where_it_triggered(desk: Desk) -> None:
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 2, trail=3, **AT_MARKET)
    stated = [(one.trail, one.limit_offset, one.activation_price) for one in desk.of(OrderTrail)]
    assert stated == [(3, 0, 0)]
    trade(desk, 110)
    desk.place(CAROL, BUY, 107, 5)
    desk.place(ALICE, SELL, 107, 1)
    assert [one.trigger_price for one in desk.of(OrderConditions)] == [107]
    assert {one.order_id for one in desk.of(OrderConditions)} == {order}


# --- activation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "activation", "near", "reached", "trigger"),
    [(SELL, 105, 104, 106, 104), (BUY, 95, 96, 94, 96)],
)
def test_it_begins_to_trail_at_its_activation_price(
    desk: Desk, side: int, activation: int, near: int, reached: int, trigger: int
) -> None:
    trade(desk, 100)
    order = desk.place(BOB, side, 0, 1, trail=2, trigger_price=activation, **AT_MARKET)
    expected = activation - 2 if side == SELL else activation + 2
    assert [one.trigger_price for one in desk.of(OrderConditions)] == [expected]
    trade(desk, near)
    assert desk.engine.trailing(MARKET, side) == []
    trade(desk, reached)
    assert desk.engine.trailing(MARKET, side) == [(order, trigger)]
    assert desk.engine.order(order).status == w.STATUS_PENDING_TRIGGER


def test_an_activation_price_that_is_reached_already_is_one_at_once(desk: Desk) -> None:
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 1, trail=2, trigger_price=100, **AT_MARKET)
    assert desk.engine.trailing(MARKET, SELL) == [(order, 98)]


def test_without_a_price_to_follow_it_needs_an_activation_price(desk: Desk) -> None:
    assert desk.rejection(BOB, SELL, 0, 1, trail=2, **AT_MARKET) == "invalid_trigger_price"
    order = desk.place(BOB, SELL, 0, 1, trail=2, trigger_price=50, **AT_MARKET)
    trade(desk, 60)
    assert desk.engine.trailing(MARKET, SELL) == [(order, 58)]


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "best", "back", "limit"), [(SELL, 110, 107, 105), (BUY, 90, 93, 95)]
)
def test_the_limit_is_its_offset_from_the_trigger(
    desk: Desk, side: int, best: int, back: int, limit: int
) -> None:
    trade(desk, 100)
    order = desk.place(BOB, side, 0, 5, trail=3, limit_offset=2, **LIMIT)
    trade(desk, best)
    trade(desk, back)
    assert desk.queue(side) == [(order, 5)]
    assert desk.engine.order(order).price == limit


def test_a_limit_of_its_own_stays_but_for_the_collar(desk: Desk) -> None:
    desk.limits(collar_ppm=100_000)
    desk.state(w.STATE_OPEN, 100)
    trade(desk, 100)
    order = desk.place(BOB, SELL, 90, 5, trail=3, **LIMIT)
    desk.state(w.STATE_OPEN, 200)
    trade(desk, 200, 197)
    assert desk.engine.order(order).price == 180


def test_a_buy_holds_what_it_may_cost_at_most(desk: Desk) -> None:
    trade(desk, 100)
    order = desk.place(BOB, BUY, 0, 5, trail=3, limit_offset=2, **LIMIT)
    assert desk.engine.balance(BOB, QUOTE) == (RICH - 5 * 105, 5 * 105)
    trade(desk, 90, 93)
    assert desk.engine.balance(BOB, QUOTE) == (RICH - 5 * 95, 5 * 95)
    assert desk.cancel(BOB, order) == "accepted"
    assert desk.engine.balance(BOB, QUOTE) == (RICH, 0)


# --- what is refused ------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({**AT_MARKET}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": -1}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": w.TRAIL_PPM}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": ppm(w.PPM)}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": 1 << 62}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": 2, "trigger_price": -1}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": 2, "limit_offset": 1}, "invalid_trigger_price"),
    ({**LIMIT, "trail": 2}, "invalid_trigger_price"),
    ({**LIMIT, "trail": 2, "price": 90, "limit_offset": 1}, "invalid_trigger_price"),
    ({**LIMIT, "trail": 2, "limit_offset": -1}, "invalid_trigger_price"),
    ({"price": 90, "trail": 2}, "invalid_trigger_price"),
    ({"order_type": w.TYPE_STOP_MARKET, "trigger_price": 90, "trail": 2}, "invalid_trigger_price"),
    ({**AT_MARKET, "trail": 2, "time_in_force": w.TIF_GTC}, "invalid_time_in_force"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSED)
def test_what_does_not_fit_is_refused(desk: Desk, options: dict[str, Any], reason: str) -> None:
    trade(desk, 100)
    words = {"price": 0, **options}
    assert desk.rejection(BOB, SELL, words.pop("price"), 1, **words) == reason


# --- changes --------------------------------------------------------------------------------------


def test_another_trail_keeps_the_extreme(desk: Desk) -> None:
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 5, trail=8, **AT_MARKET)
    trade(desk, 110, 105)
    assert desk.change(BOB, order, trail=6) == "accepted"
    assert desk.engine.trailing(MARKET, SELL) == [(order, 104)]
    assert desk.change(BOB, order, replace=True, trail=ppm(100_000)) == "accepted"
    assert desk.engine.trailing(MARKET, SELL) == [(desk.result.order_id, 99)]


def test_a_trail_that_the_price_has_come_back_by_triggers(desk: Desk) -> None:
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 5, trail=8, limit_offset=1, **LIMIT)
    trade(desk, 110, 105)
    assert desk.change(BOB, order, trail=5) == "accepted"
    assert desk.queue(SELL) == [(order, 5)]
    assert desk.engine.order(order).price == 104


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trigger_price": 95}, "invalid_trigger_price"),
        ({"trail": -1}, "invalid_trigger_price"),
        ({"trail": 200}, "invalid_trigger_price"),
        ({"price": 90}, "price_out_of_range"),
        ({}, "nothing_to_change"),
        ({"quantity": 4}, "accepted"),
    ],
)
def test_what_may_be_changed(desk: Desk, change: dict[str, int], reason: str) -> None:
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 5, trail=8, limit_offset=1, **LIMIT)
    assert desk.change(BOB, order, **change) == reason


def test_other_stops_have_no_trail_to_change(desk: Desk) -> None:
    trade(desk, 100)
    stop = desk.place(BOB, SELL, 0, 1, order_type=w.TYPE_STOP_MARKET, trigger_price=90)
    assert desk.change(BOB, stop, trail=2) == "invalid_trigger_price"


# --- many of them ---------------------------------------------------------------------------------


def test_they_trigger_after_other_stops_by_price_then_trail_then_age(desk: Desk) -> None:
    trade(desk, 100)
    by_ppm = desk.place(BOB, SELL, 0, 1, trail=ppm(40_000), **AT_MARKET)
    wide, near = (desk.place(BOB, SELL, 0, 1, trail=trail, **AT_MARKET) for trail in (5, 3))
    older, younger = (desk.place(BOB, SELL, 0, 1, trail=4, **AT_MARKET) for _ in range(2))
    stop = desk.place(BOB, SELL, 0, 1, order_type=w.TYPE_STOP_MARKET, trigger_price=90)
    assert desk.engine.trailing(MARKET, SELL) == [
        (near, 97),
        (older, 96),
        (younger, 96),
        (by_ppm, 96),
        (wide, 95),
    ]
    desk.place(CAROL, BUY, 90, 20)
    desk.place(ALICE, SELL, 90, 1)
    assert [one[1] for one in desk.trades[1:]] == [stop, near, older, younger, by_ppm, wide]


def test_each_has_its_own_extreme_until_the_price_is_beyond_all(desk: Desk) -> None:
    trade(desk, 100)
    first = desk.place(BOB, SELL, 0, 1, trail=20, **AT_MARKET)
    trade(desk, 95)
    second = desk.place(BOB, SELL, 0, 1, trail=20, **AT_MARKET)
    assert desk.engine.trailing(MARKET, SELL) == [(first, 80), (second, 75)]
    trade(desk, 98)
    assert desk.engine.trailing(MARKET, SELL) == [(first, 80), (second, 78)]
    trade(desk, 101)
    assert desk.engine.trailing(MARKET, SELL) == [(first, 81), (second, 81)]


def test_a_price_states_some_of_the_moved_triggers_and_the_next_price_others(desk: Desk) -> None:
    trade(desk, 100)
    orders = [desk.place(BOB, SELL, 0, 1, trail=50, **AT_MARKET) for _ in range(6)]
    trade(desk, 101)
    stated = {one.order_id: one.trigger_price for one in desk.of(OrderConditions)}
    assert stated == dict.fromkeys(orders[:4], 51)
    trade(desk, 102)
    stated = {one.order_id: one.trigger_price for one in desk.of(OrderConditions)}
    assert stated == dict.fromkeys([*orders[4:], *orders[:2]], 52)


def test_a_trade_that_confirms_nothing_moves_nothing(desk: Desk) -> None:
    desk.limits(least_value=1_000)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(CAROL, BUY, 100, 10)
    order = desk.place(BOB, SELL, 0, 1, trail=5, **AT_MARKET)
    trade(desk, 200)
    assert desk.engine.trailing(MARKET, SELL) == [(order, 95)]


def test_what_waits_again_trails_on(desk: Desk) -> None:
    desk.limits(market_collar_ppm=50_000)
    desk.state(w.STATE_OPEN, 100)
    trade(desk, 100)
    order = desk.place(BOB, SELL, 0, 5, trail=3, **AT_MARKET)
    trade(desk, 97)  # nothing is there to sell to
    assert desk.engine.trailing(MARKET, SELL) == [(order, 97)]
    trade(desk, 104)
    assert desk.engine.trailing(MARKET, SELL) == [(order, 101)]
    assert desk.engine.balance(BOB, BASE) == (RICH - 50, 50)


def test_it_is_in_a_checkpoint(desk: Desk) -> None:
    trade(desk, 100)
    for trail in (3, ppm(40_000), 9):
        desk.place(BOB, SELL, 0, 1, trail=trail, **AT_MARKET)
        trade(desk, 99)
    desk.place(BOB, BUY, 0, 1, trail=2, trigger_price=80, **AT_MARKET)
    restored = type(desk.engine).restore(desk.engine.checkpoint())
    restored.check()
    assert restored.checkpoint() == desk.engine.checkpoint()
    assert restored.trailing(MARKET, SELL) == desk.engine.trailing(MARKET, SELL)
