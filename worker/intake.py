"""Deliveries on their way from the queue to the engine: bounded, in the order they arrived.

Order within an account is the queue's promise (a group is closed while one of its messages is in
flight), so messages may be applied in the order in which they arrive. Nothing may ever be dropped
from here while the worker leads.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from bursa.intake.message import Delivery
from bursa.journal.errors import OutcomeUnknown
from worker.ports import Clock, CommandQueue

_FAILURE_PAUSE_S = 0.5
# A receive that brings this many says that one receiver is not enough.
_BUSY_MESSAGES = 5


class Inbox:
    """Deliveries received and not yet acknowledged, at most ``held_max`` and one receive."""

    def __init__(self, held_max: int) -> None:
        self._held_max = held_max
        self._waiting: deque[Delivery] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        # When each receipt's message was sent, in the order of arrival.
        self._held: dict[str, int] = {}
        self._received_until_ms = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def held(self) -> int:
        """How many deliveries have been received and not acknowledged."""
        return len(self._held)

    def receipts(self) -> list[str]:
        """Return the receipt of every delivery that is held, oldest first."""
        return list(self._held)

    def watermark_ms(self) -> int:
        """Return when the oldest unacknowledged message was sent; 0 before any receive."""
        return min([self._received_until_ms, *self._held.values()])

    def add(self, deliveries: list[Delivery], now_ms: int) -> None:
        """Append what a receive has brought; nothing means that nothing older waits."""
        self._received_until_ms = min([one.sent_ms for one in deliveries], default=now_ms)
        if not deliveries:
            return
        self._waiting.extend(deliveries)
        self._held.update({delivery.receipt: delivery.sent_ms for delivery in deliveries})
        if self.held >= self._held_max:
            self._room.clear()
        self._ready.set()

    def take(self, body_bytes_max: int) -> list[Delivery]:
        """Remove the oldest deliveries, at least one and about so many bytes of them."""
        waiting = self._waiting
        taken: list[Delivery] = []
        room = body_bytes_max
        while waiting and (room > 0 or not taken):
            delivery = waiting.popleft()
            room -= len(delivery.body)
            taken.append(delivery)
        if not waiting and not self._closed:
            self._ready.clear()
        return taken

    def acknowledged(self, receipts: Sequence[str]) -> None:
        """Make room: these deliveries are deleted."""
        for receipt in receipts:
            self._held.pop(receipt, None)
        if self.held < self._held_max:
            self._room.set()

    def close(self) -> None:
        """End `wait_ready` once everything added so far is taken."""
        self._closed = True
        self._ready.set()

    async def wait_ready(self) -> bool:
        """Wait for a delivery; False when closed and empty."""
        await self._ready.wait()
        return bool(self._waiting)

    async def wait_room(self) -> None:
        """Wait until another receive may be made."""
        await self._room.wait()


class Receivers:
    """Keeps several receives in flight while there is much, and one while there is little."""

    def __init__(
        self, queue: CommandQueue, inbox: Inbox, clock: Clock, *, count: int, stop: asyncio.Event
    ) -> None:
        self._queue = queue
        self._inbox = inbox
        self._clock = clock
        self._count = count
        self._stop = stop
        self._busy = asyncio.Event()

    async def run(self) -> None:
        """Receive until told to stop; then end the receives in flight and close the inbox."""
        async with asyncio.TaskGroup() as group:
            waker = group.create_task(self._wake_at_stop())
            receivers = [
                group.create_task(self._receive(always=index == 0)) for index in range(self._count)
            ]
            await asyncio.wait(receivers)
            waker.cancel()
        self._inbox.close()

    async def _wake_at_stop(self) -> None:
        await self._stop.wait()
        self._busy.set()

    async def _receive(self, *, always: bool) -> None:
        while not self._stop.is_set():
            if not always:
                await self._busy.wait()
            await self._inbox.wait_room()
            if self._stop.is_set():
                return
            try:
                deliveries = await self._queue.receive()
            except OutcomeUnknown:
                await self._clock.sleep(_FAILURE_PAUSE_S)
                continue
            self._inbox.add(deliveries, self._clock.time_ms())
            if len(deliveries) >= _BUSY_MESSAGES or self._stop.is_set():
                self._busy.set()
            elif not deliveries:
                self._busy.clear()
