"""Rows as Parquet files, and questions about them, by DuckDB.

A file has the rows of one table, tenant and day, and of one market or asset:
``trades/tenant=t1/day=2026-12-01/market=BTC-USDT/0-000000000000.parquet``. Athena finds tenant and
day by the path (docs/lake.md); the columns are in the file, too.
"""

import csv
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from bursa.lake.rows import GROUPED_BY, TABLES, LakeRow, columns

# Within a function's memory; what does not fit goes to its disk.
_MEMORY: Final = "1GB"
_TABLE_OF: Final = {kind: name for name, kind in TABLES.items()}


def write_parquet(folder: Path, name: str, rows: Iterable[LakeRow]) -> int:
    """Write rows into new files of a folder; return how many there are.

    Equal rows give files of equal names.
    """
    with tempfile.TemporaryDirectory() as place:
        count = _write_rows(Path(place), rows)
        # One thread: then a file's name says all of what is in it.
        with duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY}) as connection:
            connection.execute(f"SET temp_directory = '{place}/spill'")
            for table in TABLES:
                _convert(connection, Path(place), table)
        for file in sorted(Path(place).rglob("*.parquet")):
            # data_0, and more of them only where there are very many partitions.
            part = file.stem.rpartition("_")[2]
            named = name if part == "0" else f"{name}-{part}"
            target = folder / file.relative_to(place).parent / f"{named}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)
    return count


def _write_rows(place: Path, rows: Iterable[LakeRow]) -> int:
    count = 0
    with ExitStack() as stack:
        writers = {}
        for table in TABLES:
            file = stack.enter_context((place / f"{table}.csv").open("w", newline=""))
            writers[table] = csv.writer(file)
        for row in rows:
            writers[_TABLE_OF[type(row)]].writerow(row)
            count += 1
    return count


def _convert(connection: duckdb.DuckDBPyConnection, place: Path, table: str) -> None:
    source = place / f"{table}.csv"
    if not source.stat().st_size:
        return
    group = GROUPED_BY[table]
    connection.execute(  # every word of it is ours
        f"COPY (SELECT * FROM read_csv('{source}', header = false, auto_detect = false, "  # noqa: S608
        f"delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', columns = {columns(table)}) "
        f"ORDER BY tenant, day, {group}, sequence) TO '{place / table}' (FORMAT parquet, "
        f"COMPRESSION zstd, PARTITION_BY (tenant, day, {group}), WRITE_PARTITION_COLUMNS true)"
    )


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the Parquet files of a folder, by name."""
    yield from sorted(folder.rglob("*.parquet"))


def ask(folder: Path, sql: str, parameters: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a question to the files of a folder, as Athena would.

    Raises
    ------
    duckdb.Error
        The question can't be understood.

    """
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(_view(folder, table))
        cursor = connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(_whole, row), strict=True)) for row in cursor.fetchall()]


def _whole(value: object) -> object:
    """Return a sum of whole units, which is a decimal, as a whole number."""
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


def _view(folder: Path, table: str) -> str:
    if any((folder / table).rglob("*.parquet")):
        return (
            f"CREATE VIEW {table} AS SELECT * FROM "  # noqa: S608 - of our own words
            f"read_parquet('{folder}/{table}/**/*.parquet', hive_partitioning = false)"
        )
    fields = ", ".join(f"{name} {kind}" for name, kind in columns(table).items())
    return f"CREATE TABLE {table} ({fields})"
