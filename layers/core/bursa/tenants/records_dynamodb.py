"""The records of tenants: attributes of their profiles in the directory (DESIGN D16).

A profile is one row with two kinds of attribute. `bursa.tenants.dynamodb` writes and reads those
that requests need, with the raw client; here are those that people change, with a version. Neither
touches the other's. A profile from before there were records is one of an active tenant.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.models import Model

from bursa.aws.failures import unavailable
from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.aws.record_failures import record_failures
from bursa.kernel import keys
from bursa.kernel.identifiers import TENANT_NUMBER_MAX, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.life import Change, Standstill, TenantRecord, TenantState

_ID = re.compile(r"t[1-9][0-9]{0,4}", re.ASCII)
# As what callers know, for what pynamodb raises.
_unavailable = partial(
    record_failures,
    "tenant_changed",
    "Somebody else changed the tenant just now; look and try again.",
    "directory_unavailable",
)


class _Profile(Model):
    """A tenant's profile row, as far as it is a business record."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    shard = WholeNumberAttribute()
    issuer = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    version = WholeNumberAttribute(null=True)
    standstill = JSONAttribute(null=True)
    standstills = WholeNumberAttribute(null=True)
    sign_in_ends_at_ms = WholeNumberAttribute(null=True)
    delete_after_ms = WholeNumberAttribute(null=True)
    exported_at_ms = WholeNumberAttribute(null=True)
    history = JSONAttribute(null=True)


def _profiles(table: str) -> type[_Profile]:
    """Return the model of a deployment's directory."""

    class Profile(_Profile):
        class Meta:
            table_name = table
            connect_timeout_seconds = 1
            read_timeout_seconds = 2
            max_retry_attempts = 2

    return Profile


class TenantRecords:
    """The records of all tenants of a deployment."""

    def __init__(self, table: str, directory: DirectoryTable) -> None:
        self._profiles = _profiles(table)
        self._directory = directory

    def find(self, tenant: TenantId) -> TenantRecord | None:
        """Return a tenant's record; None when there is none. Raises `Unavailable`."""
        with _unavailable():
            try:
                row = self._profiles.get(str(tenant), keys.PROFILE, consistent_read=True)
            except self._profiles.DoesNotExist:
                return None
        return _record(row)

    def all(self) -> Sequence[TenantRecord]:
        """Return the records of all tenants, by number. Raises `Unavailable`."""
        return self.page(0, self.last_number())

    def last_number(self) -> int:
        """Return the number of the newest tenant. Raises `Unavailable`."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            return self._directory.tenants_numbered()

    def page(self, after: int, limit: int) -> Sequence[TenantRecord]:
        """Return the records of so many numbers after one, by number. Raises `Unavailable`."""
        numbers = range(after + 1, min(after + limit, TENANT_NUMBER_MAX) + 1)
        names = [(str(TenantId(number)), keys.PROFILE) for number in numbers]
        with _unavailable():
            rows = list(self._profiles.batch_get(names, consistent_read=True))
        return sorted(map(_record, rows), key=lambda one: TenantId.parse(one.tenant).number)

    def named(self, named: str) -> TenantRecord | None:
        """Return the tenant with an id, or that goes by a name; None when there is none.

        Raises `Unavailable`.
        """
        if _ID.fullmatch(named):
            number = int(named[1:])
            return self.find(TenantId(number)) if number <= TENANT_NUMBER_MAX else None
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            tenant = self._directory.tenant_named(named)
        return None if tenant is None else self.find(tenant)

    def save(self, record: TenantRecord) -> TenantRecord:
        """Write a changed record and return it with its new version.

        Raises
        ------
        Conflict
            ``tenant_changed``: it has another version by now.
        Unavailable
            It may have been written all the same; read it again.

        """
        model, version = self._profiles, record.version + 1
        row = model(str(TenantId.parse(record.tenant)), keys.PROFILE)
        condition = model.pk.exists() & (
            model.version.does_not_exist()
            if record.version == 0
            else model.version == record.version
        )
        values = _attributes(record) | {"version": version}
        actions = [
            getattr(model, name).remove() if value is None else getattr(model, name).set(value)
            for name, value in values.items()
        ]
        with _unavailable():
            row.update(actions=actions, condition=condition)
        return replace(record, version=version)


def _attributes(record: TenantRecord) -> dict[str, Any]:
    return {
        "state": record.state.value,
        "standstill": None if record.standstill is None else asdict(record.standstill),
        "standstills": record.standstills,
        "sign_in_ends_at_ms": record.sign_in_ends_at_ms,
        "delete_after_ms": record.delete_after_ms,
        "exported_at_ms": record.exported_at_ms,
        "history": [asdict(change) for change in record.history],
    }


def _record(row: _Profile) -> TenantRecord:
    return TenantRecord(
        tenant=row.pk,
        name=row.name,
        shard=row.shard,
        issuer=row.issuer or "",
        state=TenantState(row.state or TenantState.ACTIVE),
        version=row.version or 0,
        standstill=None if row.standstill is None else Standstill(**row.standstill),
        standstills=row.standstills or 0,
        sign_in_ends_at_ms=row.sign_in_ends_at_ms,
        delete_after_ms=row.delete_after_ms,
        exported_at_ms=row.exported_at_ms,
        history=tuple(
            Change(one["at_ms"], TenantState(one["state"]), one["by"], one["reason"])
            for one in row.history or ()
        ),
    )
