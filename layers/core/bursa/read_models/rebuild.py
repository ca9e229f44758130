"""Recreate the read models of a shard from its journal, and compare them with what is live.

The journal is projected into memory by the code that projects it live; what differs in the tables
is then reported, or mended. The exchange may keep running: a difference counts only if it is
still there after the projection in memory has caught up several times, and a row is mended only
where what is stored is not newer. Where it is, the rebuild goes ahead: it projects the journal to
its end, before the live projector gets there, and writes that. The projector then finds the row to
be further than what it is about to write, as after a crash.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bursa.journal.stream import StreamRecord
from bursa.kernel import keys
from bursa.read_models.book_items import whole_items
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Journal, Projector
from bursa.read_models.row_writes import SEQUENCE, Table
from bursa.read_models.rows import Attributes, ItemKey

LOOKS = 6
PAUSE_S = 0.5
# In the first, rows may end that are made from one that is wrong; the second mends them, the third
# writes the schema.
ROUNDS = 5
_ATTEMPTS = 8
_END_OF_TIME = (1 << 62) - 1
_RECORDS_PER_STEP = 100
# Rows here never change, so it needs no condition to write one that is missing.
_FIXED_TABLES = frozenset({Table.FILLS, Table.TRADES})


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the journal makes it.

    Attributes
    ----------
    expected, live
        None where there is no such row.

    """

    table: Table
    key: ItemKey
    expected: Attributes | None
    live: Attributes | None

    @property
    def kind(self) -> str:
        """Return ``missing``, ``extra`` or ``different``."""
        if self.live is None:
            return "missing"
        return "extra" if self.expected is None else "different"

    @property
    def fields(self) -> list[str]:
        """Return the names of the attributes that differ."""
        expected, live = self.expected or {}, self.live or {}
        return sorted(
            name for name in expected.keys() | live.keys() if expected.get(name) != live.get(name)
        )


class LiveItems(Protocol):
    """The stored items of one shard's read models."""

    def sequence(self) -> int:
        """Return how far the live rows are; 0 when there are none."""

    def is_behind(self) -> bool:
        """Return whether rows of a large record are being written, so that some are further."""

    def scan(self, table: Table, tenants: frozenset[str]) -> Iterator[tuple[ItemKey, Attributes]]:
        """Yield every item of a table that belongs to these tenants, or to the shard itself.

        A book is one item with all its levels, however it is stored.
        """

    def get(self, table: Table, key: ItemKey) -> Attributes | None:
        """Read one item."""

    def put_missing(self, items: Iterable[tuple[Table, Attributes]]) -> None:
        """Write rows that never change."""

    def mend(self, differences: Iterable[Difference]) -> Sequence[Difference]:
        """Write what is expected, or delete what is not, unless the stored row has changed.

        Returns those that were passed over, as a newer row is there.
        """


class Rebuild:
    """One shard's read models, as the journal makes them, beside those that are live."""

    def __init__(
        self,
        shard: int,
        journal: Journal,
        live: LiveItems,
        sleep: Callable[[float], None],
    ) -> None:
        self.memory = MemoryTables(shard)
        self.unprojectable: list[str] = []
        self.records = 0
        self._journal = journal
        self._live = live
        self._sleep = sleep
        # Rows that were written as the journal makes them, so that they can't be wrong again.
        self._mended: set[tuple[Table, ItemKey]] = set()
        self._projector = Projector(
            shard,
            journal,
            self.memory,
            lambda error: self.unprojectable.append(str(error)),
            # In memory nothing waits, and it must not get ahead of the live tables.
            rows_per_slice=sys.maxsize,
        )

    @property
    def sequence(self) -> int:
        """The sequence that the rows in memory reflect."""
        progress = self.memory.progress()
        return progress.sequence if progress else 0

    def live_sequence(self) -> int:
        """Return the sequence that the live rows reflect; 0 when there are none."""
        return self._live.sequence()

    def catch_up(
        self, on_sequence: Callable[[int], None] = lambda _: None, *, to_end: bool = False
    ) -> None:
        """Project the journal as far as the live tables are, or all of it when they are empty.

        `on_sequence` is called now and then with the sequence reached.
        """
        target = (0 if to_end else self._live.sequence()) or _END_OF_TIME
        records = self._journal.read(self.sequence + 1, target)
        while step := list(islice(records, _RECORDS_PER_STEP)):
            batch = self._projector.project(
                [StreamRecord(str(record.number), record) for record in step]
            )
            self.records += batch.applied
            if batch.failed is not None:
                # It is in `unprojectable` now; met in a gap, it is stepped over.
                after = [record for record in step if record.number > int(batch.failed)]
                rest = self._projector.project(
                    [StreamRecord(str(record.number), record) for record in after[:1]]
                )
                self.records += rest.applied
                records = self._journal.read(self.sequence + 1, target)
            on_sequence(self.sequence)

    def differences(self, looks: int = LOOKS) -> list[Difference]:
        """Compare item by item; a difference is one that stays while the projection catches up."""
        live = {table: dict(self._live.scan(table, self.tenants())) for table in Table}
        self.catch_up()
        suspects = list(self._compare(live))
        looks_left = looks - 1
        while suspects and (looks_left > 0 or self._live.is_behind()):
            looks_left -= 1
            self._sleep(PAUSE_S)
            before = self._live.sequence()
            again = [(suspect, self._live.get(suspect.table, suspect.key)) for suspect in suspects]
            self.catch_up()
            rows = {table: self.expected(table) for table in {one.table for one, _ in again}}
            suspects = [
                Difference(suspect.table, suspect.key, expected, item)
                for suspect, item in again
                if (expected := rows[suspect.table].get(suspect.key)) != item
            ]
            if self._live.sequence() == before == self.sequence and not self._live.is_behind():
                break
        return suspects

    def mend_until_equal(
        self, differences: Sequence[Difference]
    ) -> tuple[Sequence[Difference], int]:
        """Mend and compare again, a few times; return what is left, and how many were mended."""
        mended = 0
        for _ in range(ROUNDS):
            if not differences:
                break
            mended += self.mend(differences)
            differences = self.differences()
        return differences, mended

    def mend(self, differences: Sequence[Difference]) -> int:
        """Write what is missing or different, drop what is extra; return the count of rows.

        The row that says which rows there are is written once no other is wrong: lists wait for it.
        """
        schema = [one for one in differences if one.key[1] == keys.READ_MODELS_SCHEMA]
        others = [one for one in differences if one not in schema]
        is_all_right = all(map(self._may_differ, others))
        count = self._mend([one for one in others if not self._is_ahead(one)])
        return count + (self._mend(schema) if is_all_right else 0)

    def _is_ahead(self, difference: Difference) -> bool:
        """Return whether it is the progress, further than the projector, which must not skip."""
        expected, live = difference.expected, difference.live
        if not _is_progress(difference) or expected is None or live is None:
            return False
        return int(expected[SEQUENCE]["N"]) > int(live[SEQUENCE]["N"])

    def _may_differ(self, difference: Difference) -> bool:
        """Return whether a row differs only because it changes while it is compared."""
        if difference.kind != "different":
            return False
        before = (difference.table, difference.key) in self._mended
        return _is_progress(difference) or (before and SEQUENCE in (difference.expected or {}))

    def _mend(self, differences: Sequence[Difference]) -> int:
        self._live.put_missing(
            (difference.table, difference.expected)
            for difference in differences
            if difference.expected is not None
            and difference.live is None
            and difference.table in _FIXED_TABLES
        )
        due: Sequence[Difference] = [
            difference
            for difference in differences
            if difference.live is not None or difference.table not in _FIXED_TABLES
        ]
        passed: Sequence[Difference] = []
        for _ in range(_ATTEMPTS):
            if not due:
                break
            passed = self._live.mend(due)
            self._mended |= {(one.table, one.key) for one in due if one not in passed}
            due = [one for one in passed if not _is_progress(one)]
            if due:
                self.catch_up(to_end=True)
                due = list(self._again(due))
        return len(differences) - len(passed)

    def _again(self, differences: Sequence[Difference]) -> Iterator[Difference]:
        """Yield what differs of these rows now."""
        rows = {table: self.expected(table) for table in {one.table for one in differences}}
        for one in differences:
            expected = rows[one.table].get(one.key)
            live = self._live.get(one.table, one.key)
            if expected != live:
                yield Difference(one.table, one.key, expected, live)

    def tenants(self) -> frozenset[str]:
        """Return the tenants of the shard; other rows in the tables belong to other shards."""
        definitions = self.memory.definitions()
        return frozenset(asset.tenant for asset in definitions.assets.values())

    def expected(self, table: Table) -> dict[ItemKey, Attributes]:
        """Return what a table should hold, with each book in one item."""
        items = self.memory.items[table]
        return whole_items(items) if table is Table.MARKETS else items

    def _compare(self, live: dict[Table, dict[ItemKey, Attributes]]) -> Iterator[Difference]:
        for table in Table:
            items = self.expected(table)
            for key in items.keys() | live[table].keys():
                expected, found = items.get(key), live[table].get(key)
                if expected != found:
                    yield Difference(table, key, expected, found)


def _is_progress(difference: Difference) -> bool:
    return difference.table is Table.PROGRESS and difference.key[1] == keys.READ_MODELS
