"""The screening: who is found, by what, and how well on the made test set."""

import pytest

from bursa.compliance.names import parse_name
from bursa.compliance.sanctions_list import BirthSpan, parse_list
from bursa.compliance.screening import (
    THRESHOLD,
    WHOLE,
    BirthMatch,
    Person,
    Screening,
    ScreeningHit,
    WordMatch,
    birth_match,
    compare_names,
)
from bursa.kernel.calendar_time import CalendarDate
from bursa.kernel.errors import InvalidInput
from tests.doubles.screening_set import examples, made_list
from tests.unit.compliance.test_sanctions_list import sdn

SCREENING = Screening(made_list())
BORN = CalendarDate(1961, 3, 14)


def hits_of(person: Person) -> tuple[ScreeningHit, ...]:
    """Return the hits of a person; none for who is refused, which counts as missed."""
    try:
        return SCREENING(person)
    except InvalidInput:
        return ()


@pytest.mark.parametrize("name", ["tuning", "held"])
def test_recall_and_precision_on_the_made_set(name: str) -> None:
    people = examples(name)
    hits = [(one, hits_of(one.person)) for one in people]
    listed = sum(one.entry is not None for one in people)
    right = sum(any(hit.entry == one.entry for hit in found) for one, found in hits if one.entry)
    false = sum(bool(found) for one, found in hits if not one.entry)
    # docs/compliance.md has the figures; these are the floors.
    assert right / listed >= 0.96
    assert right / (right + false) >= 0.94
    exact = [found for one, found in hits if one.kind == "exact"]
    assert exact
    assert all(exact)


def test_a_hit_says_what_its_score_is_made_of() -> None:
    (hit,) = SCREENING(Person(("Dimitri Sokolow",), BORN))
    assert (hit.entry, hit.theirs, hit.listed) == ("2001", "Dimitri Sokolow", "SOKOLOFF, Dimitry")
    assert set(hit.words) == {
        WordMatch("sokolow", "sokoloff", 980),
        WordMatch("dimitri", "dimitry", 980),
    }
    assert hit.name_score == 980
    assert hit.birth is BirthMatch.EXACT
    assert hit.score == 980 + (WHOLE - 980) * 450 // 1000
    assert hit.for_case()._asdict() == {"entry": "2001", "digest": hit.digest, "score": hit.score}


def test_the_best_of_several_names_counts_and_an_entry_comes_once() -> None:
    hits = SCREENING(Person(("Anna Lindqvist", "Дмитрий Соколов", "Dmitri Sokolov"), BORN))
    assert [hit.theirs for hit in hits] == ["Dmitri Sokolov"]


@pytest.mark.parametrize(
    ("born", "span", "expected"),
    [
        ((1961, 3, 14), ((1961, 3, 14), (1961, 3, 14)), BirthMatch.EXACT),
        ((1961, 3, 14), ((1961, 1, 1), (1961, 12, 31)), BirthMatch.WITHIN),
        ((1961, 3, 4), ((1961, 4, 3), (1961, 4, 3)), BirthMatch.SWAPPED),
        ((1961, 3, 14), ((1961, 5, 2), (1961, 5, 2)), BirthMatch.SAME_YEAR),
        ((1962, 3, 14), ((1961, 5, 2), (1961, 5, 2)), BirthMatch.NEAR),
        ((1991, 3, 14), ((1961, 5, 2), (1961, 5, 2)), BirthMatch.NEAR),
        ((1999, 3, 14), ((1961, 5, 2), (1961, 5, 2)), BirthMatch.OTHER),
        (None, ((1961, 5, 2), (1961, 5, 2)), BirthMatch.UNKNOWN),
        ((1961, 3, 14), None, BirthMatch.UNKNOWN),
    ],
)
def test_how_a_date_of_birth_fits(
    born: tuple[int, int, int] | None,
    span: tuple[tuple[int, int, int], tuple[int, int, int]] | None,
    expected: BirthMatch,
) -> None:
    spans = [] if span is None else [BirthSpan(*(CalendarDate(*day) for day in span))]
    assert birth_match(None if born is None else CalendarDate(*born), spans) is expected


def test_of_several_dates_the_best_counts() -> None:
    days = (CalendarDate(1950, 1, 1), BORN, CalendarDate(1971, 1, 1))
    assert birth_match(BORN, [BirthSpan(day, day) for day in days]) is BirthMatch.EXACT


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("Deng Xiaoping", "Xiao Ping Deng", True),
        ("Abu Bakr Said", "Abubakr Said", True),
        ("Ivan Petrov", "Sergey Petrov", False),
        ("Ivan Petrov", "Ivan Sokolov", False),
        ("Saddam Husayn", "HUSSEIN, Saddam Abd Majid", True),
        ("Sokolov", "Dmitri Sokolov", False),
    ],
)
def test_names_that_are_alike_and_not(one: str, other: str, is_alike: bool) -> None:
    left, right = parse_name(one), parse_name(other)
    found = compare_names(left, right, left.joined(), right.joined())
    turned = compare_names(right, left, right.joined(), left.joined())
    assert (found.score >= THRESHOLD) is is_alike
    assert found.score == turned.score


@pytest.mark.parametrize(
    "person",
    [Person(()), Person(("x",) * 11), Person(("ไทย",)), Person(("Anna Lindqvist", ""))],
    ids=["no name", "many names", "another script", "an empty name"],
)
def test_who_can_not_be_compared_is_refused_and_never_clear(person: Person) -> None:
    with pytest.raises(InvalidInput):
        SCREENING(person)


def test_a_common_name_gives_no_more_hits_than_a_case_keeps() -> None:
    screening = Screening(parse_list(sdn(*((at, "DOE, John") for at in range(1, 100))), b""))
    hits = screening(Person(("John Doe",)))
    assert [hit.entry for hit in hits] == [str(at) for at in range(1, 21)]
