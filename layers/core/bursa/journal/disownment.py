"""Disown an object of the archive that is forged, so that what is true can stand in its place.

The archive is under a lock, so a forged object stays; and the journal, when it gets there, would
contradict it for ever. A disownment is an object of its own, written once and kept like all others,
in a place where only people write who took a role for it (infra/archive.yaml): it names the object
and its hash, who disowned it, when and why, and what the journal had instead.

What the journal itself has is never disowned. But a journal can be cut off or exchanged, and then
what contradicts it is true: find out first (docs/operations.md).
"""

import hashlib
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import msgspec

from bursa.journal.archive import RECORD_SEQUENCES_MAX, SpanReader, encode_head, segment_records
from bursa.journal.archive_objects import ObjectArchive
from bursa.journal.file import read_records
from bursa.journal.record import EncodedRecord, RecordError, segment_of
from bursa.journal.replica import Head
from bursa.kernel import object_keys


class NotDisowned(Exception):  # noqa: N818 - what it means to the caller
    """Raised with a sentence that says why an object stays the archive's."""


class Disownment(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """That an object is forged, as it is written.

    Attributes
    ----------
    key, sha256
        The object.
    by, time_ms, why
        Who says so, when, and how they know.
    journal
        What the journal had in its place, for people.

    """

    key: str
    sha256: str
    by: str
    time_ms: int
    why: str
    journal: str


def disown(
    archive: ObjectArchive,
    journal: SpanReader,
    shard: int,
    key: str,
    head: Head,
    *,
    by: str,
    time_ms: int,
    why: str,
) -> Disownment:
    """Write that an object of the archive is forged.

    Parameters
    ----------
    key
        Below the shard's folder: ``heads/17``, with or without zeros, or a name as it stands.
    head
        The journal's end.

    Raises
    ------
    NotDisowned
        There is no such object, it is disowned already, or it is what the journal has.

    """
    found = archive.find(key)
    if found is None:
        raise NotDisowned(f"The archive has no object {key}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "object")
        archive.copy(found, path)
        present = _Present(journal, shard, head)
        if present.has(found, path):
            raise NotDisowned(f"{found} is what the journal has: it is true.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    statement = Disownment(found, digest, by, time_ms, why, present.what)
    if not archive.disown(found, msgspec.json.encode(statement)):
        raise NotDisowned(f"{found} is disowned already.")
    return statement


class _Present:
    """The journal, where an object would have to be of it."""

    def __init__(self, journal: SpanReader, shard: int, head: Head) -> None:
        self._journal = journal
        self._shard = shard
        self._head = head
        self.what = "nothing"

    def has(self, key: str, path: Path) -> bool:
        """Return whether the journal has what an object says, and note what it has."""
        of = {
            object_keys.archived_heads(self._shard): self._has_head,
            object_keys.archived_ends(self._shard): self._has_end,
            object_keys.archived_segments(self._shard): self._has_segment,
        }
        for prefix, has in of.items():
            number = object_keys.archived_number(prefix, key) if key.startswith(prefix) else None
            if number is not None:
                return has(number, path)
        return False

    def _has_head(self, sequence: int, path: Path) -> bool:
        if sequence > self._head.last_sequence:
            self.what = f"its end at sequence {self._head.last_sequence}"
            return False
        first = max(1, sequence - RECORD_SEQUENCES_MAX + 1)
        for record in self._journal.read_span(first, sequence):
            if record.last_sequence >= sequence:
                return self._is(path, Head.of(record))
        return False

    def _has_end(self, segment: int, path: Path) -> bool:
        last = deque(self._records(segment), maxlen=1)
        return bool(last) and self._is(path, Head.of(last[0]))

    def _has_segment(self, segment: int, path: Path) -> bool:
        try:
            for record, archived in zip_longest(self._records(segment), read_records(path)):
                if record != archived:
                    return False
        except RecordError:
            return False
        return segment < segment_of(self._head.next_sequence)

    def _is(self, path: Path, head: Head) -> bool:
        self.what = f"record {head.number} up to sequence {head.last_sequence}, {head.hash.hex()}"
        return path.read_bytes() == encode_head(head)

    def _records(self, segment: int) -> Iterator[EncodedRecord]:
        if segment >= segment_of(self._head.next_sequence):
            self.what = f"its end at sequence {self._head.last_sequence}"
            return iter(())
        return segment_records(self._journal, segment)
