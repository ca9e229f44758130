"""Restore a shard's journal into a table of its own, and see whether it gives the same exchange.

    make drill-restore                                        the exchange here, from its archive
    make drill-restore STACK=bursa REGION=eu-central-1        a deployment on AWS, from its archive
    make drill-restore STACK=bursa REGION=eu-central-1 ARGS=--from-recovery
                                      from the table's point-in-time recovery, latest moment

What is restored is walked as a chain, replayed by the engine, which compares its events and state
digest with each record, and projected into read models; these and the digest are compared with
those of the journal in use at the same sequence. That journal is only read, and the table of the
drill is deleted at the end unless it is to be kept (--keep).

Ends with 0 when all is equal, 1 when it is not, 2 with one sentence when it could not be done.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table as Sheet

from bursa.journal.archive import ArchiveDiffers
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.dynamodb import DynamoJournal, JournalReader
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.file import read_records
from bursa.journal.record import PART_BYTES_MAX, EncodedRecord, RecordError, split_record
from bursa.journal.replica import Head, JournalBroken, Replica
from bursa.journal.stream import StreamRecord
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from engine.core import Engine
from engine.errors import InvariantViolation
from scripts.client import OUTPUTS, ToolError
from scripts.rebuild import connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FOREVER = (1 << 62) - 1
_RECORDS_PER_STEP = 100
_POLL_S = 5.0

Report = dict[str, Any]


class DrillFailed(Exception):  # noqa: N818 - what it means to the caller
    """Raised with a sentence that says what differs."""


def restore_from_archive(
    archive: S3Archive, target: DynamoJournal, make_table: Callable[[], None]
) -> Head:
    """Write every archived segment into a new table; return the head that it ends with.

    Raises
    ------
    DrillFailed
        Nothing is archived yet, or a segment does not end as the archive says.

    """
    segments = archive.ends()
    if not segments:
        raise DrillFailed(
            "No segment is archived yet (one holds 1,048,576 sequences): what is younger comes "
            "back from the table's point-in-time recovery only."
        )
    if segments != list(range(len(segments))):
        raise DrillFailed("The archive lacks a segment.")
    make_table()
    head = Head()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "segment")
        for segment in segments:
            archive.read_segment(segment, path)
            for record in read_records(path):
                _put(target, record)
                head = Head.of(record)
            if head != archive.read_end(segment):
                raise DrillFailed(f"Segment {segment} of the archive does not end as it says.")
    return head


def _put(target: DynamoJournal, record: EncodedRecord) -> None:
    head, parts = split_record(record, PART_BYTES_MAX)
    for part in parts:
        target.put_part(part)
    target.put(head)


def restore_from_recovery(client: "DynamoDBClient", source: str, target: str) -> None:
    """Have DynamoDB restore a table as it was a moment ago, and wait; takes minutes to hours."""
    client.restore_table_to_point_in_time(
        SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True
    )
    _wait_active(client, target)


def make_table_like(client: "DynamoDBClient", source: str, target: str) -> None:
    """Make an empty table with the keys and the encryption of another."""
    like = client.describe_table(TableName=source)["Table"]
    described = like.get("SSEDescription", {})
    encryption: dict[str, Any] = {}
    if key := described.get("KMSMasterKeyArn"):
        encryption = {
            "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        }
    client.create_table(
        TableName=target,
        KeySchema=like["KeySchema"],
        AttributeDefinitions=like["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
        **encryption,
    )
    _wait_active(client, target)


def _wait_active(client: "DynamoDBClient", table: str) -> None:
    while client.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(_POLL_S)


def replay(journal: JournalReader, last_sequence: int = FOREVER) -> Replica:
    """Apply a journal to an engine, which compares; adds its books up."""
    replica = Replica(Engine(), Head())
    for record in journal.read(1, last_sequence):
        replica.follow(record)
    replica.engine.check()
    return replica


def project(shard: int, journal: JournalReader, last_sequence: int) -> dict[Table, dict[Any, Any]]:
    """Return the rows that a journal gives up to a sequence."""
    memory = MemoryTables(shard)
    bounded = _Bounded(journal, last_sequence)
    projector = Projector(shard, bounded, memory, _raise, rows_per_slice=sys.maxsize)
    records = bounded.read(1, last_sequence)
    while step := list(islice(records, _RECORDS_PER_STEP)):
        projector.project([StreamRecord(str(record.number), record) for record in step])
    return memory.items


class _Bounded:
    """A journal that ends at a sequence."""

    def __init__(self, journal: JournalReader, last_sequence: int) -> None:
        self._journal = journal
        self._last_sequence = last_sequence

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        return self._journal.read(first_sequence, min(last_sequence, self._last_sequence))


def _raise(error: Exception) -> None:
    raise DrillFailed(f"A record can't be projected: {error}")


def compare(shard: int, live: JournalReader, restored: JournalReader) -> Report:
    """Replay and project both, up to where the restored one ends.

    Raises
    ------
    DrillFailed
        With what differs.

    """
    replica = replay(restored)
    at = replica.head.last_sequence
    in_use = live.head()
    if in_use is None or in_use.last_sequence < at:
        raise DrillFailed(f"The journal in use ends before sequence {at}.")
    beside = replay(live, at)
    if beside.head != replica.head:
        raise DrillFailed(f"The records at sequence {at} differ.")
    digests = f"{replica.engine.digest():016x}", f"{beside.engine.digest():016x}"
    if digests[0] != digests[1]:
        raise DrillFailed(f"The state digests at sequence {at} are {digests[0]} and {digests[1]}.")
    rows, expected = project(shard, restored, at), project(shard, live, at)
    differing = [table.value for table in Table if rows[table] != expected[table]]
    if differing:
        raise DrillFailed(f"The rows of {', '.join(differing)} differ.")
    return {
        "restored_to_sequence": at,
        "records": replica.head.number,
        "state_digest": digests[0],
        "read_model_rows": sum(len(rows[table]) for table in Table),
        "in_use_to_sequence": in_use.last_sequence,
        "lost_sequences": in_use.last_sequence - at,
        "lost_from_ms": replica.head.time_ms,
        "lost_to_ms": in_use.time_ms,
    }


def drill(arguments: argparse.Namespace) -> Report:
    """Restore, compare, and clean up."""
    client, variables = connect(arguments)
    try:
        source, bucket = variables["JOURNAL_TABLE"], variables["ARCHIVE_BUCKET"]
    except KeyError as error:
        raise ToolError(f"The stack has no output for {error.args[0]}.") from None
    target = f"{source}-drill-{arguments.shard}"
    if target in client.list_tables(ExclusiveStartTableName=target[:-1])["TableNames"]:
        raise ToolError(f"Table {target} is there from an earlier drill: delete it first.")
    began = time.perf_counter()
    try:
        if arguments.from_recovery:
            restore_from_recovery(client, source, target)
        else:
            archive_client, _ = connect(arguments, "s3")
            restore_from_archive(
                S3Archive(archive_client, bucket, arguments.shard),
                DynamoJournal(client, target, arguments.shard),
                lambda: make_table_like(client, source, target),
            )
        restored_s = time.perf_counter() - began
        report = compare(
            arguments.shard,
            JournalReader(client, source, arguments.shard),
            JournalReader(client, target, arguments.shard),
        )
    finally:
        if not arguments.keep:
            _delete(client, target)
    return {
        "from": "point-in-time recovery" if arguments.from_recovery else "archive",
        **report,
        "restored_s": round(restored_s, 1),
        "compared_s": round(time.perf_counter() - began - restored_s, 1),
        "table": target if arguments.keep else "deleted",
    }


def _delete(client: "DynamoDBClient", table: str) -> None:
    try:
        client.delete_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return


def show(report: Report) -> None:
    """Print the report for a person."""
    sheet = Sheet(show_header=False)
    for name, value in report.items():
        sheet.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)
        )
    Console().print(sheet)
    if report["lost_sequences"]:
        Console().print(
            f"The last {report['lost_sequences']:,} sequences are younger than what was restored: "
            "in a real loss, these would be gone."
        )


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        prog="make drill-restore",
        description=description,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--from-recovery", action="store_true", help="not from the archive: the table's recovery"
    )
    made.add_argument("--keep", action="store_true", help="leave the restored table there")
    made.add_argument("--shard", type=int, default=0, help="its number; 0 if absent")
    made.add_argument("--stack", help="a deployment on AWS; else the exchange here")
    made.add_argument("--region", help="of the deployment")
    made.add_argument("--outputs", type=Path, default=OUTPUTS, help=argparse.SUPPRESS)
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def main(words: list[str] | None = None) -> int:
    """Run it."""
    arguments = parser().parse_args(words)
    console = Console(stderr=True)
    try:
        report = drill(arguments)
    except (DrillFailed, ArchiveDiffers, JournalBroken, RecordError, InvariantViolation) as error:
        console.print(f"The restored journal is not right: {error}", style="red", highlight=False)
        return 1
    except (ToolError, OutcomeUnknown, ClientError, BotoCoreError, OSError) as error:
        console.print(f"drill: {error}", style="red", highlight=False)
        return 2
    if arguments.json:
        print(json.dumps(report))
    else:
        show(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
