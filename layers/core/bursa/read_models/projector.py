"""Follow a shard's journal and keep its read models in step, whatever the stream does.

The stream is only what wakes this up. It may repeat records, bring them out of order or lose some;
what counts is the progress row and the journal. A record that can't be projected is reported when
the stream brings it, so that it is retried and then kept by the failure destination; a projector
that later finds it in a gap counts it and steps over it, because it has had its turn (DESIGN D7).

The rows of a large record are written in slices, with those of later records in between, which it
reads from the journal itself. Until the last slice the progress row stays before the large record,
so a projector that comes after a crash begins there; it says whose rows are further.

    OutdatedRows        the stored rows are of an older schema; reported once, nothing stops
    ProjectionError
    ├── JournalGap      the journal lacks a record although it holds a later one
    └── ContendedBook   another writer was faster, again and again
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bursa.journal.record import EncodedRecord, JournalRecord, RecordError, decode_record
from bursa.journal.stream import StreamRecord
from bursa.read_models.book_parts import BookParts
from bursa.read_models.books import Book
from bursa.read_models.fold import (
    BookChange,
    Definitions,
    ReadModelChanges,
    UnprojectableRecord,
    add_known_order_fields,
    fold,
)
from bursa.read_models.moments import any_tenant_at, with_later
from bursa.read_models.outstanding import OutstandingRows
from bursa.read_models.rows import (
    READ_MODELS_SCHEMA,
    BookRow,
    Changes,
    ProgressRow,
    with_values,
)

# Bounds the memory and the work lost with a time-out when there is much to catch up with.
RECORDS_PER_RUN_MAX = 100
# So many rows of a large record, then those of later ones. With their index entries they take a
# third of a second in one partition.
ROWS_PER_SLICE = 100
# Beyond this, no later record is begun: they are kept in memory.
_ROWS_OUTSTANDING_MAX = 400_000
_END_OF_TIME = (1 << 62) - 1
_BOOK_ATTEMPTS = 5


class OutdatedRows(Exception):  # noqa: N818 - the name is what it means to a caller
    """Reported when stored rows were made by software that had others: `make rebuild` is due."""


class ProjectionError(Exception):
    """Raised when a batch has to be tried again as a whole; nothing is lost."""


class JournalGap(ProjectionError):  # noqa: N818 - the name is what it means to a caller
    """Raised when a record is missing from the journal between two that are there."""


class ContendedBook(ProjectionError):  # noqa: N818
    """Raised when a book could not be written because others kept changing it."""


@dataclass(frozen=True, slots=True)
class ProjectedBatch:
    """What became of a batch of the stream.

    Attributes
    ----------
    failed
        Identifier of the first entry that failed; it and what follows must come again.
    applied
        Records applied, those fetched from the journal included.
    skipped
        Records stepped over.
    behind
        Records that the stream has shown and that are not applied.
    progress
        Where the read models are now; None before the first record.

    """

    failed: str | None
    applied: int
    skipped: int
    behind: int
    progress: ProgressRow | None


class Journal(Protocol):
    """The shard's journal."""

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Read records in order, consistently, from a slot on, up to a sequence."""


class ReadModels(Protocol):
    """The tables. Writes are conditional on the sequence; a late one has no effect."""

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""

    def schema(self) -> int:
        """Read which rows there are; 0 where that is not known."""

    def begin(self) -> None:
        """Write that there are the rows of today's schema."""

    def definitions(self) -> Definitions:
        """Read what has been defined in the shard."""

    def book(self, tenant: str, market: str) -> Book | None:
        """Read a market's book; raises `BookTorn` when a part of it is lost."""

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        """Replace the book of that row (None: there is none); return its row, if that was done."""

    def write(self, changes: ReadModelChanges) -> None:
        """Write every row but books and progress."""

    def advance(self, progress: ProgressRow) -> None:
        """Write how far the rows are; never back."""


class Facts(Protocol):
    """Who tells others what was committed, beside the rows (`bursa.facts.publisher`)."""

    def open(self, applied: int) -> None:
        """Begin at a sequence, the first time; before anything after it is applied."""

    def begin(self, changes: ReadModelChanges) -> Callable[[], None]:
        """Begin with a run; return what waits for its end. Neither raises anything."""


class Projector:
    """Projects one shard. Keeps what it knows between batches; all of it can be read again."""

    def __init__(
        self,
        shard: int,
        journal: Journal,
        read_models: ReadModels,
        on_unprojectable: Callable[[Exception], None],
        rows_per_slice: int = ROWS_PER_SLICE,
        *,
        facts: Facts | None = None,
    ) -> None:
        self._shard = shard
        self._journal = journal
        self._read_models = read_models
        self._on_unprojectable = on_unprojectable
        self._progress: ProgressRow | None = None
        self._definitions: Definitions | None = None
        self._books: dict[tuple[str, str], Book] = {}
        self._open_orders: dict[tuple[str, int], Changes] = {}
        self._rows_per_slice = rows_per_slice
        self._facts = facts
        self._outstanding: deque[OutstandingRows] = deque()
        self._reads_ahead = True
        self._applied = 0
        self._skipped = 0

    def project(self, batch: Sequence[StreamRecord]) -> ProjectedBatch:
        """Project up to the last record of a batch.

        Raises
        ------
        ProjectionError
            The whole batch has to come again. So it has after any error of storage.

        """
        self._applied = self._skipped = 0
        self._reads_ahead = True
        try:
            failed = self._project(batch)
            self._finish()
        except Exception:
            self.forget()
            raise
        shown = max((entry.record.number for entry in batch if entry.record), default=0)
        behind = max(0, shown - self._current().number)
        return ProjectedBatch(failed, self._applied, self._skipped, behind, self._progress)

    def forget(self) -> None:
        """Drop everything kept between batches."""
        self._progress = None
        self._definitions = None
        self._books.clear()
        self._open_orders.clear()
        self._outstanding.clear()

    def _project(self, batch: Sequence[StreamRecord]) -> str | None:
        if self._progress is None:
            self._progress = self._begin()
            if self._facts is not None:
                self._facts.open(self._progress.sequence)
        readable, names, failed = self._decode(batch)
        runs = split_at_gaps(readable, self._progress.sequence)
        if runs and runs[0][0].first_sequence > self._progress.sequence + 1:
            # Another process may have gone on since; then there is no gap. What it wrote is not in
            # the books that are kept here, and of such a book candles would end too small.
            self._open_orders.clear()
            self._books.clear()
            self._progress = self._read_models.progress() or self._progress
            runs = split_at_gaps(readable, self._progress.sequence)
        for run in runs:
            self._fill_gap(run[0].first_sequence)
            for start in range(0, len(run), RECORDS_PER_RUN_MAX):
                try:
                    self._apply(run[start : start + RECORDS_PER_RUN_MAX])
                except UnprojectableRecord as error:
                    self._on_unprojectable(error)
                    return names[error.first_sequence]
        return failed

    def _begin(self) -> ProgressRow:
        """Read how far the rows are, and report when they are not those of today's schema."""
        progress = self._read_models.progress()
        if progress is None:
            self._read_models.begin()
            return ProgressRow(self._shard, 0, 0, 0)
        schema = self._read_models.schema()
        if schema != READ_MODELS_SCHEMA:
            self._on_unprojectable(
                OutdatedRows(
                    f"The rows of shard {self._shard} are of schema {schema}, and this software"
                    f" makes {READ_MODELS_SCHEMA}: `make rebuild`."
                )
            )
        return progress

    def _decode(
        self, batch: Sequence[StreamRecord]
    ) -> tuple[list[JournalRecord], dict[int, str], str | None]:
        """Open records up to the first that can't be opened, and name that one."""
        readable: list[JournalRecord] = []
        names: dict[int, str] = {}
        for entry in batch:
            try:
                record = _open(entry, self._shard)
            except RecordError as error:
                self._on_unprojectable(error)
                return readable, names, entry.identifier
            readable.append(record)
            names.setdefault(record.first_sequence, entry.identifier)
        return readable, names, None

    def _apply(self, records: Sequence[JournalRecord]) -> None:
        """Write a run; when one of its records is bad, write those before it and raise."""
        try:
            changes = self._fold(records)
        except UnprojectableRecord as error:
            good = [record for record in records if record.first_sequence < error.first_sequence]
            if good:
                self._apply(good)
            raise
        self._write(changes, len(records))

    def _fold(self, records: Sequence[JournalRecord]) -> ReadModelChanges:
        if self._definitions is not None:
            try:
                return fold(records, self._definitions)
            except UnprojectableRecord:
                pass  # another process may have seen a definition that this one has not
        self._definitions = self._read_models.definitions()
        return fold(records, self._definitions)

    def _write(self, changes: ReadModelChanges, records: int) -> None:
        end = None if self._facts is None else self._facts.begin(changes)
        try:
            self._write_rows(changes, records)
        finally:
            # It reads what is kept here.
            if end is not None:
                end()

    def _write_rows(self, changes: ReadModelChanges, records: int) -> None:
        add_known_order_fields(changes, self._open_orders)
        for change in changes.books.values():
            self._write_book(change)
        before = self._current()
        for earlier in self._outstanding:
            common = earlier.take_common(changes)
            if common is not None:
                self._read_models.write(common)
        rows = OutstandingRows.of(changes, before)
        self._read_models.write(rows.take(self._rows_per_slice))
        if rows:
            self._outstanding.append(rows)
        self._progress = ProgressRow(
            self._shard,
            changes.last_sequence,
            changes.number,
            changes.time_ms,
            before.skipped,
            changes.epoch,
            moments=with_later(_moments_of(before), changes.moments),
        )
        self._definitions = changes.definitions
        self._applied += records
        self._advance()

    def _advance(self) -> None:
        """Write how far the rows are: up to the first record of which some are outstanding."""
        progress = self._current()
        if self._outstanding:
            behind = frozenset[str]().union(*(rows.behind() for rows in self._outstanding))
            progress = with_values(
                self._outstanding[0].before,
                epoch=progress.epoch,
                ahead_sequence=progress.sequence,
                ahead_time_ms=progress.time_ms,
                moments=_moments_of(self._outstanding[0].before),
                ahead_moments=progress.moments,
                behind=behind,
            )
        self._read_models.advance(progress)

    def _finish(self) -> None:
        """Write what is outstanding, slice by slice, and rows of later records in between."""
        while self._outstanding:
            self._read_ahead()
            rows = self._outstanding[0]
            self._read_models.write(rows.take(self._rows_per_slice))
            if not rows:
                self._outstanding.popleft()
                self._advance()

    def _read_ahead(self) -> None:
        """Apply records that the stream will bring later; what is bad is left for it to bring."""
        if not self._reads_ahead or sum(map(len, self._outstanding)) > _ROWS_OUTSTANDING_MAX:
            return
        due = self._current().sequence + 1
        run: list[JournalRecord] = []
        try:
            for encoded in islice(self._journal.read(due, _END_OF_TIME), RECORDS_PER_RUN_MAX):
                record = decode_record(encoded)
                if record.first_sequence != due:
                    break
                due = record.last_sequence + 1
                run.append(record)
        except RecordError:
            self._reads_ahead = False
        try:
            if run:
                self._apply(run)
        except UnprojectableRecord:
            self._reads_ahead = False

    def _write_book(self, change: BookChange) -> None:
        key = (change.tenant, change.market)
        book = self._books.get(key)
        for _ in range(_BOOK_ATTEMPTS):
            if book is None:
                book = self._read_models.book(*key) or Book(*key)
            if not book.apply(change.facts):
                break
            row = self._read_models.put_book(book.to_parts(), book.stored)
            if row is not None:
                book.has_been_stored(row)
                break
            book = None
        else:
            raise ContendedBook(f"The book of {change.market} keeps changing.")
        self._books[key] = book

    def _fill_gap(self, before: int) -> None:
        """Apply what the journal holds between the progress and a sequence."""
        while self._current().sequence + 1 < before:
            run: list[JournalRecord] = []
            for encoded in self._journal.read(self._current().sequence + 1, before - 1):
                record = self._readable_after(run, encoded)
                if record is None:
                    break
                run.append(record)
                if len(run) == RECORDS_PER_RUN_MAX:
                    break
            else:
                if not run:
                    raise JournalGap(f"No record at {self._current().sequence + 1}.")
            self._apply_or_skip(run)

    def _readable_after(
        self, run: Sequence[JournalRecord], encoded: EncodedRecord
    ) -> JournalRecord | None:
        """Open the next record of a gap; step over a bad one once all before it is applied."""
        due = (run[-1].last_sequence if run else self._current().sequence) + 1
        if encoded.first_sequence != due or encoded.last_sequence < due:
            raise JournalGap(f"The journal holds {encoded.first_sequence} where {due} is due.")
        try:
            return decode_record(encoded)
        except RecordError as error:
            if not run:
                self._skip(error, encoded)
            return None

    def _apply_or_skip(self, run: Sequence[JournalRecord]) -> None:
        if not run:
            return
        try:
            self._apply(run)
        except UnprojectableRecord as error:
            bad = next(record for record in run if record.first_sequence == error.first_sequence)
            self._skip(error, bad)

    def _skip(self, error: Exception, record: EncodedRecord | JournalRecord) -> None:
        self._on_unprojectable(error)
        self._open_orders.clear()
        progress = ProgressRow(
            self._shard,
            record.last_sequence,
            record.number,
            record.time_ms,
            self._current().skipped + 1,
            record.epoch,
            # Whom it concerned is not known.
            moments=any_tenant_at(record.time_ms),
        )
        self._progress = progress
        self._skipped += 1
        self._advance()

    def _current(self) -> ProgressRow:
        if self._progress is None:
            raise ProjectionError("The progress has not been read.")
        return self._progress


def _moments_of(progress: ProgressRow) -> bytes:
    """Return when each tenant was concerned last; by older software, any tenant at the end.

    Before the first record that is the time 0, and stays in the row: without it a row of records
    that concerned no tenant would look like one of older software.
    """
    return progress.moments or any_tenant_at(progress.time_ms)


def _open(entry: StreamRecord, shard: int) -> JournalRecord:
    if entry.record is None:
        raise RecordError(f"{entry.identifier} of the stream is not a record.")
    if entry.record.shard != shard:
        raise RecordError(f"{entry.identifier} of the stream is shard {entry.record.shard}'s.")
    return decode_record(entry.record)


def split_at_gaps(records: Iterable[JournalRecord], applied: int) -> list[list[JournalRecord]]:
    """Put records in order, drop what is applied or repeated, and split where some are missing.

    Parameters
    ----------
    records
        In any order, any of them any number of times.
    applied
        The last sequence that is applied already.

    Returns
    -------
    list
        Runs without a gap inside. The first continues ``applied`` only if it begins right after.

    """
    runs: list[list[JournalRecord]] = []
    position = applied
    for record in sorted(records, key=lambda record: record.first_sequence):
        if record.last_sequence <= position:
            continue
        if runs and record.first_sequence == position + 1:
            runs[-1].append(record)
        else:
            runs.append([record])
        position = record.last_sequence
    return runs
