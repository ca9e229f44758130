"""Checkpoints are attested by the journal, and a start believes no other."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import Delivery
from bursa.journal.checkpoint import (
    CheckpointDamaged,
    CheckpointHeader,
    checkpoint_digest,
    decode_checkpoint,
    encode_checkpoint,
    state_hash,
)
from bursa.journal.record import EncodedRecord, decode_record, record_hash
from bursa.journal.replica import Engine, Head, Replica
from engine.checkpoint import SECTIONS, pack, unpack
from engine.errors import InvariantViolation
from tests.doubles.deliveries import Sender
from tests.doubles.shard import ALICE, BOB, BTC, OPENING, USDT
from tests.simulation.engines import SmallEngines
from tests.unit.worker.fakes import LoopClock, SilentTelemetry, run
from wire import codec
from wire import layout as w
from worker.checkpoints import restore_newest
from worker.settings import ShardSettings
from worker.shard import ShardWorker

NOW_MS = 1_795_000_000_000
BALANCE_ACCOUNT, BALANCE_ASSET, BALANCE_AVAILABLE = 0, 1, 2


class Store:
    """Checkpoints in memory, as bytes."""

    def __init__(self) -> None:
        self.objects: dict[int, bytes] = {}

    async def sequences(self) -> list[int]:
        return sorted(self.objects, reverse=True)

    async def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        return decode_checkpoint(self.objects[sequence])

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        return len(self.objects.setdefault(header.last_sequence, encode_checkpoint(header, state)))

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        raise NotImplementedError

    async def delete(self, sequence: int) -> None:
        self.objects.pop(sequence)


class Readable(Memory):
    """A stand-in whose journal can be read."""

    async def read(self, first_sequence: int | None = None) -> Any:
        if first_sequence is None:
            return await super().read()
        return [one for one in self.records if one.first_sequence >= first_sequence][:3]

    async def head_sequence(self, known_sequence: int) -> int:
        return max([known_sequence, *(one.last_sequence for one in self.records)])


@dataclass
class History:
    """What a worker has left behind."""

    records: list[EncodedRecord]
    store: Store

    def restored(self) -> tuple[Replica, list[str]]:
        telemetry = SilentTelemetry()
        memory = Readable([], asyncio.Event())
        memory.records = self.records
        engines = SmallEngines("core")
        replica = asyncio.run(restore_newest(self.store, memory, engines, 0, telemetry))
        return replica, telemetry.alarms

    def state(self) -> bytes:
        """Replay from the first record."""
        replica = Replica(SmallEngines("core").new(), Head())
        for record in self.records:
            replica.follow(record)
        return replica.engine.checkpoint()


class ForgedStore(Store):
    """A store in which somebody puts checkpoints far ahead while a worker runs."""

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        self.objects |= dict.fromkeys(range(FAR, FAR + 100), b"forged")
        return await super().save(header, state)


FAR = 10**12


def test_forged_checkpoints_far_ahead_drive_out_no_true_one() -> None:
    history = worked(list(OPENING), store=ForgedStore())
    assert [sequence for sequence in history.store.objects if sequence < FAR]


def worked(*turns: list[bytes], store: Store | None = None) -> History:
    """Have one worker after another carry commands out and stop, which leaves a checkpoint."""
    history, sender = History([], store or Store()), Sender()
    for commands in turns:
        run(_work(history, list(sender.deliveries(commands, NOW_MS))))
    return history


async def _work(history: History, deliveries: list[Delivery]) -> None:
    stop = asyncio.Event()
    memory = Readable(deliveries, stop)
    memory.records = history.records
    ports = replace(
        ports_over(memory, Meter()),
        checkpoints=history.store,
        engines=SmallEngines("core"),
        clock=LoopClock(NOW_MS),
    )
    await ShardWorker(ports, ShardSettings(shard=0), stop).run()


@pytest.fixture
def history() -> History:
    more = [codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, 5)]
    return worked(list(OPENING), more, more)


def attested(records: list[EncodedRecord]) -> dict[int, bytes]:
    found = [decode_record(record).attestation for record in records]
    return {sequence: digest for sequence, digest in found if sequence}


def test_whatever_is_stored_is_attested_by_a_later_record(history: History) -> None:
    assert len(history.store.objects) > 1
    for sequence, data in history.store.objects.items():
        header, state = decode_checkpoint(data)
        assert attested(history.records)[sequence] == checkpoint_digest(header, state_hash(state))


def test_a_start_takes_the_newest(history: History) -> None:
    replica, alarms = history.restored()
    assert replica.head.last_sequence == max(history.store.objects)
    assert alarms == []


def richer(state: bytes) -> bytes:
    """Give an idle account a thousand units of BTC, and the asset's supply too: all adds up."""
    sections, added = unpack(state), 1_000
    rows, assets = sections["balances"], sections["assets"]
    (at,) = (
        at
        for at in range(0, len(rows), SECTIONS["balances"])
        if (rows[at + BALANCE_ACCOUNT], rows[at + BALANCE_ASSET]) == (BOB, BTC)
    )
    supply = assets.index(rows[at + BALANCE_AVAILABLE])
    rows[at + BALANCE_AVAILABLE] += added
    assets[supply] += added
    forged = pack(sections)
    SmallEngines("core").restore(forged).check()
    return forged


def sealed_again(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def tamper(data: bytes) -> bytes:
        header, state = decode_checkpoint(data)
        return encode_checkpoint(header, change(state))

    return tamper


def with_header(**fields: object) -> Callable[[bytes], bytes]:
    def tamper(data: bytes) -> bytes:
        header, state = decode_checkpoint(data)
        return encode_checkpoint(msgspec.structs.replace(header, **fields), state)

    return tamper


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "an idle account's balance": sealed_again(richer),
    "the number of its record": with_header(number=1),
    "the epoch": with_header(epoch=9),
    "the time": with_header(time_ms=1),
    "the hash of its record": with_header(record_hash=bytes(32)),
    "another shard": with_header(shard=1),
    "another sequence": with_header(last_sequence=5),
    "cut short": lambda data: data[:-9],
    "no checkpoint": lambda _: b"something else",
}


@pytest.mark.parametrize("about", TAMPERED)
def test_a_forged_checkpoint_is_refused_and_the_one_before_it_taken(
    about: str, history: History
) -> None:
    newest, older, *_ = sorted(history.store.objects, reverse=True)
    forged = TAMPERED[about](history.store.objects[newest])
    assert forged != history.store.objects[newest]
    history.store.objects[newest] = forged

    replica, alarms = history.restored()
    assert replica.head.last_sequence == older
    assert alarms == ["CheckpointDamaged"]


def test_without_a_good_one_all_of_the_journal_is_applied(history: History) -> None:
    tamper = TAMPERED["an idle account's balance"]
    history.store.objects = {at: tamper(data) for at, data in history.store.objects.items()}

    replica, alarms = history.restored()
    assert replica.head == Head()
    assert set(alarms) == {"CheckpointDamaged"}
    for record in history.records:
        replica.follow(record)
    assert replica.engine.checkpoint() == history.state()


def test_a_state_under_another_checkpoints_name_is_refused(history: History) -> None:
    """Both are attested, each where it stands."""
    newest, older, *_ = sorted(history.store.objects, reverse=True)
    _, state = decode_checkpoint(history.store.objects[older])
    header, _ = decode_checkpoint(history.store.objects[newest])
    history.store.objects[newest] = encode_checkpoint(header, state)

    assert history.restored()[0].head.last_sequence == older


def test_what_a_crash_left_without_its_attestation_is_refused(history: History) -> None:
    newest = max(history.store.objects)
    at = next(
        index for index, one in enumerate(history.records) if one.attestation.sequence == newest
    )
    history.records = history.records[:at]

    replica, _ = history.restored()
    assert replica.head.last_sequence < newest


def test_an_attestation_can_be_neither_added_nor_moved(history: History) -> None:
    record = next(one for one in history.records if one.attestation.sequence)
    plain = next(one for one in history.records if not one.attestation.sequence)
    for forged in (
        replace(plain, attestation=record.attestation),
        replace(record, attestation=plain.attestation),
    ):
        assert record_hash(forged) != forged.hash


def test_books_that_dont_add_up_in_a_checkpoint_are_refused(history: History) -> None:
    class Unsound(SmallEngines):
        def restore(self, checkpoint: bytes) -> Engine:
            engine = super().restore(checkpoint)

            class Checked:
                sequence = engine.sequence

                def check(self) -> None:
                    raise InvariantViolation("the books do not add up")

            found: Engine = Checked()  # type: ignore[assignment]
            return found

    telemetry, memory = SilentTelemetry(), Readable([], asyncio.Event())
    memory.records = history.records
    replica = asyncio.run(restore_newest(history.store, memory, Unsound("core"), 0, telemetry))
    assert replica.head == Head()


def test_a_quiet_shard_gets_its_attestation_and_then_is_quiet() -> None:
    """One record for the attestation, without a command; and none after it, however long."""

    clock = LoopClock(NOW_MS)

    class Patient(Readable):
        async def receive(self) -> list[Delivery]:
            await asyncio.sleep(1)
            if clock.monotonic() > 5_000:
                self._stop.set()
            return await super().receive() if self._deliveries else []

    async def scenario() -> tuple[Store, list[EncodedRecord]]:
        stop, store = asyncio.Event(), Store()
        deliveries = list(Sender().deliveries(OPENING, NOW_MS))
        memory = Patient(deliveries, stop)
        ports = replace(
            ports_over(memory, Meter()),
            checkpoints=store,
            engines=SmallEngines("core"),
            clock=clock,
        )
        await ShardWorker(ports, ShardSettings(shard=0, checkpoint_s=60), stop).run()
        return store, memory.records

    store, records = run(scenario())
    attesting = [decode_record(one) for one in records if one.attestation.sequence]
    assert len(attesting) == len(store.objects) == 1
    (kind,) = {one.kind for one in codec.decode_commands(attesting[0].commands)}
    assert kind == w.COMMAND_ADVANCE_TIME


def test_a_damaged_checkpoint_has_no_digest() -> None:
    with pytest.raises(CheckpointDamaged):
        decode_checkpoint(b"")
