"""Recreate the read models of a shard from its journal, and compare them with what is live.

The journal is projected into memory by the code that projects it live; what differs in the tables
is then reported, or mended. The exchange may keep running: a difference counts only if it is
still there after the projection in memory has caught up several times, and a row is mended only
where what is stored is not newer.
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
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import Attributes, ItemKey

LOOKS = 6
PAUSE_S = 0.5
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

    def mend(self, differences: Iterable[Difference]) -> None:
        """Write what is expected, or delete what is not, unless the stored row has changed."""


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

    def catch_up(self, on_sequence: Callable[[int], None] = lambda _: None) -> None:
        """Project the journal as far as the live tables are, or all of it when they are empty.

        `on_sequence` is called now and then with the sequence reached.
        """
        target = self._live.sequence() or _END_OF_TIME
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

    def mend(self, differences: Sequence[Difference]) -> int:
        """Write what is missing or different, drop what is extra; return the count of rows.

        The row that says which rows there are comes last: lists wait for it.
        """
        last = [one for one in differences if one.key[1] == keys.READ_MODELS_SCHEMA]
        self._mend([one for one in differences if one not in last])
        self._mend(last)
        return len(differences)

    def _mend(self, differences: Sequence[Difference]) -> None:
        self._live.put_missing(
            (difference.table, difference.expected)
            for difference in differences
            if difference.expected is not None
            and difference.live is None
            and difference.table in _FIXED_TABLES
        )
        self._live.mend(
            difference
            for difference in differences
            if difference.live is not None or difference.table not in _FIXED_TABLES
        )

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
