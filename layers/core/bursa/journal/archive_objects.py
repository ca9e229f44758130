"""The archive as objects under keys, wherever they lie: which one is the archive's own for what.

Whoever has the worker's rights can write an object before its time, and the lock keeps it. So an
object can be disowned: another one, in a place where the worker can't write, says that it is forged
(`bursa.journal.disownment`). What it stood for is from then on under its key with ``~1``, and, were
that to be disowned too, with ``~2``. Nothing is ever changed or deleted for that.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from bursa.journal.archive import decode_head, encode_head
from bursa.journal.replica import Head
from bursa.kernel import keys, object_keys

_KEPT = (object_keys.archived_segments, object_keys.archived_ends, object_keys.archived_heads)


class ObjectNames:
    """Which objects are the archive's own, given what was disowned."""

    def __init__(self, disowned: Iterable[str] = ()) -> None:
        self.disowned = frozenset(disowned)

    def own(self, key: str) -> str:
        """Return the key under which an object is, if it isn't under its plain one any more."""
        times = 0
        while object_keys.archived_again(key, times) in self.disowned:
            times += 1
        return object_keys.archived_again(key, times)

    def number(self, prefix: str, key: str) -> int | None:
        """Return the number of an object that is the archive's own; None for another."""
        number = object_keys.archived_number(prefix, key)
        return number if self.own(key.partition("~")[0]) == key else None


class ObjectArchive(ABC):
    """One shard's archive; see `bursa.journal.archive.Archive` and `.audit.AuditedArchive`.

    What is disowned is read with each listing, and before the first object.
    """

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._names: ObjectNames | None = None

    def ends(self) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        return self._numbers(object_keys.archived_ends(self._shard))

    def read_end(self, segment: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return decode_head(self._read(self._own(object_keys.archived_end(self._shard, segment))))

    def write_end(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._write(
            self._own(object_keys.archived_end(self._shard, segment)), encode_head(head)
        )

    def segments(self) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        return self._numbers(object_keys.archived_segments(self._shard))

    def read_segment(self, segment: int, path: Path) -> None:
        """See `bursa.journal.archive.Archive`."""
        self._copy(self._own(object_keys.archived_segment(self._shard, segment)), path)

    def has_segment(self, segment: int) -> bool:
        """See `bursa.journal.archive.Archive`."""
        own = self._own(object_keys.archived_segment(self._shard, segment))
        return own in self._list(own)

    def write_segment(self, segment: int, path: Path) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._write(self._own(object_keys.archived_segment(self._shard, segment)), path)

    def heads(self, after: int = 0) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        prefix = object_keys.archived_heads(self._shard)
        found = self._numbers(prefix, object_keys.archived_head(self._shard, after))
        return [sequence for sequence in found if sequence > after]

    def read_head(self, sequence: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return decode_head(self._read(self._own(object_keys.archived_head(self._shard, sequence))))

    def write_head(self, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        key = object_keys.archived_head(self._shard, head.last_sequence)
        return self._write(self._own(key), encode_head(head))

    def strangers(self, after: int = 0) -> list[str]:
        """See `bursa.journal.archive.Archive`."""
        names, heads = self._read_names(), object_keys.archived_head(self._shard, after)
        return [
            key
            for kept in _KEPT
            for key in self._list(
                kept(self._shard), heads if kept is object_keys.archived_heads else ""
            )
            if key not in names.disowned and names.number(kept(self._shard), key) is None
        ]

    def disowned(self) -> list[str]:
        """Return the keys of the objects that were disowned."""
        return sorted(self._read_names().disowned)

    def find(self, name: str) -> str | None:
        """Return the key of what is in the archive under a name, as ``heads/17``; None if nothing.

        A number may lack its zeros, and is then of the archive's own object.
        """
        key = object_keys.archive(self._shard) + name
        prefix = next((one for kept in _KEPT if key.startswith(one := kept(self._shard))), None)
        if prefix is None:
            return None
        number = key.removeprefix(prefix)
        if number.isascii() and number.isdigit():
            key = self._read_names().own(prefix + number.zfill(keys.SEQUENCE_DIGITS))
        return key if key in self._list(key) else None

    def copy(self, key: str, path: Path) -> None:
        """Copy an object into a file."""
        self._copy(key, path)

    def disown(self, key: str, statement: bytes) -> bool:
        """Write a disownment; returns whether it was the first of this object."""
        self._names = None
        return self._write(object_keys.disownment(self._shard, key), statement)

    def audited(self) -> list[int]:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._numbers(object_keys.audited_ends(self._shard))

    def read_audited(self, segment: int) -> Head:
        """See `bursa.journal.audit.AuditedArchive`."""
        return decode_head(self._read(object_keys.audited_end(self._shard, segment)))

    def write_audited(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._write(object_keys.audited_end(self._shard, segment), encode_head(head))

    def _numbers(self, prefix: str, after: str = "") -> list[int]:
        names = self._read_names()
        found = (names.number(prefix, key) for key in self._list(prefix, after))
        return sorted(number for number in found if number is not None)

    def _own(self, key: str) -> str:
        return (self._names or self._read_names()).own(key)

    def _read_names(self) -> ObjectNames:
        found = self._list(object_keys.disownments(self._shard))
        self._names = ObjectNames(object_keys.disowned(self._shard, key) for key in found)
        return self._names

    @abstractmethod
    def _list(self, prefix: str, after: str = "") -> list[str]:
        """Return the keys that begin so, those behind a key only."""

    @abstractmethod
    def _read(self, key: str) -> bytes:
        """Return an object."""

    @abstractmethod
    def _copy(self, key: str, path: Path) -> None:
        """Copy an object into a file."""

    @abstractmethod
    def _write(self, key: str, data: bytes | Path) -> bool:
        """Write an object, or a file, unless there is one; return whether it was the first to."""
