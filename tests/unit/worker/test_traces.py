"""A sampled request's trace goes with its message into the record, and to the agent beside us."""

import json
import random
import socket
from itertools import count

import msgspec
import pytest
import zstandard

from bursa.aws.xray import XrayAgent
from bursa.intake.message import Delivery
from bursa.journal.record import RECORD_BYTES_MAX, decode_record
from bursa.journal.replica import Head, Replica
from bursa.kernel.traces import TRACES_PER_RECORD_MAX, Trace
from engine.reference import Engine
from tests.doubles.toy_engine import ToyEngine
from tests.unit.worker.fakes import NOW_MS, SilentTelemetry, credit, delivery
from tests.unit.worker.leading import lead
from tests.unit.worker.test_sequencer import random_credit
from worker.poison import Quarantine
from worker.sequencer import Sequencer
from worker.telemetry import LogTelemetry

TRACE = Trace("1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8")


def traced(number: int, header: str = TRACE.header, commands: int = 1) -> Delivery:
    wanted = [credit(at + 1, number=1_000 * number + at) for at in range(commands)]
    return msgspec.structs.replace(delivery(*wanted), trace_header=header)


def sequencer() -> Sequencer:
    rng = random.Random(1)
    replica = Replica(ToyEngine(), Head())
    return Sequencer(replica, 0, 3, lambda: rng.randbytes(16), Quarantine())


def test_a_record_has_the_traces_of_its_commands() -> None:
    worker = sequencer()
    worker.take([delivery(credit(9, number=9)), traced(1), traced(2, header="")], NOW_MS)
    (record,) = worker.seal()
    # The record's first command is the time.
    assert decode_record(record).traces == {3: TRACE.header}
    told = [one.trace for one in worker.pop_acknowledgements(record.last_sequence)]
    assert told == [None, TRACE, None]


def test_the_next_record_begins_without() -> None:
    worker = sequencer()
    worker.take([traced(1)], NOW_MS)
    worker.seal()
    worker.take([delivery(credit(9, number=9))], NOW_MS)
    (record,) = worker.seal()
    assert decode_record(record).traces == {}


@pytest.mark.parametrize("header", ["nonsense", TRACE.header.replace("Sampled=1", "Sampled=0")])
def test_what_only_looks_like_a_trace_is_not_kept(header: str) -> None:
    worker = sequencer()
    worker.take([traced(1, header)], NOW_MS)
    (record,) = worker.seal()
    assert decode_record(record).traces == {}


def test_callers_who_ask_for_many_traces_get_few() -> None:
    worker = sequencer()
    worker.take([traced(number) for number in range(3 * TRACES_PER_RECORD_MAX)], NOW_MS)
    (record,) = worker.seal()
    assert len(decode_record(record).traces) == TRACES_PER_RECORD_MAX


def test_of_a_batch_in_several_records_each_has_its_own() -> None:
    worker = sequencer()
    rng = random.Random(2)
    # Nothing in these can be compressed.
    wild = [random_credit(rng, 9, number) for number in range(1_500)]
    batches = [delivery(*wild[start : start + 50]) for start in range(0, len(wild), 50)]
    for at in (0, -1):
        batches[at] = msgspec.structs.replace(batches[at], trace_header=TRACE.header)
    for batch in batches:
        worker.take([batch], NOW_MS)
    records = [decode_record(one) for one in worker.seal()]
    assert len(records) > 1
    assert [set(one.traces) for one in records if one.traces] == [
        {records[0].first_sequence + 1},
        {records[-1].last_sequence - 49},
    ]


def test_software_that_knows_no_traces_reads_the_record() -> None:
    worker = sequencer()
    worker.take([traced(1)], NOW_MS)
    (record,) = worker.seal()

    class Before(msgspec.Struct, array_like=True):
        commands: bytes
        events: bytes
        client_order_ids: dict[int, str]

    plain = zstandard.ZstdDecompressor().decompress(record.body, max_output_size=RECORD_BYTES_MAX)
    read = msgspec.msgpack.decode(plain, type=Before)
    assert read.commands == decode_record(record).commands


class Traced(SilentTelemetry):
    """Keeps what is added to traces."""

    def __init__(self) -> None:
        super().__init__()
        self.segments: list[tuple[Trace, int, int, int, dict[str, int]]] = []

    def traced(
        self, trace: Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        self.segments.append((trace, sent_ms, taken_ms, committed_ms, about))


def test_a_leader_tells_of_what_is_committed_and_sampled() -> None:
    telemetry = Traced()
    lead(Engine, telemetry, trace_header=TRACE.header)
    assert len(telemetry.segments) == 10
    for trace, sent_ms, taken_ms, committed_ms, about in telemetry.segments:
        assert trace == TRACE
        # Engine time runs a little ahead of the clock while records are written.
        assert sent_ms <= taken_ms
        assert sent_ms <= committed_ms
        assert set(about) == {"shard", "record", "sequence"}


def test_a_leader_says_nothing_of_others() -> None:
    telemetry = Traced()
    lead(Engine, telemetry)
    assert telemetry.segments == []


@pytest.mark.parametrize("form", ["{}:{}", "tcp:127.0.0.1:1 udp:{}:{}"])
def test_a_segment_reaches_the_agent(form: str) -> None:
    ids = count(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(5)
        host, port = agent.getsockname()
        traces = XrayAgent(form.format(host, port), lambda size: next(ids).to_bytes(size))
        telemetry = LogTelemetry(SystemTime(), "Bursa/here", 0, traces=traces)
        telemetry.traced(TRACE, 1_000, 1_500, 1_250, shard=0, record=7, sequence=9)
        traces.close()
        head, _, document = agent.recv(65_536).decode().partition("\n")
    assert json.loads(head) == {"format": "json", "version": 1}
    assert json.loads(document) == {
        "name": "worker",
        "id": "0000000000000001",
        "trace_id": TRACE.trace_id,
        "parent_id": TRACE.parent_id,
        "start_time": 1.0,
        "end_time": 1.25,
        "annotations": {"shard": 0, "record": 7, "sequence": 9},
        "subsegments": [
            {"name": "queue", "id": "0000000000000002", "start_time": 1.0, "end_time": 1.5},
            # Never before it began, whatever the clocks say.
            {"name": "commit", "id": "0000000000000003", "start_time": 1.5, "end_time": 1.5},
        ],
    }


class SystemTime:
    def monotonic(self) -> float:
        return 0.0

    def time_ms(self) -> int:
        return NOW_MS

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.mark.parametrize("address", ["", "nowhere", "[::1]:2000", "127.0.0.1:x", "127.0.0.1:9"])
def test_without_an_agent_nothing_happens(address: str) -> None:
    agent = XrayAgent(address, random.Random(1).randbytes)
    agent.add(TRACE, "worker", (1, 2), {})
    agent.add(TRACE, "worker", (1, 2), {})
    agent.close()
