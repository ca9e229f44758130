"""The journal's second copy, which nobody can change: closed segments, and the heads in between.

A closed segment is one object: its records as `bursa.journal.file` writes them. Its end is another,
written after it, so that whoever goes on knows where to. Between two segments the head is published
every few minutes: from then on no record up to it can be exchanged unseen, for a record has to end
there and have that hash. Everything is written once, on condition that it is not there; whoever
comes second finds it done.
"""

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count, zip_longest
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.file import read_records, write_records
from bursa.journal.record import (
    SEGMENT_SEQUENCES,
    EncodedRecord,
    RecordError,
    record_hash,
    segment_of,
)
from bursa.journal.replica import Head, JournalBroken, check_continues

SPAN_SEQUENCES = 1 << 14
# No record has more sequences.
RECORD_SEQUENCES_MAX = 1 << 14
FOREVER = 1 << 62


class ArchiveDiffers(Exception):  # noqa: N818 - what it means to the caller
    """Raised with a sentence that says where the journal is not what its archive is."""


class Archive(Protocol):
    """One shard's archive. What writes returns whether it was the first to."""

    def ends(self) -> list[int]:
        """Return the segments that are archived whole, in order."""

    def read_end(self, segment: int) -> Head:
        """Return the head that a segment ends with."""

    def write_end(self, segment: int, head: Head) -> bool:
        """Write the head that a segment ends with, after the segment."""

    def segments(self) -> list[int]:
        """Return the segments of which there are records, whole or not, in order."""

    def read_segment(self, segment: int, path: Path) -> None:
        """Copy a segment's records into a file."""

    def has_segment(self, segment: int) -> bool:
        """Return whether a segment's records are there and can be read, its end or not."""

    def write_segment(self, segment: int, path: Path) -> bool:
        """Write a segment's records from a file."""

    def heads(self, after: int = 0) -> list[int]:
        """Return the sequences of the heads published behind a sequence, in order."""

    def read_head(self, sequence: int) -> Head:
        """Return a published head."""

    def write_head(self, head: Head) -> bool:
        """Publish a head."""

    def strangers(self, after: int = 0) -> list[str]:
        """Return keys that nothing of the archive has, and that aren't disowned.

        Of those among the heads, which are many, only what sorts behind a sequence.
        """


class SpanReader(Protocol):
    """The journal, as this module reads it."""

    def read(self, first_sequence: int) -> list[EncodedRecord]:
        """Read a run of records from this slot on, consistently; none at the head."""

    def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        """Read all records that begin between two sequences, both included."""


class _StoredHead(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    last_sequence: int
    epoch: int
    time_ms: int
    hash: str


def encode_head(head: Head) -> bytes:
    """Write a head as JSON, which a person can read."""
    stored = _StoredHead(head.number, head.last_sequence, head.epoch, head.time_ms, head.hash.hex())
    return msgspec.json.encode(stored)


def decode_head(data: bytes) -> Head:
    """Read a head; raises `ArchiveDiffers` for anything else."""
    try:
        one = msgspec.json.decode(data, type=_StoredHead)
        return Head(one.number, one.last_sequence, one.epoch, one.time_ms, bytes.fromhex(one.hash))
    except (msgspec.DecodeError, ValueError) as error:
        raise ArchiveDiffers(f"The archive has a head that can't be read: {error}") from None


class Archived(NamedTuple):
    """What one step has added."""

    segments: int
    is_head_published: bool


class Archiver:
    """Keeps one shard's archive in step with its journal."""

    def __init__(self, journal: SpanReader, archive: Archive) -> None:
        self._journal = journal
        self._archive = archive

    def advance(self, head: Head) -> Archived:
        """Archive every segment that is closed, and publish the head.

        Parameters
        ----------
        head
            The journal's, as the caller's own replica has it.

        Raises
        ------
        ArchiveDiffers
            The journal no longer holds what was published, or is no chain: nothing more is written.
        OutcomeUnknown
            Call again.

        """
        closed = segment_of(head.next_sequence)
        following = _without_gap(self._archive.ends(), closed)
        end = self._archive.read_end(following - 1) if following else Head()
        added = 0
        while following < closed:
            end = self._archive_segment(following, end)
            following, added = following + 1, added + 1
        published = head.last_sequence > 0 and self._publish(head)
        return Archived(added, published)

    def is_kept_by_another(self, since: Head, now: Head) -> bool:
        """Return whether a head of this journal was published between two that this process knows.

        One that lies behind the journal's end, or isn't the journal's, was published by nobody who
        keeps the archive.
        """
        between = [at for at in self._archive.heads(since.last_sequence) if at <= now.last_sequence]
        return bool(between) and self._is_true(between[-1])

    def beyond(self, last_sequence: int) -> int:
        """Return the last sequence of which something is archived behind one; 0 without any."""
        closed = segment_of(last_sequence + 1)
        segments = [*self._archive.ends(), *self._archive.segments()]
        behind = [(one + 1) * SEGMENT_SEQUENCES - 1 for one in segments if one >= closed]
        return max([*self._archive.heads(last_sequence), *behind], default=0)

    def _is_true(self, sequence: int) -> bool:
        try:
            published = self._archive.read_head(sequence)
        except ArchiveDiffers:
            return False
        first = max(1, sequence - RECORD_SEQUENCES_MAX + 1)
        return published in map(Head.of, self._journal.read_span(first, sequence))

    def _archive_segment(self, segment: int, before: Head) -> Head:
        with tempfile.TemporaryDirectory() as folder:
            published = _Published(self._archive, before.last_sequence)
            path, chain = Path(folder, "segment"), _Chain(before, published)
            write_records(path, chain.followed(segment_records(self._journal, segment)))
            end = chain.head
            # The next one shows whether the last is the one that the journal went on from.
            following = self._journal.read(end.next_sequence)[:1]
            for record in following:
                chain.follow(record)
            if not following:
                published.require_none_behind(end.last_sequence)
            if not self._archive.write_segment(segment, path):
                self._require_archived(segment, path, Path(folder, "archived"))
        if not self._archive.write_end(segment, end) and segment in self._archive.ends():
            _require_end(segment, end, self._archive.read_end(segment))
        return end

    def _require_archived(self, segment: int, path: Path, copy: Path) -> None:
        """Require that what another has archived under a segment's key is this segment."""
        if not self._archive.has_segment(segment):
            raise OutcomeUnknown(f"Segment {segment} is being archived by another.")
        self._archive.read_segment(segment, copy)
        for record, archived in zip_longest(read_records(path), _archived_records(segment, copy)):
            if record != archived:
                at = record or archived
                raise ArchiveDiffers(
                    f"Segment {segment} of the archive is another than the journal's, from "
                    f"sequence {at.first_sequence} on; nobody can write it again."
                )

    def _publish(self, head: Head) -> bool:
        if self._archive.write_head(head):
            return True
        at = head.last_sequence
        # Whoever is first may not be done with it: then it isn't listed, and can't be read yet.
        if at in self._archive.heads(at - 1):
            published = self._archive.read_head(at)
            _require_published(head.number, at, head.hash, published.hash)
        return False


def segment_records(journal: SpanReader, segment: int) -> Iterator[EncodedRecord]:
    """Yield the records that begin in a segment of the journal."""
    first = segment * SEGMENT_SEQUENCES
    for start in range(first, first + SEGMENT_SEQUENCES, SPAN_SEQUENCES):
        yield from journal.read_span(start, start + SPAN_SEQUENCES - 1)


def _archived_records(segment: int, path: Path) -> Iterator[EncodedRecord]:
    try:
        yield from read_records(path)
    except RecordError as error:
        raise ArchiveDiffers(
            f"Segment {segment} of the archive can't be read ({error}), or ends too early."
        ) from None


def _require_end(segment: int, end: Head, archived: Head) -> None:
    if archived != end:
        raise ArchiveDiffers(
            f"Segment {segment} ends at sequence {end.last_sequence} in the journal, with hash "
            f"{end.hash.hex()[:16]}…; its archived end is at sequence {archived.last_sequence}, "
            f"with {archived.hash.hex()[:16]}…."
        )


def _without_gap(segments: list[int], below: int) -> int:
    """Return how many of these there are, from the first on and below a bound, without a gap."""
    found = set(segments)
    return next(at for at in count() if at >= below or at not in found)


class _Chain:
    """Follows records, and holds them against the heads that were published of them."""

    def __init__(self, head: Head, published: "_Published") -> None:
        self.head = head
        self._published = published

    def followed(self, records: Iterable[EncodedRecord]) -> Iterator[EncodedRecord]:
        for record in records:
            self.follow(record)
            yield record

    def follow(self, record: EncodedRecord) -> None:
        require_follows(self.head, record)
        self._published.meet(record)
        self.head = Head.of(record)


def require_follows(head: Head, record: EncodedRecord) -> None:
    """Return when a record is whole and continues the chain; raises `ArchiveDiffers`."""
    try:
        check_continues(head, record)
    except JournalBroken as error:
        raise ArchiveDiffers(str(error)) from None
    if record_hash(record) != record.hash:
        raise ArchiveDiffers(f"Record {record.number} of the journal is damaged.")


class _Published:
    """The heads published behind a sequence: a record has to end at each, with its hash."""

    def __init__(self, archive: Archive, after: int) -> None:
        self._archive = archive
        self._left = deque(archive.heads(after))
        self.count = len(self._left)

    def meet(self, record: EncodedRecord) -> None:
        """Hold a record, and what is passed over by it, against them."""
        while self._left and self._left[0] <= record.last_sequence:
            at = self._left.popleft()
            if at < record.last_sequence:
                raise ArchiveDiffers(
                    f"Record {record.number}, from sequence {record.first_sequence} to "
                    f"{record.last_sequence}, was exchanged: a head at sequence {at} was "
                    "published, where no record of the journal ends."
                )
            published = self._archive.read_head(at)
            _require_published(record.number, at, record.hash, published.hash)

    def until(self, end: int) -> int:
        """Return the last of them that is not behind a sequence; 0 without one."""
        return max((at for at in self._left if at <= end), default=0)

    def behind(self, end: int) -> list[int]:
        """Return those behind a sequence."""
        return [at for at in self._left if at > end]

    def require_none_behind(self, last_sequence: int) -> None:
        """Require that the journal, which ends here, has come to all of them."""
        if self._left:
            raise ArchiveDiffers(
                f"The journal ends at sequence {last_sequence}, but a head at sequence "
                f"{self._left[-1]} was published."
            )


def _require_published(number: int, sequence: int, present: bytes, published: bytes) -> None:
    if present != published:
        raise ArchiveDiffers(
            f"Record {number}, up to sequence {sequence}, was exchanged: its hash is "
            f"{present.hex()[:16]}…, but {published.hex()[:16]}… was published."
        )


class Comparison:
    """Holds the records of a journal against its archive.

    Make it, then say where the journal ends by `begin`, so that what is listed here of the archive
    and not forged is of a journal up to there. Then give it every record by `take`, and call
    `finish`. Both raise `ArchiveDiffers`.

    Parameters
    ----------
    folder
        Where copies of archived segments may lie.
    segment, before
        Where it begins, and the head before that; with the first record unless said otherwise.

    """

    def __init__(
        self, archive: Archive, folder: Path, segment: int = 0, before: Head | None = None
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._segment = segment - 1
        self._records: Iterator[EncodedRecord] = iter(())
        self._head = before or Head()
        # Before the ends: what is published later may be of segments that have none here.
        self._published = _Published(archive, self._head.last_sequence)
        self._ends = archive.ends()
        self._segments = archive.segments()
        self._strangers = archive.strangers(self._head.last_sequence)
        self._end = FOREVER
        self.segments = _without_gap(self._ends, FOREVER)
        self.heads = self._published.count

    def begin(self, end: int) -> int:
        """Take the last sequence of the journal; return up to where it has to be what is here.

        What follows may not be archived yet, and what the archive has behind the end is not the
        journal's (`ahead`).
        """
        self._end = end
        self.segments = min(self.segments, segment_of(end + 1))
        return max(self._published.until(end), self.segments * SEGMENT_SEQUENCES - 1)

    def take(self, record: EncodedRecord) -> None:
        """Compare one record."""
        segment = segment_of(record.first_sequence)
        if segment != self._segment:
            self._require_end()
            self._open(segment)
        if segment < self.segments:
            self._compare(record, next(self._records, None))
        self._published.meet(record)
        self._head = Head.of(record)

    def _open(self, segment: int) -> None:
        for passed in range(self._segment + 1, segment):
            if passed < self.segments:
                raise ArchiveDiffers(f"The journal lacks segment {passed}, which the archive has.")
        self._segment, self._records = segment, iter(())
        if segment < self.segments:
            if segment not in self._segments:
                raise ArchiveDiffers(
                    f"The archive has an end of segment {segment}, and no records."
                )
            path = self._folder.joinpath("segment")
            self._archive.read_segment(segment, path)
            self._records = _archived_records(segment, path)

    def _compare(self, record: EncodedRecord, archived: EncodedRecord | None) -> None:
        if archived is None:
            raise ArchiveDiffers(
                f"Record {record.number}, from sequence {record.first_sequence} on, is in the "
                f"journal and not in segment {self._segment} of the archive."
            )
        if record != archived:
            raise ArchiveDiffers(
                f"Record {record.number}, from sequence {record.first_sequence} on, differs: its "
                f"hash is {record.hash.hex()[:16]}… in the journal and "
                f"{archived.hash.hex()[:16]}… in the archive."
            )

    def _require_end(self) -> None:
        left = next(self._records, None)
        if left is not None:
            raise ArchiveDiffers(
                f"Record {left.number}, from sequence {left.first_sequence} on, is in segment "
                f"{self._segment} of the archive and not in the journal."
            )
        if 0 <= self._segment < self.segments:
            _require_end(self._segment, self._head, self._archive.read_end(self._segment))

    def ahead(self) -> list[str]:
        """Return what the archive has that the journal hasn't come to, a sentence each.

        Either that is forged, or the journal was cut off.
        """
        closed = segment_of(self._end + 1)
        behind = f"but the journal ends at sequence {self._end}."
        return [
            *(f"A head at sequence {sequence} was published, {behind}"
              for sequence in self._published.behind(self._end)),
            *(f"The archive has the end of segment {segment}, {behind}"
              for segment in self._ends if segment >= closed),
            *(f"The archive has records of segment {segment}, {behind}"
              for segment in self._segments if segment >= closed),
            *(f"The archive has the end of segment {segment} and lacks that of {self.segments}."
              for segment in self._ends if self.segments < segment < closed),
            *(f"The archive has {key}, which is no name of its own." for key in self._strangers),
        ]  # fmt: skip

    def end(self) -> None:
        """Compare the end of what was taken with what is archived up to there."""
        self._require_end()
        self._require_archived()

    def _require_archived(self) -> None:
        if segment_of(min(self._head.last_sequence, self._end) + 1) > self.segments:
            raise ArchiveDiffers(f"Segment {self.segments} is closed and not in the archive yet.")

    def finish(self) -> None:
        """Compare the end of the journal, and require that nothing is ahead of it."""
        self._require_end()
        for what in self.ahead():
            raise ArchiveDiffers(what)
        self._require_archived()
