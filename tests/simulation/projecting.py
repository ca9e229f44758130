"""The projector on a stream that loses, repeats and shuffles, over tables that fail."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import EncodedRecord
from bursa.journal.stream import StreamRecord
from bursa.read_models.book_parts import BookParts
from bursa.read_models.books import Book
from bursa.read_models.fold import Definitions, ReadModelChanges, RowChange
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import ProjectionError, Projector
from bursa.read_models.rows import READ_MODELS_SCHEMA, BookRow, Changes, ProgressRow
from tests.simulation.faults import Faults
from tests.simulation.options import Options
from tests.simulation.services import JournalTable

Row = dict[str, object]


def _as_row(row: Any) -> Changes:
    return {name: getattr(row, name) for name in row.__slots__}


class ReadModelMemory:
    """The tables, with the conditions that the real ones have."""

    def __init__(self) -> None:
        self.rows: dict[tuple[object, ...], Row] = {}
        self.books: dict[tuple[str, str], BookRow] = {}
        self.book_parts = MemoryTables(0)
        self.defined = Definitions()
        self.position: ProgressRow | None = None

    def progress(self) -> ProgressRow | None:
        return self.position

    def schema(self) -> int:
        return READ_MODELS_SCHEMA

    def begin(self) -> None:
        pass

    def definitions(self) -> Definitions:
        return self.defined.copy()

    def book(self, tenant: str, market: str) -> Book | None:
        return self.book_parts.book(tenant, market)

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        row = self.book_parts.put_book(parts, previous)
        if row is None:
            return None
        book = self.book_parts.book(parts.row.tenant, parts.row.market)
        if book is None:
            raise AssertionError("a book that was put is not there")
        self.books[book.tenant, book.market] = book.to_row()
        return row

    def advance(self, progress: ProgressRow) -> None:
        stored = self.position
        if stored is None or (stored.sequence, stored.ahead_sequence) < (
            progress.sequence,
            progress.ahead_sequence,
        ):
            self.position = progress

    def writes(self, changes: ReadModelChanges) -> Iterator[tuple[tuple[object, ...], RowChange]]:
        """Yield every write of a run, each of which may be the last before a crash."""
        for fill in changes.fills:
            key = ("fill", fill.account, fill.trade_id, fill.role)
            yield key, RowChange(fill.sequence, _as_row(fill), whole=True)
        for trade in changes.trades:
            yield ("trade", trade.trade_id), RowChange(trade.sequence, _as_row(trade), whole=True)
        for pointer in changes.client_orders.values():
            yield (
                ("client", pointer.account, pointer.client_order_id),
                RowChange(0, _as_row(pointer), whole=True),
            )
        for order, change in changes.orders.items():
            yield ("order", *order), change
        for market, change in changes.markets.items():
            yield ("market", *market), change
        for balance in changes.balances.values():
            yield (
                ("balance", balance.account, balance.asset),
                RowChange(balance.sequence, _as_row(balance), whole=True),
            )

    def change(self, key: tuple[object, ...], change: RowChange) -> None:
        """Write one row unless a newer one is there."""
        present = self.rows.get(key, {})
        newest = present.get("sequence", -1)
        if isinstance(newest, int) and newest >= change.sequence and present:
            return
        row = {} if change.whole else dict(present)
        row.update(change.values)
        row["sequence"] = change.sequence
        self.rows[key] = row

    def write(self, changes: ReadModelChanges) -> None:
        for key, change in self.writes(changes):
            self.change(key, change)
        self.define(changes)

    def define(self, changes: ReadModelChanges) -> None:
        """Keep what is defined; the later slices of a large record define nothing."""
        if changes.definitions.assets:
            self.defined = changes.definitions.copy()


class FailingReadModels(ReadModelMemory):
    """The same, failing at times before, during or after a write."""

    def __init__(self, rng: random.Random, fault_rate: float, faults: Faults) -> None:
        super().__init__()
        self._rng = rng
        self._faults = faults
        self.fault_rate = fault_rate

    def _perhaps_fail(self) -> None:
        if self._rng.random() < self.fault_rate:
            self._faults["table failed"] += 1
            raise OutcomeUnknown("a table gives no answer")

    def progress(self) -> ProgressRow | None:
        self._perhaps_fail()
        return super().progress()

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        self._perhaps_fail()
        done = super().put_book(parts, previous)
        self._perhaps_fail()
        return done

    def advance(self, progress: ProgressRow) -> None:
        self._perhaps_fail()
        super().advance(progress)
        self._perhaps_fail()

    def write(self, changes: ReadModelChanges) -> None:
        # Definitions first, as rows that other rows need.
        self.define(changes)
        for key, change in self.writes(changes):
            self._perhaps_fail()
            self.change(key, change)


class JournalView:
    """The journal as a projector reads it."""

    def __init__(self, journal: JournalTable) -> None:
        self._journal = journal

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        records = self._journal.records
        for slot in sorted(records):
            if first_sequence <= slot <= last_sequence:
                yield records[slot]


class ProjectorProcess:
    """Passes the stream's records to the projector, repeatedly until it succeeds."""

    def __init__(
        self, options: Options, rng: random.Random, journal: JournalTable, faults: Faults
    ) -> None:
        self._options = options
        self._rng = rng
        self._faults = faults
        self._journal = journal
        self._seen = 0
        self._held_back: list[EncodedRecord] = []
        self.read_models = FailingReadModels(rng, options.projector_fault_rate, faults)
        self.faulty = True
        self.skipped: list[Exception] = []
        self._projector = self._new()

    def _new(self) -> Projector:
        return Projector(
            0,
            JournalView(self._journal),
            self.read_models,
            self.skipped.append,
            rows_per_slice=self._rng.choice((3, 20, 250)),
        )

    async def run(self) -> None:
        """Follow the stream for ever."""
        while True:
            await asyncio.sleep(self._rng.random() * 0.5)
            new = self._journal.order[self._seen :]
            self._seen += len(new)
            batch = self._disturbed(new)
            while batch and not self._project(batch):
                await asyncio.sleep(0.2)
                if self._rng.random() < 0.2:
                    self._projector = self._new()

    def _project(self, batch: list[EncodedRecord]) -> bool:
        if not self.faulty:
            self.read_models.fault_rate = 0.0
        stream_records = [StreamRecord(str(record.first_sequence), record) for record in batch]
        try:
            return self._projector.project(stream_records).failed is None
        except (ProjectionError, OutcomeUnknown):
            return False

    def _disturbed(self, records: list[EncodedRecord]) -> list[EncodedRecord]:
        held_back, self._held_back = self._held_back, []
        if not self.faulty:
            return records + held_back
        options, rng = self._options, self._rng
        batch = [record for record in records if rng.random() >= options.stream_lost_rate]
        self._faults["stream record lost"] += len(records) - len(batch)
        if rng.random() < options.stream_repeated_rate and self._seen:
            batch.append(self._journal.order[rng.randrange(self._seen)])
            self._faults["stream record repeated"] += 1
        if rng.random() < options.stream_shuffled_rate:
            before = list(batch)
            rng.shuffle(batch)
            self._held_back = batch[len(batch) // 2 :]
            del batch[len(batch) // 2 :]
            self._faults["stream out of order"] += batch != before
        return batch + held_back

    def at_head(self) -> bool:
        """Return whether the read models hold everything that is committed."""
        position = self.read_models.position
        return position is not None and position.sequence == self._journal.last_sequence
