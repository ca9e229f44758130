"""Where a time is in a list that is sorted by number: orders by id, fills by sequence. Pure.

Numbers are the shard's, and time never goes back while they grow; but no key has the time. So the
first row at a time or later is searched for: every other guess goes by how far the time is between
two known rows, and the others halve what is left, so that no history makes it long. Rows that are
added meanwhile are newer than all that were there, and change nothing that is found.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class DatedRow(NamedTuple):
    """The number of a row, and its time in UTC milliseconds."""

    number: int
    time_ms: int


# Returns the newest row whose number is below one, None for the newest of all.
NewestBelow: TypeAlias = Callable[[int | None], DatedRow | None]


def first_number_at(
    time_ms: int, newest_below: NewestBelow, oldest: Callable[[], DatedRow | None]
) -> int | None:
    """Return the number of the first row at a time or later; None where all are earlier."""
    last = newest_below(None)
    if last is None or last.time_ms < time_ms:
        return None
    first = oldest()
    if first is None or first.time_ms >= time_ms:
        return first.number if first else last.number
    # All up to `first` are earlier, and `last` is not.
    halves = False
    while first.number < last.number - 1:
        between = _halfway(first, last) if halves else _by_time(first, last, time_ms)
        halves = not halves
        row = newest_below(between)
        if row is not None and row.time_ms >= time_ms:
            last = row
        else:
            first = DatedRow(between - 1, row.time_ms if row else first.time_ms)
    return last.number


def _halfway(first: DatedRow, last: DatedRow) -> int:
    return max(first.number + 2, (first.number + last.number + 1) // 2)


def _by_time(first: DatedRow, last: DatedRow, time_ms: int) -> int:
    share = (time_ms - first.time_ms) * (last.number - first.number)
    guess = first.number + share // (last.time_ms - first.time_ms)
    return max(first.number + 2, min(last.number, guess))
