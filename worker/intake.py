"""Deliveries on their way from the queues to the engine: bounded, in the order they arrived.

Order within an account is each queue's promise (a group is closed while one of its messages is in
flight), so messages of a queue may be applied in the order in which they arrive. Between the queues
there is no order. Nothing may ever be dropped from here while the worker leads.

Each queue has room of its own, and those in which something waits share each turn equally, so that
none can starve another.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.lease import QueueState
from worker.ports import Clock, CommandQueue
from worker.queue_groups import QueueGroups

_FAILURE_PAUSE_S = 0.5
# A receive that brings this many says that one receiver is not enough.
_BUSY_MESSAGES = 5
# Funds come seldom; enough for an onboarding in one go.
FUNDS_HELD_MAX = 200


class _Side:
    """Deliveries of one queue."""

    def __init__(self, held_max: int) -> None:
        self.held_max = held_max
        self.waiting: deque[Delivery] = deque()
        self.room = asyncio.Event()
        self.room.set()
        # Since when each receipt's message waits for the worker, in the order of arrival.
        self.held: dict[str, int] = {}
        self.received_until_ms = 0
        self.groups = QueueGroups()

    def take(self, body_bytes_max: int) -> tuple[list[Delivery], int]:
        """Remove the oldest deliveries, about so many bytes of them; return what room is left."""
        taken: list[Delivery] = []
        room = body_bytes_max
        while self.waiting and room > 0:
            delivery = self.waiting.popleft()
            room -= len(delivery.body)
            taken.append(delivery)
        return taken, room


class Inbox:
    """Deliveries received and not yet acknowledged; of each queue its most and one receive."""

    def __init__(
        self,
        held_max: int,
        funds_held_max: int = FUNDS_HELD_MAX,
        time_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._time_ms = time_ms
        self._trading = _Side(held_max)
        # In the order in which a turn takes of them.
        self._sides = {
            QueueKind.FUNDS: _Side(funds_held_max),
            QueueKind.TRANSFERS: _Side(funds_held_max),
            QueueKind.TRADING: self._trading,
        }
        self._ready = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return sum(len(side.waiting) for side in self._sides.values())

    @property
    def held(self) -> int:
        """How many deliveries have been received and not acknowledged."""
        return sum(len(side.held) for side in self._sides.values())

    def receipts(self, queue: QueueKind = QueueKind.TRADING) -> list[str]:
        """Return the receipt of every delivery of a queue that is held, oldest first."""
        return list(self._sides[queue].held)

    def watermark_ms(self) -> int:
        """Return since when the oldest message has waited for the worker; 0 before any receive.

        Of the trading queue alone: intake asks by it whether orders wait for too long.
        """
        return min([self._trading.received_until_ms, *self._trading.held.values()])

    def queue_state(self) -> QueueState:
        """Return what intake is to know of the trading queue, now."""
        busy = self._trading.groups.name_busy(self._time_ms())
        return QueueState(self.watermark_ms(), busy)

    def add(
        self, deliveries: list[Delivery], now_ms: int, queue: QueueKind = QueueKind.TRADING
    ) -> None:
        """Append what a receive has brought; nothing means that nothing older waits there."""
        side = self._sides[queue]
        side.groups.received(deliveries)
        since_ms = side.groups.waits_since_ms([one.receipt for one in deliveries])
        side.received_until_ms = min(since_ms, default=now_ms)
        if not deliveries:
            return
        side.waiting.extend(deliveries)
        side.held.update(
            {one.receipt: since for one, since in zip(deliveries, since_ms, strict=True)}
        )
        if len(side.held) >= side.held_max:
            side.room.clear()
        self._ready.set()

    def take(self, body_bytes_max: int) -> list[Delivery]:
        """Remove the oldest deliveries, at least one and about so many bytes of them."""
        sides = [side for side in self._sides.values() if side.waiting]
        taken: list[Delivery] = []
        room = body_bytes_max
        for others, side in zip(range(len(sides) - 1, -1, -1), sides, strict=True):
            # What one leaves of its share is the next one's.
            share = max(1, room // (others + 1))
            some, left = side.take(share)
            taken += some
            room -= share - max(0, left)
        if not len(self) and not self._closed:
            self._ready.clear()
        return taken

    def acknowledged(self, receipts: Sequence[str], queue: QueueKind = QueueKind.TRADING) -> None:
        """Make room: these deliveries are deleted."""
        side = self._sides[queue]
        side.groups.acknowledged(receipts, self._time_ms())
        for receipt in receipts:
            side.held.pop(receipt, None)
        if len(side.held) < side.held_max:
            side.room.set()

    def close(self) -> None:
        """End `wait_ready` once everything added so far is taken."""
        self._closed = True
        self._ready.set()

    async def wait_ready(self) -> bool:
        """Wait for a delivery; False when closed and empty."""
        await self._ready.wait()
        return bool(len(self))

    async def wait_room(self, queue: QueueKind = QueueKind.TRADING) -> None:
        """Wait until another receive may be made."""
        await self._sides[queue].room.wait()


class Receivers:
    """Keeps several receives of a queue in flight while there is much, one while there is little.

    The inbox is closed by whoever runs the receivers of all queues.
    """

    def __init__(
        self,
        queue: CommandQueue,
        inbox: Inbox,
        clock: Clock,
        kind: QueueKind = QueueKind.TRADING,
        *,
        count: int,
        stop: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._inbox = inbox
        self._clock = clock
        self._kind = kind
        self._count = count
        self._stop = stop
        self._busy = asyncio.Event()

    async def run(self) -> None:
        """Receive until told to stop; then end the receives in flight."""
        async with asyncio.TaskGroup() as group:
            waker = group.create_task(self._wake_at_stop())
            receivers = [
                group.create_task(self._receive(always=index == 0)) for index in range(self._count)
            ]
            await asyncio.wait(receivers)
            waker.cancel()

    async def _wake_at_stop(self) -> None:
        await self._stop.wait()
        self._busy.set()

    async def _receive(self, *, always: bool) -> None:
        while not self._stop.is_set():
            if not always:
                await self._busy.wait()
            await self._inbox.wait_room(self._kind)
            if self._stop.is_set():
                return
            try:
                deliveries = await self._queue.receive()
            except OutcomeUnknown:
                await self._clock.sleep(_FAILURE_PAUSE_S)
                continue
            self._inbox.add(deliveries, self._clock.time_ms(), self._kind)
            if len(deliveries) >= _BUSY_MESSAGES or self._stop.is_set():
                self._busy.set()
            elif not deliveries:
                self._busy.clear()
