"""Recreate the read models of a shard from its journal, and compare them with what is live.

The journal is projected into memory by the very code that projects it live; what differs in the
tables is then reported, or mended. The exchange may go on meanwhile: a difference counts only if
it is still there after the projection in memory has caught up, time and again, and a row is mended
only where what is stored is not newer.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from bursa.aws.table_writer import TableWriter, Write
from bursa.kernel import keys
from bursa.read_models.dynamodb import ReadModelNames, ReadModelTables
from bursa.read_models.memory import ItemKey, MemoryTables, item_key
from bursa.read_models.projector import Delivery, Journal, Projector
from bursa.read_models.row_writes import SEQUENCE, Table, row_key
from bursa.read_models.rows import Attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOOKS = 6
PAUSE_S = 0.5
_END_OF_TIME = (1 << 62) - 1
_RECORDS_PER_STEP = 100
# Rows here never change, so it needs no condition to write one that is missing.
_FIXED_TABLES = frozenset({Table.FILLS, Table.TRADES})
_REGISTRY = (keys.READ_MODELS, keys.ASSET_PREFIX, keys.MARKET_PREFIX)


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
        """Name it: ``missing``, ``extra`` or ``different``."""
        if self.live is None:
            return "missing"
        return "extra" if self.expected is None else "different"

    @property
    def fields(self) -> list[str]:
        """Name the attributes that differ."""
        expected, live = self.expected or {}, self.live or {}
        return sorted(
            name for name in expected.keys() | live.keys() if expected.get(name) != live.get(name)
        )


class Rebuild:
    """One shard's read models, as the journal makes them, beside those that are live."""

    def __init__(
        self,
        shard: int,
        journal: Journal,
        live: "LiveItems",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.memory = MemoryTables(shard)
        self.unprojectable: list[str] = []
        self.records = 0
        self._journal = journal
        self._live = live
        self._sleep = sleep
        self._projector = Projector(
            shard, journal, self.memory, lambda error: self.unprojectable.append(str(error))
        )

    @property
    def sequence(self) -> int:
        """How far the rows in memory are."""
        progress = self.memory.progress()
        return progress.sequence if progress else 0

    def live_sequence(self) -> int:
        """How far the live rows are; 0 when there are none."""
        return self._live.sequence()

    def catch_up(self, on_sequence: Callable[[int], None] = lambda _: None) -> None:
        """Project the journal as far as the live tables are, or all of it when they are empty.

        `on_sequence` is told now and then how far it is.
        """
        target = self._live.sequence() or _END_OF_TIME
        records = self._journal.read(self.sequence + 1, target)
        while step := list(islice(records, _RECORDS_PER_STEP)):
            outcome = self._projector.project(
                [Delivery(str(record.number), record) for record in step]
            )
            self.records += outcome.applied
            if outcome.failed is not None:
                # It is in `unprojectable` now; met in a gap, it is stepped over.
                after = [record for record in step if record.number > int(outcome.failed)]
                rest = self._projector.project(
                    [Delivery(str(record.number), record) for record in after[:1]]
                )
                self.records += rest.applied
                records = self._journal.read(self.sequence + 1, target)
            on_sequence(self.sequence)

    def differences(self, looks: int = LOOKS) -> list[Difference]:
        """Compare item by item; a difference is one that stays while the projection catches up."""
        live = {table: dict(self._live.scan(table, self.tenants())) for table in Table}
        self.catch_up()
        suspects = list(self._compare(live))
        for _ in range(looks - 1):
            if not suspects:
                break
            self._sleep(PAUSE_S)
            before = self._live.sequence()
            again = [(suspect, self._live.get(suspect.table, suspect.key)) for suspect in suspects]
            self.catch_up()
            suspects = [
                Difference(suspect.table, suspect.key, expected, item)
                for suspect, item in again
                if (expected := self.memory.items[suspect.table].get(suspect.key)) != item
            ]
            if self._live.sequence() == before == self.sequence:
                break
        return suspects

    def mend(self, differences: Sequence[Difference]) -> int:
        """Write what is missing or different and drop what is extra; returns how many it did."""
        self._live.put_missing(
            (difference.table, difference.expected)
            for difference in differences
            if difference.expected is not None
            and difference.live is None
            and difference.table in _FIXED_TABLES
        )
        self._live.run(
            self._mending(difference)
            for difference in differences
            if difference.live is not None or difference.table not in _FIXED_TABLES
        )
        return len(differences)

    def tenants(self) -> frozenset[str]:
        """Name the tenants of the shard; other rows in the tables are none of its business."""
        definitions = self.memory.definitions()
        return frozenset(asset.tenant for asset in definitions.assets.values())

    def _mending(self, difference: Difference) -> Write:
        if difference.expected is None:
            seen = (difference.live or {}).get(SEQUENCE)
            return lambda: self._live.delete(difference.table, difference.key, seen)
        expected = difference.expected
        return lambda: self._live.put_unless_newer(difference.table, expected)

    def _compare(self, live: dict[Table, dict[ItemKey, Attributes]]) -> Iterator[Difference]:
        for table, items in self.memory.items.items():
            for key in items.keys() | live[table].keys():
                expected, found = items.get(key), live[table].get(key)
                if expected != found:
                    yield Difference(table, key, expected, found)


class LiveItems:
    """The stored items of one shard's read models."""

    def __init__(
        self,
        client: "DynamoDBClient",
        names: ReadModelNames,
        shard: int,
        read_models: ReadModelTables,
        writer: TableWriter,
    ) -> None:
        self._client = client
        self._names = names
        self._shard_partition = keys.progress(shard)
        self._read_models = read_models
        self._writer = writer

    def sequence(self) -> int:
        """How far the live rows are; 0 when there are none."""
        progress = self._read_models.progress()
        return progress.sequence if progress else 0

    def scan(self, table: Table, tenants: frozenset[str]) -> Iterator[tuple[ItemKey, Attributes]]:
        """Read every item of a table that belongs to these tenants, or to the shard itself."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._names.of(table), ConsistentRead=True
        )
        for page in pages:
            for item in cast("list[Attributes]", page["Items"]):
                key = item_key(item)
                if self._is_ours(table, key, tenants):
                    yield key, item

    def get(self, table: Table, key: ItemKey) -> Attributes | None:
        """Read one item."""
        answer = self._client.get_item(
            TableName=self._names.of(table), Key=row_key(*key), ConsistentRead=True
        )
        return cast("Attributes | None", answer.get("Item"))

    def run(self, writes: Iterable[Write]) -> None:
        """Do writes at once and wait for all of them."""
        self._writer.run(writes)

    def put_missing(self, items: Iterable[tuple[Table, Attributes]]) -> None:
        """Write rows that never change."""
        self._writer.run(
            self._writer.batches((self._names.of(table), item) for table, item in items)
        )

    def put_unless_newer(self, table: Table, item: Attributes) -> None:
        """Write a row in the place of one that is not newer."""
        name = self._names.of(table)
        sequence = item.get(SEQUENCE)
        if sequence is None:
            self._client.put_item(TableName=name, Item=item)
            return
        with _ConditionPasses():
            self._client.put_item(
                TableName=name,
                Item=item,
                ConditionExpression="attribute_not_exists(#s) OR #s <= :s",
                ExpressionAttributeNames={"#s": SEQUENCE},
                ExpressionAttributeValues={":s": sequence},
            )

    def delete(self, table: Table, key: ItemKey, seen: dict[str, str] | None) -> None:
        """Drop a row that has not changed since it was seen."""
        name = self._names.of(table)
        if seen is None:
            self._client.delete_item(TableName=name, Key=row_key(*key))
            return
        with _ConditionPasses():
            self._client.delete_item(
                TableName=name,
                Key=row_key(*key),
                ConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": SEQUENCE},
                ExpressionAttributeValues={":s": seen},
            )

    def _is_ours(self, table: Table, key: ItemKey, tenants: frozenset[str]) -> bool:
        partition, sort = key
        if table is Table.PROGRESS:
            return partition == self._shard_partition and sort.startswith(_REGISTRY)
        return partition.partition("#")[0].partition("-")[0] in tenants


class _ConditionPasses:
    """Takes a failed condition for what it says: somebody newer was here."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        return (
            isinstance(error, ClientError)
            and error.response["Error"]["Code"] == "ConditionalCheckFailedException"
        )
