"""What moves the reference price: a window, a least quantity, and no trade with oneself."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, MARKET, SELL, Desk
from wire import layout as w
from wire.codec import encode_set_account, encode_set_market_state

INTERVAL_MS = 1_000


def reference(desk: Desk) -> tuple[int, int]:
    """Return (last price, reference price), as a change to the same state tells them."""
    desk.send(encode_set_market_state(MARKET, w.STATE_OPEN))
    (market,) = desk.market_states
    return market.last_price, market.reference_price


def trade(desk: Desk, price: int, lots: int, seller: int = CAROL, buyer: int = BOB) -> None:
    desk.place(seller, SELL, price, lots)
    desk.place(buyer, BUY, price, lots)
    assert [one[2:] for one in desk.trades] == [(price, lots)]


def pass_time(desk: Desk, milliseconds: int = INTERVAL_MS) -> None:
    desk.time(desk.engine.time_ms + milliseconds)


def touch(desk: Desk) -> None:
    """Have an order accepted: that is when the reference follows."""
    desk.cancel(ALICE, desk.place(ALICE, BUY, 1, 1))


def test_the_reference_is_the_average_of_a_window_by_quantity(desk: Desk) -> None:
    desk.limits(reference_interval_ms=INTERVAL_MS)
    desk.state(w.STATE_OPEN, reference=100)
    trade(desk, 101, 10)
    pass_time(desk, INTERVAL_MS - 1)
    trade(desk, 105, 30)
    touch(desk)
    assert reference(desk) == (105, 100)
    pass_time(desk, 1)
    touch(desk)
    assert reference(desk) == (105, 104)


def test_a_window_begins_with_its_first_trade(desk: Desk) -> None:
    desk.limits(reference_interval_ms=INTERVAL_MS)
    desk.state(w.STATE_OPEN, reference=100)
    pass_time(desk, 50 * INTERVAL_MS)
    trade(desk, 120, 10)
    touch(desk)
    assert reference(desk) == (120, 100)
    pass_time(desk)
    touch(desk)
    assert reference(desk) == (120, 120)


def test_the_first_reference_needs_the_least_value_and_no_time(desk: Desk) -> None:
    desk.limits(reference_interval_ms=INTERVAL_MS, least_value=990)
    trade(desk, 100, 9)
    touch(desk)
    assert reference(desk) == (100, 0)
    trade(desk, 90, 1)
    touch(desk)
    assert reference(desk) == (90, 99)


def test_dust_between_two_accounts_does_not_move_the_reference(desk: Desk) -> None:
    desk.limits(reference_interval_ms=INTERVAL_MS, least_value=1_000_000, collar_ppm=50_000)
    desk.state(w.STATE_OPEN, reference=1_000)
    for step in range(1, 50):
        trade(desk, 1_000 + step, 1)
        pass_time(desk)
    assert reference(desk) == (1_049, 1_000)
    assert desk.rejection(ALICE, BUY, 1_051, 1) == "price_outside_collar"


@pytest.mark.parametrize("group", [False, True], ids=["one account", "accounts of one group"])
@pytest.mark.parametrize("interval_ms", [0, INTERVAL_MS])
def test_an_owner_that_trades_with_itself_moves_neither_price(
    desk: Desk, interval_ms: int, *, group: bool
) -> None:
    """The walk of the review: 98 trades of one lot took the reference from 1,000 to 10,313."""
    desk.limits(reference_interval_ms=interval_ms, collar_ppm=50_000, breaker_ppm=100_000)
    desk.state(w.STATE_OPEN, reference=1_000)
    desk.place(BOB, BUY, 1_000, 1)
    desk.place(CAROL, SELL, 1_000, 1)
    stop = desk.place(BOB, BUY, 0, 1, order_type=w.TYPE_STOP_MARKET, trigger_price=1_010)
    buyer = BOB if group else ALICE
    for account in (ALICE, BOB) if group else ():
        desk.send(encode_set_account(account, stp_group=7))
    price = 1_000
    for _ in range(98):
        price = price * 105 // 100
        desk.place(ALICE, SELL, price, 1)
        desk.place(buyer, BUY, price, 1)
        pass_time(desk)
    desk.cancel_all(ALICE)
    assert reference(desk) == (1_000, 1_000)
    assert desk.rejection(CAROL, BUY, 1_051, 1) == "price_outside_collar"
    assert desk.engine.stops(MARKET, BUY) == [(stop, 1)]


def test_only_what_others_traded_counts_in_a_sweep(desk: Desk) -> None:
    desk.limits(least_value=300)
    desk.state(w.STATE_OPEN, reference=100)
    desk.place(ALICE, SELL, 100, 50)
    desk.place(BOB, SELL, 104, 2)
    desk.place(BOB, SELL, 110, 2)
    desk.place(ALICE, SELL, 120, 50)
    desk.place(ALICE, BUY, 120, 60, time_in_force=w.TIF_IOC)
    assert sum(one[3] for one in desk.trades) == 60
    touch(desk)
    assert reference(desk) == (110, 107)


def test_an_uncross_sets_the_reference_when_it_trades_enough(desk: Desk) -> None:
    for lots, expected in ((9, (105, 100)), (10, (105, 105))):
        desk.limits(least_value=1_050)
        desk.state(w.STATE_AUCTION, reference=100)
        desk.place(ALICE, BUY, 105, lots)
        desk.place(BOB, SELL, 105, lots)
        assert reference(desk) == expected


def test_an_owner_that_meets_itself_in_an_uncross_moves_neither_price(desk: Desk) -> None:
    trade(desk, 100, 1)
    desk.state(w.STATE_AUCTION, reference=100)
    desk.place(ALICE, BUY, 200, 1_000)
    desk.place(ALICE, SELL, 200, 1_000)
    assert reference(desk) == (100, 100)


@pytest.mark.parametrize("lots", [1, 1 << 30])
def test_a_window_never_leaves_a_word(engine_class: Any, lots: int) -> None:
    """Trades of half of all there can be, again and again."""
    desk = Desk(engine_class())
    price = (1 << 61) // lots
    if price > w.PRICE_MAX:
        price = w.PRICE_MAX
        lots = (1 << 61) // price
    for account, asset in ((ALICE, 1), (BOB, 2)):
        desk.funds(w.COMMAND_CREDIT, account, asset, 3 * (1 << 60) if asset == 2 else 10 * lots)
    desk.limits(reference_interval_ms=INTERVAL_MS)
    desk.state(w.STATE_OPEN, reference=price)
    for _ in range(6):
        trade(desk, price, lots, seller=ALICE, buyer=BOB)
        value = price * lots
        desk.funds(w.COMMAND_TRANSFER, ALICE, 2, value, to_account=BOB)
        desk.funds(w.COMMAND_TRANSFER, BOB, 1, lots * 10, to_account=ALICE)
    pass_time(desk)
    touch(desk)
    _, found = reference(desk)
    assert abs(found - price) * w.PPM <= price
