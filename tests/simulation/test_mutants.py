"""Small known-bad changes, each of which the simulator must notice: a test of the tests."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bursa.intake.message import Delivery
from bursa.journal.errors import OutcomeUnknown, SlotTaken
from bursa.journal.record import EncodedRecord, RecordPart, split_record
from bursa.read_models.projector import Projector
from tests.doubles.toy_engine import ToyEngine
from tests.simulation.engines import SmallEngines, ToyEngines
from tests.simulation.running import SeedFailed, run_seed
from tests.simulation.services import JournalPort, JournalTable
from wire import codec
from worker import commit as commit_module
from worker import leader, sequencer
from worker.checkpoints import Checkpointer
from worker.leader import Leader
from worker.lease import Lease
from worker.ports import Clock, EngineFactory, Journal
from worker.results import result_offsets
from worker.sequencer import Sequencer

SEEDS_MAX = 1_000

Patch = Callable[[pytest.MonkeyPatch], None]


def delete_and_answer_before_commit(patch: pytest.MonkeyPatch) -> None:
    original = Leader._commit

    async def acknowledge_then_commit(self: Leader, record: EncodedRecord) -> None:
        self._acknowledger.add(self._sequencer.pop_acknowledgements(record.last_sequence))
        await original(self, record)

    patch.setattr(Leader, "_commit", acknowledge_then_commit)


def put_without_condition(patch: pytest.MonkeyPatch) -> None:
    def put(self: JournalTable, head: EncodedRecord) -> None:
        record = self._joined(head)
        self.records[record.first_sequence] = record
        self.order.append(record)
        self.log.add(record)

    patch.setattr(JournalTable, "put", put)


def forget_command_ids(patch: pytest.MonkeyPatch) -> None:
    original = ToyEngine._one

    def one(self: ToyEngine, words: tuple[int, ...]) -> bytes:
        self._state.ids.clear()
        return original(self, words)

    patch.setattr(ToyEngine, "_one", one)


def forget_command_ids_in_checkpoints(patch: pytest.MonkeyPatch) -> None:
    original = ToyEngine.restore

    def restore(checkpoint: bytes) -> ToyEngine:
        engine = original(checkpoint)
        engine._state.ids.clear()
        return engine

    patch.setattr(ToyEngine, "restore", restore)


def take_every_failed_condition_for_success(patch: pytest.MonkeyPatch) -> None:
    async def commit(record: EncodedRecord, journal: Journal, clock: Clock, *_: object) -> int:
        while True:
            try:
                await journal.put(record)
            except SlotTaken:
                return 1
            except OutcomeUnknown:
                await clock.sleep(0.1)
            else:
                return 1

    patch.setattr(leader, "commit", commit)


def take_a_lost_answer_for_success(patch: pytest.MonkeyPatch) -> None:
    async def commit(record: EncodedRecord, journal: Journal, clock: Clock, *_: object) -> int:
        try:
            await journal.put(record)
        except OutcomeUnknown:
            return 1
        return 1

    patch.setattr(leader, "commit", commit)


def write_the_slot_before_the_last_part(patch: pytest.MonkeyPatch) -> None:
    def all_but_one(
        record: EncodedRecord, part_bytes: int
    ) -> tuple[EncodedRecord, list[RecordPart]]:
        head, parts = split_record(record, part_bytes)
        return head, parts[:-1]

    patch.setattr(commit_module, "split_record", all_but_one)


def take_a_lost_part_for_written(patch: pytest.MonkeyPatch) -> None:
    original = JournalPort.put_part

    async def put_part(self: JournalPort, part: RecordPart) -> None:
        with suppress(OutcomeUnknown):
            await original(self, part)

    patch.setattr(JournalPort, "put_part", put_part)


def give_every_batch_of_a_shard_one_name(patch: pytest.MonkeyPatch) -> None:
    original = Sequencer.__init__

    def init(self: Sequencer, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self._new_batch_id = lambda: bytes(16)

    patch.setattr(Sequencer, "__init__", init)


def ignore_a_higher_epoch(patch: pytest.MonkeyPatch) -> None:
    original = Lease.try_acquire

    async def acquire(self: Lease, epoch_floor: int) -> int | None:
        epoch = await original(self, epoch_floor)
        return None if epoch is None else 1 + int(self.owner, 16) % 3

    patch.setattr(Lease, "try_acquire", acquire)


def skip_the_gap_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Projector, "_fill_gap", lambda self, before: None)


def checkpoint_before_commit(patch: pytest.MonkeyPatch) -> None:
    original = Checkpointer.sealed

    def sealed(self: Checkpointer, sequencer: Sequencer) -> None:
        original(self, sequencer)
        self.committed(1 << 62)

    patch.setattr(Checkpointer, "sealed", sealed)


def drop_malformed_messages(patch: pytest.MonkeyPatch) -> None:
    original = Sequencer._open

    def open_or_pass(self: Sequencer, delivery: Delivery, time_ms: int) -> sequencer._Message:
        message = original(self, delivery, time_ms)
        if not message.client_order_ids:
            message.commands = codec.encode_advance_time(time_ms)
        return message

    patch.setattr(Sequencer, "_open", open_or_pass)


def answer_with_the_neighbours_events(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sequencer, "result_offsets", lambda events: [0, *result_offsets(events)[:-1]])


MUTANTS: list[Patch] = [
    delete_and_answer_before_commit,
    put_without_condition,
    forget_command_ids,
    forget_command_ids_in_checkpoints,
    take_every_failed_condition_for_success,
    take_a_lost_answer_for_success,
    write_the_slot_before_the_last_part,
    take_a_lost_part_for_written,
    give_every_batch_of_a_shard_one_name,
    ignore_a_higher_epoch,
    skip_the_gap_check,
    checkpoint_before_commit,
    drop_malformed_messages,
    answer_with_the_neighbours_events,
]
# Changes to the engine's memory are made to the toy, whose memory can be reached.
OF_THE_ENGINE = (forget_command_ids, forget_command_ids_in_checkpoints)


def run_seeds(engines: EngineFactory) -> None:
    for seed in range(SEEDS_MAX):
        run_seed(seed, engines)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_simulator_notices(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    engines = ToyEngines() if mutant in OF_THE_ENGINE else SmallEngines("core")

    with pytest.raises(SeedFailed):
        run_seeds(engines)
