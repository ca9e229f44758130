"""What the lake tells is, to the unit, what the engine has and what the read models tell."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.journal.archive import ArchiveDiffers
from bursa.journal.record import EncodedRecord
from bursa.journal.replica import Head
from bursa.kernel.calendar_time import DAY_MS, date_of
from bursa.kernel.identifiers import AccountId
from bursa.lake.folder_duckdb import FolderLake
from bursa.lake.ingestion import Ingested, Ingestion, Position
from bursa.lake.parquet_duckdb import ask, files_in
from bursa.lake.queries import QUERIES
from bursa.lake.rows import LakeRow
from bursa.market_data.trading_reports import Days
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.rows import FillRow, from_attributes
from tests.doubles.shard import ALICE, BOB, BTC, USDT, Shard, stream_records
from tests.property.market_data.test_candles import fill_items, long_pauses, pauses
from tests.property.market_data.test_trading_reports import rates, report_of
from tests.property.read_models.test_fold import commands, unexpected
from wire import codec
from wire import layout as w

EVER = "2000-01-01", "2100-01-01"
funds = st.one_of(
    st.builds(
        codec.encode_funds,
        st.sampled_from([w.COMMAND_CREDIT, w.COMMAND_DEBIT]),
        st.sampled_from([ALICE, BOB]),
        st.sampled_from([BTC, USDT]),
        st.integers(1, 10**6),
    ),
)
batches = st.tuples(
    st.one_of(pauses, long_pauses), st.lists(st.one_of(commands, commands, funds), max_size=6)
)
histories = st.lists(batches, min_size=1, max_size=8)
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Segments:
    """Closed segments, of some records each."""

    def __init__(self, records: Sequence[EncodedRecord], cuts: Iterable[int]) -> None:
        places = sorted({0, len(records), *(cut % len(records) for cut in cuts)})
        self.segments = [list(records[begin:end]) for begin, end in pairwise(places)]

        self.archived = {number: Head.of(one[-1]) for number, one in enumerate(self.segments)}

    def ends(self) -> list[int]:
        return list(range(len(self.segments)))

    def read_end(self, segment: int) -> Head:
        return self.archived[segment]

    @contextmanager
    def records(self, segment: int) -> Iterator[list[EncodedRecord]]:
        yield self.segments[segment]


class BreaksOff(FolderLake):
    """A lake whose process ends somewhere."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder, 0)
        self._left = left

    def _go_on(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise MemoryError

    def write(self, name: str, rows: Iterable[LakeRow]) -> int:
        self._go_on()
        return super().write(name, rows)

    def advance(self, position: Position) -> None:
        self._go_on()
        super().advance(position)


def shard_of(history: list[tuple[int, list[bytes]]], charged: tuple[int, int]) -> Shard:
    shard = Shard()
    shard.run(codec.encode_set_fee_tier(1, 0, *charged))
    for after_ms, batch in history:
        shard.run(*batch, after_ms=after_ms)
    return shard


def told(folder: Path, name: str, tenant: str = "t1") -> list[dict[str, Any]]:
    return ask(folder, QUERIES[name].sql, [tenant, *EVER])


@few
@given(history=histories, charged=rates, cuts=st.lists(st.integers(0, 99), max_size=3))
def test_sums_are_those_of_the_ledger_and_of_the_report(
    history: list[tuple[int, list[bytes]]], charged: tuple[int, int], cuts: list[int]
) -> None:
    shard = shard_of(history, charged)
    with TemporaryDirectory() as place:
        folder = Path(place)
        Ingestion(Segments(shard.records, cuts), FolderLake(folder, 0)).advance()
        balances = {
            (row["account"], row["asset"]): row["units"] for row in told(folder, "balances")
        }
        volumes, fees = told(folder, "daily-volume"), told(folder, "daily-fees")
        traders = told(folder, "daily-users")

    fee_account = w.account_number(1, w.FEE_ACCOUNT_INDEX)
    for account in (ALICE, BOB, fee_account):
        for asset, number in (("BTC", BTC), ("USDT", USDT)):
            key = str(AccountId.from_number(account)), asset
            assert balances.get(key, 0) == sum(shard.engine.balance(account, number)), key

    tables = MemoryTables(0)
    Projector(0, shard, tables, unexpected).project(stream_records(shard.records))
    first_day = shard.records[0].time_ms // DAY_MS
    report = report_of(tables, shard.time_ms, Days(first_day, shard.time_ms // DAY_MS))
    assert [(row["day"], row["market"], row["trades"], row["quote_units"]) for row in volumes] == [
        (str(date_of(one.day)), one.market.symbol, one.traded.trades, one.traded.quote_volume)
        for one in report.items
    ]
    by_day: dict[tuple[str, str], int] = defaultdict(int)
    for one in report.items:
        by_day[str(date_of(one.day)), "BTC"] += one.traded.base_fees
        by_day[str(date_of(one.day)), "USDT"] += one.traded.quote_fees
    lake_fees = {(row["day"], row["asset"]): row["fee_units"] for row in fees}
    assert {key: units for key, units in lake_fees.items() if units} == {
        key: units for key, units in by_day.items() if units
    }
    users = defaultdict(set)
    for fill in (from_attributes(FillRow, row) for row in fill_items(tables)):
        users[str(date_of(fill.time_ms // DAY_MS))].add(AccountId.parse(fill.account).owner)
    assert {row["day"]: row["users"] for row in traders} == {
        day: len(owners) for day, owners in users.items()
    }


@few
@given(
    history=histories,
    cuts=st.lists(st.integers(0, 99), max_size=3),
    breaks=st.lists(st.integers(0, 5), max_size=3),
)
def test_what_breaks_off_and_is_done_again_is_in_the_lake_once(
    history: list[tuple[int, list[bytes]]], cuts: list[int], breaks: list[int]
) -> None:
    shard = shard_of(history, (1_000, 2_000))
    segments = Segments(shard.records, cuts)
    with TemporaryDirectory() as place, TemporaryDirectory() as other:
        for left in breaks:
            with suppress(MemoryError):
                Ingestion(segments, BreaksOff(Path(place), left)).advance()
        Ingestion(segments, FolderLake(Path(place), 0)).advance()
        assert Ingestion(segments, FolderLake(Path(place), 0)).advance() == Ingested()
        Ingestion(segments, FolderLake(Path(other), 0)).advance()

        names = [
            [str(file.relative_to(one)) for file in files_in(Path(one))] for one in (place, other)
        ]
        assert names[0] == names[1]
        for name in QUERIES:
            assert told(Path(place), name) == told(Path(other), name)


def test_a_segment_that_is_not_what_was_archived_gets_nowhere(tmp_path: Path) -> None:
    shard = shard_of([(10, []), (10, [])], (0, 0))
    segments = Segments(shard.records, [1])
    del segments.segments[1][0]
    with pytest.raises(ArchiveDiffers):
        Ingestion(segments, FolderLake(tmp_path, 0)).advance()
    assert FolderLake(tmp_path, 0).position().segments == 1


def test_a_segment_without_its_last_record_gets_nowhere(tmp_path: Path) -> None:
    shard = shard_of([(10, []), (10, [])], (0, 0))
    segments = Segments(shard.records, [])
    end = Head.of(segments.segments[0].pop())
    segments.archived[0] = end
    with pytest.raises(ArchiveDiffers):
        Ingestion(segments, FolderLake(tmp_path, 0)).advance()
    assert FolderLake(tmp_path, 0).position().segments == 0


def test_without_time_what_is_closed_waits(tmp_path: Path) -> None:
    shard = shard_of([(10, [])], (0, 0))
    segments = Segments(shard.records, [1])
    answers = iter([True, False])
    done = Ingestion(segments, FolderLake(tmp_path, 0)).advance(lambda: next(answers))
    assert (done.segments, done.is_complete) == (1, False)
    assert Ingestion(segments, FolderLake(tmp_path, 0)).advance().is_complete
