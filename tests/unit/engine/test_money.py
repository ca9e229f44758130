"""Fees, rebates, deposits, holds and transfers: nothing made, nothing lost."""

from typing import Any

import pytest

from tests.unit.engine.desk import (
    ALICE,
    BASE,
    BOB,
    BUY,
    FEES,
    MARKET,
    QUOTE,
    RICH,
    SELL,
    STRANGER,
    TENANT,
    Desk,
)
from wire import layout as w
from wire.codec import encode_funds, encode_set_account, encode_set_fee_tier
from wire.events import Trade, Transfer

CREDIT, DEBIT, HOLD = w.COMMAND_CREDIT, w.COMMAND_DEBIT, w.COMMAND_HOLD
RELEASE, CAPTURE, TRANSFER = w.COMMAND_RELEASE, w.COMMAND_CAPTURE, w.COMMAND_TRANSFER


@pytest.mark.parametrize(
    ("maker_ppm", "taker_ppm", "fees_base", "fees_quote", "maker_gets", "taker_gets"),
    [
        (0, 0, 0, 0, 99_900, 9_990),
        (1000, 2000, 20, 100, 99_800, 9_970),
        (-1000, 2000, 11, 0, 99_900, 9_970),
        (-2000, 2000, 1, 0, 99_900, 9_970),
    ],
    ids=["none", "both pay", "rebate", "rebate takes all"],
)
def test_fees_are_taken_from_what_is_received(
    desk: Desk,
    maker_ppm: int,
    taker_ppm: int,
    fees_base: int,
    fees_quote: int,
    maker_gets: int,
    taker_gets: int,
) -> None:
    assert desk.send(encode_set_fee_tier(TENANT, 0, 0, taker_ppm)) == "accepted"
    assert desk.send(encode_set_fee_tier(TENANT, 0, maker_ppm, taker_ppm)) == "accepted"
    desk.place(ALICE, SELL, 100, 999)
    desk.place(BOB, BUY, 100, 999)
    (trade,) = desk.of(Trade)
    rebate = 9_990 * max(-maker_ppm, 0) // w.PPM
    assert trade.taker_fee == 9_990 - taker_gets
    assert trade.maker_fee == (-rebate if rebate else 99_900 - maker_gets)
    assert desk.engine.balance(FEES, BASE) == (fees_base, 0)
    assert desk.engine.balance(FEES, QUOTE) == (fees_quote, 0)
    assert desk.engine.balance(ALICE, QUOTE) == (RICH + maker_gets, 0)
    assert desk.engine.balance(ALICE, BASE) == (RICH - 9_990 + rebate, 0)
    assert desk.engine.balance(BOB, BASE) == (RICH + taker_gets, 0)


def test_a_tier_pays_its_own_fees(desk: Desk) -> None:
    desk.send(encode_set_fee_tier(TENANT, 0, 1000, 2000))
    desk.send(encode_set_fee_tier(TENANT, 3, 0, 500))
    assert desk.send(encode_set_account(BOB, tier=2)) == "invalid_setting"
    desk.send(encode_set_account(BOB, tier=3))
    desk.place(ALICE, SELL, 100, 1000)
    desk.place(BOB, BUY, 100, 1000)
    (trade,) = desk.of(Trade)
    assert (trade.maker_fee, trade.taker_fee) == (100, 5)


def test_no_rebate_that_the_least_taker_fee_could_not_pay(desk: Desk) -> None:
    desk.send(encode_set_fee_tier(TENANT, 0, 0, 2000))
    desk.send(encode_set_fee_tier(TENANT, 1, 0, 500))
    assert desk.send(encode_set_fee_tier(TENANT, 2, -501, 9000)) == "fees_below_rebate"
    assert desk.send(encode_set_fee_tier(TENANT, 2, -500, 9000)) == "accepted"
    assert desk.send(encode_set_fee_tier(TENANT, 1, 0, 499)) == "fees_below_rebate"


def test_hold_release_and_capture(desk: Desk) -> None:
    assert desk.funds(HOLD, ALICE, QUOTE, 500, hold_id=9) == "accepted"
    assert desk.balances[ALICE, QUOTE] == (RICH - 500, 500)
    assert desk.funds(HOLD, ALICE, QUOTE, 1, hold_id=9) == "hold_exists"
    assert desk.funds(RELEASE, ALICE, QUOTE, 100, hold_id=9) == "accepted"
    assert desk.funds(CAPTURE, ALICE, QUOTE, 401, hold_id=9) == "amount_out_of_range"
    assert desk.funds(CAPTURE, ALICE, BASE, 1, hold_id=9) == "unknown_hold"
    assert desk.funds(CAPTURE, BOB, QUOTE, 1, hold_id=9) == "unknown_hold"
    assert desk.funds(CAPTURE, ALICE, QUOTE, 0, hold_id=9) == "accepted"
    assert desk.engine.balance(ALICE, QUOTE) == (RICH - 400, 0)
    assert desk.funds(RELEASE, ALICE, QUOTE, 0, hold_id=9) == "unknown_hold"


@pytest.mark.parametrize(
    ("kind", "amount", "reason"),
    [
        (DEBIT, RICH + 1, "insufficient_balance"),
        (DEBIT, RICH, "accepted"),
        (DEBIT, 0, "amount_out_of_range"),
        (DEBIT, -1, "amount_out_of_range"),
        (CREDIT, w.AMOUNT_MAX, "supply_limit"),
        (CREDIT, w.AMOUNT_MAX + 1, "amount_out_of_range"),
        (TRANSFER, RICH + 1, "insufficient_balance"),
        (TRANSFER, RICH, "accepted"),
    ],
)
def test_amounts(desk: Desk, kind: int, amount: int, reason: str) -> None:
    more = {"to_account": BOB} if kind == TRANSFER else {}
    before = desk.engine.balance(ALICE, QUOTE)
    assert desk.funds(kind, ALICE, QUOTE, amount, **more) == reason
    if reason != "accepted":
        assert desk.engine.balance(ALICE, QUOTE) == before


def test_nothing_crosses_tenants(desk: Desk) -> None:
    assert desk.funds(TRANSFER, ALICE, QUOTE, 1, to_account=STRANGER) == "wrong_tenant"
    assert desk.funds(CREDIT, STRANGER, QUOTE, 1) == "wrong_tenant"
    assert desk.rejection(STRANGER, BUY, 100, 1) == "wrong_tenant"
    assert desk.cancel_all(STRANGER, market=MARKET) == "wrong_tenant"
    order = desk.place(ALICE, BUY, 100, 1)
    assert desk.cancel(STRANGER, order) == "unknown_order"


def test_a_product_that_leaves_64_bits_is_refused(desk: Desk) -> None:
    assert desk.rejection(ALICE, BUY, 1 << 32, 1 << 32) == "notional_too_large"
    assert desk.rejection(ALICE, BUY, w.PRICE_MAX, w.QUANTITY_MAX) == "notional_too_large"
    assert desk.rejection(ALICE, BUY, w.PRICE_MAX + 1, 1) == "price_out_of_range"
    assert desk.rejection(ALICE, SELL, 1, w.QUANTITY_MAX + 1) == "quantity_out_of_range"
    assert desk.engine.balance(ALICE, QUOTE) == (RICH, 0)


@pytest.mark.parametrize(
    ("kind", "names", "transfer", "counter_account"),
    [
        (CREDIT, {}, "credit", 0),
        (DEBIT, {}, "debit", 0),
        (CAPTURE, {"hold_id": 7}, "capture", 0),
        (TRANSFER, {"to_account": BOB}, "transfer", BOB),
        (TRANSFER, {"to_account": FEES}, "fee", FEES),
    ],
    ids=["credit", "debit", "capture", "transfer", "fee"],
)
def test_money_that_moves_without_a_trade_is_stated(
    desk: Desk, kind: int, names: dict[str, Any], transfer: str, counter_account: int
) -> None:
    desk.send(encode_funds(HOLD, ALICE, QUOTE, 50, hold_id=7))
    assert desk.of(Transfer) == []

    command = encode_funds(kind, ALICE, QUOTE, 40, reference=(-3, 9), **names)
    assert desk.send(command) == "accepted"

    (stated,) = desk.of(Transfer)
    assert w.TRANSFER_KIND_NAMES[stated.kind] == transfer
    assert stated[2:] == (QUOTE, ALICE, counter_account, 40, -3, 9)


def test_a_capture_of_all_that_is_held_states_how_much_that_was(desk: Desk) -> None:
    desk.send(encode_funds(HOLD, ALICE, QUOTE, 50, hold_id=7))
    desk.send(encode_funds(CAPTURE, ALICE, QUOTE, 0, hold_id=7))
    assert [stated.amount for stated in desk.of(Transfer)] == [50]


def test_what_is_rejected_or_only_released_moves_nothing(desk: Desk) -> None:
    desk.send(encode_funds(DEBIT, ALICE, QUOTE, 2 * RICH))
    assert desk.of(Transfer) == []
    desk.send(encode_funds(HOLD, ALICE, QUOTE, 50, hold_id=7))
    desk.send(encode_funds(RELEASE, ALICE, QUOTE, 50, hold_id=7))
    assert desk.of(Transfer) == []
