"""What follows a commit, off its path: answers for those who wait, deletes for the queue.

Both may be lost or done twice without harm. A delete that is lost means a redelivery, which the
engine knows by its id; an answer that is lost means that the client asks again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from bursa.intake.reply import Reply
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel.retry import Backoff, retry_async
from worker.intake import Inbox
from worker.ports import Answers, Clock, CommandQueue, Telemetry
from worker.sequencer import Settlement

_ANSWERS_PER_WRITE = 25
_DELETES_PER_CALL = 10
_BACKOFF = Backoff(0.05, attempts=4)


class Settler:
    """Writes answers and deletes deliveries, several calls at a time.

    Parameters
    ----------
    queue, answers
        Where deliveries are deleted, and where answers go.
    inbox
        Gets its room back once a delivery is done with.
    writers, deleters
        How many calls of each kind may be in flight.

    """

    def __init__(
        self,
        queue: CommandQueue,
        answers: Answers,
        inbox: Inbox,
        clock: Clock,
        telemetry: Telemetry,
        *,
        writers: int,
        deleters: int,
    ) -> None:
        self._queue = queue
        self._answers = answers
        self._inbox = inbox
        self._clock = clock
        self._telemetry = telemetry
        self._writers = writers
        self._deleters = deleters
        self._answers_due: deque[Reply] = deque()
        self._deletes_due: deque[str] = deque()
        self._something_to_answer = asyncio.Event()
        self._something_to_delete = asyncio.Event()
        self._closed = False

    def add(self, settlements: Sequence[Settlement]) -> None:
        """Take over what a commit has made due."""
        for settlement in settlements:
            if settlement.answer is not None:
                self._answers_due.append(settlement.answer)
            self._deletes_due.append(settlement.receipt)
        if self._answers_due:
            self._something_to_answer.set()
        if self._deletes_due:
            self._something_to_delete.set()

    def close(self) -> None:
        """Say that nothing more will be added."""
        self._closed = True
        self._something_to_answer.set()
        self._something_to_delete.set()

    async def run(self) -> None:
        """Work until closed and empty."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._writers):
                group.create_task(self._write_answers())
            for _ in range(self._deleters):
                group.create_task(self._delete())

    async def _write_answers(self) -> None:
        while True:
            await self._something_to_answer.wait()
            due = self._answers_due
            batch = [due.popleft() for _ in range(min(_ANSWERS_PER_WRITE, len(due)))]
            if batch:
                await self._write(batch)
            elif self._closed:
                return
            else:
                self._something_to_answer.clear()

    async def _write(self, batch: list[Reply]) -> None:
        try:
            await self._repeat(lambda: self._answers.write(batch))
        except OutcomeUnknown:
            self._telemetry.alarm(
                "AnswersLost",
                "Answers could not be written; their clients will ask again.",
                count=len(batch),
            )

    async def _delete(self) -> None:
        while True:
            await self._something_to_delete.wait()
            due = self._deletes_due
            batch = [due.popleft() for _ in range(min(_DELETES_PER_CALL, len(due)))]
            if batch:
                await self._delete_batch(batch)
                self._inbox.settled(batch)
            elif self._closed:
                return
            else:
                self._something_to_delete.clear()

    async def _delete_batch(self, batch: list[str]) -> None:
        try:
            await self._repeat(lambda: self._queue.delete(batch))
        except OutcomeUnknown:
            self._telemetry.event("Deletes got no answer; the messages will come again.")

    async def _repeat(self, call: Callable[[], Awaitable[None]]) -> None:
        await retry_async(call, _BACKOFF, self._clock.sleep, on=OutcomeUnknown)
