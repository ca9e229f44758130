"""A shard's part of the lake in a local folder, for tools and tests; keys are the bucket's."""

from collections.abc import Iterable
from pathlib import Path

from bursa.lake.ingestion import Position
from bursa.lake.parquet_duckdb import write_parquet
from bursa.lake.position_format import decode_position, encode_position
from bursa.lake.rows import LakeRow


class FolderLake:
    """One shard's part."""

    def __init__(self, folder: Path, shard: int) -> None:
        self._folder = folder
        self._shard = shard
        self._position = folder / "positions" / f"{shard}.json"

    def position(self) -> Position:
        """Read how far it is."""
        return decode_position(self._position.read_bytes() if self._position.exists() else None)

    def write(self, name: str, rows: Iterable[LakeRow]) -> int:
        """Replace the files of one name by these rows; return how many there are."""
        return write_parquet(self._folder, f"{self._shard}-{name}", rows)

    def advance(self, position: Position) -> None:
        """Write how far it is, after the files."""
        self._position.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._position.with_suffix(".new")
        unfinished.write_bytes(encode_position(position))
        unfinished.replace(self._position)
