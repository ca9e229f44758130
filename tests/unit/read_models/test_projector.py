"""Following the journal whatever the stream does, with the tables in memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bursa.journal.record import EncodedRecord, JournalRecord, decode_record, encode_record
from bursa.journal.stream import StreamRecord
from bursa.read_models.book_parts import BookParts
from bursa.read_models.fold import ReadModelChanges
from bursa.read_models.memory import MemoryTables
from bursa.read_models.moments import any_tenant_at, with_later
from bursa.read_models.projector import (
    ContendedBook,
    JournalGap,
    ProjectedBatch,
    ProjectionError,
    Projector,
)
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import Attributes, BookRow, ItemKey, ProgressRow
from tests.doubles.shard import ALICE, BOB, OPENING, Shard, buy, sell, stream_records


class Following:
    """A shard with five batches, its read models, and a projector that follows it."""

    def __init__(self, tables: MemoryTables | None = None) -> None:
        self.shard = Shard()
        self.shard.run(buy(ALICE, 100, 10), buy(ALICE, 101, 10))
        self.shard.run(sell(BOB, 105, 7), sell(BOB, 101, 4))
        self.shard.run(sell(BOB, 100, 9))
        self.shard.run(buy(ALICE, 99, 1))
        self.tables = tables or MemoryTables(0)
        self.alarms: list[Exception] = []
        self.projector = self.new_process()

    def new_process(self) -> Projector:
        return Projector(0, self.shard, self.tables, self.alarms.append)

    def project(self, *numbers: int) -> ProjectedBatch:
        return self.projector.project(
            stream_records([self.shard.records[number - 1] for number in numbers])
        )

    def spoil(self, number: int, spoiled: Callable[[EncodedRecord], EncodedRecord]) -> None:
        self.shard.records[number - 1] = spoiled(self.shard.records[number - 1])


@pytest.fixture
def following() -> Following:
    return Following()


@pytest.fixture
def expected() -> dict[Table, dict[ItemKey, Attributes]]:
    """All rows after the five batches."""
    reference = Following()
    reference.project(1, 2, 3, 4, 5)
    return reference.tables.items


def test_batch_is_applied_and_progress_says_so(following: Following) -> None:
    outcome = following.project(1, 2, 3, 4, 5)

    assert (outcome.failed, outcome.applied, outcome.skipped, outcome.behind) == (None, 5, 0, 0)
    last = following.shard.records[-1]
    assert following.tables.progress() == ProgressRow(
        0,
        last.last_sequence,
        5,
        last.time_ms,
        epoch=last.epoch,
        moments=with_later(any_tenant_at(0), {1: last.time_ms}),
    )


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[1], [2], [3], [4], [5]], id="one by one"),
        pytest.param([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]], id="everything twice"),
        pytest.param([[1, 2], [2, 3], [1, 4], [5]], id="overlapping"),
        pytest.param([[1, 2], [4], [5]], id="a record is lost"),
        pytest.param([[5]], id="all but the last are lost"),
        pytest.param([[3, 1, 5], [2, 4]], id="out of order"),
        pytest.param([[2], [1], [5], [3], [4]], id="out of order, one by one"),
    ],
)
def test_rows_do_not_depend_on_how_records_come(
    following: Following, batches: list[list[int]], expected: object
) -> None:
    for batch in batches:
        assert following.project(*batch).failed is None
    assert following.tables.items == expected


def test_processes_take_turns_without_trace(following: Following, expected: object) -> None:
    other = following.new_process()
    following.project(1, 2)
    other.project(stream_records(following.shard.records[1:4]))
    following.project(3, 4, 5)
    assert following.tables.items == expected


def test_process_that_missed_a_definition_reads_it(following: Following) -> None:
    shard = following.shard = Shard(opened=False)
    for commands in (OPENING[:2], OPENING[2:], [buy(ALICE, 100, 1)]):
        shard.run(*commands)
    early, late = following.new_process(), following.new_process()
    early.project(stream_records(shard.records[:1]))
    late.project(stream_records(shard.records[1:2]))

    outcome = early.project(stream_records(shard.records[2:]))

    assert (outcome.failed, outcome.applied, following.alarms) == (None, 1, [])


def test_late_process_changes_nothing(following: Following, expected: object) -> None:
    late = following.new_process()
    late.project([])  # it has read that nothing is applied yet
    following.project(1, 2, 3, 4, 5)
    late.project(stream_records(following.shard.records[:3]))
    assert following.tables.items == expected


def broken(record: EncodedRecord) -> EncodedRecord:
    return replace(record, body=record.body[:-1])


def of_another_schema(record: EncodedRecord) -> EncodedRecord:
    return replace(record, schema=99)


def about_nothing_known(record: EncodedRecord) -> EncodedRecord:
    plain: JournalRecord = decode_record(record)
    return encode_record(replace(plain, events=plain.events + bytes(8)))


SPOILED = [
    pytest.param(broken, id="damaged"),
    pytest.param(of_another_schema, id="of another schema"),
    pytest.param(about_nothing_known, id="with an unknown event"),
]


@pytest.mark.parametrize("spoiled", SPOILED)
def test_bad_record_is_reported_and_all_before_it_is_kept(
    following: Following, spoiled: Callable[[EncodedRecord], EncodedRecord]
) -> None:
    following.spoil(3, spoiled)

    outcome = following.project(1, 2, 3, 4, 5)

    assert outcome.failed == "stream-3"
    assert outcome.behind == 3
    progress = following.tables.progress()
    assert progress is not None
    assert progress.number == 2
    assert len(following.alarms) == 1


@pytest.mark.parametrize("spoiled", SPOILED)
def test_bad_record_is_reported_each_time_the_stream_brings_it(
    following: Following, spoiled: Callable[[EncodedRecord], EncodedRecord]
) -> None:
    following.project(1, 2)
    following.spoil(3, spoiled)
    assert following.project(3, 4, 5).failed == "stream-3"
    assert following.project(3).failed == "stream-3"


@pytest.mark.parametrize("spoiled", SPOILED)
def test_bad_record_in_a_gap_is_stepped_over_and_counted(
    following: Following, spoiled: Callable[[EncodedRecord], EncodedRecord]
) -> None:
    following.project(1, 2)
    following.spoil(3, spoiled)

    outcome = following.project(4, 5)

    assert (outcome.failed, outcome.applied, outcome.skipped) == (None, 2, 1)
    progress = following.tables.progress()
    assert progress is not None
    assert (progress.number, progress.skipped) == (5, 1)
    assert len(following.alarms) == 1


def test_entry_that_is_no_record_is_reported(following: Following) -> None:
    first = stream_records(following.shard.records[:1])
    outcome = following.projector.project([*first, StreamRecord("nonsense", None)])
    assert (outcome.failed, outcome.applied) == ("nonsense", 1)


def test_record_of_another_shard_is_reported(following: Following) -> None:
    stray = encode_record(replace(following.shard.plain()[0], shard=7))
    assert following.projector.project(stream_records([stray])).failed == "stream-1"


def test_journal_with_a_hole_stops_the_projection(following: Following) -> None:
    last = following.shard.records[4]
    del following.shard.records[2]
    with pytest.raises(JournalGap):
        following.projector.project(stream_records([last]))
    progress = following.tables.progress()
    assert progress is None or progress.number <= 2


class FailingTables(MemoryTables):
    """Fails once, at a chosen step."""

    def __init__(self, step: str) -> None:
        super().__init__(0)
        self.step = step

    def _fail(self, step: str) -> None:
        if step == self.step:
            self.step = ""
            raise ConnectionError(step)

    def write(self, changes: ReadModelChanges) -> None:
        self._fail("before rows")
        super().write(changes)
        self._fail("after rows")

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        self._fail("before book")
        written = super().put_book(parts, previous)
        self._fail("after book")
        return written

    def advance(self, progress: ProgressRow) -> None:
        self._fail("before progress")
        super().advance(progress)
        self._fail("after progress")


@pytest.mark.parametrize(
    "step",
    ["before rows", "after rows", "before book", "after book", "before progress", "after progress"],
)
@pytest.mark.parametrize("process", ["the same", "a new"])
def test_batch_cut_short_anywhere_can_be_repeated(
    step: str, process: str, expected: object
) -> None:
    following = Following(FailingTables(step))
    with pytest.raises(ConnectionError):
        following.project(1, 2, 3, 4, 5)
    if process == "a new":
        following.projector = following.new_process()

    assert following.project(1, 2, 3, 4, 5).failed is None

    assert following.tables.items == expected


class ContendedTables(MemoryTables):
    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        return None


def test_book_that_others_keep_changing_is_given_up() -> None:
    following = Following(ContendedTables(0))
    with pytest.raises(ContendedBook):
        following.project(1, 2)


def test_book_holds_what_the_orders_make_of_it(following: Following) -> None:
    following.project(1, 2, 3, 4, 5)

    book = following.tables.book("t1", "BTC-USDT")

    assert book is not None
    assert (book.bids, book.asks) == ({99: 1, 100: 7}, {105: 7})
    assert (book.last_price, book.last_quantity) == (100, 3)
    (hour,) = book.hours
    assert (hour.open, hour.high, hour.low, hour.close) == (101, 101, 100, 100)
    assert (hour.volume, hour.trades) == (13, 3)


def test_error_of_storage_is_not_taken_for_a_bad_record(following: Following) -> None:
    following.projector = Projector(
        0, following.shard, FailingTables("before rows"), following.alarms.append
    )
    with pytest.raises(ConnectionError):
        following.project(1)
    assert following.alarms == []
    assert not issubclass(ConnectionError, ProjectionError)
