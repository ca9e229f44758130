"""The wallets table: each row a record with its version (DESIGN D16).

A change is written on condition of the version that it was made from, and nothing else ever writes.
Which row is where, `bursa.kernel.wallet_keys` says. A sparse index has the deposits and withdrawals
that have not come to an end, by tenant and chain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.aws.record_failures import record_failures
from bursa.kernel import wallet_keys as keys
from bursa.wallets.stored_records import as_stored, from_stored

Record = TypeVar("Record", bound=Any)
# As what callers know, for what pynamodb raises.
unavailable_wallets = partial(
    record_failures,
    "record_changed",
    "Somebody else changed it just now; look and try again.",
    "wallets_unavailable",
)


class Place(NamedTuple):
    """Where a row is."""

    partition: str
    sort: str


class _Open(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call] # pynamodb's own
    class Meta:
        index_name = keys.WALLETS_OPEN
        projection = KeysOnlyProjection()

    open_key = UnicodeAttribute(hash_key=True)
    since_ms = WholeNumberAttribute(range_key=True)


class Row(Model):
    """A row of the table."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = WholeNumberAttribute()
    body = JSONAttribute()
    open_key = UnicodeAttribute(null=True)
    since_ms = WholeNumberAttribute(null=True)
    by_open = _Open()


def rows(table: str) -> type[Row]:
    """Return the model of a deployment's table."""

    class Rows(Row):
        class Meta:
            table_name = table
            connect_timeout_seconds = 1
            read_timeout_seconds = 2
            max_retry_attempts = 2

        by_open = _Open()

    return Rows


class Records(Generic[Record]):
    """Records of one class."""

    def __init__(self, model: type[Row], kind: type[Record]) -> None:
        self.model = model
        self._kind = kind

    def find(self, place: Place) -> Record | None:
        """Return a record as it is now; None for none. Raises `Unavailable`."""
        with unavailable_wallets():
            try:
                row = self.model.get(place.partition, place.sort, consistent_read=True)
            except self.model.DoesNotExist:
                return None
        return self._read(row)

    def save(self, place: Place, record: Record, open_key: str = "", since_ms: int = 0) -> Record:
        """Keep a record on condition of its version; return it with the new one.

        Parameters
        ----------
        open_key, since_ms
            Under which key, and since when, the index has it; empty for not at all.

        Raises
        ------
        Conflict
            ``record_changed``
        Unavailable
            It may have been written all the same; read it again.

        """
        model, version = self.model, record.version + 1
        row = model(
            place.partition,
            place.sort,
            version=version,
            body=as_stored(record),
            open_key=open_key or None,
            since_ms=since_ms if open_key else None,
        )
        condition = model.version == record.version if record.version else model.pk.does_not_exist()
        with unavailable_wallets():
            row.save(condition=condition)
        saved: Record = replace(record, version=version)
        return saved

    def open(self, open_key: str) -> list[Record]:
        """Return the records of the index under a key, the oldest first, as they are now."""
        with unavailable_wallets():
            places = [Place(one.pk, one.sk) for one in self.model.by_open.query(open_key)]
        found = (self.find(place) for place in places)
        return [one for one in found if one is not None]

    def under(self, partition: str) -> Iterator[Record]:
        """Yield the records of a partition, in the order of their sort keys."""
        with unavailable_wallets():
            found = list(self.model.query(partition, consistent_read=True))
        yield from map(self._read, found)

    def _read(self, row: Row) -> Record:
        body: Mapping[str, Any] = row.body
        return from_stored(self._kind, {**body, "version": row.version})
