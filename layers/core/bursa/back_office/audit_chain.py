"""Whether an audit log is whole: the first link that is broken, if any.

The chain by itself shows every change, removal, insertion and change of order, but not that its end
was cut off, nor that all from some entry on was written anew. Heads that were published where
nobody can change them show both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bursa.back_office.audit_entry import GENESIS_HASH, EntryKind, StoredEntry, hash_of, parsed
from bursa.kernel.identifiers import TenantId


class Fault(StrEnum):
    """What can be wrong with an entry."""

    # The entry that should be here is not; the next one is another.
    MISSING = "missing"
    # Its line is not what was hashed.
    ALTERED = "altered"
    # It does not follow from the entry before it.
    UNLINKED = "unlinked"
    # Its line is no entry, or another tenant's.
    FOREIGN = "foreign"
    # It is not the entry that was published under its number.
    REPLACED = "replaced"
    # It was published, and the log ends before it.
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification has found.

    Attributes
    ----------
    entries
        How many entries are whole, from the first one on.
    head
        The hash of the last of them.
    fault, number
        What is wrong first, and with which entry; None and 0 for a log that is whole.
    unfinished
        Requests with an intent and no outcome: what became of them is not known here.

    """

    entries: int
    head: str
    fault: Fault | None = None
    number: int = 0
    unfinished: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is wrong."""
        return self.fault is None


def verify(
    tenant: TenantId,
    entries: Iterable[StoredEntry],
    heads: Mapping[int, str],
    number: int = 0,
    head: str = GENESIS_HASH,
) -> ChainReport:
    """Verify a tenant's log against itself and against heads, hashes by number.

    Parameters
    ----------
    entries
        By number; those of a table, or of an export.
    number, head
        The entry before the first of them, whose hash is known; none for the beginning.

    """
    open_requests: dict[str, None] = {}
    for entry in entries:
        number += 1
        fault = _fault(tenant, entry, number, head)
        if fault is None and heads.get(number, entry.hash) != entry.hash:
            fault = Fault.REPLACED
        if fault is not None:
            return ChainReport(number - 1, head, fault, number)
        head = entry.hash
        _follow(parsed(entry.line), open_requests)
    beyond = [published for published in heads if published > number]
    if beyond:
        return ChainReport(number, head, Fault.CUT_OFF, min(beyond))
    return ChainReport(number, head, unfinished=tuple(open_requests))


def _fault(tenant: TenantId, entry: StoredEntry, number: int, previous: str) -> Fault | None:
    if entry.number != number:
        return Fault.MISSING
    if hash_of(entry.line) != entry.hash:
        return Fault.ALTERED
    try:
        fields = parsed(entry.line)
    except ValueError:
        return Fault.FOREIGN
    if fields.get("tenant") != str(tenant) or fields.get("number") != number:
        return Fault.FOREIGN
    return None if fields.get("previous") == previous else Fault.UNLINKED


def _follow(fields: Mapping[str, object], open_requests: dict[str, None]) -> None:
    request = str(fields.get("request"))
    if fields.get("kind") == EntryKind.INTENT:
        open_requests[request] = None
    elif fields.get("kind") == EntryKind.OUTCOME:
        open_requests.pop(request, None)
