"""What an order is measured against before it trades: levels, and its own orders among them.

The bounds are what keeps one command short, whatever the book is (docs/engine.md).
"""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, MARKET, QUOTE, RICH, SELL, Desk
from wire import layout as w
from wire.codec import encode_place, encode_set_account

FOK: dict[str, Any] = {"time_in_force": w.TIF_FOK}
MARKET_ORDER: dict[str, Any] = {"order_type": w.TYPE_MARKET, "time_in_force": w.TIF_IOC}
LEVELS = ORDERS = w.MEASURED_MAX
KILLED = ["fill_or_kill_unfilled"]


def ask(account: int, price: int, lots: int = 1) -> bytes:
    return encode_place(account, MARKET, SELL, price, lots)


def ladder(desk: Desk, levels: int) -> None:
    """Offer a lot at each of some prices from 100 on."""
    desk.engine.apply(b"".join(ask(ALICE, 100 + index) for index in range(levels)))


@pytest.mark.parametrize(("lots", "fills"), [(LEVELS, True), (LEVELS + 1, False)])
def test_a_fill_or_kill_fills_from_so_many_levels(desk: Desk, lots: int, *, fills: bool) -> None:
    ladder(desk, LEVELS + 1)
    desk.funds(w.COMMAND_CREDIT, BOB, QUOTE, RICH)
    desk.place(BOB, BUY, 100 + LEVELS, lots, **FOK)
    assert (list(desk.ended.values()) == KILLED) != fills
    assert len(desk.trades) == (LEVELS if fills else 0)


@pytest.mark.parametrize("before", [1, ORDERS - 1, ORDERS])
def test_it_fills_from_a_level_before_its_own_order(desk: Desk, before: int) -> None:
    commands = [ask(ALICE, 100)] * before + [ask(BOB, 100, 5), ask(ALICE, 100, 50)]
    desk.engine.apply(b"".join(commands))
    options = FOK | {"stp": w.STP_CANCEL_TAKER}
    desk.place(BOB, BUY, 100, before + 1, **options)
    assert list(desk.ended.values()) == KILLED
    desk.place(BOB, BUY, 100, before, **options)
    assert len(desk.trades) == before


def test_what_is_behind_them_is_out_of_reach(desk: Desk) -> None:
    commands = [ask(ALICE, 100)] * (ORDERS + 1) + [ask(BOB, 100, 5)]
    desk.engine.apply(b"".join(commands))
    options = FOK | {"stp": w.STP_CANCEL_TAKER}
    desk.place(BOB, BUY, 100, ORDERS + 1, **options)
    assert list(desk.ended.values()) == KILLED


OWN_IN_THE_WAY = [
    (w.STP_NONE, 15, 15),
    (w.STP_CANCEL_TAKER, 5, 5),
    (w.STP_CANCEL_MAKER, 10, 10),
    (w.STP_CANCEL_BOTH, 5, 5),
    (w.STP_DECREMENT, 5, 5),
]


@pytest.mark.parametrize("by_group", [False, True])
@pytest.mark.parametrize(("mode", "most", "traded"), OWN_IN_THE_WAY)
def test_a_fill_or_kill_counts_its_own_orders_by_its_mode(
    desk: Desk, mode: int, most: int, traded: int, *, by_group: bool
) -> None:
    """Three levels: others', own, others', five lots each; own orders elsewhere do not count."""
    if by_group:
        desk.send(encode_set_account(BOB, stp_group=7))
    options = FOK | {"stp": mode, "stp_by_group": by_group}
    for account, price in ((ALICE, 100), (BOB, 101), (ALICE, 102), (BOB, 103)):
        desk.place(account, SELL, price, 5)
    desk.place(BOB, SELL, 90, 5, order_type=w.TYPE_STOP_LIMIT, trigger_price=80)
    desk.place(BOB, BUY, 90, 5)
    desk.place(BOB, BUY, 102, most + 1, **options)
    assert list(desk.ended.values()) == KILLED
    taker = desk.place(BOB, BUY, 102, most, **options)
    assert desk.ended[taker] == "filled"
    assert sum(trade[3] for trade in desk.trades) == traded


def test_a_market_buy_pays_for_what_is_beyond_so_many_levels_at_its_worst_price(desk: Desk) -> None:
    """So it needs no look at them: what it is held to is never less than what it pays."""
    ladder(desk, LEVELS + 1)
    highest = 100 + LEVELS
    desk.limits(market_collar_ppm=w.COLLAR_PPM_MAX, max_price=2 * highest)
    desk.state(w.STATE_OPEN, reference=highest)
    cost = sum(range(100, highest))
    desk.funds(w.COMMAND_DEBIT, BOB, QUOTE, RICH - cost - 2 * highest + 1)
    assert desk.rejection(BOB, BUY, 0, LEVELS + 1, **MARKET_ORDER) == "insufficient_balance"
    desk.funds(w.COMMAND_CREDIT, BOB, QUOTE, 1)
    assert desk.rejection(BOB, BUY, 0, LEVELS + 1, **MARKET_ORDER) == "accepted"
    assert len(desk.trades) == LEVELS + 1


def test_a_breaker_is_measured_against_so_many_levels(desk: Desk) -> None:
    desk.limits(breaker_ppm=100_000, least_value=1_000_000)
    desk.state(w.STATE_OPEN, reference=10)
    ladder(desk, LEVELS + 1)
    desk.engine.apply(ask(ALICE, 100 + LEVELS, 5_000))
    desk.place(BOB, BUY, 100 + LEVELS, 800)
    assert list(desk.ended.values()) == ["price_protection"]


@pytest.mark.parametrize("mode", [w.STP_CANCEL_MAKER, w.STP_DECREMENT, w.STP_CANCEL_BOTH])
def test_looking_leaves_no_trace(desk: Desk, engine_class: Any, mode: int) -> None:
    """What is marked while an order is measured is gone when the next one is."""
    for account, price in ((ALICE, 100), (BOB, 101), (ALICE, 102)):
        desk.place(account, SELL, price, 5)
    desk.place(BOB, BUY, 102, 50, stp=mode, **FOK)
    assert list(desk.ended.values()) == KILLED
    before = desk.engine.checkpoint()
    restored = Desk.of_engine(engine_class.restore(before))
    for one in (desk, restored):
        one.place(BOB, BUY, 0, 12, stp=mode, **MARKET_ORDER)
    assert desk.engine.checkpoint() == restored.engine.checkpoint()
