"""Nothing behind the door is believed: each forged message is one rejection and nothing else."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import ALLOWED_COMMANDS, QueueKind
from bursa.intake.reply import Reply
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import decode_record
from bursa.journal.replica import Engine as AnyEngine
from bursa.journal.replica import Head, Replica
from tests.doubles.deliveries import Sender
from tests.doubles.shard import BTC, BTC_USDT, USDT
from tests.simulation.engines import SmallEngines
from tests.unit.worker.fakes import FakeClock, LoopClock, SilentTelemetry, run
from tests.unit.worker.forgeries import ALICE, ALICES_SUB, FORGED, HONEST, NOW_MS, place, sent
from wire import codec
from wire import layout as w
from worker.acknowledge import Acknowledger
from worker.intake import Inbox
from worker.poison import Quarantine, rejection_of_message
from worker.results import result_offsets, result_reason
from worker.sequencer import Acknowledgement, Sequencer
from worker.settings import ShardSettings
from worker.shard import ShardWorker

OPENING = (
    codec.encode_define_asset(BTC, 1, 8, "BTC"),
    codec.encode_define_asset(USDT, 1, 10, "USDT"),
    codec.encode_define_market(
        BTC_USDT, 1, BTC, USDT, lot_units=1, tick_units=1, symbol="BTC-USDT"
    ),
    codec.encode_set_fee_tier(1, 0, 0, 0),
    codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, 10**12),
    codec.encode_funds(w.COMMAND_CREDIT, ALICE, BTC, 10**12),
    codec.encode_funds(w.COMMAND_CREDIT, ALICES_SUB, BTC, 10**12),
)


def open_shard() -> Sequencer:
    rng = random.Random(1)
    engine = SmallEngines("core").new()
    sequencer = Sequencer(Replica(engine, Head()), 0, 1, lambda: rng.randbytes(16), Quarantine())
    sequencer.take(list(Sender().deliveries(OPENING, NOW_MS)), NOW_MS)
    for record in sequencer.seal():
        events = decode_record(record).events
        assert not any(result_reason(events, at) for at in result_offsets(events)[:-1])
    sequencer.pop_acknowledgements(1 << 62)
    assert not sequencer.rejected
    return sequencer


@pytest.fixture(scope="module")
def shard() -> Sequencer:
    """All of them go through one shard: none may leave anything behind for the next."""
    return open_shard()


def test_each_kind_of_command_has_its_queue_or_is_the_workers() -> None:
    """A new kind must be put into one of the sets, or every message with it is rejected."""
    of_the_worker = {w.COMMAND_ADVANCE_TIME, w.COMMAND_EPOCH, w.COMMAND_REJECT}
    every = [*ALLOWED_COMMANDS[QueueKind.TRADING], *ALLOWED_COMMANDS[QueueKind.FUNDS]]
    assert len(every) == len(set(every))
    assert ALLOWED_COMMANDS[QueueKind.TRANSFERS] == {w.COMMAND_TRANSFER}
    assert set(every) | of_the_worker == set(range(1, w.COMMAND_KIND_LAST + 1))


@pytest.mark.parametrize("about", FORGED)
def test_a_forged_message_is_one_rejection_and_has_no_effect(about: str, shard: Sequencer) -> None:
    forged = FORGED[about]
    shard.take([forged], NOW_MS)
    record = decode_record(shard.seal()[0])

    rejection = rejection_of_message(forged.group, forged.message_id, NOW_MS)
    assert record.commands[w.COMMAND_BYTES :] == rejection
    _, at, end = result_offsets(record.events)
    assert end - at == w.RESULT_LENGTH * w.WORD_BYTES, "it has an effect"
    assert result_reason(record.events, at) in {
        w.REASON_MALFORMED_COMMAND,
        w.REASON_DUPLICATE_COMMAND,
    }
    assert record.client_order_ids == {}
    (acknowledged,) = shard.pop_acknowledgements(record.last_sequence)
    assert acknowledged.reply is None
    assert [message_id for message_id, _ in shard.rejected] == [forged.message_id]
    shard.rejected.clear()
    shard.engine.check()


@pytest.mark.parametrize("about", HONEST)
def test_what_intake_sends_is_taken(about: str) -> None:
    shard = open_shard()
    shard.take([HONEST[about]()], NOW_MS)
    record = decode_record(shard.seal()[0])

    assert shard.rejected == []
    _, at, _ = result_offsets(record.events)
    assert result_reason(record.events, at) == w.REASON_ACCEPTED


def test_the_same_delivery_twice_is_carried_out_once() -> None:
    shard = open_shard()
    shard.take([sent(place()), sent(place())], NOW_MS)
    events = decode_record(shard.seal()[0]).events

    reasons = [result_reason(events, at) for at in result_offsets(events)[1:-1]]
    assert reasons == [w.REASON_ACCEPTED, w.REASON_DUPLICATE_COMMAND]


def test_a_worker_whose_clock_is_behind_takes_what_its_journal_has_passed() -> None:
    shard = open_shard()
    shard.take([sent(place())], NOW_MS - 3_600_000)

    assert shard.rejected == []


def test_a_rejection_uses_up_no_id_that_intake_makes() -> None:
    """Its id follows from the message's, which the sender chooses: it must not become that id."""
    shard = open_shard()
    high, low = (9).to_bytes(8, "big").hex(), (1).to_bytes(8, "big").hex()
    shard.take([Delivery("", "r", "t1-66", high + low, NOW_MS)], NOW_MS)
    shard.take([sent(place())], NOW_MS)
    events = decode_record(shard.seal()[0]).events

    reasons = [result_reason(events, at) for at in result_offsets(events)[1:-1]]
    assert reasons == [w.REASON_MALFORMED_COMMAND, w.REASON_ACCEPTED]


class OneEngine:
    """Makes small engines for a worker."""

    def new(self) -> AnyEngine:
        return SmallEngines("core").new()

    def restore(self, checkpoint: bytes) -> AnyEngine:
        raise NotImplementedError


def test_a_worker_outlives_all_of_them_and_serves_the_next() -> None:
    """The whole worker: each forged message is deleted, and an honest order behind it decided."""
    forged = [
        msgspec.structs.replace(one, receipt=f"{number}")
        for number, one in enumerate(FORGED.values())
    ]
    telemetry = SilentTelemetry()

    async def scenario() -> Memory:
        stop = asyncio.Event()
        memory = Memory([*Sender().deliveries(OPENING, NOW_MS), *forged, sent(place())], stop)
        ports = replace(
            ports_over(memory, Meter()),
            engines=OneEngine(),
            telemetry=telemetry,
            clock=LoopClock(NOW_MS),
        )
        await ShardWorker(ports, ShardSettings(shard=0), stop).run()
        return memory

    memory = run(scenario())
    commands = b"".join(decode_record(record).commands for record in memory.records)
    kinds = [one.kind for one in codec.decode_commands(commands)]
    assert kinds.count(w.COMMAND_REJECT) == len(forged)
    assert kinds.count(w.COMMAND_PLACE) == 1
    assert telemetry.alarms.count("PoisonMessage") == len(forged)


class Replies:
    """Refuses to write one of them, and any call that has it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def write(self, replies: Sequence[Reply]) -> None:
        if any(reply.name == "bad" for reply in replies):
            raise ValueError("no such tenant")
        if any(reply.name == "lost" for reply in replies):
            raise OutcomeUnknown("no answer")
        self.written += [reply.name for reply in replies]


class Deletes:
    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def receive(self) -> list[Delivery]:
        raise NotImplementedError

    async def delete(self, receipts: Sequence[str]) -> None:
        self.deleted += receipts

    async def release(self, receipts: object) -> None:
        raise NotImplementedError


def reply(name: str) -> Reply:
    return Reply(1, name, 1, b"", repeated=False, expires_at_s=0)


def test_a_reply_that_cant_be_written_costs_itself_and_nothing_else() -> None:
    async def scenario() -> tuple[Replies, dict[QueueKind, Deletes], SilentTelemetry]:
        replies, telemetry = Replies(), SilentTelemetry()
        queues = {kind: Deletes() for kind in QueueKind}
        acknowledger = Acknowledger(
            queues, replies, Inbox(10), FakeClock(), telemetry, writers=1, deleters=1
        )
        acknowledger.add(
            [
                Acknowledgement(1, kind, f"{kind.name} {name}", 0, reply(name))
                for kind in QueueKind
                for name in ("good", "bad", "better")
            ]
        )
        acknowledger.close()
        await acknowledger.run()
        return replies, queues, telemetry

    replies, queues, telemetry = run(scenario())
    of_each = len(QueueKind)
    assert sorted(replies.written) == ["better"] * of_each + ["good"] * of_each
    assert telemetry.alarms == ["RepliesLost"] * of_each
    for kind, queue in queues.items():
        assert sorted(queue.deleted) == [
            f"{kind.name} {name}" for name in ("bad", "better", "good")
        ]
