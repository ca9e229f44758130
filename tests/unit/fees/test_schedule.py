"""Fee schedules: who has which tier, which schedules are none, and how rates change safely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.fees.schedule import (
    VOLUME_MAX,
    FeeSchedule,
    Rates,
    check_schedule,
    rate_changes,
    schedule_as_stored,
    schedule_from,
)
from bursa.kernel.errors import InvalidInput
from wire.layout import FEE_PPM_MAX

SCHEDULE = FeeSchedule("USDT", 2, (100, 5_000), since_ms=7)


@pytest.mark.parametrize(
    ("volume", "tier"), [(0, 0), (99, 0), (100, 1), (4_999, 1), (5_000, 2), (VOLUME_MAX, 2)]
)
def test_a_tier_begins_at_its_volume(volume: int, tier: int) -> None:
    assert SCHEDULE.tier_for(volume) == tier


def test_a_schedule_of_one_tier_is_everybodys() -> None:
    assert FeeSchedule("USDT", 2, ()).tier_for(VOLUME_MAX) == 0


def test_tiers_begin_at_nothing() -> None:
    assert [SCHEDULE.least(tier) for tier in SCHEDULE.tiers] == [0, 100, 5_000]


def test_it_comes_back_as_it_was_stored() -> None:
    assert schedule_from(schedule_as_stored(SCHEDULE)) == SCHEDULE


PLAIN = Rates(1_000, 2_000)


@pytest.mark.parametrize(
    ("volumes", "rates", "code"),
    [
        ([], [], "invalid_tiers"),
        ([1], [PLAIN], "invalid_tiers"),
        ([0, 0], [PLAIN, PLAIN], "invalid_tiers"),
        ([0, 5, 4], [PLAIN] * 3, "invalid_tiers"),
        ([0, VOLUME_MAX + 1], [PLAIN, PLAIN], "invalid_tiers"),
        (list(range(17)), [PLAIN] * 17, "invalid_tiers"),
        ([0, 1], [PLAIN], "invalid_tiers"),
        ([0], [Rates(FEE_PPM_MAX + 1, 0)], "invalid_rates"),
        ([0], [Rates(0, -1)], "invalid_rates"),
        ([0], [Rates(-FEE_PPM_MAX - 1, FEE_PPM_MAX)], "invalid_rates"),
        ([0], [Rates(-2, 1)], "invalid_rates"),
        # Each covers its own rebate, and a maker of the first may meet a taker of the second.
        ([0, 1], [Rates(-5, 5), Rates(0, 4)], "invalid_rates"),
        # Two who trade with each other would have their volume for nothing.
        ([0, 1], [Rates(0, 5), Rates(-5, 5)], "invalid_rates"),
        ([0, 1], [Rates(0, 5), Rates(0, 0)], "invalid_rates"),
    ],
    ids=str,
)
def test_what_is_no_schedule_is_refused(volumes: list[int], rates: list[Rates], code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_schedule(volumes, rates)
    assert raised.value.code == code


def test_a_rebate_that_every_taker_pays_is_allowed() -> None:
    check_schedule([0, 1], [Rates(0, 5), Rates(-4, 5)])
    # Of one tier no volume leads to another.
    check_schedule([0], [Rates(-5, 5)])
    check_schedule(list(range(16)), [PLAIN] * 16)


RATES = st.builds(Rates, st.integers(-20, 20), st.integers(0, 20))
COVERED = st.lists(RATES, min_size=1, max_size=6).filter(
    lambda rates: min(one.maker_ppm for one in rates) + min(one.taker_ppm for one in rates) >= 0
)


@given(COVERED, COVERED)
def test_on_the_way_no_rebate_is_beyond_the_lowest_fee(
    before: list[Rates], wanted: list[Rates]
) -> None:
    """As the engine judges it after each command (`covers_rebates`)."""
    state = dict(enumerate(before))
    for tier, rates in rate_changes(state.copy(), wanted):
        state[tier] = rates
        least = min(one.maker_ppm for one in state.values())
        assert least + min(one.taker_ppm for one in state.values()) >= 0
    assert [state[tier] for tier in range(len(wanted))] == wanted
    assert all(state[tier] == wanted[-1] for tier in range(len(wanted), len(before)))


@given(COVERED)
def test_rates_that_are_there_are_not_set_again(rates: list[Rates]) -> None:
    assert not rate_changes(dict(enumerate(rates)), rates)
