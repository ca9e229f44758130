"""Numbers of the Binance dialect: below 2**53, the same for the same, and telling nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bursa.dialects.binance.ids import NUMBER_MAX, HiddenNumbers

ORDERS = HiddenNumbers(b"k" * 32, b"order")
OURS = st.integers(0, (1 << 40) - 1)


@given(OURS)
def test_a_number_is_read_back(ours: int) -> None:
    number = ORDERS.hide(ours)
    assert 0 <= number <= NUMBER_MAX
    assert ORDERS.open(number) == ours


@given(st.integers(0, NUMBER_MAX))
def test_every_number_stands_for_one_and_no_other(number: int) -> None:
    assert ORDERS.hide(ORDERS.open(number)) == number


@given(OURS)
def test_a_list_begins_at_a_number_or_after_the_one_before(ours: int) -> None:
    number = ORDERS.hide(ours)
    assert ORDERS.first(number) == ours
    # By chance the one after it may be a number, too.
    if ORDERS.open(number + 1) >= 1 << 40:
        assert ORDERS.first(number + 1) == ours + 1


def test_other_keys_and_kinds_have_other_numbers() -> None:
    others = HiddenNumbers(b"q" * 32, b"order"), HiddenNumbers(b"k" * 32, b"trade")
    for ours in range(1, 50):
        assert ORDERS.hide(ours) not in {other.hide(ours) for other in others}


def test_neighbours_tell_no_distance() -> None:
    numbers = [ORDERS.hide(ours) for ours in range(1_000)]
    rising = sum(later > earlier for earlier, later in pairwise(numbers))
    assert 400 < rising < 600
    assert len(set(numbers)) == len(numbers)
