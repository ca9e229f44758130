"""The simulated outside world: queue, journal table and its stream, lease, replies, checkpoints.

Each service looks at what is asked of it when it happens, and raises `Violation` the moment that a
promise is broken: a delete or a reply before its commit, a checkpoint of a history that never was.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import Reply
from bursa.journal.archive import Archived
from bursa.journal.checkpoint import (
    CheckpointDamaged,
    CheckpointHeader,
    checkpoint_digest,
    decode_checkpoint,
    encode_checkpoint,
    state_hash,
)
from bursa.journal.errors import SlotTaken
from bursa.journal.lease import LeaseRow
from bursa.journal.record import (
    Attestation,
    EncodedRecord,
    RecordPart,
    decode_record,
    join_record,
    segment_of,
)
from bursa.journal.replica import Head
from tests.simulation.faults import Faults
from tests.simulation.options import Options
from tests.simulation.wire import EPOCH_MS, Machine, Wire
from wire import layout
from worker.results import result_offsets

_LONG_POLL_S = 0.4
# A message that comes back too early does so before most commits are done.
_EARLY_S_MAX = 0.1


class Violation(AssertionError):  # noqa: N818 - the name is what it means
    """A promise was broken."""


@dataclass(slots=True)
class Message:
    """A message in the queue."""

    body: str
    group: str
    message_id: str
    command_ids: frozenset[bytes]
    sent_at: float
    visible_at: float = 0.0
    receipt: str = ""
    receive_count: int = 0


@dataclass(slots=True)
class CommandLog:
    """What the committed records hold, command by command."""

    sequences: dict[bytes, list[int]] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)
    hashes: set[bytes] = field(default_factory=set)
    attested: set[Attestation] = field(default_factory=set)

    def add(self, encoded: EncodedRecord) -> None:
        record = decode_record(encoded)
        offsets = result_offsets(record.events)
        size = layout.COMMAND_BYTES
        for index in range(len(record.commands) // size):
            identity = record.commands[index * size + 8 : index * size + 24]
            self.sequences.setdefault(identity, []).append(record.first_sequence + index)
            self.events.append(record.events[offsets[index] : offsets[index + 1]])
        self.hashes.add(encoded.hash)
        self.attested.add(encoded.attestation)


class JournalTable:
    """The journal with its condition, and everything that a stream would carry."""

    def __init__(self, read_page: int) -> None:
        self.records: dict[int, EncodedRecord] = {}
        self.parts: dict[tuple[bytes, int], bytes] = {}
        self.in_parts = 0
        self.order: list[EncodedRecord] = []
        self.log = CommandLog()
        self._read_page = read_page

    def put_part(self, part: RecordPart) -> None:
        present = self.parts.setdefault((part.batch_id, part.index), part.data)
        if present != part.data:
            raise Violation(f"Part {part.index} of a record was written again with other data.")

    def put(self, head: EncodedRecord) -> None:
        present = self.records.get(head.first_sequence)
        if present is not None:
            raise SlotTaken(present.batch_id, present.epoch)
        record = self._joined(head)
        self.records[record.first_sequence] = record
        self.order.append(record)
        self.log.add(record)

    def _joined(self, head: EncodedRecord) -> EncodedRecord:
        """Join at once: a part that is not there when the slot is written is there too late."""
        stored = [self.parts.get((head.batch_id, index)) for index in range(head.parts)]
        parts = [part for part in stored if part is not None]
        if len(parts) != head.parts:
            raise Violation(f"Record {head.number} was written before all of its parts.")
        self.in_parts += head.parts > 0
        return join_record(head, parts)

    def read(self, first_sequence: int, last_sequence: int = 1 << 62) -> list[EncodedRecord]:
        segment = segment_of(first_sequence)
        slots = [
            slot
            for slot in sorted(self.records)
            if first_sequence <= slot <= last_sequence and segment_of(slot) == segment
        ]
        return [self.records[slot] for slot in slots[: self._read_page]]

    @property
    def last_sequence(self) -> int:
        return max((record.last_sequence for record in self.records.values()), default=0)


class QueueService:
    """A FIFO queue: a group is closed while one of its messages is in flight."""

    def __init__(
        self, options: Options, rng: random.Random, log: CommandLog, faults: Faults
    ) -> None:
        self._rng = rng
        self._log = log
        self._faults = faults
        self._visibility_s = options.visibility_s
        self.early_rate = options.redelivered_rate
        self._groups: dict[str, deque[Message]] = {}
        self._receipts = 0

    def send(self, message: Message) -> None:
        self._groups.setdefault(message.group, deque()).append(message)

    @property
    def empty(self) -> bool:
        return not any(self._groups.values())

    def receive(self, now: float, limit: int) -> list[Message]:
        open_groups = [
            group
            for group, waiting in self._groups.items()
            if waiting and self._is_open(group, now)
        ]
        self._rng.shuffle(open_groups)
        received: list[Message] = []
        for group in open_groups:
            take = self._rng.randint(1, limit)
            for message in list(self._groups[group])[:take]:
                if len(received) == limit:
                    return received
                self._receipts += 1
                message.receipt = f"r{self._receipts}"
                message.visible_at = now + self._visible_in_s()
                message.receive_count += 1
                self._faults["redelivered"] += message.receive_count > 1
                received.append(message)
        return received

    def _visible_in_s(self) -> float:
        """Hide a message for its time, or deliver it again while a worker handles it."""
        if self._rng.random() >= self.early_rate:
            return self._visibility_s
        self._faults["redelivered while held"] += 1
        return self._rng.random() * _EARLY_S_MAX

    def _is_open(self, group: str, now: float) -> bool:
        return all(message.visible_at <= now for message in self._groups[group])

    def delete(self, receipts: Sequence[str], now: float) -> None:
        wanted = set(receipts)
        for group, waiting in self._groups.items():
            kept: deque[Message] = deque()
            for message in waiting:
                if message.receipt in wanted and message.visible_at > now:
                    self._refuse_uncommitted(message)
                else:
                    kept.append(message)
            self._groups[group] = kept

    def _refuse_uncommitted(self, message: Message) -> None:
        missing = [name for name in message.command_ids if name not in self._log.sequences]
        if missing:
            raise Violation(f"Message {message.message_id} was deleted before its commit.")

    def release(self, receipts: Sequence[str], now: float) -> None:
        wanted = set(receipts)
        for waiting in self._groups.values():
            for message in waiting:
                if message.receipt in wanted:
                    message.visible_at = now


class CheckpointService:
    """Checkpoints; some are torn on the way in, whole ones are never replaced."""

    def __init__(
        self, options: Options, rng: random.Random, log: CommandLog, faults: Faults
    ) -> None:
        self._rng = rng
        self._log = log
        self._faults = faults
        self.torn_rate = options.torn_checkpoint_rate
        self.torn: set[int] = set()
        self.objects: dict[int, bytes] = {}

    def save(self, header: CheckpointHeader, state: bytes) -> int:
        if header.record_hash not in self._log.hashes:
            raise Violation(f"Checkpoint {header.last_sequence} is of no committed history.")
        digest = checkpoint_digest(header, state_hash(state))
        if (header.last_sequence, digest) not in self._log.attested:
            raise Violation(f"Checkpoint {header.last_sequence} was stored before it was attested.")
        data = encode_checkpoint(header, state)
        if header.last_sequence not in self.objects:
            if self._rng.random() < self.torn_rate:
                data = data[: self._rng.randrange(len(data))]
                self._faults["checkpoint torn"] += 1
                self.torn.add(header.last_sequence)
            self.objects[header.last_sequence] = data
        return len(data)

    def met(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        """Load one for a worker that starts."""
        self._faults["torn checkpoint met"] += sequence in self.torn and sequence in self.objects
        return self.load(sequence)

    def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        if sequence not in self.objects:
            raise CheckpointDamaged("gone")
        return decode_checkpoint(self.objects[sequence])


class ArchiveService:
    """The heads that were published; checks that each is a committed record's."""

    def __init__(self, log: CommandLog) -> None:
        self._log = log
        self.published: dict[int, Head] = {}

    def advance(self, head: Head) -> Archived:
        if head.last_sequence and head.hash not in self._log.hashes:
            raise Violation(f"Head {head.last_sequence} was published before its commit.")
        present = self.published.setdefault(head.last_sequence, head)
        if present != head:
            raise Violation(f"Head {head.last_sequence} was published twice, of two histories.")
        return Archived(0, is_head_published=True)

    def is_kept_by_another(self, since: Head, now: Head) -> bool:
        return any(since.last_sequence < at <= now.last_sequence for at in self.published)

    def beyond(self, last_sequence: int) -> int:
        return max((at for at in self.published if at > last_sequence), default=0)


class RepliesService:
    """The stored replies; checks that each holds the journal's events."""

    def __init__(self, log: CommandLog) -> None:
        self._log = log
        self.items: dict[str, Reply] = {}

    def write(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            self._refuse_uncommitted(reply)
            if not reply.repeated or reply.name not in self.items:
                self.items[reply.name] = reply

    def _refuse_uncommitted(self, reply: Reply) -> None:
        count = len(result_offsets(reply.events)) - 1
        known = self._log.events
        first = reply.last_sequence - count
        if reply.last_sequence > len(known) or b"".join(known[first : first + count]) != (
            reply.events
        ):
            raise Violation(f"Message {reply.name} was answered before its commit.")


class LeaseService:
    """The lease row."""

    def __init__(self) -> None:
        self.row: LeaseRow | None = None

    def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        present = self.row
        same = (
            present is None
            if expected is None
            else present is not None
            and (present.owner, present.beat) == (expected.owner, expected.beat)
        )
        if same:
            self.row = row
        return same


@dataclass(slots=True)
class Services:
    """All of them."""

    queues: dict[QueueKind, QueueService]
    journal: JournalTable
    checkpoints: CheckpointService
    replies: RepliesService
    leases: LeaseService
    archive: ArchiveService


class QueuePort:
    """A queue as one process reaches it."""

    idle_s = _LONG_POLL_S

    def __init__(
        self, services: Services, kind: QueueKind, wire: Wire, machine: Machine, limit: int
    ) -> None:
        self._queue = services.queues[kind]
        self._kind = kind
        self._wire = wire
        self._machine = machine
        self._limit = limit

    async def receive(self) -> list[Delivery]:
        received = await self._wire.call(
            self._machine, lambda: self._queue.receive(self._wire.now(), self._limit)
        )
        if not received:
            await self._machine.sleep(self.idle_s)
        return [
            Delivery(
                message.body,
                message.receipt,
                message.group,
                message.message_id,
                EPOCH_MS + int(message.sent_at * 1000),
                message.receive_count,
                self._kind,
            )
            for message in received
        ]

    async def delete(self, receipts: Sequence[str]) -> None:
        await self._wire.call(self._machine, lambda: self._queue.delete(receipts, self._wire.now()))

    async def release(self, receipts: Sequence[str]) -> None:
        await self._wire.call(
            self._machine, lambda: self._queue.release(receipts, self._wire.now())
        )


class JournalPort:
    """The journal as one process reaches it."""

    def __init__(self, services: Services, wire: Wire, machine: Machine) -> None:
        self._journal = services.journal
        self._wire = wire
        self._machine = machine

    async def put_part(self, part: RecordPart) -> None:
        await self._wire.call(self._machine, lambda: self._journal.put_part(part))

    async def put(self, record: EncodedRecord) -> None:
        await self._wire.call(self._machine, lambda: self._journal.put(record))

    async def read(self, first_sequence: int) -> list[EncodedRecord]:
        return await self._wire.call(self._machine, lambda: self._journal.read(first_sequence))

    async def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        return await self._wire.call(
            self._machine,
            lambda: [
                self._journal.records[slot]
                for slot in sorted(self._journal.records)
                if first_sequence <= slot <= last_sequence
            ],
        )

    async def head_sequence(self, known_sequence: int) -> int:
        return await self._wire.call(
            self._machine, lambda: max(known_sequence, self._journal.last_sequence)
        )


class RepliesPort:
    """The replies as one process reaches them."""

    def __init__(self, services: Services, wire: Wire, machine: Machine) -> None:
        self._replies = services.replies
        self._wire = wire
        self._machine = machine

    async def write(self, replies: Sequence[Reply]) -> None:
        await self._wire.call(self._machine, lambda: self._replies.write(replies))


class LeasePort:
    """The lease as one process reaches it."""

    def __init__(self, services: Services, wire: Wire, machine: Machine) -> None:
        self._leases = services.leases
        self._wire = wire
        self._machine = machine

    async def read(self) -> LeaseRow | None:
        return await self._wire.call(self._machine, lambda: self._leases.row)

    async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        return await self._wire.call(self._machine, lambda: self._leases.swap(expected, row))


class ArchivePort:
    """The archive as one process reaches it."""

    def __init__(self, services: Services, wire: Wire, machine: Machine) -> None:
        self._archive = services.archive
        self._wire = wire
        self._machine = machine

    async def advance(self, head: Head) -> Archived:
        return await self._wire.call(self._machine, lambda: self._archive.advance(head))

    async def is_kept_by_another(self, since: Head, now: Head) -> bool:
        return await self._wire.call(
            self._machine, lambda: self._archive.is_kept_by_another(since, now)
        )

    async def beyond(self, last_sequence: int) -> int:
        return await self._wire.call(self._machine, lambda: self._archive.beyond(last_sequence))


class CheckpointPort:
    """The checkpoints as one process reaches them."""

    def __init__(self, services: Services, wire: Wire, machine: Machine) -> None:
        self._checkpoints = services.checkpoints
        self._wire = wire
        self._machine = machine

    async def sequences(self) -> list[int]:
        return await self._wire.call(
            self._machine, lambda: sorted(self._checkpoints.objects, reverse=True)
        )

    async def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        return await self._wire.call(self._machine, lambda: self._checkpoints.met(sequence))

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        return await self._wire.call(self._machine, lambda: self._checkpoints.save(header, state))

    async def delete(self, sequence: int) -> None:
        await self._wire.call(self._machine, lambda: self._checkpoints.objects.pop(sequence, None))

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        raise Violation(f"The books did not add up at {sequence}.")
