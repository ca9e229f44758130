"""One stream with the records of several shards."""

import pytest

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import EncodedRecord
from bursa.journal.stream import StreamRecord
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.projectors import Projectors
from bursa.read_models.rows import ProgressRow
from tests.doubles.shard import Shard, buy, sell
from wire import layout as w


class TwoShards:
    """Shard 3 with tenant 1, shard 7 with tenant 2; assets and markets have the same numbers."""

    def __init__(self) -> None:
        self.shards = {3: Shard(number=3, tenant=1), 7: Shard(number=7, tenant=2)}
        self.tables = {number: MemoryTables(number) for number in self.shards}
        self.opened: list[int] = []
        self.alarms: list[Exception] = []
        self.projectors = Projectors(self.open, self.alarms.append)
        for number, shard in self.shards.items():
            tenant = 1 if number == 3 else 2
            shard.run(buy(w.account_number(tenant, 1), 100, 5))
            shard.run(sell(w.account_number(tenant, 2), 100, 2))

    def open(self, number: int) -> Projector:
        self.opened.append(number)
        tables = self.tables[number]
        return Projector(number, self.shards[number], tables, self.alarms.append)

    def records(self) -> list[EncodedRecord]:
        """Return the records of both shards by turns."""
        pairs = zip(*(shard.records for shard in self.shards.values()), strict=True)
        return [record for pair in pairs for record in pair]

    def entries(self) -> list[StreamRecord]:
        return [
            StreamRecord(f"stream-{position}", record)
            for position, record in enumerate(self.records())
        ]

    def progress(self) -> dict[int, int]:
        return {
            number: row.number if (row := tables.progress()) else 0
            for number, tables in self.tables.items()
        }


@pytest.fixture
def two() -> TwoShards:
    return TwoShards()


def test_each_record_goes_to_its_shard(two: TwoShards) -> None:
    projected = two.projectors.project(two.entries())

    assert projected.failed is None
    assert two.progress() == {3: 3, 7: 3}
    for number, tenant in ((3, "t1"), (7, "t2")):
        book = two.tables[number].book(tenant, "BTC-USDT")
        assert book is not None
        assert book.last_quantity == 2
        assert two.tables[number].definitions().assets[1].tenant == tenant


def test_a_projector_is_kept_between_batches(two: TwoShards) -> None:
    for entry in two.entries():
        two.projectors.project([entry])
    assert two.opened == [3, 7]


def test_first_failed_entry_of_all_shards_is_named(two: TwoShards) -> None:
    entries = two.entries()
    two.shards[7].records[1] = bad = _damaged(two.shards[7].records[1])
    entries[3] = StreamRecord("stream-3", bad)

    projected = two.projectors.project(entries)

    assert projected.failed == "stream-3"
    assert len(two.alarms) == 1
    assert two.progress() == {3: 3, 7: 1}


def test_what_is_no_record_ends_the_batch(two: TwoShards) -> None:
    entries = two.entries()
    entries[2] = StreamRecord("stream-2", None)

    projected = two.projectors.project(entries)

    assert projected.failed == "stream-2"
    assert len(two.alarms) == 1
    assert two.progress() == {3: 1, 7: 1}


def test_a_shard_whose_storage_fails_does_not_hold_up_the_others(two: TwoShards) -> None:
    two.tables[3] = Failing(3)

    with pytest.raises(OutcomeUnknown):
        two.projectors.project(two.entries())

    assert two.progress()[7] == 3


class Failing(MemoryTables):
    def advance(self, progress: ProgressRow) -> None:
        raise OutcomeUnknown("no answer")


def _damaged(record: EncodedRecord) -> EncodedRecord:
    return EncodedRecord(
        **{name: getattr(record, name) for name in record.__slots__} | {"body": b""}
    )
