"""An archive in a local folder, for tools and tests: the same keys as in the bucket, as paths."""

import os
import shutil
from pathlib import Path

from bursa.journal.archive import decode_head, encode_head
from bursa.journal.replica import Head
from bursa.kernel import keys


class FileArchive:
    """One shard's archive below a folder."""

    def __init__(self, folder: Path, shard: int) -> None:
        self._folder = folder
        self._shard = shard

    def ends(self) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        return self._numbers(keys.archived_ends(self._shard))

    def read_end(self, segment: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return decode_head(self._path(keys.archived_end(self._shard, segment)).read_bytes())

    def write_end(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._write(keys.archived_end(self._shard, segment), encode_head(head))

    def read_segment(self, segment: int, path: Path) -> None:
        """See `bursa.journal.archive.Archive`."""
        shutil.copyfile(self._path(keys.archived_segment(self._shard, segment)), path)

    def has_segment(self, segment: int) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._path(keys.archived_segment(self._shard, segment)).exists()

    def write_segment(self, segment: int, path: Path) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._write(keys.archived_segment(self._shard, segment), path.read_bytes())

    def audited(self) -> list[int]:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._numbers(keys.audited_ends(self._shard))

    def read_audited(self, segment: int) -> Head:
        """See `bursa.journal.audit.AuditedArchive`."""
        return decode_head(self._path(keys.audited_end(self._shard, segment)).read_bytes())

    def write_audited(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._write(keys.audited_end(self._shard, segment), encode_head(head))

    def heads(self, after: int = 0) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        return [at for at in self._numbers(keys.archived_heads(self._shard)) if at > after]

    def read_head(self, sequence: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return decode_head(self._path(keys.archived_head(self._shard, sequence)).read_bytes())

    def write_head(self, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        key = keys.archived_head(self._shard, head.last_sequence)
        return self._write(key, encode_head(head))

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(key)

    def _numbers(self, prefix: str) -> list[int]:
        folder = self._path(prefix)
        return sorted(keys.archived_number(path.name) for path in folder.glob("[0-9]*"))

    def _write(self, key: str, data: bytes) -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(data)
        try:
            # A link fails where there is one, whoever was first.
            os.link(unfinished, path)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink()
        path.chmod(0o400)
        return True
