"""An archive in a local folder, for tools and tests: the same keys as in the bucket, as paths."""

import os
import shutil
from pathlib import Path

from bursa.journal.archive_objects import ObjectArchive


class FileArchive(ObjectArchive):
    """One shard's archive below a folder."""

    def __init__(self, folder: Path, shard: int) -> None:
        super().__init__(shard)
        self._folder = folder

    def _list(self, prefix: str, after: str = "") -> list[str]:
        parent = prefix.rpartition("/")[0]
        paths = self._folder.joinpath(parent).rglob("[!.]*")
        found = [str(path.relative_to(self._folder)) for path in paths if path.is_file()]
        return sorted(key for key in found if key.startswith(prefix) and key > after)

    def _read(self, key: str) -> bytes:
        return self._folder.joinpath(key).read_bytes()

    def _copy(self, key: str, path: Path) -> None:
        shutil.copyfile(self._folder.joinpath(key), path)

    def _write(self, key: str, data: bytes | Path) -> bool:
        path = self._folder.joinpath(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(data.read_bytes() if isinstance(data, Path) else data)
        try:
            # A link fails where there is one, whoever was first.
            os.link(unfinished, path)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink()
        path.chmod(0o400)
        return True
