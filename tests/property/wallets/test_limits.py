"""However requests race, no more is counted than the limits allow, and each once."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.compliance.levels import Allowance, Level, Levels, Operation
from bursa.kernel.errors import BursaError, Conflict, Unavailable
from bursa.wallets.limits import HOUR_MS, Count, Reservation, WithdrawalLimits
from tests.doubles.wallet_records import MemoryCounts
from tests.simulation.wallet_turns import Faulty, Turns
from tests.simulation.wallet_world import NETWORK, USERS

NOON_MS = 1_790_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000
DAY, MONTH, HOURLY = 100, 250, 130
LEVELS = Levels(
    "USD",
    2,
    (Level("one", frozenset(), dict.fromkeys(Operation, Allowance(DAY, MONTH))),),
)
LIMITED = replace(NETWORK, hourly_units=HOURLY)
# Of whom, how much, and on which of four days.
ASKED = st.tuples(st.integers(0, 1), st.integers(1, 120), st.integers(0, 3))


@given(st.integers(0, 1 << 30), st.lists(ASKED, min_size=1, max_size=12))
def test_what_is_counted_never_passes_a_limit(seed: int, asked: list[tuple[int, int, int]]) -> None:
    turns, counts = Turns(Random(seed)), MemoryCounts()
    limits = WithdrawalLimits(Faulty(counts, turns), lambda _: LEVELS)
    reserved: dict[str, Reservation] = {}

    def ask(number: int) -> None:
        user, amount, day = asked[number]
        at_ms = NOON_MS + day * 86_400_000
        one = Reservation(str(number), USERS[user], amount, amount, at_ms)
        limits.reserve(one, 0, LIMITED)
        reserved[one.name] = one

    # Each is asked for twice, two workers at once.
    numbers = [*range(len(asked)), *range(len(asked))]
    turns.random.shuffle(numbers)
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        turns.run(lambda one=first: ask(one), lambda one=second: ask(one))  # type: ignore[misc]
    for user in USERS:
        mine = [one for one in reserved.values() if one.account == user]
        for day in range(4):
            at_ms = NOON_MS + day * 86_400_000
            counted = limits.used(user, at_ms)
            assert counted.used_in_day == sum(one.value for one in mine if one.at_ms == at_ms)
            assert counted.used_in_day <= DAY
            assert counted.used_in_month <= MONTH
    for count in counts.rows.values():
        assert count.key.subject.startswith("user/") or count.total <= HOURLY
    # What did not take place counts no more, however often that is said.
    for one in [*reserved.values(), *reserved.values()]:
        limits.give_back(one, LIMITED)
    assert not any(count.entries for count in counts.rows.values())


@pytest.mark.parametrize(
    ("code", "level_of", "amount", "network"),
    [
        ("level_too_low", Allowance(0, None), 1, NETWORK),
        ("level_limit_reached", Allowance(99, None), 100, NETWORK),
        ("level_limit_reached", Allowance(None, 99), 100, NETWORK),
        ("withdrawals_busy", Allowance(None, None), HOURLY + 1, LIMITED),
        ("", Allowance(100, 100), 100, LIMITED),
    ],
)
def test_what_is_refused(code: str, level_of: Allowance, amount: int, network: object) -> None:
    allows = dict.fromkeys(Operation, level_of)
    levels = Levels("USD", 2, (Level("one", frozenset(), allows),))
    counts = MemoryCounts()
    limits = WithdrawalLimits(counts, lambda _: levels)
    one = Reservation("one", USERS[0], amount, amount, NOON_MS)
    if not code:
        limits.reserve(one, 0, network)  # type: ignore[arg-type]
        limits.require_reserved(one, LIMITED)
        for other in (one._replace(value=1), one._replace(units=1), one._replace(name="two")):
            with pytest.raises(BursaError) as error:
                limits.require_reserved(other, LIMITED)
            assert error.value.code == "not_counted"
        return
    with pytest.raises(BursaError) as error:
        limits.reserve(one, 0, network)  # type: ignore[arg-type]
    assert error.value.code == code
    assert not any(count.entries for count in counts.rows.values())


def test_an_hour_and_a_month_end() -> None:
    limits = WithdrawalLimits(MemoryCounts(), lambda _: LEVELS)
    first = Reservation("one", USERS[0], 100, HOURLY, NOON_MS)
    limits.reserve(first, 0, LIMITED)
    with pytest.raises(BursaError):
        limits.reserve(Reservation("two", USERS[1], 100, 1, NOON_MS + 1), 0, LIMITED)
    limits.reserve(Reservation("two", USERS[1], 100, 1, NOON_MS + HOUR_MS), 0, LIMITED)


class Contended(MemoryCounts):
    def save(self, count: Count) -> None:
        raise Conflict("record_changed", "Always somebody else.")


def test_too_many_at_once_are_asked_to_come_again() -> None:
    limits = WithdrawalLimits(Contended(), lambda _: LEVELS)
    with pytest.raises(Unavailable):
        limits.reserve(Reservation("one", USERS[0], 1, 1, NOON_MS), 0, NETWORK)


def test_two_that_fit_each_alone_do_not_leave_together() -> None:
    limits = WithdrawalLimits(MemoryCounts(), lambda _: LEVELS)
    one, two = (Reservation(name, USERS[0], 60, 60, NOON_MS) for name in ("one", "two"))
    assert [limits.commit(each, NETWORK, 100) for each in (one, two, one)] == [True, False, True]
    limits.uncommit(one, NETWORK)
    assert limits.commit(two, NETWORK, 100)
