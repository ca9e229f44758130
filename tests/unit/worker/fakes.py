"""Hand-written stand-ins for the worker's ports, and how to run a coroutine on virtual time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.lease import LeaseRow
from bursa.journal.record import EncodedRecord, JournalRecord, RecordPart, encode_record
from bursa.journal.replica import Head
from bursa.kernel.traces import Trace
from tests.simulation.virtual_loop import VirtualLoop
from wire import layout as w
from wire.codec import encode

_Result = TypeVar("_Result")

NOW_MS = 1_000_000


def run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


class FakeClock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time_ms(self) -> int:
        return int(self.now * 1000)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class LoopClock:
    """The virtual loop's time, from a moment on: several may sleep at once."""

    def __init__(self, began_ms: int) -> None:
        self._began_ms = began_ms

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time_ms(self) -> int:
        return self._began_ms + int(self.monotonic() * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScriptedJournal:
    """Answers each put by the next line of a script: an exception, or None for success."""

    def __init__(self, script: list[Exception | None]) -> None:
        self._script = script
        self.puts: list[EncodedRecord] = []
        self.parts: list[RecordPart] = []

    async def put_part(self, part: RecordPart) -> None:
        self.parts.append(part)
        outcome = self._script.pop(0)
        if outcome is not None:
            raise outcome

    async def put(self, record: EncodedRecord) -> None:
        self.puts.append(record)
        outcome = self._script.pop(0)
        if outcome is not None:
            raise outcome

    async def read(self, first_sequence: int) -> list[EncodedRecord]:
        raise NotImplementedError

    async def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        raise NotImplementedError

    async def head_sequence(self, known_sequence: int) -> int:
        raise NotImplementedError


class FakeLeases:
    """The row, and whether the next write's response gets lost."""

    def __init__(self, row: LeaseRow | None = None) -> None:
        self.row = row

    async def read(self) -> LeaseRow | None:
        return self.row

    async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        if self.row != expected:
            return False
        self.row = row
        return True


class SilentTelemetry:
    """Remembers the alarms."""

    def __init__(self) -> None:
        self.alarms: list[str] = []

    def event(self, message: str, **fields: object) -> None:
        """Ignore it."""

    def alarm(self, name: str, message: str, **fields: object) -> None:
        self.alarms.append(name)

    def measure(self, name: str, value: float) -> None:
        """Ignore it."""

    def traced(
        self, trace: Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        """Ignore it."""


def credit(amount: int, *, account: int = 1 << 32 | 1, number: int = 0) -> bytes:
    """One command that the toy engine adds up."""
    actor = w.ACTOR_OPERATOR << w.ACTOR_KIND_SHIFT
    return encode(
        w.COMMAND_CREDIT, account, 1, amount, command_id=(7, number), time_ms=NOW_MS, actor=actor
    )


def delivery(*commands: bytes, message_id: str = "0" * 32, reply: bool = False) -> Delivery:
    body = encode_message(
        CommandMessage(message_id, 1 << 32 | 1, b"".join(commands), {0: "mine"}, reply)
    )
    receipt = f"receipt {message_id}"
    return Delivery(body, receipt, "t1-1", message_id, NOW_MS, queue=QueueKind.FUNDS)


def record(head: Head, commands: bytes, events: bytes = b"", *, epoch: int = 1) -> EncodedRecord:
    count = len(commands) // w.COMMAND_BYTES
    return encode_record(
        JournalRecord(
            0,
            head.number + 1,
            head.next_sequence,
            head.last_sequence + count,
            epoch,
            5,
            0,
            bytes(16),
            commands,
            events,
            {},
            head.hash,
        )
    )
