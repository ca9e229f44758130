"""Deliveries in, records out: the only place where the engine is given new commands.

The engine runs ahead of the journal by at most the record that is being written and the one that
is being filled. Nothing that the engine said leaves here before its record is sealed, and the
leader lets nothing out before it is committed.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from bursa.intake.admission import command_kinds
from bursa.intake.message import CommandMessage, Delivery, decode_message
from bursa.intake.names import reply_name
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import REPLY_KEPT_S, Reply
from bursa.journal.record import (
    NOTHING_ATTESTED,
    RECORD_BYTES_MAX,
    Attestation,
    EncodedRecord,
    JournalRecord,
    encode_record,
)
from bursa.journal.replica import Head, Replica
from bursa.kernel.identifiers import ACCOUNT_INDEX_BITS
from bursa.kernel.traces import TRACES_PER_RECORD_MAX, Trace, sampled_trace
from engine.errors import InvariantViolation
from wire import codec, layout
from wire.events import NOT_REMEMBERED
from worker.message_check import check_message
from worker.poison import (
    EngineFault,
    Quarantine,
    rejection_of_command,
    rejection_of_message,
)
from worker.ports import Probe
from worker.probe import NoProbe
from worker.results import result_offsets, result_reason
from worker.settings import PROBED_FROM_RECEIVE

# A record is closed at this share of the limit, because its stored size is an estimate until then.
_FILL = 0.85
_COMMANDS_PER_RECORD_MAX = 4096
# A record stays open for as long as the one before it is being written. The engine rejects commands
# whose time is far ahead of its own, so its time must not stand still meanwhile.
_TICK_EVERY_MS = 1_000
# First guesses, before any record has told: raw bytes of a command with its events, and what
# compression leaves of them.
_RAW_BYTES_PER_COMMAND = 350.0
_STORED_SHARE = 0.4
_LEARNING_RATE = 0.2


class InvariantBroken(Exception):  # noqa: N818
    """Raised when the engine's books don't add up: nothing may be written any more.

    Attributes
    ----------
    first_sequence, commands
        The commands after which it was seen; none of them is in the journal.

    """

    def __init__(self, first_sequence: int, commands: bytes, why: str) -> None:
        super().__init__(f"By the commands from sequence {first_sequence} on: {why}")
        self.first_sequence = first_sequence
        self.commands = commands


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What is due once the journal has reached ``last_sequence``."""

    last_sequence: int
    queue: QueueKind
    receipt: str
    sent_ms: int
    reply: Reply | None
    taken_ms: int = 0
    trace: Trace | None = None


@dataclass(slots=True)
class _Message:
    delivery: Delivery
    commands: bytes
    client_order_ids: dict[int, str]
    # What is to be replied to.
    request: CommandMessage | None


class Sequencer:
    """Numbers commands and seals them into records, one after the other.

    Parameters
    ----------
    replica
        At the head of the journal; from now on its engine belongs to the sequencer.
    shard, epoch
        Written into every record.
    new_batch_id
        Makes the 16 bytes that tell this writer's records from another's.
    quarantine
        What is known about messages that the engine can't take.
    probe, probed_from_receive
        Tries messages that have been received so often, before the engine gets them.

    """

    def __init__(
        self,
        replica: Replica,
        shard: int,
        epoch: int,
        new_batch_id: Callable[[], bytes],
        quarantine: Quarantine,
        *,
        probe: Probe | None = None,
        probed_from_receive: int = PROBED_FROM_RECEIVE,
    ) -> None:
        self.engine = replica.engine
        self.sealed_head = replica.head
        self._shard = shard
        self._epoch = epoch
        self._new_batch_id = new_batch_id
        self._quarantine = quarantine
        self._probe = probe or NoProbe()
        self._probed_from_receive = probed_from_receive
        self._raw_bytes_per_command = _RAW_BYTES_PER_COMMAND
        self._stored_share = _STORED_SHARE
        self._acknowledgements: deque[Acknowledgement] = deque()
        # What the next record attests.
        self._attestation = NOTHING_ATTESTED
        # Messages that became rejections since the leader last reported them, and why.
        self.rejected: list[tuple[str, str]] = []
        self._ticked_ms = 0
        self._reset()

    def _reset(self) -> None:
        self._commands: list[bytes] = []
        self._events: list[bytes] = []
        self._client_order_ids: dict[int, str] = {}
        self._traces: dict[int, str] = {}
        self._raw_bytes = 0
        self._time_ms = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to seal."""
        return not self._commands

    @property
    def room(self) -> int:
        """How many more commands the open record probably takes; an empty one takes any."""
        if self.empty:
            return max(1, self._guessed_room())
        return self._guessed_room()

    def _guessed_room(self) -> int:
        raw_max = RECORD_BYTES_MAX * _FILL / self._stored_share
        by_size = int((raw_max - self._raw_bytes) / self._raw_bytes_per_command)
        by_count = _COMMANDS_PER_RECORD_MAX - (
            self.engine.sequence - self.sealed_head.last_sequence
        )
        return max(0, min(by_size, by_count))

    def due(self, time_ms: int) -> bool:
        """Return whether anything is due by time alone."""
        due_ms = self.engine.next_due_ms
        return due_ms != 0 and due_ms <= time_ms

    def announce(self, owner: str, time_ms: int) -> None:
        """Begin with the record that fences the leader before."""
        worker = int.from_bytes(bytes.fromhex(owner)[:8], "big", signed=True)
        time_ms = self._later(time_ms)
        self._apply(codec.encode_epoch(self._epoch, (worker, 0), time_ms=time_ms), time_ms)

    def tick(self, time_ms: int) -> None:
        """Let engine time pass, for what is due by time alone."""
        self._ticked_ms = time_ms
        time_ms = self._later(time_ms)
        self._apply(codec.encode_advance_time(time_ms), time_ms)

    def _later(self, time_ms: int) -> int:
        """Return the time, or the first that no earlier record has.

        Each record begins with it, and clients tell records apart by their times
        (`bursa.read_models.moments`). A record takes longer than a millisecond to be written.
        """
        return max(time_ms, self._time_ms, self.sealed_head.time_ms + 1)

    def take(self, deliveries: Sequence[Delivery], time_ms: int) -> None:
        """Apply deliveries in this order.

        Raises
        ------
        EngineFault
            When the engine raised; the deliveries must come again.

        """
        if self.empty or time_ms - self._ticked_ms >= _TICK_EVERY_MS:
            self.tick(time_ms)
        messages = [self._open(delivery, time_ms) for delivery in deliveries]
        for take, run in groupby(messages, self._how_to_take):
            take(list(run), time_ms)
        if self.engine.has_auction:
            # What the auction would trade now is known with these orders, not with the next ones.
            self._apply(codec.encode_advance_time(self._time_ms))

    def _how_to_take(self, message: _Message) -> Callable[[list[_Message], int], None]:
        if self._quarantine.is_suspect(message.delivery.message_id):
            return self._take_singly
        if message.delivery.receive_count >= self._probed_from_receive:
            return self._take_probed
        return self._take_together

    def _open(self, delivery: Delivery, time_ms: int) -> _Message:
        # Engine time never goes back, so a worker whose clock is behind knows the time from it.
        now_ms = max(time_ms, self._time_ms, self.sealed_head.time_ms)
        try:
            message = decode_message(delivery.body)
            check_message(message, delivery, now_ms)
        except Exception as error:  # noqa: BLE001 - whatever a message does, it costs itself only
            self.rejected.append((delivery.message_id, str(error)))
            commands = rejection_of_message(delivery.group, delivery.message_id, time_ms)
            return _Message(delivery, commands, {}, None)
        return _Message(
            delivery,
            message.commands,
            message.client_order_ids,
            message if message.reply else None,
        )

    def _take_together(self, batch: list[_Message], time_ms: int) -> None:
        first = self.engine.sequence + 1
        try:
            events = self._apply(b"".join([message.commands for message in batch]))
        except EngineFault:
            self._quarantine.suspect([message.delivery.message_id for message in batch])
            raise
        offsets = result_offsets(events) if any(m.request for m in batch) else []
        start = first
        for message in batch:
            end = start + len(message.commands) // layout.COMMAND_BYTES
            bounds = offsets[start - first : end - first + 1]
            self._add_acknowledgement(message, start, events, bounds, time_ms)
            start = end

    def _take_probed(self, batch: list[_Message], time_ms: int) -> None:
        if self._probe.survives(self.engine, b"".join([one.commands for one in batch])):
            self._take_together(batch, time_ms)
        elif len(batch) == 1:
            self._take_alone(batch[0], time_ms, probed=True)
        else:
            half = len(batch) // 2
            self._take_probed(batch[:half], time_ms)
            self._take_probed(batch[half:], time_ms)

    def _take_singly(self, batch: list[_Message], time_ms: int) -> None:
        for message in batch:
            often = message.delivery.receive_count >= self._probed_from_receive
            self._take_alone(message, time_ms, probed=often)

    def _take_alone(self, message: _Message, time_ms: int, *, probed: bool) -> None:
        message_id = message.delivery.message_id
        first = self.engine.sequence + 1
        parts = []
        for position, command in enumerate(self._quarantine.commands(message_id, message.commands)):
            one = command
            if probed and self._is_fatal(command):
                one = rejection_of_command(command, layout.REASON_INTERNAL_ERROR)
                self.rejected.append((message_id, f"Command {position} ends the process."))
            try:
                parts.append(self._apply(one))
            except EngineFault:
                self._quarantine.mark_faulty(message_id, position)
                raise
        events = b"".join(parts)
        self._add_acknowledgement(message, first, events, result_offsets(events), time_ms)

    def _is_fatal(self, command: bytes) -> bool:
        # Twice, because a child may come to its end by itself.
        return not any(self._probe.survives(self.engine, command) for _ in range(2))

    def _apply(self, commands: bytes, time_ms: int = 0) -> bytes:
        """Have the engine decide commands; ``time_ms`` is its time after them, 0 if unchanged."""
        before = self.engine.sequence
        count = len(commands) // layout.COMMAND_BYTES
        try:
            events = self.engine.apply(commands)
        except InvariantViolation as violation:
            raise InvariantBroken(before + 1, commands, str(violation)) from violation
        except Exception as error:
            raise EngineFault(f"The engine raised {type(error).__name__}: {error}") from error
        if self.engine.sequence != before + count:
            raise EngineFault(
                f"The engine went from {before} to {self.engine.sequence} by {count} commands."
            )
        self._commands.append(commands)
        self._events.append(events)
        self._raw_bytes += len(commands) + len(events)
        self._time_ms = max(time_ms, self._time_ms)
        return events

    def _add_acknowledgement(
        self, message: _Message, first: int, events: bytes, bounds: list[int], time_ms: int
    ) -> None:
        last = first + len(message.commands) // layout.COMMAND_BYTES - 1
        for position, client_order_id in message.client_order_ids.items():
            self._client_order_ids[first + position] = client_order_id
        reply = None
        if message.request is not None:
            repeated = any(
                result_reason(events, offset) in NOT_REMEMBERED for offset in bounds[:-1]
            )
            reply = Reply(
                message.request.account >> ACCOUNT_INDEX_BITS,
                reply_name(message.request, decided=not repeated),
                last,
                events[bounds[0] : bounds[-1]],
                repeated,
                time_ms // 1000 + REPLY_KEPT_S,
                message.request.request_digest,
            )
        self._acknowledgements.append(
            Acknowledgement(
                last,
                message.delivery.queue,
                message.delivery.receipt,
                message.delivery.sent_ms,
                reply,
                time_ms,
                self._trace_of(message.delivery, first),
            )
        )

    def _trace_of(self, delivery: Delivery, first: int) -> Trace | None:
        """Note a sampled request's trace for the record; None for the others."""
        if not delivery.trace_header or len(self._traces) >= TRACES_PER_RECORD_MAX:
            return None
        trace = sampled_trace(delivery.trace_header)
        if trace is not None:
            self._traces[first] = trace.header
        return trace

    def attest(self, attestation: Attestation) -> None:
        """Have the next record attest a checkpoint."""
        self._attestation = attestation

    def seal(self) -> list[EncodedRecord]:
        """Close the open record; more than one when it turns out larger than a record may be."""
        sealed = self._encode(
            b"".join(self._commands),
            b"".join(self._events),
            self._client_order_ids,
            self.engine.digest(),
            self._traces,
        )
        stored = sum(len(record.body) for record in sealed)
        count = self.engine.sequence - (sealed[0].first_sequence - 1)
        # One command that says megabytes tells nothing about the next ones.
        per_command = min(self._raw_bytes / count, RECORD_BYTES_MAX)
        self._learn(stored / self._raw_bytes, per_command)
        self._reset()
        return sealed

    def _learn(self, stored_share: float, raw_bytes_per_command: float) -> None:
        self._stored_share += _LEARNING_RATE * (stored_share - self._stored_share)
        self._raw_bytes_per_command += _LEARNING_RATE * (
            raw_bytes_per_command - self._raw_bytes_per_command
        )

    def _encode(
        self,
        commands: bytes,
        events: bytes,
        client_order_ids: dict[int, str],
        state_digest: int,
        traces: dict[int, str],
    ) -> list[EncodedRecord]:
        head = self.sealed_head
        count = len(commands) // layout.COMMAND_BYTES
        record = encode_record(
            JournalRecord(
                self._shard,
                head.number + 1,
                head.next_sequence,
                head.last_sequence + count,
                self._epoch,
                # Of one batch in several records, too, each has a time of its own.
                max(self._time_ms, head.time_ms + 1),
                state_digest,
                self._new_batch_id(),
                commands,
                events,
                client_order_ids,
                head.hash,
                self._attestation,
                traces,
            )
        )
        if len(record.body) <= RECORD_BYTES_MAX or count == 1:
            self.sealed_head = Head.of(record)
            self._attestation = NOTHING_ATTESTED
            return [record]
        half = between_lists(commands, count // 2)
        cut = result_offsets(events)[half]
        border = head.last_sequence + half
        first = self._encode(
            commands[: half * layout.COMMAND_BYTES],
            events[:cut],
            _between(client_order_ids, 0, border),
            # The engine is at the batch's end already.
            state_digest=0,
            traces=_between(traces, 0, border),
        )
        second = self._encode(
            commands[half * layout.COMMAND_BYTES :],
            events[cut:],
            _between(client_order_ids, border + 1, head.last_sequence + count),
            state_digest,
            _between(traces, border + 1, head.last_sequence + count),
        )
        return first + second

    def pop_acknowledgements(self, last_sequence: int) -> list[Acknowledgement]:
        """Remove and return what is due once the journal has reached a sequence."""
        due = []
        while self._acknowledgements and self._acknowledgements[0].last_sequence <= last_sequence:
            due.append(self._acknowledgements.popleft())
        return due


def between_lists(commands: bytes, half: int) -> int:
    """Return after how many commands to split them: not within a list, if there is any way."""
    kinds = command_kinds(commands)
    for border in chain(range(half, 0, -1), range(half, len(kinds))):
        if kinds[border - 1] != layout.COMMAND_STAGE:
            return border
    return half


def _between(by_sequence: dict[int, str], first: int, last: int) -> dict[int, str]:
    return {at: one for at, one in by_sequence.items() if first <= at <= last}
