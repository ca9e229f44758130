import asyncio
from itertools import permutations

import msgspec
import pytest

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.errors import OutcomeUnknown
from tests.unit.worker.fakes import FakeClock, credit, delivery, run
from worker.intake import Inbox, Receivers


class Queue:
    """Returns what it has, a few at a time, and then nothing."""

    def __init__(self, waiting: list[Delivery], stop: asyncio.Event) -> None:
        self.waiting = waiting
        self.stop = stop
        self.in_flight = self.in_flight_most = self.empty = 0

    async def receive(self) -> list[Delivery]:
        self.in_flight += 1
        self.in_flight_most = max(self.in_flight_most, self.in_flight)
        await asyncio.sleep(0.01)
        self.in_flight -= 1
        if self.empty == 3:
            raise OutcomeUnknown("no answer")
        taken, self.waiting = self.waiting[:10], self.waiting[10:]
        self.empty += not taken
        if self.empty > 5:
            self.stop.set()
        return taken

    async def delete(self, receipts: object) -> None:
        raise NotImplementedError

    async def release(self, receipts: object) -> None:
        raise NotImplementedError


def numbered(count: int) -> list[Delivery]:
    return [delivery(credit(1), message_id=f"{number:032x}") for number in range(count)]


def test_everything_arrives_once_and_in_order() -> None:
    async def scenario() -> list[str]:
        stop = asyncio.Event()
        inbox = Inbox(1000)
        queue = Queue(numbered(75), stop)

        class Clock(FakeClock):
            async def sleep(self, seconds: float) -> None:
                queue.empty += 1
                await asyncio.sleep(seconds)

        await Receivers(queue, inbox, Clock(), count=3, stop=stop).run()
        inbox.close()
        taken = []
        while await inbox.wait_ready():
            taken += [one.message_id for one in inbox.take(1)]
        assert queue.in_flight_most == 3
        return taken

    assert run(scenario()) == [f"{number:032x}" for number in range(75)]


def test_an_idle_queue_is_asked_by_one_receiver_only() -> None:
    async def scenario() -> int:
        stop = asyncio.Event()
        queue = Queue([], stop)
        queue.empty = -50
        receivers = Receivers(queue, Inbox(10), FakeClock(), count=3, stop=stop)
        running = asyncio.create_task(receivers.run())
        await asyncio.sleep(0.2)
        stop.set()
        await running
        return queue.in_flight_most

    assert run(scenario()) == 1


def test_nothing_is_received_while_too_much_is_held() -> None:
    async def scenario() -> None:
        stop = asyncio.Event()
        inbox = Inbox(20)
        queue = Queue(numbered(200), stop)
        running = asyncio.create_task(
            Receivers(queue, inbox, FakeClock(), count=2, stop=stop).run()
        )
        await asyncio.sleep(1)
        assert 20 <= inbox.held <= 40
        held = inbox.held

        inbox.take(1 << 30)
        await asyncio.sleep(1)
        assert inbox.held == held, "taking is not acknowledging"

        inbox.acknowledged(inbox.receipts())
        await asyncio.sleep(1)
        assert 20 <= inbox.held <= 40
        assert len(queue.waiting) < 200 - held
        stop.set()
        inbox.acknowledged(inbox.receipts())
        await running

    run(scenario())


def test_taking_respects_bytes_but_always_gives_one() -> None:
    inbox = Inbox(100)
    inbox.add(numbered(10), 1)
    size = len(numbered(1)[0].body)

    assert len(inbox.take(size * 3)) == 3
    assert len(inbox.take(1)) == 1
    assert len(inbox) == 6


def test_the_oldest_message_that_is_held_says_until_when_all_is_acknowledged() -> None:
    inbox = Inbox(100)
    seen = [inbox.watermark_ms()]
    old, young = (
        Delivery("", f"sent at {sent_ms}", "t1-1", "0" * 32, sent_ms) for sent_ms in (300, 500)
    )

    for deliveries, deleted in (([young], []), ([old], []), ([], [old]), ([], [young])):
        inbox.add(deliveries, 900)
        inbox.acknowledged([one.receipt for one in deleted])
        seen.append(inbox.watermark_ms())

    assert seen == [0, 500, 300, 500, 900]


def of(queue: QueueKind, count: int) -> list[Delivery]:
    return [
        msgspec.structs.replace(one, queue=queue, receipt=f"{queue.name} {one.receipt}")
        for one in numbered(count)
    ]


PAIRS = list(permutations(QueueKind, 2))


@pytest.mark.parametrize(("flooded", "other"), PAIRS)
def test_a_flooded_queue_leaves_half_of_each_turn_to_another(
    flooded: QueueKind, other: QueueKind
) -> None:
    inbox = Inbox(1_000, 1_000)
    inbox.add(of(flooded, 500), 1, flooded)
    inbox.add(of(other, 3), 1, other)
    size = len(numbered(1)[0].body)

    first, second = (inbox.take(size * 10) for _ in range(2))
    assert [one.queue for one in first].count(other) == 3
    assert [one.queue for one in second].count(flooded) == 10


def test_three_queues_share_each_turn() -> None:
    inbox = Inbox(1_000, 1_000)
    for kind in QueueKind:
        inbox.add(of(kind, 50), 1, kind)
    size = len(numbered(1)[0].body)

    kinds = [one.queue for one in inbox.take(size * 9)]
    assert {kind: kinds.count(kind) for kind in QueueKind} == dict.fromkeys(QueueKind, 3)


@pytest.mark.parametrize(("full", "other"), PAIRS)
def test_what_is_held_of_a_queue_takes_no_room_from_another(
    full: QueueKind, other: QueueKind
) -> None:
    async def scenario() -> None:
        inbox = Inbox(5, 5)
        inbox.add(of(full, 5), 1, full)
        await asyncio.wait_for(inbox.wait_room(other), 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(inbox.wait_room(full), 1)
        inbox.acknowledged(inbox.receipts(full), full)
        await asyncio.wait_for(inbox.wait_room(full), 1)

    run(scenario())


def test_how_long_funds_wait_says_nothing_about_orders() -> None:
    inbox = Inbox(5)
    inbox.add([], 900)
    old = Delivery("", "r", "t1-1", "0" * 32, 300, queue=QueueKind.FUNDS)
    inbox.add([old], 900, QueueKind.FUNDS)

    assert inbox.watermark_ms() == 900
