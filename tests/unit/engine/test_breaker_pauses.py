"""When the breaker starts no auction, and what becomes of stops that it stops then."""

from dataclasses import asdict
from typing import Any

import pytest

from bursa.tenants.listing import PriceProtection
from tests.unit.engine import test_breaker
from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, MARKET, QUOTE, SELL, Desk
from tests.unit.engine.test_breaker import AUCTION_MS, states
from wire import layout as w
from wire.events import Order

PAUSE_MS = w.AUCTION_PAUSE_FACTOR * AUCTION_MS
PROTECTION = asdict(PriceProtection())
DEFAULTS = {name: PROTECTION[name] for name in ("collar_ppm", "market_collar_ppm", "breaker_ppm")}
opened_with: dict[str, int] = {}


@pytest.fixture(autouse=True, params=[{}, DEFAULTS], ids=["breaker alone", "as onboarded"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test open its market without collars, and with those that onboarding gives it."""
    for name, ppm in request.param.items():
        monkeypatch.setitem(opened_with, name, ppm)


def open_at_100(desk: Desk, **limits: int) -> None:
    test_breaker.open_at_100(desk, **{**opened_with, **limits})


def auction_for_nothing(desk: Desk) -> int:
    """Start an auction, take the order back, let the auction end; return when it has ended."""
    taker = desk.place(BOB, BUY, 120, 10)
    assert states(desk) == [w.STATE_AUCTION]
    desk.cancel(BOB, taker)
    due_ms = desk.engine.next_due_ms
    desk.time(due_ms)
    assert states(desk) == [w.STATE_OPEN]
    return int(due_ms)


def test_an_auction_for_nothing_can_not_be_started_again_at_once(desk: Desk) -> None:
    open_at_100(desk)
    far = desk.place(ALICE, SELL, 115, 10)
    ended_ms = auction_for_nothing(desk)
    for time_ms in (ended_ms, ended_ms + PAUSE_MS - 1):
        desk.time(time_ms)
        order = desk.place(BOB, BUY, 120, 10)
        assert desk.ended == {order: "price_protection"}
        assert desk.trades == []
    desk.time(ended_ms + PAUSE_MS)
    taker = desk.place(BOB, BUY, 120, 10)
    assert states(desk) == [w.STATE_AUCTION]
    desk.time(desk.engine.next_due_ms)
    assert desk.trades == [(far, taker, 115, 10)]


def test_trading_within_the_band_goes_on_in_the_pause(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    auction_for_nothing(desk)
    near = desk.place(ALICE, SELL, 110, 1)
    taker = desk.place(BOB, BUY, 110, 1)
    assert desk.trades == [(near, taker, 110, 1)]


@pytest.mark.parametrize(("lots", "pauses"), [(9, True), (10, False)])
def test_an_auction_is_for_nothing_below_the_least_value(
    desk: Desk, lots: int, *, pauses: bool
) -> None:
    open_at_100(desk, least_value=1_150)
    desk.place(ALICE, SELL, 115, 30)
    taker = desk.place(BOB, BUY, 115, 30)
    desk.change(BOB, taker, quantity=lots)
    desk.time(AUCTION_MS)
    assert sum(trade[3] for trade in desk.trades) == lots
    # What is left at 115 is far away where the reference is still 100, and near where it is 115.
    far = 120 if pauses else 135
    desk.place(ALICE, SELL, far, 30)
    desk.cancel_all(BOB)
    order = desk.place(BOB, BUY, far, 60 - lots)
    assert (desk.ended == {order: "price_protection"}) == pauses
    assert (states(desk) == [w.STATE_AUCTION]) != pauses


def test_trading_with_oneself_is_nothing(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    taker = desk.place(BOB, BUY, 120, 10)
    desk.cancel_all(ALICE)
    own = desk.place(BOB, SELL, 115, 10)
    desk.time(AUCTION_MS)
    assert [trade[:2] for trade in desk.trades] == [(taker, own)]
    desk.place(ALICE, SELL, 115, 10)
    order = desk.place(BOB, BUY, 120, 10)
    assert desk.ended == {order: "price_protection"}


def test_an_operator_ends_a_pause(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    auction_for_nothing(desk)
    desk.state(w.STATE_OPEN)
    desk.place(BOB, BUY, 120, 10)
    assert states(desk) == [w.STATE_AUCTION]


def test_an_auction_that_an_operator_ends_is_followed_by_no_pause(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    taker = desk.place(BOB, BUY, 120, 10)
    desk.cancel(BOB, taker)
    desk.state(w.STATE_OPEN)
    desk.place(BOB, BUY, 120, 10)
    assert states(desk) == [w.STATE_AUCTION]


def test_a_stop_that_the_opening_triggers_starts_nothing_in_the_pause(desk: Desk) -> None:
    """The pause has begun before the stops of the opening are executed; it waits again."""
    open_at_100(desk, least_value=1_150)
    desk.place(ALICE, SELL, 115, 10)
    taker = desk.place(BOB, BUY, 120, 10)
    desk.cancel_all(ALICE)
    desk.change(BOB, taker, quantity=1)
    stop = desk.place(CAROL, BUY, 125, 20, order_type=w.TYPE_STOP_LIMIT, trigger_price=112)
    desk.place(ALICE, SELL, 115, 1)
    desk.place(ALICE, SELL, 121, 20)
    desk.time(AUCTION_MS)
    assert len(desk.trades) == 1
    assert states(desk) == [w.STATE_OPEN]
    assert stop not in desk.ended
    assert desk.engine.stops(MARKET, BUY) == [(stop, 20)]


def test_a_pause_survives_a_restart(desk: Desk, engine_class: Any) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    auction_for_nothing(desk)
    data = desk.engine.checkpoint()
    restored = Desk.of_engine(engine_class.restore(data))
    assert restored.engine.checkpoint() == data
    restored.place(BOB, BUY, 120, 10)
    assert list(restored.ended.values()) == ["price_protection"]


# --- stops that trigger in a pause ----------------------------------------------------------------

STOP_LIMIT: dict[str, Any] = {"order_type": w.TYPE_STOP_LIMIT, "price": 120}
STOP_MARKET: dict[str, Any] = {"order_type": w.TYPE_STOP_MARKET, "time_in_force": w.TIF_IOC}
both_kinds = pytest.mark.parametrize("kind", [STOP_LIMIT, STOP_MARKET], ids=["limit", "market"])


def in_a_pause(desk: Desk, **limits: int) -> int:
    """Open at 100 with an ask at 115, beyond the breaker, in a pause; return when it ends."""
    open_at_100(desk, **limits)
    desk.place(ALICE, SELL, 115, 10)
    return auction_for_nothing(desk) + PAUSE_MS


def trade_at(desk: Desk, price: int, lots: int = 1) -> None:
    """Trade within the band, which confirms the price."""
    desk.place(ALICE, SELL, price, lots)
    desk.place(BOB, BUY, price, lots)


def touched(desk: Desk) -> set[int]:
    """Return the orders that the last command said anything of."""
    return {order.order_id for order in desk.of(Order)}


@both_kinds
def test_a_stop_that_triggers_in_a_pause_waits_again(desk: Desk, kind: dict[str, Any]) -> None:
    in_a_pause(desk)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **kind)
    held = desk.engine.balance(CAROL, QUOTE)
    trade_at(desk, 103)
    assert stop in touched(desk)
    assert stop not in desk.ended
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]
    assert desk.engine.balance(CAROL, QUOTE) == held
    assert desk.cancel(CAROL, stop) == "accepted"


def test_a_sell_stop_waits_again_too(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(BOB, BUY, 85, 10)
    taker = desk.place(ALICE, SELL, 80, 10)
    desk.cancel(ALICE, taker)
    desk.time(desk.engine.next_due_ms)
    stop = desk.place(CAROL, SELL, 80, 2, order_type=w.TYPE_STOP_LIMIT, trigger_price=95)
    trade_at(desk, 95)
    assert desk.engine.stops(MARKET, SELL) == [(stop, 2)]


def test_after_the_pause_it_may_start_an_auction_and_trades(desk: Desk) -> None:
    end_ms = in_a_pause(desk)
    (far,) = (order for order, _ in desk.queue(SELL))
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_LIMIT)
    trade_at(desk, 103)
    desk.time(end_ms)
    trade_at(desk, 103)
    assert states(desk) == [w.STATE_AUCTION]
    assert desk.queue(BUY) == [(stop, 2)]
    desk.time(desk.engine.next_due_ms)
    assert desk.trades == [(far, stop, 115, 2)]


@both_kinds
def test_in_the_pause_it_trades_as_soon_as_trading_reaches_it(
    desk: Desk, kind: dict[str, Any]
) -> None:
    in_a_pause(desk)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **kind)
    trade_at(desk, 103)
    near = desk.place(ALICE, SELL, 104, 5)
    trade_at(desk, 103)
    assert desk.trades[1:] == [(near, stop, 104, 2)]
    assert desk.ended[stop] == "filled"


@both_kinds
def test_what_the_band_leaves_of_it_waits_again(desk: Desk, kind: dict[str, Any]) -> None:
    in_a_pause(desk)
    near = desk.place(ALICE, SELL, 104, 1)
    stop = desk.place(CAROL, BUY, quantity=3, trigger_price=103, **kind)
    trade_at(desk, 103)
    assert desk.trades[1:] == [(near, stop, 104, 1)]
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]
    near = desk.place(ALICE, SELL, 105, 5)
    trade_at(desk, 103)
    assert desk.trades[1:] == [(near, stop, 105, 2)]


def test_a_stop_market_waits_again_where_the_breaker_is_whether_it_pauses_or_not(
    desk: Desk,
) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_MARKET)
    trade_at(desk, 103)
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]


def test_an_order_that_arrives_in_a_pause_is_what_it_is(desk: Desk) -> None:
    """One whose trigger is reached already is a limit order, and ends as one does."""
    in_a_pause(desk)
    trade_at(desk, 103)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_LIMIT)
    assert desk.ended == {stop: "price_protection"}


def test_however_many_wait_a_trade_moves_one(desk: Desk) -> None:
    """Others are looked at as long as they trade; where the breaker is, none is moved at all."""
    in_a_pause(desk)
    stops = [desk.place(CAROL, BUY, quantity=1, trigger_price=103, **STOP_LIMIT) for _ in range(20)]
    trade_at(desk, 103)
    assert touched(desk) > set(stops)
    trade_at(desk, 103)
    assert not touched(desk) & set(stops)
    desk.place(ALICE, SELL, 104, 2)
    trade_at(desk, 103)
    assert touched(desk) & set(stops) == set(stops[:2])
    assert desk.engine.stops(MARKET, BUY) == [(stop, 1) for stop in stops[2:]]


def test_an_opening_looks_at_all_that_wait(desk: Desk) -> None:
    in_a_pause(desk)
    stops = [desk.place(CAROL, BUY, quantity=1, trigger_price=103, **STOP_LIMIT) for _ in range(3)]
    trade_at(desk, 103)
    (far,) = (order for order, _ in desk.queue(SELL))
    desk.state(w.STATE_OPEN, reference=110)
    assert desk.trades == [(far, stop, 115, 1) for stop in stops]


def test_stops_that_wait_again_survive_a_restart(desk: Desk, engine_class: Any) -> None:
    in_a_pause(desk, least_value=100)
    for _ in range(3):
        desk.place(CAROL, BUY, quantity=1, trigger_price=103, **STOP_LIMIT)
    trade_at(desk, 103)
    trade_at(desk, 50)
    data = desk.engine.checkpoint()
    restored = Desk.of_engine(engine_class.restore(data))
    assert restored.engine.checkpoint() == data
    for one in (desk, restored):
        one.place(ALICE, SELL, 104, 1)
        trade_at(one, 103)
    assert restored.events == desk.events
    assert restored.engine.digest() == desk.engine.digest()


# --- stops that the collar stops, nearer than the breaker -----------------------------------------


def with_a_gap(desk: Desk, side: int) -> None:
    """Open at 100, with nothing nearer for a side than 8 %: between the collar and the breaker."""
    open_at_100(desk, **DEFAULTS)
    desk.place(*((ALICE, SELL, 108, 10) if side == BUY else (BOB, BUY, 92, 10)))


@pytest.mark.parametrize(("side", "near"), [(BUY, 103), (SELL, 97)])
def test_friends_who_trade_in_the_gap_end_no_stop_market(desk: Desk, side: int, near: int) -> None:
    with_a_gap(desk, side)
    stop = desk.place(CAROL, side, quantity=2, trigger_price=near, **STOP_MARKET)
    for _ in range(3):
        trade_at(desk, near)
        assert desk.engine.stops(MARKET, side) == [(stop, 2)]
    maker, taker = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    other = desk.place(maker, BUY + SELL - side, near, 3)
    desk.place(taker, side, near, 1)
    assert desk.trades[1:] == [(other, stop, near, 2)]
    assert desk.ended[stop] == "filled"


@pytest.mark.parametrize(("side", "near"), [(BUY, 103), (SELL, 97)])
def test_friends_who_trade_in_an_empty_book_end_no_stop_market(
    desk: Desk, side: int, near: int
) -> None:
    """With nothing else there they met no collar, and each trade of theirs ended such a stop."""
    open_at_100(desk, **DEFAULTS)
    stop = desk.place(CAROL, side, quantity=2, trigger_price=near, **STOP_MARKET)
    for _ in range(3):
        trade_at(desk, near)
        assert desk.engine.stops(MARKET, side) == [(stop, 2)]
    maker, taker = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    other = desk.place(maker, BUY + SELL - side, near, 3)
    desk.place(taker, side, near, 1)
    assert desk.trades[1:] == [(other, stop, near, 2)]
    assert desk.ended[stop] == "filled"


def test_what_an_empty_book_leaves_of_a_stop_market_waits_again(desk: Desk) -> None:
    open_at_100(desk, **DEFAULTS)
    near = desk.place(ALICE, SELL, 105, 1)
    stop = desk.place(CAROL, BUY, quantity=3, trigger_price=103, **STOP_MARKET)
    trade_at(desk, 103)
    assert desk.trades[1:] == [(near, stop, 105, 1)]
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]
    available, held = desk.balances[CAROL, QUOTE]
    assert held == 2 * 108
    desk.cancel(CAROL, stop)
    assert desk.balances[CAROL, QUOTE] == (available + held, 0)


def test_a_fired_stop_that_finds_nothing_ends_where_there_is_no_collar(desk: Desk) -> None:
    open_at_100(desk, collar_ppm=0, market_collar_ppm=0)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_MARKET)
    trade_at(desk, 103)
    assert desk.ended[stop] == "unfilled_remainder"


def test_one_that_arrives_in_an_empty_book_ends(desk: Desk) -> None:
    open_at_100(desk, **DEFAULTS)
    trade_at(desk, 103)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_MARKET)
    assert desk.ended[stop] == "unfilled_remainder"


def test_what_the_collar_leaves_of_a_stop_market_waits_again(desk: Desk) -> None:
    with_a_gap(desk, BUY)
    near = desk.place(ALICE, SELL, 105, 1)
    stop = desk.place(CAROL, BUY, quantity=3, trigger_price=103, **STOP_MARKET)
    trade_at(desk, 103)
    assert desk.trades[1:] == [(near, stop, 105, 1)]
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]


def test_a_stop_market_waits_at_a_price_of_its_own_within_the_collar(desk: Desk) -> None:
    with_a_gap(desk, BUY)
    desk.place(ALICE, SELL, 105, 10)
    stop = desk.place(CAROL, BUY, 104, 2, trigger_price=103, **STOP_MARKET)
    trade_at(desk, 103)
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]


def test_one_that_the_collar_stops_keeps_no_other_waiting(desk: Desk) -> None:
    """A stop-limit behind it may trade up to the breaker."""
    with_a_gap(desk, BUY)
    first = desk.place(CAROL, BUY, quantity=2, trigger_price=102, **STOP_MARKET)
    trade_at(desk, 102)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_LIMIT)
    trade_at(desk, 103)
    assert desk.ended[stop] == "filled"
    assert desk.engine.stops(MARKET, BUY) == [(first, 2)]


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_are_passed_over_for_one_that_may_trade(desk: Desk, more: int) -> None:
    """Behind more of them it waits until all are looked at again, for an auction's time."""
    with_a_gap(desk, BUY)
    many = w.PASSED_OVER_MAX + more
    before = [
        desk.place(CAROL, BUY, quantity=1, trigger_price=102, **STOP_MARKET) for _ in range(many)
    ]
    trade_at(desk, 102)
    stop = desk.place(CAROL, BUY, quantity=2, trigger_price=103, **STOP_LIMIT)
    trade_at(desk, 103)
    assert (stop in desk.ended) == (not more)
    assert not touched(desk) & set(before)
    desk.time(desk.engine.time_ms + AUCTION_MS)
    trade_at(desk, 103)
    assert desk.engine.stops(MARKET, BUY) == [(one, 1) for one in before]


# --- auctions that somebody pays ------------------------------------------------------------------


def paid_auction(desk: Desk, number: int) -> bool:
    """Let two friends trade at 115 and 100 in turn, each too far from the last; tell if it starts.

    If it does, it ends by itself and sets the reference.
    """
    price, maker, taker = (115, SELL, BUY) if number % 2 == 0 else (100, BUY, SELL)
    desk.place(ALICE, maker, price, 10)
    desk.place(BOB, taker, price, 10)
    if states(desk) != [w.STATE_AUCTION]:
        assert list(desk.ended.values()) == ["price_protection"]
        desk.cancel_all(ALICE)
        return False
    desk.time(desk.engine.next_due_ms)
    assert [trade[2] for trade in desk.trades] == [price]
    return True


def test_three_auctions_in_a_row_and_then_a_pause(desk: Desk) -> None:
    open_at_100(desk, least_value=1_000)
    assert paid_auction(desk, 0)
    ended_ms = desk.engine.time_ms
    assert paid_auction(desk, 1)
    assert paid_auction(desk, 2)
    assert not paid_auction(desk, 3)
    desk.time(ended_ms + PAUSE_MS - 1)
    assert not paid_auction(desk, 3)
    desk.time(ended_ms + PAUSE_MS)
    assert paid_auction(desk, 3)
    assert not paid_auction(desk, 4)


def test_two_friends_hold_no_market_in_auctions(desk: Desk) -> None:
    """However often they try, and pay: three at once, and a tenth of the time at most."""
    open_at_100(desk, least_value=1_000)
    started = 0
    while desk.engine.time_ms < 100 * AUCTION_MS:
        started += paid_auction(desk, started)
        desk.time(desk.engine.time_ms + AUCTION_MS // 2)
    assert started <= w.AUCTIONS_COUNTED_MAX + 100 // w.AUCTION_PAUSE_FACTOR


def test_auctions_that_are_far_between_never_lead_to_a_pause(desk: Desk) -> None:
    open_at_100(desk, least_value=1_000)
    for number in range(10):
        assert paid_auction(desk, number)
        desk.time(desk.engine.time_ms + PAUSE_MS)


def test_an_operator_ends_a_pause_after_paid_auctions(desk: Desk) -> None:
    open_at_100(desk, least_value=1_000)
    assert all(paid_auction(desk, number) for number in range(3))
    desk.state(w.STATE_OPEN)
    assert all(paid_auction(desk, number) for number in range(3, 6))
    assert not paid_auction(desk, 6)


def test_auctions_count_after_a_restart(desk: Desk, engine_class: Any) -> None:
    open_at_100(desk, least_value=1_000)
    assert all(paid_auction(desk, number) for number in range(3))
    restored = Desk.of_engine(engine_class.restore(desk.engine.checkpoint()))
    assert not paid_auction(restored, 3)
