"""Put one record into its slot and learn the outcome, even when a response is lost.

DESIGN D3: a response that is lost leaves the outcome open. The identical put is then repeated: it
either goes through now, or finds the slot taken, and the batch id found there says by whom. Mine
means that an earlier attempt arrived; another's means that this worker no longer leads.

A body that is too large for one item goes before it in parts. They commit nothing: the put into
the slot does, and it is only tried once all of them are confirmed. What is lost in between is
harmless: the messages come again, and the next record has parts of its own.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bursa.journal.errors import OutcomeUnknown, SlotTaken
from bursa.journal.record import PART_BYTES_MAX, EncodedRecord, split_record
from bursa.kernel.retry import Backoff, retry_async
from worker.ports import Clock, Journal

_BACKOFF = Backoff(0.01, 0.5)

_Item = TypeVar("_Item")


class Deposed(Exception):  # noqa: N818 - the tree of the worker's states, not of errors
    """Raised when this worker must not write any more: drop memory, stand down."""


async def commit(
    record: EncodedRecord,
    journal: Journal,
    clock: Clock,
    may_write: Callable[[], bool],
    part_bytes: int = PART_BYTES_MAX,
) -> int:
    """Write a record; returns the number of attempts that its slot took.

    Parameters
    ----------
    record
        To be written; never changed between attempts.
    journal, clock
        Where to, and how to wait between attempts.
    may_write
        Whether the lease is still held, by this process's own clock. Asked before each attempt.
    part_bytes
        A larger body is written in parts of this size.

    Raises
    ------
    Deposed
        When the slot holds another's record, or the lease ran out before the outcome was known.
        In the second case the record may be in the journal: the next reader sees it.

    """
    head, parts = split_record(record, part_bytes)
    writer = _Writer(head.first_sequence, clock, may_write)
    for part in parts:
        await writer.repeat(journal.put_part, part)
    try:
        return await writer.repeat(journal.put, head)
    except SlotTaken as taken:
        if taken.batch_id != record.batch_id:
            raise Deposed(
                f"Slot {record.first_sequence} was taken by epoch {taken.epoch}."
            ) from None
    return writer.attempts


class _Writer:
    """Repeats puts until they have a response, or the lease is gone."""

    def __init__(self, slot: int, clock: Clock, may_write: Callable[[], bool]) -> None:
        self.attempts = 0
        self._slot = slot
        self._clock = clock
        self._may_write = may_write

    async def repeat(self, put: Callable[[_Item], Awaitable[None]], item: _Item) -> int:
        self.attempts = 0

        async def attempt() -> None:
            if not self._may_write():
                raise Deposed(f"The lease ran out while slot {self._slot} was being written.")
            self.attempts += 1
            await put(item)

        await retry_async(attempt, _BACKOFF, self._clock.sleep, on=OutcomeUnknown)
        return self.attempts
