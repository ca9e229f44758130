"""A sanctions list in the CSV form of OFAC's SDN list: ``sdn.csv`` and ``alt.csv``.

Source of the form: OFAC's data specification of the SDN list, as quoted by moov-io.github.io/
watchman/file-structure: comma-separated, without a row of headings, ``-0-`` for nothing, one row an
entry in ``sdn.csv`` (12 fields, the last its remarks), one row an alias in ``alt.csv`` (5 fields).
How remarks give dates of birth is from memory. Only individuals are kept. Remarks beyond 1000
characters, which go on in ``sdn_comments.csv``, are not read: an entry may lack a date by that.

A list that is not whole is refused: an entry that silently went missing is a person that nobody is
compared with any more.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bursa.compliance.names import Name, parse_name
from bursa.kernel.calendar_time import CalendarDate, parse_date
from bursa.kernel.errors import InvalidInput

BYTES_MAX: Final = 64 << 20
# A longer list than any there is; OFAC's has about 20,000 entries in 2026.
ENTRIES_MAX: Final = 200_000
# How much shorter than the one before a list may be, in thousandths.
SHRINKAGE_PER_MILLE_MAX: Final = 50
_ENTRY_FIELDS: Final = 12
_ALIAS_FIELDS: Final = 5
_NAME, _TYPE, _REMARKS = 1, 2, 11
_ALIAS_NAME: Final = 3
_NOTHING: Final = "-0-"
# The files end with the mark that DOS had for it.
_END_OF_FILE: Final = re.compile(r"\x1a\r?\n?\Z")
_INDIVIDUAL: Final = "individual"
_CIRCA_YEARS: Final = 2
_MONTHS: Final = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_LAST_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BIRTH: Final = re.compile(r"\b(?:alt\. )?DOB ([^;.]+)", re.IGNORECASE)
_WRITTEN: Final = re.compile(
    r"(?P<circa>circa )?(?:(?:(?P<day>[0-9]{1,2}) )?(?P<month>[a-z]{3}) )?(?P<year>[0-9]{4})"
)


class BirthSpan(NamedTuple):
    """The first and the last day on which a person may have been born."""

    first: CalendarDate
    last: CalendarDate


class Entry(NamedTuple):
    """One individual of a list.

    Attributes
    ----------
    number
        The list's own number of it, as text.
    digest
        Of its content, so that a changed entry is known as another.
    names
        Its name and its aliases.
    born
        All dates of birth that its remarks give; empty for none.

    """

    number: str
    digest: str
    names: tuple[Name, ...]
    born: tuple[BirthSpan, ...]


class SanctionsList(NamedTuple):
    """A whole list.

    Attributes
    ----------
    digest
        SHA-256 of the entries' numbers and digests, in hexadecimal.
    entries
        Its individuals, by number.
    unreadable
        Numbers of individuals without one name that can be compared.

    """

    digest: str
    entries: tuple[Entry, ...]
    unreadable: tuple[str, ...]


def parse_list(sdn: bytes, alt: bytes) -> SanctionsList:
    """Read a list.

    Raises
    ------
    InvalidInput
        ``invalid_list``: not in the form, empty, or it ends in the middle of a row.

    """
    aliases: dict[str, list[str]] = {}
    for row in _rows(alt, _ALIAS_FIELDS, "alt.csv"):
        aliases.setdefault(row[0], []).append(row[_ALIAS_NAME])
    numbers, entries, unreadable = set(), [], []
    for row in _rows(sdn, _ENTRY_FIELDS, "sdn.csv"):
        if row[0] in numbers:
            raise _invalid(f"sdn.csv has two entries {row[0]}")
        numbers.add(row[0])
        if row[_TYPE].strip().casefold() != _INDIVIDUAL:
            continue
        entry = _entry(row, aliases.get(row[0], []))
        if entry.names:
            entries.append(entry)
        else:
            unreadable.append(entry.number)
    orphans = aliases.keys() - numbers
    if orphans:
        raise _invalid(f"alt.csv has aliases of {len(orphans)} entries that sdn.csv lacks")
    if not 0 < len(numbers) <= ENTRIES_MAX:
        raise _invalid(f"sdn.csv has {len(numbers)} entries; 1 to {ENTRIES_MAX} are expected")
    entries.sort(key=lambda entry: int(entry.number))
    whole = "\n".join(f"{entry.number} {entry.digest}" for entry in entries)
    return SanctionsList(_digest(whole), tuple(entries), tuple(sorted(unreadable, key=int)))


def require_successor(before: SanctionsList | None, after: SanctionsList) -> None:
    """Return when a list may take another's place.

    Raises
    ------
    InvalidInput
        ``list_shrunk``: it lost more entries than lists lose from one day to the next.

    """
    if before is None:
        return
    lost = len({one.number for one in before.entries} - {one.number for one in after.entries})
    if lost * 1000 > len(before.entries) * SHRINKAGE_PER_MILLE_MAX:
        raise InvalidInput(
            "list_shrunk",
            f"The list lacks {lost} of the {len(before.entries)} entries before it; confirm that "
            "it is whole, then load it by its digest.",
            field="list",
        )


def _rows(data: bytes, fields: int, name: str) -> Iterator[list[str]]:
    if len(data) > BYTES_MAX:
        raise _invalid(f"{name} has more than {BYTES_MAX} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The list's files were in this encoding for long.
        text = data.decode("latin-1")
    whole = _END_OF_FILE.sub("", text)
    if whole and not whole.endswith("\n"):
        raise _invalid(f"{name} ends in the middle of a row")
    try:
        for number, row in enumerate(csv.reader(io.StringIO(whole, newline=""), strict=True), 1):
            if len(row) != fields or not re.fullmatch(r"[0-9]{1,9}", row[0].strip(), re.ASCII):
                raise _invalid(f"row {number} of {name} is not {fields} fields after a number")
            yield [_plain(field) for field in row]
    except csv.Error as error:
        raise _invalid(f"{name} is not comma-separated: {error}") from error


def _plain(field: str) -> str:
    text = field.strip()
    return "" if text == _NOTHING else text


def _entry(row: Sequence[str], aliases: Sequence[str]) -> Entry:
    names = []
    for text in (row[_NAME], *aliases):
        try:
            names.append(parse_name(text))
        except InvalidInput:
            # Of a list's names some are no personal names; `unreadable` counts who has no other.
            continue
    content = "\x1f".join((row[_NAME], *sorted(aliases), row[_REMARKS]))
    return Entry(row[0], _digest(content), tuple(names), tuple(birth_spans(row[_REMARKS])))


def birth_spans(remarks: str) -> Iterator[BirthSpan]:
    """Yield the dates of birth in an entry's remarks, each as the days that it may mean."""
    for found in _BIRTH.finditer(remarks):
        first, _, last = found[1].strip().partition(" to ")
        begin = _span(first)
        end = _span(last) if last else begin
        if begin is not None and end is not None and begin.first <= end.last:
            yield BirthSpan(begin.first, end.last)


def _span(written: str) -> BirthSpan | None:
    found = _WRITTEN.fullmatch(written.strip().casefold())
    if found is None:
        return None
    year, month = int(found["year"]), _MONTHS.get(found["month"] or "")
    if found["month"] and month is None:
        return None
    about = _CIRCA_YEARS if found["circa"] else 0
    if month is None:
        return BirthSpan(CalendarDate(year - about, 1, 1), CalendarDate(year + about, 12, 31))
    if found["day"] is None:
        return BirthSpan(
            CalendarDate(year - about, month, 1),
            CalendarDate(year + about, month, _LAST_DAYS[month - 1]),
        )
    day = parse_date(f"{year:04d}-{month:02d}-{int(found['day']):02d}")
    if day is None:
        return None
    return BirthSpan(day._replace(year=year - about), day._replace(year=year + about))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput("invalid_list", f"The list can't be used: {detail}.", field="list")
