"""Precision and recall of the sanctions screening on the made test set, and what it takes.

    make bench-screening

The set and how it is made: tests/doubles/screening_set.py. A person on the list counts as found
when a hit names their entry; a person who is not counts as a false alarm when there is any hit.
The last table compares people with a list as long as OFAC's, of made names.
"""

import argparse
import random
import statistics
import time

from bursa.compliance.sanctions_list import SanctionsList, parse_list
from bursa.compliance.screening import THRESHOLD, Screening, ScreeningHit
from bursa.kernel.errors import InvalidInput
from tests.doubles.screening_set import Example, examples, made_list

THRESHOLDS = (780, 800, 820, 840, 850, 860, 880, 900, 920, 950)
LONG_LIST = 18_000
TIMED = 60
SYLLABLES = """
ka mo ri sha ve lin tor an bel dra es fa gor hun il jan kos lem mar nev ol pet qua rus sol tam ur
vik wen yar zel
"""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--misses", action="store_true", help="list who was found wrongly or not")
    asked = parser.parse_args()
    screening = Screening(made_list(), threshold=0)
    for name in ("tuning", "held"):
        people = examples(name)
        print_by_threshold(name, screening, people)
        print_by_kind(name, screening, people)
        if asked.misses:
            print_misses(screening, people)
    print_times()


def hits_of(screening: Screening, example: Example) -> tuple[ScreeningHit, ...] | None:
    """Return an example's hits; None for a name that can't be compared, and so is refused."""
    try:
        return screening(example.person)
    except InvalidInput:
        return None


def is_found(screening: Screening, example: Example, threshold: int) -> bool:
    """Return whether there is a hit that counts for an example; never for who is refused."""
    hits = [hit for hit in hits_of(screening, example) or () if hit.score >= threshold]
    return any(example.entry in {None, hit.entry} for hit in hits)


def counts(screening: Screening, people: list[Example], threshold: int) -> tuple[int, int, int]:
    """Return who was found, who was missed, and who was found without being on the list."""
    found = [(one, is_found(screening, one, threshold)) for one in people]
    right = sum(hit for one, hit in found if one.entry)
    return (
        right,
        sum(not hit for one, hit in found if one.entry),
        sum(hit for one, hit in found if not one.entry),
    )


def print_by_threshold(name: str, screening: Screening, people: list[Example]) -> None:
    """Print precision and recall by threshold."""
    listed = sum(one.entry is not None for one in people)
    print(f"\n{name}: {listed} people on the list, {len(people) - listed} others")
    print("threshold  recall  precision  missed  false alarms")
    for threshold in THRESHOLDS:
        right, missed, false = counts(screening, people, threshold)
        recall, precision = right / (right + missed), right / max(1, right + false)
        mark = " <" if threshold == THRESHOLD else ""
        print(f"{threshold:9}  {recall:6.3f}  {precision:9.3f}  {missed:6}  {false:12}{mark}")


def print_by_kind(name: str, screening: Screening, people: list[Example]) -> None:
    """Print by kind of person how many have a hit, at the threshold."""
    print(f"\n{name}, at {THRESHOLD}")
    print(f"{'kind':14} people  with a hit  refused")
    for kind in dict.fromkeys(one.kind for one in people):
        group = [one for one in people if one.kind == kind]
        found = sum(is_found(screening, one, THRESHOLD) for one in group)
        refused = sum(hits_of(screening, one) is None for one in group)
        print(f"{kind:14} {len(group):6}  {found:10}  {refused:7}")


def print_misses(screening: Screening, people: list[Example]) -> None:
    """Print every person who was found wrongly or not."""
    for one in people:
        if is_found(screening, one, THRESHOLD) != (one.entry is not None):
            hits = hits_of(screening, one) or ()
            best = [hit for hit in hits if one.entry in {None, hit.entry}][:1]
            print(f"  {one.kind}: {one.person.names[0]} {one.person.born} {one.entry}: {best}")


def print_times() -> None:
    """Print how long a list as long as OFAC's takes to read, and a person to be compared."""
    began = time.perf_counter()
    screening = Screening(long_list())
    read_s = time.perf_counter() - began
    times_ms, alarms = [], 0
    for one in examples("held")[:TIMED]:
        began = time.perf_counter()
        alarms += bool(screening(one.person))
        times_ms.append((time.perf_counter() - began) * 1e3)
    print(
        f"\n{LONG_LIST:,} made entries: read in {read_s:.1f} s; a person in "
        f"{statistics.median(times_ms):.0f} ms, the slowest of {TIMED} in {max(times_ms):.0f} ms; "
        f"{alarms} of them, who are not on it, with a hit"
    )


def long_list() -> SanctionsList:
    """Return a list of names that are put together from syllables, an alias each."""
    chosen, syllables = random.Random(0), SYLLABLES.split()  # noqa: S311 - no secret

    def word() -> str:
        return "".join(chosen.choices(syllables, k=chosen.randint(2, 3)))

    rows, aliases = [], []
    for number in range(1, LONG_LIST + 1):
        nothing = ",".join(["-0- "] * 7)
        born = f"DOB {chosen.randint(1, 28):02d} Mar {chosen.randint(1945, 1995)}."
        name = f'"{word().upper()}, {word().title()} {word().title()}"'
        rows.append(f"{number},{name},individual,MADE,{nothing},{born}\n")
        aliases.append(f'{number},{number},aka,"{word().upper()}, {word().title()}",-0- \n')
    return parse_list("".join(rows).encode(), "".join(aliases).encode())


if __name__ == "__main__":
    main()
