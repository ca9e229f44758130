"""By which price stops trigger: the last that trades of the market's least value stand behind."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, MARKET, SELL, Desk
from wire import layout as w
from wire.codec import encode_set_account

LEAST_VALUE = 1_000
STOP: dict[str, Any] = {"order_type": w.TYPE_STOP_LIMIT}


def trade(desk: Desk, price: int, lots: int, seller: int = ALICE, buyer: int = BOB) -> None:
    """Let two accounts trade."""
    desk.place(seller, SELL, price, lots)
    desk.place(buyer, BUY, price, lots)
    assert sum(one[3] for one in desk.trades if one[2] == price) >= lots


def confirmed_at_100(desk: Desk, least_value: int = LEAST_VALUE) -> tuple[int, int]:
    """Confirm 100; return a sell stop at 95 and a buy stop at 105 that wait."""
    desk.limits(least_value=least_value)
    trade(desk, 100, 10)
    below = desk.place(CAROL, SELL, 900, 1, trigger_price=95, **STOP)
    above = desk.place(CAROL, BUY, 2, 1, trigger_price=105, **STOP)
    return below, above


def waiting(desk: Desk) -> set[int]:
    """Return the stops that wait."""
    return {order for side in (BUY, SELL) for order, _ in desk.engine.stops(MARKET, side)}


def test_a_lot_between_friends_triggers_nobodys_stop(desk: Desk) -> None:
    stops = confirmed_at_100(desk)
    for price in (94, 106, 1, 500):
        trade(desk, price, 1)
    assert waiting(desk) == set(stops)


@pytest.mark.parametrize(("price", "triggered"), [(95, 0), (105, 1)], ids=["below", "above"])
@pytest.mark.parametrize(("lots", "triggers"), [(9, False), (11, True)], ids=["less", "enough"])
def test_a_trade_of_the_least_value_triggers(
    desk: Desk, price: int, triggered: int, lots: int, *, triggers: bool
) -> None:
    stops = confirmed_at_100(desk)
    trade(desk, price, lots)
    assert (stops[triggered] not in waiting(desk)) == triggers
    assert stops[1 - triggered] in waiting(desk)


def test_small_trades_count_together(desk: Desk) -> None:
    below, _ = confirmed_at_100(desk)
    for _ in range(10):
        trade(desk, 95, 1)
        assert below in waiting(desk)
    trade(desk, 95, 1)
    assert below not in waiting(desk)


def test_small_trades_confirm_their_average(desk: Desk) -> None:
    below, above = confirmed_at_100(desk)
    for _ in range(5):
        trade(desk, 90, 1)
        trade(desk, 105, 1)
    trade(desk, 90, 1)
    assert waiting(desk) == {below, above}


def test_dust_takes_nothing_from_the_price_of_a_large_trade(desk: Desk) -> None:
    below, above = confirmed_at_100(desk)
    trade(desk, 200, 4)
    trade(desk, 95, 11)
    assert waiting(desk) == {above}
    assert below not in waiting(desk)
    trade(desk, 200, 1)
    assert waiting(desk) == {above}


def test_a_sweep_triggers_what_it_has_gone_through_with_enough(desk: Desk) -> None:
    _, above = confirmed_at_100(desk)
    for price, lots in ((101, 50), (102, 50), (110, 1)):
        desk.place(ALICE, SELL, price, lots)
    desk.place(BOB, BUY, 110, 101)
    assert above in waiting(desk)
    for price, lots in ((101, 50), (105, 10), (110, 1)):
        desk.place(ALICE, SELL, price, lots)
    desk.place(BOB, BUY, 110, 61)
    assert above not in waiting(desk)


def test_without_a_least_value_each_trade_counts(desk: Desk) -> None:
    below, _ = confirmed_at_100(desk, least_value=0)
    trade(desk, 95, 1)
    assert below not in waiting(desk)


def test_a_stop_that_dust_has_passed_waits_when_it_arrives(desk: Desk) -> None:
    confirmed_at_100(desk)
    trade(desk, 94, 1)
    stop = desk.place(CAROL, SELL, 900, 1, trigger_price=94, **STOP)
    assert stop in waiting(desk)
    stop = desk.place(CAROL, SELL, 900, 1, trigger_price=100, **STOP)
    assert stop not in waiting(desk)


def test_an_owners_trades_with_itself_confirm_nothing(desk: Desk) -> None:
    stops = confirmed_at_100(desk)
    trade(desk, 95, 100, ALICE, ALICE)
    for account in (ALICE, BOB):
        desk.send(encode_set_account(account, stp_group=7))
    trade(desk, 95, 100)
    assert waiting(desk) == set(stops)


@pytest.mark.parametrize(("lots", "triggers"), [(10, False), (11, True)], ids=["less", "enough"])
def test_an_uncross_triggers_as_a_trade_does(desk: Desk, lots: int, *, triggers: bool) -> None:
    below, above = confirmed_at_100(desk)
    desk.state(w.STATE_AUCTION)
    desk.place(ALICE, SELL, 95, lots)
    desk.place(BOB, BUY, 95, lots)
    desk.state(w.STATE_OPEN)
    assert waiting(desk) == ({above} if triggers else {below, above})


def test_what_has_been_counted_survives_a_restart(desk: Desk, engine_class: Any) -> None:
    below, above = confirmed_at_100(desk)
    trade(desk, 95, 6)
    data = desk.engine.checkpoint()
    restored = Desk.of_engine(engine_class.restore(data))
    assert restored.engine.checkpoint() == data
    assert waiting(restored) == {below, above}
    trade(restored, 95, 5)
    assert waiting(restored) == {above}
