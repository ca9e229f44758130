"""Recreate every read model from the journal, and mend what differs in the live tables.

    make rebuild                        compare item by item, and mend
    make rebuild ARGS="--compare"       compare only
    make rebuild ARGS="--stack bursa"   a deployment on AWS

The exchange may keep running. Ends with 0 when live and rebuilt rows are equal, 1 when they
differ (after mending, if it was to mend), 2 with one sentence when it could not be done.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Sheet

from bursa.aws.table_writer import TableWriter
from bursa.journal.dynamodb import JournalReader
from bursa.kernel.settings import (
    JournalSettings,
    ReadModelSettings,
    SettingsError,
    read_settings,
)
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.live_items_dynamodb import LiveItemTables
from bursa.read_models.rebuild import Difference, Rebuild
from bursa.read_models.row_writes import Table
from scripts.client import OUTPUTS, ToolError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHOWN_MAX = 20
_WORD = re.compile(r"(?<!^)(?=[A-Z])")

Json = dict[str, Any]


def connect(arguments: argparse.Namespace, service: str = "dynamodb") -> tuple[Any, dict[str, str]]:
    """Open a service where the exchange runs, and name its tables as the functions know them."""
    make: Any = boto3.client
    if arguments.stack:
        region = arguments.region
        stacks = boto3.client("cloudformation", region_name=region).describe_stacks(
            StackName=arguments.stack
        )["Stacks"]
        outputs = {out["OutputKey"]: out["OutputValue"] for out in stacks[0].get("Outputs", [])}
        return make(service, region_name=region), _variables(outputs)
    try:
        running = json.loads(arguments.outputs.read_text())
    except FileNotFoundError:
        raise ToolError(
            f"No exchange is running here ({arguments.outputs} is missing): `make up`."
        ) from None
    client = make(
        service,
        region_name=running["region"],
        endpoint_url=running["endpoint_url"],
        aws_access_key_id=running["access_key_id"],
        aws_secret_access_key=running["secret_access_key"],
    )
    return client, _variables(running["stack_outputs"])


def _variables(outputs: dict[str, str]) -> dict[str, str]:
    """Turn the stack's outputs into variables: JournalTable into JOURNAL_TABLE."""
    return {_WORD.sub("_", name).upper(): value for name, value in outputs.items()}


def open_rebuild(client: "DynamoDBClient", variables: dict[str, str], shard: int) -> Rebuild:
    """Build the adapters."""
    settings = read_settings(ReadModelSettings, variables)
    table = read_settings(JournalSettings, variables).journal_table
    writer = TableWriter(client)
    live = LiveItemTables(
        client,
        settings,
        shard,
        ReadModelTables(client, settings, shard, writer),
        writer,
    )
    return Rebuild(shard, JournalReader(client, table, shard), live, time.sleep)


def rebuild(
    rebuilt: Rebuild, console: Console, *, target: int, mends: bool
) -> tuple[Sequence[Difference], int]:
    """Project, compare, mend; returns the differences that are left, and how many were mended."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Projecting the journal", total=target or None)
        rebuilt.catch_up(lambda sequence: progress.update(task, completed=sequence))
    with console.status("Comparing with the live tables"):
        differences = rebuilt.differences()
    if not (mends and differences):
        return differences, 0
    with console.status(f"Mending {len(differences)} rows"):
        return rebuilt.mend_until_equal(differences)


def summary(rebuilt: Rebuild, differences: Sequence[Difference], mended: int) -> Json:
    """Return what was found as one JSON object."""
    kinds = Counter(difference.kind for difference in differences)
    return {
        "records": rebuilt.records,
        "sequence": rebuilt.sequence,
        "rows": {table.value: len(rebuilt.memory.items[table]) for table in Table},
        "unprojectable": rebuilt.unprojectable,
        "mended": mended,
        "differences": {kind: kinds[kind] for kind in ("missing", "extra", "different")},
        "first_differences": [
            {
                "kind": difference.kind,
                "table": difference.table.value,
                "key": list(difference.key),
                "fields": difference.fields,
            }
            for difference in differences[:SHOWN_MAX]
        ],
    }


def show(found: Json, console: Console) -> None:
    """Print the summary for a person."""
    sheet = Sheet("table", "rows", title=f"{found['records']} records to {found['sequence']}")
    for table, rows in found["rows"].items():
        sheet.add_row(table, f"{rows:,}")
    console.print(sheet)
    for why in found["unprojectable"]:
        console.print(f"[yellow]{why}[/yellow]")
    for one in found["first_differences"]:
        fields = ", ".join(one["fields"])
        console.print(f"[red]{one['kind']}[/red] {one['table']} {' '.join(one['key'])}: {fields}")
    left = sum(found["differences"].values())
    if found["mended"]:
        console.print(f"Mended {found['mended']:,} rows.")
    console.print(f"{left:,} rows differ." if left else "Live and rebuilt rows are equal.")


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    description, _, _ = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        prog="rebuild",
        description=description,
        epilog=(__doc__ or "")[len(description) :],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--compare", action="store_true", help="change nothing, only compare")
    made.add_argument("--shard", type=int, default=0, help="its number; 0 if absent")
    made.add_argument("--outputs", type=Path, default=OUTPUTS, help="what `make up` wrote")
    made.add_argument("--stack", help="name of a stack on AWS, instead of the local exchange")
    made.add_argument("--region", help="its region, if not the default one")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def main(words: list[str] | None = None) -> int:
    """Run it; 2 with one sentence when it can't."""
    arguments = parser().parse_args(words)
    console = Console(stderr=True)
    try:
        client, variables = connect(arguments)
        rebuilt = open_rebuild(client, variables, arguments.shard)
        differences, mended = rebuild(
            rebuilt, console, target=rebuilt.live_sequence(), mends=not arguments.compare
        )
    except (ToolError, SettingsError, ClientError, BotoCoreError) as error:
        console.print(f"[red]{error}[/red]")
        return 2
    found = summary(rebuilt, differences, mended)
    if arguments.json:
        print(json.dumps(found))
    else:
        show(found, Console())
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
