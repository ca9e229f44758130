"""Compares a journal with its archive, again and again, by a role that can write neither.

A segment that is archived is compared once, record by record, and where that has got to is noted in
the archive itself, where nobody can change it. What follows, up to the newest published head, is
followed as a chain each time. What is exchanged in a segment after it was compared is not seen
here: the alarm on any change in the journal's stream sees that, and a comparison from the start.

What the archive has beyond the journal's end, or under a name that nothing has, is reported each
time and stops nothing: everything else is compared as if it weren't there.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from bursa.journal.archive import Archive, ArchiveDiffers, Comparison, require_follows
from bursa.journal.record import SEGMENT_SEQUENCES, EncodedRecord, RecordError, segment_of
from bursa.journal.replica import Head

# An archive is written every few minutes; what is older than this and not in it stands still.
BEHIND_MS_MAX = 3_600_000


class AuditedArchive(Archive, Protocol):
    """One shard's archive, with what says how far it was compared."""

    def audited(self) -> list[int]:
        """Return the segments after which a comparison can go on, in order."""

    def read_audited(self, segment: int) -> Head:
        """Return the head that a compared segment ends with."""

    def write_audited(self, segment: int, head: Head) -> bool:
        """Note that everything up to the end of a segment was compared."""


class RecordReader(Protocol):
    """The journal."""

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Yield records from a slot on, consistently, across segments; stops at the head."""

    def head(self, known_sequence: int = 0) -> Head | None:
        """Return where the journal ends, given a sequence in it; None when it is empty."""


class Audited(NamedTuple):
    """What one audit has found; it raises when anything differs.

    Attributes
    ----------
    records, segments
        How many were compared, and how many archived segments among them.
    last_sequence
        The journal is what was archived and published of it up to here.
    is_complete
        Whether that is all there is; it is not when time ran out.
    is_current
        Whether the archive is no more than an hour behind the journal.
    ahead
        What the archive has that the journal hasn't come to, a sentence each: forged, unless the
        journal was cut off.

    """

    records: int
    segments: int
    last_sequence: int
    is_complete: bool
    is_current: bool
    ahead: tuple[str, ...] = ()


class Audit:
    """Audits one shard.

    Parameters
    ----------
    may_go_on
        Whether there is time for another segment; asked before each.
    now_ms
        Reads the time, UTC milliseconds.

    """

    def __init__(
        self,
        journal: RecordReader,
        archive: AuditedArchive,
        now_ms: Callable[[], int],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal = journal
        self._archive = archive
        self._now_ms = now_ms
        self._may_go_on = may_go_on

    def advance(self) -> Audited:
        """Compare what is new since the last audit.

        Raises
        ------
        ArchiveDiffers
            The journal is not what was archived or published of it; says where.
        OutcomeUnknown
            Call again.

        """
        try:
            return self._advance()
        except RecordError as error:
            raise ArchiveDiffers(f"The journal has a record that can't be read: {error}") from error

    def _advance(self) -> Audited:
        done = self._archive.audited()
        segment = done[-1] + 1 if done else 0
        head = self._archive.read_audited(done[-1]) if done else Head()
        with tempfile.TemporaryDirectory() as folder:
            comparison = Comparison(self._archive, Path(folder), segment, head)
            records, first_segment = 0, segment
            # After the archive was listed: what was true of it then is in the journal now.
            end = (self._journal.head(head.last_sequence) or Head()).last_sequence
            due = comparison.begin(end)
            ahead = tuple(comparison.ahead())
            for record in self._journal.read(head.next_sequence, due):
                require_follows(head, record)
                comparison.take(record)
                # Its first record in the next one shows that a segment is over and was the same.
                if segment_of(record.first_sequence) > segment:
                    self._archive.write_audited(segment, head)
                    segment = segment_of(record.first_sequence)
                    if not self._may_go_on():
                        return Audited(
                            records,
                            segment - first_segment,
                            head.last_sequence,
                            is_complete=False,
                            is_current=True,
                            ahead=ahead,
                        )
                head, records = Head.of(record), records + 1
            comparison.end()
        return Audited(
            records,
            segment - first_segment,
            head.last_sequence,
            is_complete=True,
            is_current=self._is_current(head),
            ahead=ahead,
        )

    def _is_current(self, head: Head) -> bool:
        unpublished = self._journal.read(head.next_sequence, head.last_sequence + SEGMENT_SEQUENCES)
        following = next(iter(unpublished), None)
        return following is None or self._now_ms() - following.time_ms < BEHIND_MS_MAX
