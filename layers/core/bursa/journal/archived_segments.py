"""Closed segments of the archive, opened one at a time by a copy on the disk."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bursa.journal.archive import Archive
from bursa.journal.file import read_records
from bursa.journal.record import EncodedRecord
from bursa.journal.replica import Head


class ArchivedSegments:
    """One shard's."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def ends(self) -> list[int]:
        """Return the segments that are archived whole, in order."""
        return self._archive.ends()

    def read_end(self, segment: int) -> Head:
        """Return the head that a segment ends with."""
        return self._archive.read_end(segment)

    @contextmanager
    def records(self, segment: int) -> Iterator[Iterable[EncodedRecord]]:
        """Open the records of a segment; they raise `RecordError` where the file is torn."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "segment")
            self._archive.read_segment(segment, path)
            yield read_records(path)
