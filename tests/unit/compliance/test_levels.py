"""Levels: which sets of them are refused, what they allow, and the calendar they count by."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bursa.compliance.levels import (
    ANY,
    DEFAULT_LEVELS,
    NOTHING,
    Allowance,
    Level,
    Levels,
    Operation,
    Requirement,
    Usage,
    check_levels,
    levels_as_stored,
    levels_from,
    require_allowed,
)
from bursa.kernel.calendar_time import (
    CalendarDate,
    date_of,
    first_day_of_month,
    month_at,
    next_month,
    parse_date,
    parse_time_ms,
)
from bursa.kernel.errors import BursaError, InvalidInput, Refused


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def level(
    needs: set[Requirement] = {Requirement.EMAIL},  # noqa: B006 - never changed
    deposit: Allowance = ANY,
    name: str = "some",
) -> Level:
    allows = {Operation.DEPOSIT: deposit, Operation.TRADE: ANY, Operation.WITHDRAW: ANY}
    return Level(name, frozenset(needs), allows)


def of(*levels: Level, currency: str = "EUR", scale: int = 2) -> Levels:
    return Levels(currency, scale, levels)


DATA = {Requirement.EMAIL, Requirement.PERSONAL_DATA}
GOOD = {
    "the default": DEFAULT_LEVELS,
    "one for all": of(level()),
    "more for more": of(level(deposit=Allowance(5, 9)), level(DATA, Allowance(5, None))),
}
BAD = {
    "none": of(),
    "too many": of(*[level()] * 11),
    "a currency in small letters": of(level(), currency="eur"),
    "a scale below nothing": of(level(), scale=-1),
    "level 0 needs personal data": of(level(DATA)),
    "less needed above": of(level(), level(DATA), level()),
    "less allowed above": of(level(deposit=Allowance(5, 9)), level(DATA, Allowance(4, 9))),
    "a bound above none": of(level(), level(DATA, Allowance(4, 9))),
    "a month below a day": of(level(deposit=Allowance(9, 5))),
    "a month below a day without bound": of(level(deposit=Allowance(None, 5))),
    "below nothing": of(level(deposit=Allowance(-1, 5))),
    "beyond 63 bits": of(level(deposit=Allowance(1, 1 << 63))),
    "an operation is missing": of(replace(level(), allows={Operation.DEPOSIT: ANY})),
    "no name": of(level(name="")),
}


@pytest.mark.parametrize("levels", GOOD.values(), ids=GOOD)
def test_good_levels_are_kept_as_they_are(levels: Levels) -> None:
    check_levels(levels)
    assert levels_from(json.loads(json.dumps(levels_as_stored(levels)))) == levels


@pytest.mark.parametrize("levels", BAD.values(), ids=BAD)
def test_bad_levels_are_refused(levels: Levels) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_levels(levels)
    assert caught.value.code == "invalid_levels"


STORED = levels_as_stored(GOOD["one for all"])
ONE = STORED["levels"][0]
MISWRITTEN: dict[str, Any] = {
    "nothing": {},
    "a scale as text": STORED | {"scale": "2"},
    "a scale that is true": STORED | {"scale": True},
    "levels as a number": STORED | {"levels": 3},
    "an unknown requirement": STORED | {"levels": [ONE | {"needs": ["blood"]}]},
    "an unknown operation": STORED | {"levels": [ONE | {"allows": {"lend": [1, 1]}}]},
    "an amount with decimals": STORED | {"levels": [ONE | {"allows": {"trade": [1.5, 2]}}]},
    "three amounts": STORED | {"levels": [ONE | {"allows": {"trade": [1, 2, 3]}}]},
}


@pytest.mark.parametrize("stored", MISWRITTEN.values(), ids=MISWRITTEN)
def test_what_is_miswritten_is_refused(stored: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        levels_from(stored)
    assert caught.value.code == "invalid_levels"


NOON = ms("2026-11-29T12:00")
LIMITED = of(level(deposit=NOTHING), level(DATA, Allowance(100, 250)))
TODAY = Usage().plus(60, NOON)
ALLOWED = {
    "all of a day": (1, Operation.DEPOSIT, 100, Usage(), None),
    "the rest of a day": (1, Operation.DEPOSIT, 40, TODAY, None),
    "one more than a day": (1, Operation.DEPOSIT, 41, TODAY, "level_limit_reached"),
    "the next day": (1, Operation.DEPOSIT, 100, Usage().plus(60, NOON - 86_400_000), None),
    "the rest of a month": (1, Operation.DEPOSIT, 40, TODAY._replace(used_in_month=210), None),
    "one more than a month": (
        1,
        Operation.DEPOSIT,
        40,
        TODAY._replace(used_in_month=211),
        "level_limit_reached",
    ),
    "a month before": (
        1,
        Operation.DEPOSIT,
        100,
        Usage().plus(250, ms("2026-10-31T23:59:59")),
        None,
    ),
    "nothing at all": (0, Operation.DEPOSIT, 1, Usage(), "level_too_low"),
    "without bound": (1, Operation.TRADE, 1 << 62, Usage(), None),
    "an unknown level": (2, Operation.TRADE, 1, Usage(), "unknown_level"),
    "a level below all": (-1, Operation.TRADE, 1, Usage(), "unknown_level"),
}


@pytest.mark.parametrize(
    ("number", "operation", "amount", "usage", "code"), ALLOWED.values(), ids=ALLOWED
)
def test_a_level_allows_so_much(
    number: int, operation: Operation, amount: int, usage: Usage, code: str | None
) -> None:
    if code is None:
        require_allowed(LIMITED, number, operation, amount, usage=usage, now_ms=NOON)
    else:
        with pytest.raises(BursaError) as caught:
            require_allowed(LIMITED, number, operation, amount, usage=usage, now_ms=NOON)
        assert caught.value.code == code


def test_a_refusal_names_what_the_next_level_needs() -> None:
    with pytest.raises(Refused, match="level 1 with personal_data"):
        require_allowed(LIMITED, 0, Operation.DEPOSIT, 1, usage=Usage(), now_ms=NOON)


def test_what_is_over_a_limit_says_what_is_left_and_what_lifts_it() -> None:
    usage = TODAY._replace(used_in_month=210, open=5, sent=10)
    levels = of(
        level(deposit=NOTHING),
        level(DATA, Allowance(100, 250)),
        level(DATA, Allowance(120, 250), name="no more a month"),
        level(DATA | {Requirement.SELFIE}),
    )
    with pytest.raises(Refused) as caught:
        require_allowed(levels, 1, Operation.DEPOSIT, 26, usage=usage, now_ms=NOON)
    assert caught.value.detail == (
        "Level 1 allows to deposit 1 EUR a day, of which 0.6 EUR is used, 0.05 EUR is in open "
        "orders, 0.1 EUR was sent in the last ten seconds: 0.26 EUR more is too much. Take at most "
        "0.25 EUR, wait for 2026-11-30 00:00 UTC, or apply for level 2 with nothing more."
    )
    with pytest.raises(Refused) as caught:
        require_allowed(levels, 2, Operation.DEPOSIT, 26, usage=usage, now_ms=NOON)
    assert "wait for 2026-12-01 00:00 UTC, or apply for level 3 with selfie." in caught.value.detail
    with pytest.raises(Refused) as caught:
        require_allowed(LIMITED, 1, Operation.DEPOSIT, 101, usage=Usage(), now_ms=NOON)
    assert caught.value.detail.endswith("or ask support, as no level allows so much.")


@pytest.mark.parametrize(
    ("day", "first", "following"),
    [
        ("2026-11-29", "2026-11-01", "2026-12-01"),
        ("2026-12-31", "2026-12-01", "2027-01-01"),
        ("2028-02-29", "2028-02-01", "2028-03-01"),
        ("2026-01-01", "2026-01-01", "2026-02-01"),
    ],
)
def test_a_month_begins_and_ends(day: str, first: str, following: str) -> None:
    number = (date.fromisoformat(day) - date(1970, 1, 1)).days
    assert str(date_of(first_day_of_month(number))) == first
    assert str(date_of(next_month(number))) == following


def test_days_are_those_of_the_calendar() -> None:
    for ordinal in range(date(1890, 1, 1).toordinal(), date(2110, 1, 1).toordinal(), 13):
        expected = date.fromordinal(ordinal)
        number = (expected - date(1970, 1, 1)).days
        found = date_of(number)
        assert str(found) == expected.isoformat()
        assert found.day_number == number
    assert month_at(ms("2026-11-30T23:59:59")) + 1 == month_at(ms("2026-12-01T00:00"))
    assert month_at(ms("2026-12-31T23:59:59")) + 1 == month_at(ms("2027-01-01T00:00"))


@pytest.mark.parametrize(
    ("text", "date"),
    {
        "2000-02-29": CalendarDate(2000, 2, 29),
        "1900-02-29": None,
        "2026-04-31": None,
        "2026-13-01": None,
        "2026-00-01": None,
        "2026-01-00": None,
        "2026-1-1": None,
        "2026-01-01 ": None,
        "٢٠٢٦-01-01": None,
    }.items(),
)
def test_a_date_is_one_of_the_calendar(text: str, date: CalendarDate | None) -> None:
    assert parse_date(text) == date


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "2026-11-29 03:30:00.123": ms("2026-11-29T03:30:00.123"),
        "2026-11-29T03:30:00Z": ms("2026-11-29T03:30:00"),
        "2026-11-29T03:30:00.5+00:00": ms("2026-11-29T03:30:00.500"),
        "2026-11-29T24:00:00Z": None,
        "2026-11-31T03:30:00Z": None,
        "2026-11-29T03:30:00+07:00": None,
        "now": None,
    }.items(),
)
def test_a_time_is_read_to_the_millisecond(text: str, expected: int | None) -> None:
    assert parse_time_ms(text) == expected
