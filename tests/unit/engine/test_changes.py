"""An amend says how much an order is for in all, and may leave nothing of it."""

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, CAROL, SELL, Desk
from wire import layout as w
from wire.codec import encode_define_asset, encode_define_market, encode_funds, encode_place
from wire.events import Order


def half_filled(desk: Desk) -> int:
    """Return an order of 10 at 100 of which 4 are filled, with another behind it."""
    order = desk.place(ALICE, SELL, 100, 10)
    desk.place(CAROL, SELL, 100, 10)
    desk.place(BOB, BUY, 100, 4)
    return order


@pytest.mark.parametrize(
    ("total", "left", "is_first"), [(5, 1, True), (9, 5, True), (11, 7, False), (20, 16, False)]
)
def test_the_quantity_of_an_amend_includes_what_is_filled(
    desk: Desk, total: int, left: int, is_first: bool
) -> None:
    order = half_filled(desk)
    assert desk.change(ALICE, order, quantity=total) == "accepted"
    state = desk.engine.order(order)
    assert (state.quantity, state.remaining) == (total, left)
    assert (desk.queue(SELL)[0] == (order, left)) == is_first
    assert desk.engine.balance(ALICE, BASE)[1] == left * 10


def test_a_price_alone_leaves_the_quantity(desk: Desk) -> None:
    order = half_filled(desk)
    desk.change(ALICE, order, price=101)
    state = desk.engine.order(order)
    assert (state.quantity, state.remaining) == (10, 6)
    assert desk.change(ALICE, order, quantity=10) == "nothing_to_change"


@pytest.mark.parametrize("total", [1, 3, 4])
@pytest.mark.parametrize("price", [0, 90, 101])
def test_an_amend_to_what_is_filled_already_closes_the_order(
    desk: Desk, total: int, price: int
) -> None:
    order = half_filled(desk)
    assert desk.change(ALICE, order, quantity=total, price=price) == "accepted"
    assert desk.ended == {order: "filled"}
    (event,) = desk.of(Order)
    assert (event.quantity, event.remaining, event.filled_quote) == (4, 0, 400)
    assert (desk.trades, desk.engine.order(order)) == ([], None)
    assert desk.engine.balance(ALICE, BASE)[1] == 0


def test_an_amend_that_closes_keeps_to_the_same_rules(desk: Desk) -> None:
    order = half_filled(desk)
    assert desk.change(ALICE, order, quantity=-1) == "quantity_out_of_range"
    assert desk.change(ALICE, order, quantity=-(1 << 63)) == "quantity_out_of_range"
    desk.state(w.STATE_HALTED)
    assert desk.change(ALICE, order, quantity=1) == "market_halted"
    desk.state(w.STATE_CANCEL_ONLY)
    assert desk.change(ALICE, order, quantity=1) == "accepted"


def test_the_total_keeps_to_the_markets_largest_quantity(desk: Desk) -> None:
    order = half_filled(desk)
    desk.limits(max_quantity=12)
    assert desk.change(ALICE, order, quantity=13) == "quantity_out_of_range"
    assert desk.change(ALICE, order, quantity=12) == "accepted"


def test_a_replacement_is_for_what_it_says(desk: Desk) -> None:
    order = half_filled(desk)
    desk.change(ALICE, order, quantity=3, replace=True)
    state = desk.engine.order(desk.result.order_id)
    assert (state.quantity, state.remaining) == (3, 3)


def test_what_is_filled_and_what_may_be_fit_a_word_together(desk: Desk) -> None:
    """An order that is filled and amended again and again never counts beyond 63 bits."""
    whole = w.AMOUNT_MAX // 4
    desk.send(encode_define_asset(8, 1, 0, "B"))
    desk.send(encode_define_asset(9, 1, 0, "Q"))
    desk.send(encode_define_market(7, 1, 8, 9, lot_units=1, tick_units=whole, symbol="B-Q"))
    desk.send(encode_funds(w.COMMAND_CREDIT, ALICE, 8, 1_000))
    desk.send(encode_funds(w.COMMAND_CREDIT, BOB, 9, w.AMOUNT_MAX - 10))
    desk.send(encode_place(ALICE, 7, SELL, 1, 2))
    order = desk.result.order_id
    reasons = []
    for total in (3, 4, 5):
        desk.send(encode_place(BOB, 7, BUY, 1, 1))
        desk.funds(w.COMMAND_TRANSFER, ALICE, 9, whole, to_account=BOB)
        reasons.append(desk.change(ALICE, order, quantity=total, price=1))
    assert reasons == ["accepted", "accepted", "notional_too_large"]
    assert 0 < desk.engine.order(order).filled_quote <= w.AMOUNT_MAX
