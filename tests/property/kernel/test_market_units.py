"""Whatever a market's steps are, a price or a quantity survives the way out and back."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.errors import InvalidInput
from bursa.kernel.markets import MarketUnits

SCALES = st.integers(0, 18)
# Lots and ticks of 2s and 5s only: any other tick may be no finite decimal, which is refused.
STEPS = st.builds(lambda twos, fives: 2**twos * 5**fives, st.integers(0, 12), st.integers(0, 12))
COUNTS = st.integers(1, 1 << 48)
TICKS, LOTS = COUNTS.map(Ticks), COUNTS.map(Lots)


@st.composite
def units(draw: st.DrawFn) -> MarketUnits:
    base_scale, quote_scale = draw(SCALES), draw(SCALES)
    lot, tick = draw(STEPS), draw(STEPS)
    try:
        return MarketUnits("A-B", "A", "B", base_scale, quote_scale, lot, tick)
    except InvalidInput:
        assume(condition=False)
        raise


@given(units(), TICKS)
def test_price_there_and_back(market: MarketUnits, ticks: Ticks) -> None:
    text = market.price_text(ticks)
    assume(len(text) <= 40)

    assert market.price_ticks(text) == ticks
    assert Decimal(text) == ticks * Decimal(market.tick_size)


@given(units(), LOTS)
def test_quantity_there_and_back(market: MarketUnits, lots: Lots) -> None:
    text = market.quantity_text(lots)
    assume(len(text) <= 40)

    assert market.quantity_lots(text) == lots


@given(units(), COUNTS)
def test_half_a_step_is_refused(market: MarketUnits, ticks: int) -> None:
    text = format(ticks * Decimal(market.tick_size) + Decimal(market.tick_size) / 2, "f")
    assume(len(text) <= 40)

    with pytest.raises(InvalidInput) as refused:
        market.price_ticks(text)

    assert refused.value.code == "price_off_tick"
    nearest = refused.value.detail.rpartition(": ")[2].rstrip(".").split(" or ")
    steps = [one for one in (ticks, ticks + 1) if one]
    assert [market.price_ticks(one) for one in nearest] == steps


@given(units(), TICKS, LOTS)
def test_value_is_price_times_quantity(market: MarketUnits, ticks: Ticks, lots: Lots) -> None:
    value = Decimal(market.price_text(ticks)) * Decimal(market.quantity_text(lots))
    exact = Decimal(market.notional(ticks, lots)).scaleb(-market.quote_scale)

    assert abs(value - exact) <= exact * Decimal("1e-24")  # Decimal's own 28 digits


def test_tick_that_is_no_finite_decimal_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        MarketUnits("A-B", "A", "B", 0, 0, 3, 1)

    assert refused.value.code == "invalid_tick_size"
