"""An audit table in memory, and heads that can be read back."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from bursa.back_office.audit_entry import GENESIS_HASH, StoredEntry
from bursa.back_office.audit_log import Note, NoteExists, SlotTaken, Tail
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId


class MemoryRecords:
    """Keeps entries and notes, each once."""

    def __init__(self) -> None:
        self.logs: dict[str, list[StoredEntry]] = {}
        self.shelves: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
        self._lock = threading.Lock()

    def tail(self, tenant: TenantId) -> Tail:
        log = self.logs.get(str(tenant), [])
        return Tail(log[-1].number, log[-1].hash) if log else Tail(0, GENESIS_HASH)

    def append(self, tenant: TenantId, entry: StoredEntry, notes: Sequence[Note]) -> None:
        with self._lock:
            log = self.logs.setdefault(str(tenant), [])
            shelves = [self.shelves.setdefault((str(tenant), one.shelf), {}) for one in notes]
            if any(one.name in shelf for one, shelf in zip(notes, shelves, strict=True)):
                raise NoteExists
            if entry.number <= len(log):
                raise SlotTaken
            log.append(entry)
            for one, shelf in zip(notes, shelves, strict=True):
                shelf[one.name] = one.content

    def note(self, tenant: TenantId, shelf: str, name: str) -> Mapping[str, Any] | None:
        return self.shelves.get((str(tenant), shelf), {}).get(name)

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        found = self.shelves.get((str(tenant), shelf), {}).items()
        rows = sorted((row for row in found if row[0].startswith(prefix)), reverse=True)
        return rows[:limit]

    def latest(self, tenant: TenantId, before: int, limit: int) -> Sequence[StoredEntry]:
        log = self.logs.get(str(tenant), [])
        return [one for one in reversed(log) if not before or one.number < before][:limit]


class MemoryHeads:
    """Keeps what is published, once; `is_away` makes it fail."""

    def __init__(self) -> None:
        self.published: dict[str, dict[int, str]] = {}
        self.is_away = False

    def publish(self, tenant: TenantId, head: Tail) -> None:
        if self.is_away:
            raise Unavailable("head_unpublished", "…")
        self.published.setdefault(str(tenant), {}).setdefault(head.number, head.hash)
