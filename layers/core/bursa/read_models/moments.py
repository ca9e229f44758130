"""When each tenant of a shard was concerned by a record last. Pure.

A moment is the time of a record, UTC milliseconds; no two records of a shard have the same
(`worker.sequencer`). Clients compare by it what they get, where the shard's sequence would count
the commands of all its tenants (docs/adr/0073). How far a tenant's rows are is therefore told by
the last moment that was its own: what its neighbours do does not move it.
"""

import struct
from collections.abc import Mapping

from bursa.kernel.identifiers import TenantId

# Number of the tenant, moment.
_ENTRY = struct.Struct("<Hq")
# What holds for each tenant that has no entry, where rows were there before there were moments or
# a record could not be read.
_ALL = 0


def last_moment(stored: bytes, tenant: TenantId) -> int:
    """Return a tenant's last moment; 0 where it has none."""
    known = _read(stored)
    return known.get(tenant.number, known.get(_ALL, 0))


def with_later(stored: bytes, later: Mapping[int, int]) -> bytes:
    """Return the moments of all tenants after those of some, by number."""
    known = {**_read(stored), **later}
    return b"".join(_ENTRY.pack(*entry) for entry in sorted(known.items()))


def any_tenant_at(moment: int) -> bytes:
    """Return what holds where each tenant may have been concerned."""
    return _ENTRY.pack(_ALL, moment)


def _read(stored: bytes) -> dict[int, int]:
    return dict(_ENTRY.iter_unpack(stored))
