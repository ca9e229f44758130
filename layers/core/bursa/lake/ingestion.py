"""Closed segments of the archive become Parquet, one after the other.

A segment is held against the end that was archived with it: what is no whole continuation of the
one before never gets in. Its files have names of their own, and last is written how far the lake
is; so what breaks off is done again and written over, and nothing is in the lake twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from bursa.journal.archive import ArchiveDiffers, require_follows
from bursa.journal.record import EncodedRecord, decode_record
from bursa.journal.replica import Head
from bursa.lake.rows import LakeRow, Names, rows_of


class ClosedSegments(Protocol):
    """One shard's archive."""

    def ends(self) -> Sequence[int]:
        """Return the segments that are archived whole, in order."""

    def read_end(self, segment: int) -> Head:
        """Return the head that a segment ends with."""

    def records(self, segment: int) -> AbstractContextManager[Iterable[EncodedRecord]]:
        """Open the records of a segment."""


class Position(NamedTuple):
    """How far a shard's lake is.

    Attributes
    ----------
    segments
        How many are in it, from the first one on.
    end
        The head that the last of them ends with.
    names
        What the journal's numbers stand for up to there.

    """

    segments: int
    end: Head
    names: Names


class Lake(Protocol):
    """One shard's part of the lake."""

    def position(self) -> Position:
        """Read how far it is."""

    def write(self, name: str, rows: Iterable[LakeRow]) -> int:
        """Replace the files of one name by these rows; return how many there are."""

    def advance(self, position: Position) -> None:
        """Write how far it is, after the files."""


class Ingested(NamedTuple):
    """What one run has added, and whether nothing that is closed was left."""

    segments: int = 0
    rows: int = 0
    is_complete: bool = True


def segment_name(segment: int) -> str:
    """Return what the files of a segment are called."""
    return f"{segment:012d}"


class Ingestion:
    """Keeps one shard's part of the lake in step with its archive."""

    def __init__(self, archive: ClosedSegments, lake: Lake) -> None:
        self._archive = archive
        self._lake = lake

    def advance(self, may_go_on: Callable[[], bool] = lambda: True) -> Ingested:
        """Add what is closed and not in the lake, while there is time.

        Raises
        ------
        ArchiveDiffers
            A segment is not what was archived as its end, or does not continue the one before:
            nothing of it is in the lake, and how far the lake is has not changed.

        """
        position = self._lake.position()
        ends = frozenset(self._archive.ends())
        added = rows = 0
        while position.segments in ends:
            if not may_go_on():
                return Ingested(added, rows, is_complete=False)
            position, count = self._add(position)
            added, rows = added + 1, rows + count
        return Ingested(added, rows)

    def _add(self, position: Position) -> tuple[Position, int]:
        segment = position.segments
        names = Names(dict(position.names.assets), dict(position.names.markets))
        chain = _Chain(position.end)
        with self._archive.records(segment) as records:
            count = self._lake.write(segment_name(segment), rows_in(chain.followed(records), names))
        if chain.head != self._archive.read_end(segment):
            raise ArchiveDiffers(
                f"Segment {segment} of the archive ends at sequence {chain.head.last_sequence}, "
                "where its archived end is not: find out who wrote it (docs/operations.md)."
            )
        after = Position(segment + 1, chain.head, names)
        self._lake.advance(after)
        return after, count


class _Chain:
    def __init__(self, head: Head) -> None:
        self.head = head

    def followed(self, records: Iterable[EncodedRecord]) -> Iterator[EncodedRecord]:
        for record in records:
            require_follows(self.head, record)
            self.head = Head.of(record)
            yield record


def rows_in(records: Iterable[EncodedRecord], names: Names) -> Iterator[LakeRow]:
    """Yield the rows of records in order; names that they define are added to those."""
    for record in records:
        yield from rows_of(decode_record(record), names)
