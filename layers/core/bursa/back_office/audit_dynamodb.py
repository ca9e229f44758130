"""The audit table: entries, and the notes beside them.

    <tenant>#entries  number               {line, hash}: an entry
    <tenant>#<shelf>  name                 {content}: a note

Everything is written once, by a put that must find nothing: no role may change or remove a row
(infra/back-office.yaml).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from bursa.back_office.audit_entry import GENESIS_HASH, StoredEntry, canonical
from bursa.back_office.audit_log import Note, NoteExists, SlotTaken, Tail
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId

ENTRIES: Final = "entries"
_CONNECT_S: Final = 1
_READ_S: Final = 2
_RETRIES: Final = 2
# What a condition, or somebody else's transaction at the same time, says of one row.
_LOST: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


class _EntryRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    line = UnicodeAttribute()
    hash = UnicodeAttribute()


class _NoteRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    content = UnicodeAttribute()


class AuditTable:
    """The audit logs of a deployment's tenants; each method raises ``audit_unavailable``."""

    def __init__(self, table: str) -> None:
        class Entry(_EntryRow):
            class Meta:
                table_name = table
                connect_timeout_seconds = _CONNECT_S
                read_timeout_seconds = _READ_S
                max_retry_attempts = _RETRIES

        class NoteRow(_NoteRow):
            class Meta:
                table_name = table
                connect_timeout_seconds = _CONNECT_S
                read_timeout_seconds = _READ_S
                max_retry_attempts = _RETRIES

        self._entry = Entry
        self._note = NoteRow

    def tail(self, tenant: TenantId) -> Tail:
        """Return the last entry; number 0 of an empty log."""
        with _unavailable():
            rows = list(
                self._entry.query(
                    keys.audit_notes(tenant, ENTRIES),
                    scan_index_forward=False,
                    limit=1,
                    consistent_read=True,
                )
            )
        return Tail(int(rows[0].sk), rows[0].hash) if rows else Tail(0, GENESIS_HASH)

    def entries(self, tenant: TenantId, after: int = 0) -> Iterator[StoredEntry]:
        """Yield all entries after a number, the oldest first."""
        model = self._entry
        with _unavailable():
            for row in model.query(
                keys.audit_notes(tenant, ENTRIES),
                model.sk > keys.audit_entry(after),
                consistent_read=True,
            ):
                yield StoredEntry(int(row.sk), row.line, row.hash)

    def latest(self, tenant: TenantId, before: int, limit: int) -> Sequence[StoredEntry]:
        """Return so many entries before a number, the newest first; 0 for the end of the log."""
        model = self._entry
        condition = model.sk < keys.audit_entry(before) if before else None
        with _unavailable():
            rows = model.query(
                keys.audit_notes(tenant, ENTRIES),
                condition,
                scan_index_forward=False,
                limit=limit,
                consistent_read=True,
            )
            return [StoredEntry(int(row.sk), row.line, row.hash) for row in rows]

    def append(self, tenant: TenantId, entry: StoredEntry, notes: Sequence[Note]) -> None:
        """Write an entry and its notes together; raises `NoteExists`, or else `SlotTaken`."""
        row = self._entry(
            keys.audit_notes(tenant, ENTRIES),
            keys.audit_entry(entry.number),
            line=entry.line,
            hash=entry.hash,
        )
        with _unavailable(), _lost(), self._transaction() as transaction:
            transaction.save(row, condition=self._entry.pk.does_not_exist())
            for note in notes:
                transaction.save(
                    self._note(
                        keys.audit_notes(tenant, note.shelf),
                        note.name,
                        content=canonical(note.content),
                    ),
                    condition=self._note.pk.does_not_exist(),
                )

    def note(self, tenant: TenantId, shelf: str, name: str) -> Mapping[str, Any] | None:
        """Return the content of a note; None when there is none."""
        model = self._note
        with _unavailable():
            try:
                row = model.get(keys.audit_notes(tenant, shelf), name, consistent_read=True)
            except model.DoesNotExist:
                return None
        content: dict[str, Any] = json.loads(row.content)
        return content

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return so many notes of a shelf by name, the last first."""
        model = self._note
        with _unavailable():
            rows = model.query(
                keys.audit_notes(tenant, shelf),
                model.sk.startswith(prefix) if prefix else None,
                scan_index_forward=False,
                limit=limit,
                consistent_read=True,
            )
            return [(row.sk, json.loads(row.content)) for row in rows]

    @staticmethod
    def _transaction() -> TransactWrite:
        connection = Connection(
            connect_timeout_seconds=_CONNECT_S,
            read_timeout_seconds=_READ_S,
            max_retry_attempts=_RETRIES,
        )
        return TransactWrite(connection=connection)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except PynamoDBException as error:
        raise Unavailable(
            "audit_unavailable", "Send the same request again in a moment."
        ) from error


@contextmanager
def _lost() -> Iterator[None]:
    """Raise what says which row of a transaction was there already; the first is the entry."""
    try:
        yield
    except TransactWriteError as error:
        codes = [reason.code if reason else "" for reason in error.cancellation_reasons]
        if "ConditionalCheckFailed" in codes[1:]:
            raise NoteExists from error
        if _LOST & set(codes):
            raise SlotTaken from error
        raise
