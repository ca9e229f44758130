"""Lists in OFAC's form: what is read of them, and what is refused."""

import pytest

from bursa.compliance.sanctions_list import (
    SanctionsList,
    birth_spans,
    parse_list,
    require_successor,
)
from bursa.kernel.errors import InvalidInput
from tests.doubles.screening_set import DATA, made_list


def sdn(*rows: tuple[object, ...]) -> bytes:
    """Return rows of number, name, and perhaps type and remarks."""
    lines = []
    for number, name, *rest in rows:
        kind = rest[0] if rest else "individual"
        remarks = rest[1] if len(rest) > 1 else "-0- "
        lines.append(f'{number},"{name}",{kind},MADE,{",".join(["-0- "] * 7)},"{remarks}"\r\n')
    return ("".join(lines) + "\x1a\r\n").encode()


ONE = sdn((1, "DOE, John"))


def test_individuals_with_their_aliases_and_dates() -> None:
    found = made_list()
    assert len(found.entries) == 60
    entry = next(entry for entry in found.entries if entry.number == "2007")
    assert [name.text for name in entry.names] == [
        "ABD AL-RAHMAN, Khalil Ibrahim",
        "ABDURRAHMAN, Khaleel",
    ]
    assert [str(span.first) for span in entry.born] == ["1972-07-15", "1974-07-15"]
    assert not {"2900", "2901"} & {entry.number for entry in found.entries}


@pytest.mark.parametrize(
    ("remarks", "spans"),
    [
        ("DOB 14 Mar 1961.", ["1961-03-14 1961-03-14"]),
        ("DOB 1961; POB Kazan", ["1961-01-01 1961-12-31"]),
        ("DOB Jun 1964", ["1964-06-01 1964-06-30"]),
        ("DOB circa 1965", ["1963-01-01 1967-12-31"]),
        ("DOB 1955 to 1957", ["1955-01-01 1957-12-31"]),
        ("DOB 01 Jan 1960; alt. DOB 1962;", ["1960-01-01 1960-01-01", "1962-01-01 1962-12-31"]),
        ("DOB 31 Feb 1960", []),
        ("DOB 12 Foo 1960", []),
        ("DOB unknown", []),
        ("-0- ", []),
    ],
)
def test_dates_of_birth_in_remarks(remarks: str, spans: list[str]) -> None:
    assert [f"{span.first} {span.last}" for span in birth_spans(remarks)] == spans


@pytest.mark.parametrize(
    ("entries", "aliases"),
    [
        pytest.param(b"", b"", id="empty"),
        pytest.param(ONE[:-4], b"", id="ends in a row"),
        pytest.param(b'1,"DOE\n', b"", id="open quote"),
        pytest.param(b"1,DOE,individual\n", b"", id="fields are missing"),
        pytest.param(ONE.replace(b"1,", b"one,", 1), b"", id="no number"),
        pytest.param(sdn((1, "A B"), (1, "C D")), b"", id="a number twice"),
        pytest.param(ONE, b'2,1,aka,"ROE, Jane",-0- \n', id="alias of nobody"),
        pytest.param(ONE, b'1,1,aka,"ROE, Jane",-0- ', id="alias without an end"),
        pytest.param(b"<html>Service Unavailable</html>\n", b"", id="another page"),
    ],
)
def test_a_list_that_is_not_whole_is_refused(entries: bytes, aliases: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_list(entries, aliases)
    assert raised.value.code == "invalid_list"


def test_every_cut_of_a_list_is_refused_or_known_by_its_length() -> None:
    data, alt = (DATA / "sdn.csv").read_bytes(), (DATA / "alt.csv").read_bytes()
    whole = len(made_list().entries)
    for end in range(0, len(data) - 400, 97):
        try:
            cut = parse_list(data[:end], alt)
        except InvalidInput:
            continue
        assert len(cut.entries) == whole


def test_a_changed_entry_has_another_digest_and_order_does_not_count() -> None:
    one = parse_list(sdn((1, "DOE, John"), (2, "ROE, Jane")), b"")
    turned = parse_list(sdn((2, "ROE, Jane"), (1, "DOE, John")), b"")
    dated = parse_list(sdn((1, "DOE, John", "individual", "DOB 1960"), (2, "ROE, Jane")), b"")
    assert one.digest == turned.digest != dated.digest
    assert [entry.digest for entry in one.entries][1] == [entry.digest for entry in dated.entries][
        1
    ]
    assert one.entries[0].digest != dated.entries[0].digest


def test_names_that_can_not_be_compared_are_counted() -> None:
    found = parse_list(sdn((1, "DOE, John"), (7, "ไทย"), (8, "ไทย")), b'8,1,aka,"ROE, J",-0- \n')
    assert found.unreadable == ("7",)
    assert [entry.number for entry in found.entries] == ["1", "8"]


def some(*numbers: int) -> SanctionsList:
    return parse_list(sdn(*((number, f"DOE, John {number * 'x'}") for number in numbers)), b"")


@pytest.mark.parametrize(
    ("before", "after", "is_refused"),
    [
        (None, some(1), False),
        (some(*range(1, 41)), some(*range(1, 39)), False),
        (some(*range(1, 41)), some(*range(1, 38)), True),
        # As long as before, but of other entries.
        (some(*range(1, 21)), some(*range(20, 40)), True),
        (some(1), some(1, 2, 3), False),
    ],
)
def test_a_list_that_lost_many_entries_is_refused(
    before: SanctionsList | None, after: SanctionsList, is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(InvalidInput) as raised:
            require_successor(before, after)
        assert raised.value.code == "list_shrunk"
    else:
        require_successor(before, after)
