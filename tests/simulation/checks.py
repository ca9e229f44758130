"""What must hold after every run, whatever happened in it."""

from bursa.journal.checkpoint import CheckpointDamaged
from bursa.journal.record import GENESIS_HASH, EncodedRecord, record_hash
from bursa.journal.replica import Head, Replica
from bursa.journal.stream import StreamRecord
from bursa.read_models.projector import Projector
from tests.simulation.projecting import JournalView, ReadModelMemory
from tests.simulation.services import Violation
from tests.simulation.wire import EPOCH_MS
from tests.simulation.world import World
from wire import layout as w
from worker.poison import rejection_of_message
from worker.results import result_reason

_TIME_MARGIN = 1.3


def check(world: World) -> None:
    """Raise `Violation` for any broken promise."""
    records = world.records
    # No clock that jumps an hour may take engine time along.
    _one_chain(records, world.lasted_s * 1000 * _TIME_MARGIN)
    _everything_once(world)
    _own_order(world)
    _replay(world, records)
    _replies(world)
    _read_models(world)


def _one_chain(records: list[EncodedRecord], longest_ms: float) -> None:
    previous_hash, last, epoch = GENESIS_HASH, 0, 0
    for number, record in enumerate(records, 1):
        if (record.number, record.first_sequence) != (number, last + 1):
            raise Violation(f"Record {number} begins at {record.first_sequence} after {last}.")
        if record.previous_hash != previous_hash or record_hash(record) != record.hash:
            raise Violation(f"The chain breaks at record {number}.")
        if not 0 <= record.time_ms - EPOCH_MS <= longest_ms:
            raise Violation(f"Record {number} was written at {record.time_ms}.")
        if record.epoch < epoch:
            raise Violation(f"The epoch falls at record {number}.")
        previous_hash, last, epoch = record.hash, record.last_sequence, record.epoch


def _everything_once(world: World) -> None:
    """Each accepted command was decided, and had its effect at most once."""
    log = world.services.journal.log
    for message in world.accepted:
        for identity in message.command_ids:
            sequences = log.sequences.get(identity, [])
            if not sequences:
                raise Violation(f"A command of message {message.message_id} is missing.")
            reasons = [_reason(log.events[sequence - 1]) for sequence in sequences]
            decided = [reason for reason in reasons if reason != w.REASON_DUPLICATE_COMMAND]
            if len(decided) != 1 or reasons[0] == w.REASON_DUPLICATE_COMMAND:
                raise Violation(f"Message {message.message_id} was decided {len(decided)} times.")
    for group, message_id in world.malformed:
        rejection = rejection_of_message(group, message_id, 0)
        if rejection[8:24] not in log.sequences:
            raise Violation(f"The malformed message {message_id} left no rejection.")


def _reason(events: bytes) -> int:
    return result_reason(events, 0)


def _own_order(world: World) -> None:
    """An account's commands of a queue took effect in the order in which they were sent."""
    log = world.services.journal.log
    latest: dict[tuple[int, int], int] = {}
    for message in world.accepted:
        for start in range(0, len(message.commands), w.COMMAND_BYTES):
            first = log.sequences[message.commands[start + 8 : start + 24]][0]
            if first < latest.get((message.account, message.queue), 0):
                raise Violation(f"Message {message.message_id} overtook one of its own account.")
            latest[message.account, message.queue] = first


def _replay(world: World, records: list[EncodedRecord]) -> None:
    """Replay gives the journal's events, sound books at each record, every checkpoint's state."""
    replica = Replica(world.engines.new(), Head())
    digests = {}
    for record in records:
        replica.follow(record)
        replica.engine.check()
        digests[record.last_sequence] = replica.engine.digest()
    for sequence in world.services.checkpoints.objects:
        try:
            header, state = world.services.checkpoints.load(sequence)
        except CheckpointDamaged:
            continue
        if world.engines.restore(state).digest() != digests[header.last_sequence]:
            raise Violation(f"The checkpoint at {sequence} holds another state than the journal.")


def _replies(world: World) -> None:
    """A reply holds the first decision of each of its commands, and no other."""
    log = world.services.journal.log
    for message in world.accepted:
        reply = world.services.replies.items.get(message.message_id)
        if reply is None:
            continue
        first = log.sequences[message.commands[8:24]]
        start = reply.last_sequence - len(message.commands) // w.COMMAND_BYTES + 1
        if start not in first:
            raise Violation(f"The reply to {message.message_id} is about other commands.")


def _read_models(world: World) -> None:
    """The live read models are what a rebuild from the journal gives, row by row."""
    rebuilt = ReadModelMemory()
    if world.projector.skipped:
        raise Violation(f"A record could not be projected: {world.projector.skipped[0]}")
    projector = Projector(0, JournalView(world.services.journal), rebuilt, _never)
    for record in world.records:
        projector.project([StreamRecord(str(record.number), record)])
    live = world.projector.read_models
    if live.rows != rebuilt.rows:
        differing = [
            key for key in live.rows | rebuilt.rows if live.rows.get(key) != rebuilt.rows.get(key)
        ]
        raise Violation(f"The read models differ from a rebuild in {differing[:3]}.")
    if live.books != rebuilt.books:
        raise Violation("A book differs from a rebuild.")


def _never(error: Exception) -> None:
    raise Violation(f"A rebuild can't project a record: {error}") from error
