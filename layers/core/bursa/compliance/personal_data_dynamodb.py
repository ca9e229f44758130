"""Sealed personal data and the record of accesses in the compliance table; users' keys apart.

    <tenant>#<subject>  personal                 {version, sealed}
    <tenant>#<subject>  personal-changes         {version, at_ms}: how often it was sent on a day
    <tenant>#<subject>  access#<time>#<random>   a line of the record; written once

Users' sealed keys are in a table of their own without backups: from a backup a destroyed key would
come back.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.aws.record_failures import record_failures
from bursa.compliance.personal_records import Access, AccessKind, SealedRecord
from bursa.kernel import keys
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId

ACCESSES_MAX: Final = 100
_CHANGED: Final = "personal_data_changed", "It was changed just now; look and try again."
# As what callers know, for what pynamodb raises.
_unavailable = partial(record_failures, *_CHANGED, "personal_data_unavailable")


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = WholeNumberAttribute(null=True)
    sealed = BinaryAttribute(legacy_encoding=False, null=True)
    at_ms = WholeNumberAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    role = UnicodeAttribute(null=True)
    by = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)


def _rows(table: str) -> type[_Row]:
    class Row(_Row):
        class Meta:
            table_name = table
            connect_timeout_seconds = 1
            read_timeout_seconds = 2
            max_retry_attempts = 2

    return Row


class PersonalRecordsTable:
    """See `bursa.compliance.personal_records.RecordStore`."""

    def __init__(self, table: str) -> None:
        self._rows = _rows(table)

    def find(self, tenant: TenantId, user: str) -> SealedRecord | None:
        """See `bursa.compliance.personal_records.RecordStore`."""
        row = _get(self._rows, tenant, user, keys.PERSONAL_DATA)
        return None if row is None else SealedRecord(row.version or 0, row.sealed or b"")

    def save(self, tenant: TenantId, user: str, record: SealedRecord, case_version: int) -> None:
        """See `bursa.compliance.personal_records.RecordStore`.

        The case is checked in the same transaction: who applies meanwhile changes it, and then
        nothing is written.
        """
        model = self._rows
        case = keys.compliance_of(tenant, user), keys.CASE
        row = model(
            keys.compliance_of(tenant, user),
            keys.PERSONAL_DATA,
            version=record.version,
            sealed=record.sealed,
        )
        is_first = record.version == 1
        condition = model.pk.does_not_exist() if is_first else model.version == record.version - 1
        is_as_seen = model.version == case_version if case_version else model.pk.does_not_exist()
        connection = Connection(
            connect_timeout_seconds=1, read_timeout_seconds=2, max_retry_attempts=2
        )
        with _unavailable(), _refusals(), TransactWrite(connection=connection) as write:
            write.condition_check(model, *case, condition=is_as_seen)
            write.save(row, condition=condition)

    def count_change(self, tenant: TenantId, user: str, day: int, most: int) -> bool:
        """See `bursa.compliance.personal_records.RecordStore`."""
        model, at_ms = self._rows, day * DAY_MS
        known = _get(model, tenant, user, keys.PERSONAL_DATA_CHANGES)
        is_of_today = known is not None and known.at_ms == at_ms
        counted = (known.version or 0) if known is not None and is_of_today else 0
        if counted >= most:
            return False
        row = model(
            keys.compliance_of(tenant, user),
            keys.PERSONAL_DATA_CHANGES,
            version=counted + 1,
            at_ms=at_ms,
        )
        condition = model.pk.does_not_exist()
        if known is not None:
            condition = (model.version == known.version) & (model.at_ms == known.at_ms)
        with _unavailable():
            row.save(condition=condition)
        return True

    def remove(self, tenant: TenantId, user: str) -> None:
        """See `bursa.compliance.personal_records.RecordStore`."""
        known = self.find(tenant, user)
        if known is None or not known.sealed:
            return
        model = self._rows
        # No role may delete a row of this table, which also has the record of accesses.
        row = model(
            keys.compliance_of(tenant, user),
            keys.PERSONAL_DATA,
            version=known.version + 1,
            sealed=b"",
        )
        with _unavailable():
            row.save(condition=model.version == known.version)

    def note(self, tenant: TenantId, user: str, access: Access) -> None:
        """See `bursa.compliance.personal_records.RecordStore`."""
        model = self._rows
        row = model(
            keys.compliance_of(tenant, user),
            keys.access_record(access.at_ms, secrets.token_hex(8)),
            at_ms=access.at_ms,
            kind=access.kind,
            role=access.role,
            by=access.by,
            reason=access.reason,
        )
        with _unavailable():
            row.save(condition=model.pk.does_not_exist())

    def accesses(self, tenant: TenantId, user: str) -> Sequence[Access]:
        """See `bursa.compliance.personal_records.RecordStore`."""
        model = self._rows
        with _unavailable():
            found = model.query(
                keys.compliance_of(tenant, user),
                model.sk.startswith(keys.ACCESS_PREFIX),
                consistent_read=True,
                scan_index_forward=False,
                limit=ACCESSES_MAX,
            )
            return [
                Access(
                    row.at_ms or 0,
                    AccessKind(row.kind),
                    row.role or "",
                    row.by or "",
                    row.reason or "",
                )
                for row in found
            ]


class UserKeysTable:
    """See `bursa.compliance.personal_data_kms.UserKeys`."""

    def __init__(self, table: str) -> None:
        self._rows = _rows(table)

    def find(self, tenant: TenantId, user: str) -> bytes | None:
        """See `bursa.compliance.personal_data_kms.UserKeys`."""
        row = _get(self._rows, tenant, user, keys.USER_KEY)
        return None if row is None else row.sealed

    def add(self, tenant: TenantId, user: str, sealed: bytes) -> bytes:
        """See `bursa.compliance.personal_data_kms.UserKeys`."""
        model = self._rows
        row = model(keys.compliance_of(tenant, user), keys.USER_KEY, sealed=sealed)
        try:
            with _unavailable():
                row.save(condition=model.pk.does_not_exist())
        except Conflict:
            return self.find(tenant, user) or sealed
        return sealed

    def remove(self, tenant: TenantId, user: str) -> None:
        """See `bursa.compliance.personal_data_kms.UserKeys`."""
        with _unavailable():
            self._rows(keys.compliance_of(tenant, user), keys.USER_KEY).delete()


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise `Conflict` when what refused a transaction was a condition, or another one."""
    try:
        yield
    except TransactWriteError as error:
        codes = {one.code for one in error.cancellation_reasons if one is not None}
        if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
            raise Conflict(*_CHANGED) from error
        raise


def _get(rows: type[_Row], tenant: TenantId, user: str, sort_key: str) -> _Row | None:
    with _unavailable():
        try:
            return rows.get(keys.compliance_of(tenant, user), sort_key, consistent_read=True)
        except rows.DoesNotExist:
            return None
