"""What follows a commit, off its path: replies for clients that wait, deletes for the queue.

Both may be lost or done twice without harm. A lost delete means a redelivery, which the engine
recognises by its command ids; a lost reply means that the client asks again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import Reply
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel.retry import Backoff, retry_async
from worker.intake import Inbox
from worker.ports import Clock, CommandQueue, Replies, Telemetry
from worker.sequencer import Acknowledgement

_REPLIES_PER_WRITE = 25
_DELETES_PER_CALL = 10
_BACKOFF = Backoff(0.05, attempts=4)


class Acknowledger:
    """Writes replies and deletes deliveries, several calls at a time.

    Parameters
    ----------
    queues, replies
        Where deliveries are deleted, and where replies are stored.
    inbox
        Gets room back for each delivery that is deleted.
    writers, deleters
        How many calls of each kind may be in flight.

    """

    def __init__(
        self,
        queues: Mapping[QueueKind, CommandQueue],
        replies: Replies,
        inbox: Inbox,
        clock: Clock,
        telemetry: Telemetry,
        *,
        writers: int,
        deleters: int,
    ) -> None:
        self._queues = queues
        self._replies = replies
        self._inbox = inbox
        self._clock = clock
        self._telemetry = telemetry
        self._writers = writers
        self._deleters = deleters
        self._replies_due: deque[Reply] = deque()
        self._deletes_due: deque[tuple[QueueKind, str]] = deque()
        self._something_to_write = asyncio.Event()
        self._something_to_delete = asyncio.Event()
        self._closed = False

    def add(self, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Queue what a commit has made due."""
        for one in acknowledgements:
            if one.reply is not None:
                self._replies_due.append(one.reply)
            self._deletes_due.append((one.queue, one.receipt))
        if self._replies_due:
            self._something_to_write.set()
        if self._deletes_due:
            self._something_to_delete.set()

    def close(self) -> None:
        """End `run` once everything added so far is done."""
        self._closed = True
        self._something_to_write.set()
        self._something_to_delete.set()

    async def run(self) -> None:
        """Work until closed and empty."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._writers):
                group.create_task(self._write_replies())
            for _ in range(self._deleters):
                group.create_task(self._delete())

    async def _write_replies(self) -> None:
        while True:
            await self._something_to_write.wait()
            due = self._replies_due
            batch = [due.popleft() for _ in range(min(_REPLIES_PER_WRITE, len(due)))]
            if batch:
                await self._write(batch)
            elif self._closed:
                return
            else:
                self._something_to_write.clear()

    async def _write(self, batch: list[Reply]) -> None:
        try:
            await self._repeat(lambda: self._replies.write(batch))
        except OutcomeUnknown:
            self._report_lost(len(batch), "no response")
        except Exception as error:  # noqa: BLE001 - no reply may cost more than itself
            if len(batch) == 1:
                self._report_lost(1, f"{type(error).__name__}: {error}")
                return
            for reply in batch:
                await self._write([reply])

    def _report_lost(self, count: int, why: str) -> None:
        self._telemetry.alarm(
            "RepliesLost",
            "Replies could not be written; their clients will ask again.",
            count=count,
            why=why,
        )

    async def _delete(self) -> None:
        while True:
            await self._something_to_delete.wait()
            if self._deletes_due:
                queue, batch = self._next_deletes()
                await self._delete_batch(queue, batch)
                self._inbox.acknowledged(batch, queue)
            elif self._closed:
                return
            else:
                self._something_to_delete.clear()

    def _next_deletes(self) -> tuple[QueueKind, list[str]]:
        """Remove the oldest deletes that are due, all of one queue."""
        due = self._deletes_due
        queue = due[0][0]
        batch: list[str] = []
        while due and due[0][0] is queue and len(batch) < _DELETES_PER_CALL:
            batch.append(due.popleft()[1])
        return queue, batch

    async def _delete_batch(self, queue: QueueKind, batch: list[str]) -> None:
        try:
            await self._repeat(lambda: self._queues[queue].delete(batch))
        except OutcomeUnknown:
            self._telemetry.event("Deletes got no response; the messages will come again.")

    async def _repeat(self, call: Callable[[], Awaitable[None]]) -> None:
        await retry_async(call, _BACKOFF, self._clock.sleep, on=OutcomeUnknown)
