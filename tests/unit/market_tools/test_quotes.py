"""Makers and takers ask for what a market's rules allow."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from scripts.market.prices import PriceWalk
from scripts.market.quotes import Quote, Rules, Shape, ladder, requote, taking

RULES = Rules("BTC-USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5))
prices = st.decimals("0.5", "100000", places=4)
worths = st.decimals("0.01", "10000", places=2)


def is_whole(value: Decimal, step: Decimal) -> bool:
    return value > 0 and value % step == 0


@given(prices, worths)
def test_a_ladder_is_whole_ticks_and_lots_and_never_crosses(fair: Decimal, worth: Decimal) -> None:
    wanted = ladder(RULES, fair, Shape(worth=worth))
    for (_, price), quantity in wanted.items():
        assert is_whole(price, RULES.tick)
        assert is_whole(quantity, RULES.lot)
        assert price * quantity >= RULES.least
    bids = [price for side, price in wanted if side == "buy"]
    asks = [price for side, price in wanted if side == "sell"]
    assert max(bids) < min(asks)


@given(prices, worths, st.integers(0, 1_000))
def test_a_taker_asks_for_whole_lots(fair: Decimal, worth: Decimal, seed: int) -> None:
    order = taking(RULES, fair, worth, random.Random(seed))
    assert is_whole(Decimal(order["quantity"]), RULES.lot)
    if order["type"] == "limit":
        assert is_whole(Decimal(order["price"]), RULES.tick)
        assert (Decimal(order["price"]) > fair) == (order["side"] == "buy")


def test_quotes_that_are_near_enough_stay() -> None:
    fair = Decimal(100)
    wanted = ladder(RULES, fair, Shape(levels=2))
    have = {
        f"{side}-{price}": Quote(f"{side}-{price}", side, price + Decimal("0.01"))
        for side, price in wanted
    }
    assert requote(have, wanted, Decimal("0.0003")) == ([], [])


def test_quotes_that_are_far_are_cancelled_and_replaced() -> None:
    wanted = {("buy", Decimal(99)): Decimal(1), ("sell", Decimal(101)): Decimal(1)}
    have = {"a": Quote("a", "buy", Decimal(99)), "b": Quote("b", "sell", Decimal(103))}
    cancels, places = requote(have, wanted, Decimal("0.0003"))
    assert cancels == ["b"]
    assert places == [("sell", Decimal(101), Decimal(1))]


def test_a_walk_is_the_same_however_often_it_is_looked_at() -> None:
    first, second = (PriceWalk(Decimal(60_000), 0.001, seed=7) for _ in range(2))
    later = second.at(30)
    assert [first.at(at_s) for at_s in (0, 10, 30)] == [second.at(0), second.at(10), later]
    assert first.at(0) == Decimal(60_000)
    assert later != Decimal(60_000)
    assert PriceWalk(Decimal(60_000), 0.0, seed=7).at(30) == Decimal(60_000)
