"""Take-profits: stops that wait for a better price instead of a worse one."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, CAROL, MARKET, QUOTE, RICH, SELL, Desk
from tests.unit.engine.engines import ENGINES
from wire import layout as w

LIMIT: dict[str, Any] = {"order_type": w.TYPE_TAKE_PROFIT_LIMIT}
AT_MARKET: dict[str, Any] = {
    "order_type": w.TYPE_TAKE_PROFIT_MARKET,
    "time_in_force": w.TIF_IOC,
}
STOP: dict[str, Any] = {"order_type": w.TYPE_STOP_MARKET, "time_in_force": w.TIF_IOC}


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(ENGINES[request.param]())


def trade(desk: Desk, price: int) -> None:
    """Let Alice and Carol trade a lot at a price that is the best on both sides."""
    desk.place(ALICE, SELL, price, 1)
    desk.place(CAROL, BUY, price, 1)
    assert desk.trades[0][2] == price


@pytest.mark.parametrize(("side", "near", "reached"), [(SELL, 104, 105), (BUY, 96, 95)])
def test_it_waits_for_a_better_price_and_then_rests(
    desk: Desk, side: int, near: int, reached: int
) -> None:
    trade(desk, 100)
    trigger = reached
    order = desk.place(BOB, side, 110 if side == SELL else 90, 2, trigger_price=trigger, **LIMIT)
    assert desk.engine.order(order).status == w.STATUS_PENDING_TRIGGER

    trade(desk, near)
    assert desk.queue(side) == []
    trade(desk, reached)

    assert desk.queue(side) == [(order, 2)]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_at_market_it_takes_what_is_there(desk: Desk, side: int) -> None:
    trade(desk, 100)
    trigger, price = (95, 96) if side == BUY else (105, 104)
    order = desk.place(BOB, side, 0, 1, trigger_price=trigger, **AT_MARKET)
    maker = desk.place(CAROL, SELL if side == BUY else BUY, price, 1)
    desk.place(ALICE, SELL if side == BUY else BUY, trigger, 1)
    desk.place(CAROL, side, trigger, 1)
    assert desk.ended[order] == "filled"
    assert [one for one in desk.trades if one[1] == order] == [(maker, order, price, 1)]


def test_one_that_is_reached_already_trades_at_once(desk: Desk) -> None:
    trade(desk, 100)
    maker = desk.place(ALICE, SELL, 101, 1)
    order = desk.place(BOB, BUY, 0, 1, trigger_price=100, **AT_MARKET)
    assert desk.trades == [(maker, order, 101, 1)]


def test_before_any_trade_it_waits(desk: Desk) -> None:
    order = desk.place(BOB, SELL, 0, 1, trigger_price=1, **AT_MARKET)
    assert desk.engine.order(order).status == w.STATUS_PENDING_TRIGGER


def test_stops_and_take_profits_of_one_movement_fire_by_price_then_time(desk: Desk) -> None:
    trade(desk, 100)
    take_profit = desk.place(BOB, SELL, 0, 1, trigger_price=103, **AT_MARKET)
    stop = desk.place(BOB, BUY, 0, 1, trigger_price=102, **STOP)
    later = desk.place(BOB, SELL, 0, 1, trigger_price=102, **AT_MARKET)
    assert desk.engine.stops(MARKET, BUY) == [(stop, 1), (later, 1), (take_profit, 1)]
    assert desk.engine.stops(MARKET, SELL) == []
    bids = [desk.place(CAROL, BUY, 90, 1) for _ in range(2)]
    ask = desk.place(CAROL, SELL, 110, 1)

    desk.place(ALICE, SELL, 103, 1)
    desk.place(CAROL, BUY, 103, 1)

    assert [one[:2] for one in desk.trades[1:]] == [
        (ask, stop),
        (bids[0], later),
        (bids[1], take_profit),
    ]


def test_what_it_holds_and_gives_back(desk: Desk) -> None:
    order = desk.place(BOB, BUY, 90, 2, trigger_price=95, **LIMIT)
    assert desk.balances[BOB, QUOTE] == (RICH - 180, 180)
    assert desk.cancel(BOB, order) == "accepted"
    assert desk.balances[BOB, QUOTE] == (RICH, 0)
    order = desk.place(BOB, SELL, 0, 2, trigger_price=105, **AT_MARKET)
    assert desk.balances[BOB, BASE][0] < RICH
    assert desk.change(BOB, order, trigger_price=106) == "accepted"
    assert desk.engine.stops(MARKET, BUY) == [(order, 2)]


@pytest.mark.parametrize("kind", [LIMIT, AT_MARKET], ids=["limit", "market"])
@pytest.mark.parametrize("trigger", [0, -1])
def test_without_a_trigger_there_is_none(desk: Desk, kind: dict[str, Any], trigger: int) -> None:
    price = 90 if kind is LIMIT else 0
    reason = desk.rejection(BOB, BUY, price, 1, trigger_price=trigger, **kind)
    assert reason == "invalid_trigger_price"


def test_one_blocked_by_the_breaker_holds_none_of_the_other_side_up(desk: Desk) -> None:
    """A rise triggers stops to buy and take-profits to sell; the breaker may be before one only."""
    desk.limits(breaker_ppm=50_000, market_collar_ppm=50_000, auction_ms=10_000)
    desk.state(w.STATE_OPEN, reference=100)
    trade(desk, 100)
    stop = desk.place(CAROL, BUY, 0, 1, trigger_price=102, **STOP)
    take_profit = desk.place(BOB, SELL, 0, 1, trigger_price=103, **AT_MARKET)
    desk.place(ALICE, SELL, 120, 5)
    bid = desk.place(ALICE, BUY, 99, 1)

    desk.place(ALICE, SELL, 103, 1)
    desk.place(CAROL, BUY, 103, 1)

    assert (bid, take_profit, 99, 1) in desk.trades
    assert desk.engine.order(stop).status == w.STATUS_PENDING_TRIGGER
