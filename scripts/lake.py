"""Ask all of the exchange's history: the archive's closed segments as Parquet, and SQL.

    make lake                                        the questions that have a name
    make lake QUERY=daily-volume                     of the first tenant, of all days
    make lake QUERY=daily-fees ARGS="--tenant t2 --from 2026-12-01 --to 2026-12-31 --json"
    make lake QUERY="SELECT market, COUNT(*) FROM trades GROUP BY market"
    make lake QUERY=balances ARGS="--stack bursa"    a deployment on AWS

It keeps a lake of its own below .local/lake, which it adds to: each closed segment once, and what
is in no closed segment yet, from the journal, anew each time (not with --closed-only). Units are
the ledger's.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from bursa.journal.archive import ArchiveDiffers
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.archived_segments import ArchivedSegments
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import EncodedRecord, RecordError
from bursa.kernel.settings import SettingsError
from bursa.lake.folder_duckdb import FolderLake
from bursa.lake.ingestion import Ingestion, rows_in
from bursa.lake.parquet_duckdb import ask, files_in
from bursa.lake.queries import QUERIES
from bursa.lake.rows import TABLES
from scripts.client import OUTPUTS, ToolError
from scripts.rebuild import connect

OPEN = "open"
Rows = list[dict[str, Any]]


def day(text: str) -> str:
    """Return a day as the lake has it; raises for what is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day: write 2026-12-31.") from None


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="make lake", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    made.add_argument("query", nargs="?", default="", help="the name of a question, or SQL")
    made.add_argument("--tenant", default="t1", help="whose; t1 unless it is said")
    days: dict[str, Any] = {"type": day, "metavar": "YYYY-MM-DD"}
    made.add_argument("--from", dest="first", default="1970-01-01", **days, help="first day, UTC")
    made.add_argument("--to", dest="last", default="9999-12-31", **days, help="last day, UTC")
    made.add_argument("--closed-only", action="store_true", help="the archive alone")
    made.add_argument("--shard", type=int, default=0)
    made.add_argument("--stack", default="", help="a deployment on AWS")
    made.add_argument("--region", default=None)
    made.add_argument("--outputs", type=Path, default=OUTPUTS, help=argparse.SUPPRESS)
    made.add_argument("--folder", type=Path, default=Path(".local/lake"))
    made.add_argument("--json", action="store_true", help="for programs")
    return made


def fill(arguments: argparse.Namespace, folder: Path) -> dict[str, int]:
    """Bring the local lake up to date; return how much was added."""
    s3, variables = connect(arguments, "s3")
    archive = S3Archive(s3, variables["ARCHIVE_BUCKET"], arguments.shard)
    lake = FolderLake(folder, arguments.shard)
    done = Ingestion(ArchivedSegments(archive), lake).advance()
    # What was open may be closed by now: then it would be there twice.
    for file in files_in(folder):
        if file.stem.startswith(f"{arguments.shard}-{OPEN}"):
            file.unlink()
    added = 0
    position = lake.position()
    if not arguments.closed_only:
        journal = DynamoJournal(connect(arguments)[0], variables["JOURNAL_TABLE"], arguments.shard)
        records = open_records(journal, position.end.next_sequence)
        added = lake.write(OPEN, rows_in(records, position.names))
    return {"segments": position.segments, "segments_added": done.segments, "open_rows": added}


def open_records(journal: DynamoJournal, first_sequence: int) -> Iterator[EncodedRecord]:
    """Yield the records from a sequence on."""
    while records := journal.read(first_sequence):
        yield from records
        first_sequence = records[-1].last_sequence + 1


def result_of(arguments: argparse.Namespace, folder: Path) -> Rows:
    """Return the rows of what was asked; raises `ToolError` for what is no question."""
    named = QUERIES.get(arguments.query)
    if named is not None:
        return ask(folder, named.sql, [arguments.tenant, arguments.first, arguments.last])
    if " " not in arguments.query:
        names = ", ".join(QUERIES)
        raise ToolError(f"There is no question {arguments.query}: take {names}, or SQL.")
    try:
        return ask(folder, arguments.query, [])
    except duckdb.Error as error:
        raise ToolError(f"{error} The tables are {', '.join(TABLES)}.") from None


def show_names(console: Console) -> None:
    """Show the questions that have a name."""
    table = Table("QUERY", "what it tells", title="Questions to the lake")
    for name, query in QUERIES.items():
        table.add_row(name, query.what)
    console.print(table)


def show(rows: Rows, added: dict[str, int], console: Console) -> None:
    """Show rows as a table."""
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    console.print(
        f"{added['segments']} closed segments, {added['segments_added']} of them added now, and "
        f"{added['open_rows']} rows that are in none yet."
    )


def main(words: list[str] | None = None) -> int:
    """Run it; 2 with one sentence when it can't."""
    arguments = parser().parse_args(words)
    console = Console(stderr=True)
    if not arguments.query:
        show_names(Console())
        return 0
    folder = arguments.folder / (arguments.stack or "local")
    try:
        added = fill(arguments, folder)
        rows = result_of(arguments, folder)
    except ArchiveDiffers as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except (ToolError, SettingsError, RecordError, ClientError, BotoCoreError) as error:
        console.print(f"[red]{error}[/red]")
        return 2
    if arguments.json:
        print(json.dumps({"rows": rows, **added}, default=str))
    else:
        show(rows, added, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
