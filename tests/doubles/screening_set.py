"""The made test set of the screening: a list in OFAC's form, people on it, and people like them.

Nobody in it is real. ``data/people.csv`` names who should be found (with the entry's number) and
who should not; to these come people that are made from the list by rule: one mistake of typing,
another order, an initial, day and month swapped, and people whose names are put together from parts
of several entries. The set ``tuning`` is what weights and threshold were chosen by; ``held`` was
not looked at for that.
"""

import csv
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bursa.compliance.sanctions_list import Entry, SanctionsList, parse_list
from bursa.compliance.screening import Person
from bursa.kernel.calendar_time import CalendarDate, parse_date

DATA = Path(__file__).resolve().parents[1] / "unit" / "compliance" / "data"
OTHERS_MADE = 200


class Example(NamedTuple):
    """A person, and the number of their entry; None for nobody on the list."""

    kind: str
    person: Person
    entry: str | None


@cache
def made_list() -> SanctionsList:
    """Return the made list."""
    return parse_list((DATA / "sdn.csv").read_bytes(), (DATA / "alt.csv").read_bytes())


def examples(name: str) -> list[Example]:
    """Return a set's people, ``tuning`` or ``held``: written ones, then those made by rule."""
    with (DATA / "people.csv").open(newline="") as file:
        written = [
            Example(
                row["kind"],
                Person((row["name"],), parse_date(row["born"])),
                row["entry"] or None,
            )
            for row in csv.DictReader(file)
            if row["set"] == name
        ]
    first = "2" if name == "tuning" else "3"
    entries = [entry for entry in made_list().entries if entry.number.startswith(first)]
    chosen = random.Random(name)
    return [*written, *_made(entries, chosen), *_others(entries, chosen)]


def _made(entries: list[Entry], chosen: random.Random) -> Iterator[Example]:
    for entry in entries:
        family, _, given = entry.names[0].text.partition(", ")
        first, born = given.split()[0], _day(entry, chosen)
        yield Example("exact", Person((f"{given} {family}",)), entry.number)
        yield Example("exact", Person((f"{family} {given}",), born), entry.number)
        yield Example("typing", Person((_mistyped(f"{given} {family}", chosen),)), entry.number)
        yield Example(
            "typing", Person((_mistyped(f"{first} {family}", chosen),), born), entry.number
        )
        yield Example("initial", Person((f"{first[0]}. {family}",), born), entry.number)
        if len(entry.born) == 1 and entry.born[0].first == entry.born[0].last and born.day < 13:
            swapped = CalendarDate(born.year, born.day, born.month)
            yield Example("swapped date", Person((f"{first} {family}",), swapped), entry.number)
            mistyped = _mistyped(f"{first} {family}", chosen)
            yield Example("swapped date", Person((mistyped,), swapped), entry.number)


def _others(entries: list[Entry], chosen: random.Random) -> Iterator[Example]:
    """Yield people who have a given name of one entry and a family name of another."""
    names = [entry.names[0].text.partition(", ") for entry in entries]
    for _ in range(OTHERS_MADE):
        (family, _, _), (_, _, given) = chosen.sample(names, 2)
        born = CalendarDate(
            chosen.randint(1945, 2005), chosen.randint(1, 12), chosen.randint(1, 28)
        )
        yield Example("other, made", Person((f"{given} {family}",), born), None)


def _day(entry: Entry, chosen: random.Random) -> CalendarDate:
    span = chosen.choice(entry.born)
    return span.first


def _mistyped(name: str, chosen: random.Random) -> str:
    """Return a name with a letter left out, doubled, swapped with the next or replaced."""
    places = [at for at in range(1, len(name) - 1) if name[at - 1 : at + 2].isalpha()]
    at = chosen.choice(places)
    here, after = name[at], name[at + 1 :]
    other = chosen.choice("aeinrst")
    return chosen.choice(
        (
            name[:at] + after,
            name[: at + 1] + here + after,
            name[:at] + after[:1] + here + after[1:],
            name[:at] + other + after,
        )
    )
