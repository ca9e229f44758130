"""Catching a replica up with the journal's head, reading well ahead of applying.

Before that, whether the journal still has its end: what is stored beyond it was stored of records
that are gone, and who went on from there would write another history over them.

The journal between two sequences is cut into spans that are read side by side; a record belongs
to the span that its first sequence is in, so the spans in order are the records in order, and
the chain shows if one were missing.
"""

import asyncio
from collections import deque

from bursa.journal.record import EncodedRecord
from bursa.journal.replica import JournalBroken, Replica
from worker.ports import CheckpointStore, Journal, JournalArchive

SPAN_SEQUENCES = 1 << 14
_SPANS_AHEAD = 6


async def require_end(
    journal: Journal, checkpoints: CheckpointStore, archive: JournalArchive
) -> None:
    """Return when no checkpoint, and nothing in the archive, lies beyond the journal's end.

    Each is written only once the journal has come past it: beyond its end there is what was lost
    with a table that was emptied, rolled back or exchanged for a new one, or what somebody has
    forged. Only a person can tell which (docs/operations.md).

    Raises
    ------
    JournalBroken
        When something does.

    """
    end = await journal.head_sequence(0)
    # A checkpoint's attestation stands in a record behind it.
    beyond = {at + 1: f"checkpoint {at} is stored" for at in await checkpoints.sequences()}
    beyond[await archive.beyond(end)] = "more of it is archived"
    farthest = max(beyond)
    if farthest > end:
        # A leader may have written it in between, and its records before that.
        end = await journal.head_sequence(end)
    if farthest > end:
        raise JournalBroken(
            f"It ends at sequence {end}, but {beyond[farthest]}, up to sequence {farthest} at "
            "least: records are lost, or that is forged. Nothing was written. Keep all workers "
            "down, and restore the journal or remove what is forged; docs/operations.md says how "
            "(A journal that ends too early)."
        )


async def require_head(journal: Journal, replica: Replica) -> None:
    """Return when the journal still has what a replica has followed.

    A follower looks only for what is next, and finds nothing in a table that was emptied or rolled
    back either: what it then wrote would stand behind a gap.

    Raises
    ------
    JournalBroken
        When its last record is gone.

    """
    head = replica.head.last_sequence
    if not head:
        return
    end = await journal.head_sequence(head - 1)
    if end < head:
        raise JournalBroken(
            f"It was followed to sequence {head}, and that is not in it any more. Nothing was "
            "written. Keep all workers down, and restore the journal; docs/operations.md says how "
            "(A journal that ends too early)."
        )


async def catch_up(replica: Replica, journal: Journal) -> None:
    """Apply every record from the replica's head to the journal's.

    Raises
    ------
    OutcomeUnknown
        When the journal does not respond; call again.
    JournalBroken, RecordError
        When what it holds does not add up.

    """
    behind = await journal.head_sequence(replica.head.last_sequence) - replica.head.last_sequence
    if behind > SPAN_SEQUENCES:
        await _catch_up_by_spans(replica, journal, replica.head.last_sequence + behind)
    while records := await journal.read(replica.head.next_sequence):
        await _follow(replica, records)


async def _catch_up_by_spans(replica: Replica, journal: Journal, last_sequence: int) -> None:
    starts = deque(range(replica.head.next_sequence, last_sequence + 1, SPAN_SEQUENCES))
    reading: deque[asyncio.Task[list[EncodedRecord]]] = deque()
    try:
        while starts or reading:
            while starts and len(reading) < _SPANS_AHEAD:
                first = starts.popleft()
                reading.append(
                    asyncio.create_task(journal.read_span(first, first + SPAN_SEQUENCES - 1))
                )
            await _follow(replica, await reading.popleft())
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


async def _follow(replica: Replica, records: list[EncodedRecord]) -> None:
    for record in records:
        replica.follow(record)
        await asyncio.sleep(0)
