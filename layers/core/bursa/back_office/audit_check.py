"""Verifies the newest part of each audit log, again and again, by a role that writes none.

A check begins at a published head, which nobody can change, and goes to the end; so its cost does
not grow with a log. What was altered further back is found by `bursa audit verify`, which begins at
the first entry.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from bursa.back_office.audit_chain import ChainReport, verify
from bursa.back_office.audit_entry import GENESIS_HASH, StoredEntry
from bursa.back_office.audit_log import Tail
from bursa.kernel.identifiers import TenantId

# A check covers so many entries at least, where there are.
ENTRIES_MIN: Final = 1_000


class Records(Protocol):
    """The audit logs of tenants; each method raises `Unavailable`."""

    def tail(self, tenant: TenantId) -> Tail:
        """Return the last entry; number 0 of an empty log."""

    def entries(self, tenant: TenantId, after: int) -> Iterator[StoredEntry]:
        """Yield all entries after a number, the oldest first."""


class Heads(Protocol):
    """The published heads; each method raises `Unavailable`."""

    def tenants(self) -> Sequence[TenantId]:
        """Return the tenants that have any."""

    def numbers(self, tenant: TenantId) -> Sequence[int]:
        """Return the numbers of a tenant's heads, in order."""

    def read(self, tenant: TenantId, number: int) -> str:
        """Return the hash of a published head."""


def check(records: Records, heads: Heads, tenant: TenantId) -> ChainReport:
    """Verify the end of a tenant's log, from a published head on."""
    # The heads first: one that is published while the log is read is not missing from it.
    published = heads.numbers(tenant)
    last = records.tail(tenant).number
    start = max((number for number in published if number <= last - ENTRIES_MIN), default=0)
    since = Tail(start, heads.read(tenant, start) if start else GENESIS_HASH)
    hashes = {number: heads.read(tenant, number) for number in published if number > start}
    return verify(tenant, records.entries(tenant, start), hashes, since.number, since.hash)
