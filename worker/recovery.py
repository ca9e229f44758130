"""Catching a replica up with the journal's head, reading well ahead of applying.

The journal between two sequences is cut into spans that are read side by side; a record belongs
to the span that its first sequence is in, so the spans in order are the records in order, and
the chain shows if one were missing.
"""

import asyncio
from collections import deque

from bursa.journal.record import EncodedRecord
from bursa.journal.replica import Replica
from worker.ports import Journal

SPAN_SEQUENCES = 1 << 14
_SPANS_AHEAD = 6


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
