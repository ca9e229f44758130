"""Fees on running totals: slices cost what the block costs, and the fee account never loses."""

from fractions import Fraction

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, FEES, QUOTE, SELL, TENANT, Desk
from wire import layout as w
from wire.codec import encode_set_account, encode_set_fee_tier
from wire.events import Account, Trade

MAKER_PPM, TAKER_PPM = 1_000, 2_000


def fees(desk: Desk, maker_ppm: int = MAKER_PPM, taker_ppm: int = TAKER_PPM) -> None:
    desk.send(encode_set_fee_tier(TENANT, 0, 0, taker_ppm))
    assert desk.send(encode_set_fee_tier(TENANT, 0, maker_ppm, taker_ppm)) == "accepted"


def due(amount: int, ppm: int) -> int:
    """Return the fee on an amount, rounded up."""
    return -(-amount * ppm // w.PPM)


def test_a_sweep_through_slices_costs_what_the_block_costs(desk: Desk) -> None:
    fees(desk)
    desk.place(ALICE, BUY, 1, 499_000, display_quantity=499)
    desk.place(BOB, SELL, 1, 99_999, time_in_force=w.TIF_IOC)
    trades = desk.of(Trade)
    assert len(trades) == 201
    assert sum(trade.taker_fee for trade in trades) == due(99_999, TAKER_PPM) == 200
    assert sum(trade.maker_fee for trade in trades) == due(999_990, MAKER_PPM) == 1_000


@pytest.mark.parametrize("lots", [1, 7, 499])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_maker_taken_in_slices_pays_what_the_block_costs(
    desk: Desk, lots: int, side: int
) -> None:
    fees(desk)
    desk.place(ALICE, side, 1, 4_990)
    count = 4_990 // lots if lots > 1 else 500
    paid = 0
    for _ in range(count):
        desk.place(BOB, SELL + BUY - side, 1, lots)
        (trade,) = desk.of(Trade)
        paid += trade.maker_fee
        received = lots * (10 if side == BUY else 1)
        assert trade.taker_fee == due(lots * (1 if side == BUY else 10), TAKER_PPM)
    assert paid == due(count * received, MAKER_PPM)


def test_small_sales_are_not_free(desk: Desk) -> None:
    fees(desk)
    for _ in range(20):
        desk.place(ALICE, BUY, 1, 480)
        desk.place(BOB, SELL, 1, 480)
    assert desk.engine.balance(FEES, QUOTE) == (20, 0)


def test_changing_between_taker_and_maker_saves_nothing(desk: Desk) -> None:
    """Boundaries where a maker's fee falls due are crossed as a taker, and the other way round."""
    fees(desk, 1_500, 2_000)
    order = desk.place(ALICE, SELL, 1, 50_000)
    as_maker, as_taker, turns = 0, 0, 60
    for turn in range(turns):
        lots = 1 + 37 * turn % 400
        desk.place(BOB, BUY, 1, lots)
        as_maker += lots
        desk.change(ALICE, order, price=3)
        desk.place(BOB, BUY, 1, lots)
        assert desk.change(ALICE, order, price=1) == "accepted"
        as_taker += lots
        assert len(desk.of(Trade)) == 1
    # What it paid is in the fee account, beside what the buyer paid, which is in the other asset.
    exact = Fraction(as_maker * 1_500 + as_taker * 2_000, w.PPM)
    (paid, _) = desk.engine.balance(FEES, QUOTE)
    assert exact <= paid <= exact + 3 * turns


@pytest.mark.parametrize("withdraw", [False, True], ids=["kept", "withdrawn"])
def test_rebates_never_take_more_than_the_fee_account_has(desk: Desk, *, withdraw: bool) -> None:
    fees(desk, -2_000, 2_000)
    for _ in range(3):
        desk.place(ALICE, SELL, 1, 500)
    for lots in (499, 499, 499, 1, 1, 1, 1):
        desk.place(BOB, BUY, 1, lots)
        available, _ = desk.engine.balance(FEES, BASE)
        assert available >= 0
        if withdraw and available:
            desk.funds(w.COMMAND_DEBIT, FEES, BASE, available)


def test_rebates_are_on_the_running_total_too(desk: Desk) -> None:
    fees(desk, -1_000, 2_000)
    desk.place(ALICE, SELL, 1, 1_000)
    paid = 0
    for _ in range(100):
        desk.place(BOB, BUY, 1, 10)
        paid -= desk.of(Trade)[0].maker_fee
    assert paid == 10_000 * 1_000 // w.PPM


def test_another_tier_changes_what_follows_only(desk: Desk) -> None:
    fees(desk)
    desk.send(encode_set_fee_tier(TENANT, 1, 5_000, 5_000))
    order = desk.place(ALICE, SELL, 1, 20_000)
    desk.place(BOB, BUY, 1, 10_000)
    before = desk.of(Trade)[0].maker_fee
    desk.send(encode_set_account(ALICE, tier=1))
    desk.place(BOB, BUY, 1, 10_000)
    assert (before, desk.of(Trade)[0].maker_fee) == (10, 50)
    assert desk.engine.order(order) is None


def test_a_setting_that_is_kept_stays_what_it_is(desk: Desk) -> None:
    fees(desk)
    desk.send(encode_set_fee_tier(TENANT, 1, 5_000, 5_000))
    desk.send(encode_set_account(ALICE, tier=1, stp_group=7, state=w.ACCOUNT_STATE_FROZEN))
    kept = w.SETTING_KEPT
    for change, holds in (
        ({"tier": 0}, (0, 7, w.ACCOUNT_STATE_FROZEN)),
        ({"state": w.ACCOUNT_STATE_ACTIVE}, (0, 7, w.ACCOUNT_STATE_ACTIVE)),
        ({"stp_group": 8}, (0, 8, w.ACCOUNT_STATE_ACTIVE)),
        ({"tier": 1}, (1, 8, w.ACCOUNT_STATE_ACTIVE)),
        ({}, (1, 8, w.ACCOUNT_STATE_ACTIVE)),
    ):
        settings = {"tier": kept, "stp_group": kept, "state": kept, **change}
        assert desk.send(encode_set_account(ALICE, **settings)) == "accepted"
        assert desk.of(Account)[0][2:] == holds
    # Of an account that is not there yet it is what a new one has.
    desk.send(encode_set_account(ALICE + 9, tier=kept, stp_group=kept, state=kept))
    assert desk.of(Account)[0][2:] == (0, 0, w.ACCOUNT_STATE_ACTIVE)


def test_an_uncross_charges_running_totals_on_both_sides(desk: Desk) -> None:
    fees(desk)
    desk.state(w.STATE_AUCTION, reference=1)
    for _ in range(100):
        desk.place(ALICE, SELL, 1, 7)
    desk.place(BOB, BUY, 1, 700)
    desk.state(w.STATE_OPEN)
    trades = desk.of(Trade)
    assert len(trades) == 100
    assert sum(trade.taker_fee for trade in trades) == due(7_000, TAKER_PPM)
    assert sum(trade.maker_fee for trade in trades) == 100 * due(7, MAKER_PPM)
    assert desk.engine.balance(FEES, BASE) == (due(7_000, TAKER_PPM), 0)
