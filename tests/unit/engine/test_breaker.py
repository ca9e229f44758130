"""The circuit breaker: what starts its auction, what happens in it, and that it ends by itself."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, MARKET, QUOTE, SELL, Desk
from wire import layout as w
from wire.codec import encode_place, encode_set_account

AUCTION_MS = 60_000
RANDOM_MS = 30_000
YEARS_31_MS = 31 * 365 * 24 * 3600 * 1000


def open_at_100(desk: Desk, **limits: int) -> None:
    desk.place(CAROL, SELL, 100, 1)
    desk.place(BOB, BUY, 100, 1)
    desk.limits(
        **{
            "breaker_ppm": 100_000,
            "reference_interval_ms": 10**9,
            "auction_ms": AUCTION_MS,
            **limits,
        }
    )
    desk.state(w.STATE_OPEN, reference=100)


def states(desk: Desk) -> list[int]:
    return [event.state for event in desk.market_states]


def test_a_trade_too_far_away_starts_an_auction_in_which_the_order_waits(desk: Desk) -> None:
    open_at_100(desk)
    near = desk.place(ALICE, SELL, 110, 1)
    far = desk.place(ALICE, SELL, 111, 1)
    taker = desk.place(BOB, BUY, 120, 5)
    assert desk.trades == [(near, taker, 110, 1)]
    assert states(desk) == [w.STATE_AUCTION]
    assert (desk.queue(BUY), desk.queue(SELL)) == ([(taker, 4)], [(far, 1)])
    assert desk.rejection(CAROL, BUY, 1, 1, time_in_force=w.TIF_IOC) == "market_in_auction"


def test_it_ends_by_itself_with_an_uncross(desk: Desk) -> None:
    open_at_100(desk)
    far = desk.place(ALICE, SELL, 115, 10)
    taker = desk.place(BOB, BUY, 120, 10)
    desk.time(1)
    assert [event.indicative_quantity for event in desk.market_states] == [10]
    desk.time(AUCTION_MS - RANDOM_MS - 1)
    assert desk.trades == []
    assert desk.engine.next_due_ms <= AUCTION_MS
    desk.time(AUCTION_MS)
    assert desk.trades == [(far, taker, 115, 10)]
    (market,) = desk.market_states
    assert (market.state, market.last_price, market.reference_price) == (w.STATE_OPEN, 115, 115)
    assert desk.engine.next_due_ms == 0


@pytest.mark.parametrize("auction_ms", [0, 1, 1_000, AUCTION_MS])
def test_no_market_is_halted_for_31_years(desk: Desk, auction_ms: int) -> None:
    open_at_100(desk, auction_ms=auction_ms)
    desk.place(ALICE, SELL, 115, 10)
    desk.place(BOB, BUY, 120, 1)
    desk.cancel_all(ALICE)
    desk.cancel_all(BOB)
    due_ms = desk.engine.next_due_ms
    longest_ms = auction_ms or w.AUCTION_MS_DEFAULT
    assert longest_ms - min(longest_ms // 2, RANDOM_MS) <= due_ms <= longest_ms
    desk.time(due_ms - 1)
    assert w.STATE_OPEN not in states(desk)
    desk.time(due_ms)
    assert states(desk) == [w.STATE_OPEN]
    desk.time(YEARS_31_MS)
    assert desk.rejection(CAROL, BUY, 1, 1) == "accepted"


def test_its_end_is_drawn_from_what_was_before(desk_with: Callable[..., Desk]) -> None:
    """Anything that any account does before moves the end; what starts the auction does not."""
    ends: Counter[int] = Counter()
    for number in range(60):
        desk = desk_with()
        open_at_100(desk)
        desk.place(ALICE, SELL, 115, 10)
        desk.place(CAROL, BUY, 1, 1, command_id=(5, number))
        of_starters = set()
        for price in (115, 120):
            again = type(desk.engine).restore(desk.engine.checkpoint())
            command = encode_place(BOB, MARKET, BUY, price, 1, command_id=(6, price))
            again.apply(command)
            of_starters.add(again.next_due_ms)
        (end,) = of_starters
        ends[end] += 1
    assert min(ends) >= AUCTION_MS - RANDOM_MS
    assert max(ends) <= AUCTION_MS
    assert len(ends) > 55
    assert max(ends) - min(ends) > RANDOM_MS // 2


IMMEDIATE: dict[str, Any] = {"time_in_force": w.TIF_IOC}
MARKET_ORDER: dict[str, Any] = {"order_type": w.TYPE_MARKET, **IMMEDIATE}


@pytest.mark.parametrize(
    ("price", "lots", "options"),
    [(120, 9, {}), (120, 50, IMMEDIATE), (0, 50, MARKET_ORDER)],
    ids=["less than the least value", "immediate", "market order"],
)
def test_what_does_not_start_an_auction_ends_where_the_breaker_is(
    desk: Desk, price: int, lots: int, options: dict[str, Any]
) -> None:
    open_at_100(desk, least_value=1_150)
    near = desk.place(ALICE, SELL, 105, 1)
    desk.place(ALICE, SELL, 115, 50)
    order = desk.place(BOB, BUY, price, lots + 1, **options)
    assert desk.trades == [(near, order, 105, 1)]
    assert desk.ended[order] == "price_protection"
    assert w.STATE_AUCTION not in states(desk)


def test_a_lot_at_an_own_ask_starts_nothing(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 1)
    order = desk.place(ALICE, BUY, 115, 1)
    assert desk.ended == {order: "price_protection"}
    desk.send(encode_set_account(ALICE, stp_group=3))
    desk.send(encode_set_account(BOB, stp_group=3))
    order = desk.place(BOB, BUY, 115, 1)
    assert desk.ended == {order: "price_protection"}


def test_a_thin_level_starts_nothing_whatever_the_order_wants(desk: Desk) -> None:
    open_at_100(desk, least_value=1_150)
    desk.place(ALICE, SELL, 115, 9)
    order = desk.place(BOB, BUY, 115, 1_000)
    assert desk.ended == {order: "price_protection"}


# --- stops in it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "price", "tif"),
    [(w.TYPE_STOP_LIMIT, 125, w.TIF_GTC), (w.TYPE_STOP_MARKET, 0, w.TIF_IOC)],
)
def test_a_stop_that_triggers_in_the_same_sweep_stays(
    desk: Desk, kind: int, price: int, tif: int
) -> None:
    open_at_100(desk)
    stop = desk.place(CAROL, BUY, price, 2, order_type=kind, time_in_force=tif, trigger_price=105)
    held = desk.engine.balance(CAROL, QUOTE)
    near = desk.place(ALICE, SELL, 105, 1)
    far = desk.place(ALICE, SELL, 115, 10)
    taker = desk.place(BOB, BUY, 120, 5)
    assert desk.trades == [(near, taker, 105, 1)]
    assert states(desk) == [w.STATE_AUCTION]
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]
    assert desk.engine.balance(CAROL, QUOTE) == held
    desk.time(AUCTION_MS)
    assert desk.trades == [(far, taker, 115, 4), (far, stop, 115, 2)]


def test_a_stop_that_waits_again_can_be_changed_and_cancelled(desk: Desk) -> None:
    open_at_100(desk)
    stop = desk.place(CAROL, BUY, 125, 2, order_type=w.TYPE_STOP_LIMIT, trigger_price=105)
    desk.place(ALICE, SELL, 105, 1)
    desk.place(ALICE, SELL, 115, 10)
    desk.place(BOB, BUY, 120, 5)
    assert desk.change(CAROL, stop, trigger_price=119) == "accepted"
    desk.time(AUCTION_MS)
    assert desk.engine.stops(MARKET, BUY) == [(stop, 2)]
    assert desk.cancel(CAROL, stop) == "accepted"


# --- who runs it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [w.STATE_HALTED, w.STATE_AUCTION, w.STATE_OPEN])
def test_an_operator_who_sets_a_state_decides_when_it_ends(desk: Desk, state: int) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    desk.place(BOB, BUY, 120, 1)
    desk.state(state)
    assert desk.engine.next_due_ms == 0
    desk.time(2 * AUCTION_MS)
    assert states(desk) in ([], [state])


def test_a_restored_engine_ends_it_at_the_same_time(desk: Desk, engine_class: Any) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    desk.place(BOB, BUY, 120, 1)
    restored = engine_class.restore(desk.engine.checkpoint())
    assert restored.next_due_ms == desk.engine.next_due_ms > 0


# --- what counts beyond it ------------------------------------------------------------------------


def test_dust_at_the_first_level_does_not_let_a_large_order_pass_unvalued(desk: Desk) -> None:
    open_at_100(desk, least_value=1_150)
    desk.place(CAROL, SELL, 111, 1)
    desk.place(ALICE, SELL, 115, 50)
    taker = desk.place(BOB, BUY, 120, 50)
    assert states(desk) == [w.STATE_AUCTION]
    assert desk.queue(BUY) == [(taker, 50)]


def test_many_small_levels_count_together(desk: Desk) -> None:
    open_at_100(desk, least_value=1_150)
    for price in range(111, 121):
        desk.place(ALICE, SELL, price, 1)
    assert desk.rejection(BOB, BUY, 119, 50) == "accepted"
    assert list(desk.ended.values()) == ["price_protection"]
    desk.place(BOB, BUY, 120, 9)
    assert list(desk.ended.values()) == ["price_protection"]
    desk.place(BOB, BUY, 120, 10)
    assert states(desk) == [w.STATE_AUCTION]


def test_levels_below_count_for_a_sell(desk: Desk) -> None:
    open_at_100(desk, least_value=850)
    for price in (89, 88, 85):
        desk.place(ALICE, BUY, price, 4)
    desk.place(BOB, SELL, 86, 50)
    assert list(desk.ended.values()) == ["price_protection"]
    desk.place(BOB, SELL, 80, 50)
    assert states(desk) == [w.STATE_AUCTION]


def test_own_orders_take_up_what_is_wanted_first(desk: Desk) -> None:
    """With own orders before others' an order would trade with itself: it halts nothing."""
    open_at_100(desk, least_value=1_150)
    desk.place(BOB, SELL, 112, 40)
    desk.place(ALICE, SELL, 115, 50)
    desk.place(BOB, BUY, 120, 49)
    assert list(desk.ended.values()) == ["price_protection"]
    desk.place(BOB, BUY, 120, 50)
    assert states(desk) == [w.STATE_AUCTION]


def test_a_groups_orders_are_own_orders(desk: Desk) -> None:
    open_at_100(desk, least_value=1_150)
    for account in (BOB, CAROL):
        desk.send(encode_set_account(account, stp_group=3))
    desk.place(CAROL, SELL, 112, 40)
    desk.place(ALICE, SELL, 115, 50)
    desk.place(BOB, BUY, 120, 49)
    assert list(desk.ended.values()) == ["price_protection"]
    desk.place(BOB, BUY, 120, 50)
    assert states(desk) == [w.STATE_AUCTION]


# --- self-trade prevention ------------------------------------------------------------------------

PREVENTED = [
    (w.STP_NONE, 10, 4, True),
    (w.STP_CANCEL_TAKER, 10, 0, False),
    (w.STP_CANCEL_MAKER, 0, 4, False),
    (w.STP_CANCEL_BOTH, 0, 0, False),
    (w.STP_DECREMENT, 6, 0, False),
]


@pytest.mark.parametrize(("mode", "asks", "bids", "trades"), PREVENTED)
def test_an_auction_prevents_an_order_that_crosses_its_own_account(
    desk: Desk, mode: int, asks: int, bids: int, *, trades: bool
) -> None:
    desk.state(w.STATE_AUCTION, reference=100)
    desk.place(ALICE, SELL, 90, 10)
    desk.place(ALICE, BUY, 110, 4, stp=mode)
    assert sum(lots for _, lots in desk.queue(SELL)) == asks
    assert sum(lots for _, lots in desk.queue(BUY)) == bids
    desk.time(1)
    assert bool(desk.market_states) == trades
    desk.state(w.STATE_OPEN)
    assert bool(desk.trades) == trades


@pytest.mark.parametrize(("mode", "asks", "bids", "trades"), PREVENTED)
def test_the_uncross_prevents_accounts_of_one_group(
    desk: Desk, mode: int, asks: int, bids: int, *, trades: bool
) -> None:
    for account in (ALICE, BOB):
        desk.send(encode_set_account(account, stp_group=3))
    desk.state(w.STATE_AUCTION, reference=100)
    desk.place(ALICE, SELL, 90, 10)
    desk.place(BOB, BUY, 110, 4, stp=mode, stp_by_group=True)
    desk.state(w.STATE_OPEN)
    assert bool(desk.trades) == trades
    if not trades:
        assert sum(lots for _, lots in desk.queue(SELL)) == asks
        assert sum(lots for _, lots in desk.queue(BUY)) == bids


def test_the_order_that_starts_an_auction_is_prevented_like_any_other(desk: Desk) -> None:
    open_at_100(desk)
    desk.place(ALICE, SELL, 115, 10)
    own = desk.place(BOB, SELL, 116, 3)
    taker = desk.place(BOB, BUY, 120, 10, stp=w.STP_CANCEL_MAKER)
    assert desk.ended == {own: "self_trade_prevention"}
    assert desk.queue(BUY) == [(taker, 10)]


def test_an_uncross_goes_on_until_nothing_crosses(desk: Desk) -> None:
    """What prevention takes away leaves bids and asks that cross at another price."""
    for account in (ALICE, BOB):
        desk.send(encode_set_account(account, stp_group=3))
    desk.state(w.STATE_AUCTION, reference=110)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(BOB, BUY, 120, 10, stp=w.STP_CANCEL_BOTH, stp_by_group=True)
    bid = desk.place(CAROL, BUY, 104, 3)
    ask = desk.place(CAROL, SELL, 103, 3)
    desk.state(w.STATE_OPEN)
    assert [trade[:2] for trade in desk.trades] == [(bid, ask)]
    assert 103 <= desk.trades[0][2] <= 104
    assert (desk.queue(BUY), desk.queue(SELL)) == ([], [])
