"""Restore a shard's journal into a table of its own, and see whether it gives the same exchange.

    make drill-restore                                        the exchange here, from its archive
    make drill-restore STACK=bursa REGION=eu-central-1        a deployment on AWS, from its archive
    make drill-restore STACK=bursa REGION=eu-central-1 ARGS=--from-recovery
                                      from the table's point-in-time recovery, latest moment
    make drill-restore STACK=bursa REGION=eu-central-1 ARGS="--into bursa-two"
                                      into the tables of another stack, where they stay

What is restored is walked as a chain, replayed by the engine, which compares its events and state
digest with each record, and projected into read models; these and the digest are compared with
those of the journal in use at the same sequence. That journal is only read, and the table of the
drill is deleted at the end unless it is to be kept (--keep). Into another stack, whose worker must
never have led, the journal is put as it is; from the recovery also what people changed (directory,
identity and the logs of back offices; the cases of KYC with --with-cases). Its projector then fills
the read models, or `make rebuild` does.

Ends with 0 when all is equal, 1 when it is not, 2 with one sentence when it could not be done.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, takewhile
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
from bursa.journal.record import EncodedRecord, RecordError
from bursa.journal.replica import Head, JournalBroken, Replica
from bursa.journal.stream import StreamRecord
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from engine.core import Engine
from engine.errors import InvariantViolation
from scripts.client import OUTPUTS, ToolError
from scripts.drill_tables import Occupied, copy_items, put_record
from scripts.rebuild import connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FOREVER = (1 << 62) - 1
# What people change, beside the journal (kernel/keys.py); everything else follows from it.
EDITED_TABLES = ("DIRECTORY_TABLE", "IDENTITY_TABLE", "AUDIT_TABLE")
# Its stream begins what is undecided, and tells users: not meant in a drill.
CASES_TABLE = "COMPLIANCE_TABLE"
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
    ends = archive.ends()
    # What is beyond a gap, or an end without records, is none of the archive's own.
    whole = set(ends) & set(archive.segments())
    segments = list(takewhile(whole.__contains__, range(len(ends))))
    if not ends:
        raise DrillFailed(
            "No segment is archived yet (one holds 1,048,576 sequences): what is younger comes "
            "back from the table's point-in-time recovery only."
        )
    if not segments:
        raise DrillFailed("The archive lacks its first segment.")
    make_table()
    head = Head()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "segment")
        for segment in segments:
            archive.read_segment(segment, path)
            for record in read_records(path):
                put_record(target, record)
                head = Head.of(record)
            if head != archive.read_end(segment):
                raise DrillFailed(f"Segment {segment} of the archive does not end as it says.")
    return head


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
    if arguments.restored:
        return drill_restored(arguments)
    client, variables = connect(arguments)
    source, bucket = _named(variables, "JOURNAL_TABLE"), _named(variables, "ARCHIVE_BUCKET")
    if arguments.into or arguments.into_outputs:
        return drill_into(arguments, client, variables)
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
        "from": _origin(arguments),
        **report,
        "restored_s": round(restored_s, 1),
        "compared_s": round(time.perf_counter() - began - restored_s, 1),
        "table": target if arguments.keep else "deleted",
    }


def drill_into(
    arguments: argparse.Namespace, client: "DynamoDBClient", variables: dict[str, str]
) -> Report:
    """Restore into the tables of another stack, and compare; what was restored stays there."""
    there, others = _connect_other(arguments)
    shard, source, target = (
        arguments.shard, _named(variables, "JOURNAL_TABLE"), _named(others, "JOURNAL_TABLE"),
    )  # fmt: skip
    if (source, client.meta.region_name) == (target, there.meta.region_name):
        raise ToolError("That is the very stack that is to be restored.")
    began = time.perf_counter()
    journal, copied = DynamoJournal(there, target, shard), {}
    if arguments.from_recovery:
        with _recovered(client, source, keep=arguments.keep) as recovered:
            for record in JournalReader(client, recovered, shard).read(1, FOREVER):
                put_record(journal, record)
        for name in _edited(arguments):
            table = _named(variables, name)
            with _recovered(client, table, keep=arguments.keep) as recovered:
                copied[name.lower()] = _copy(name, client, recovered, there, others)
    else:
        archive_client, _ = connect(arguments, "s3")
        bucket = _named(variables, "ARCHIVE_BUCKET")
        restore_from_archive(S3Archive(archive_client, bucket, shard), journal, lambda: None)
    restored_s = time.perf_counter() - began
    return {
        "from": _origin(arguments),
        "into": arguments.into or target,
        **compare(shard, JournalReader(client, source, shard), JournalReader(there, target, shard)),
        **copied,
        "restored_s": round(restored_s, 1),
        "compared_s": round(time.perf_counter() - began - restored_s, 1),
    }


def drill_restored(arguments: argparse.Namespace) -> Report:
    """Fill another stack from tables that AWS Backup has restored; nothing is left to compare with.

    The replay compares the engine's events and digest with each record.
    """
    there, others = _connect_other(arguments)
    if not arguments.stack:
        raise ToolError("Name the stack that was lost, as the restored tables begin: STACK=….")
    began = time.perf_counter()
    shard, target = arguments.shard, _named(others, "JOURNAL_TABLE")
    restored = JournalReader(there, _restored(arguments, "JOURNAL_TABLE"), shard)
    journal = DynamoJournal(there, target, shard)
    for record in restored.read(1, FOREVER):
        put_record(journal, record)
    copied = {
        name.lower(): _copy(name, there, _restored(arguments, name), there, others)
        for name in _edited(arguments)
    }
    replica = replay(JournalReader(there, target, shard))
    return {
        "from": "restored backups",
        "into": arguments.into or target,
        "restored_to_sequence": replica.head.last_sequence,
        "restored_to_ms": replica.head.time_ms,
        "records": replica.head.number,
        "state_digest": f"{replica.engine.digest():016x}",
        **copied,
        "restored_s": round(time.perf_counter() - began, 1),
    }


def _edited(arguments: argparse.Namespace) -> tuple[str, ...]:
    return (*EDITED_TABLES, CASES_TABLE) if arguments.with_cases else EDITED_TABLES


def _copy(
    name: str,
    client: "DynamoDBClient",
    source: str,
    there: "DynamoDBClient",
    others: dict[str, str],
) -> Report:
    goes_on = name == CASES_TABLE
    return copy_items(client, source, there, _named(others, name), goes_on=goes_on)._asdict()


def _restored(arguments: argparse.Namespace, name: str) -> str:
    return f"{arguments.stack}-restored-{name.removesuffix('_TABLE').lower()}"


def _connect_other(arguments: argparse.Namespace) -> tuple["DynamoDBClient", dict[str, str]]:
    if not (arguments.into or arguments.into_outputs):
        raise ToolError("Name the stack that is to get what was restored: --into.")
    return connect(
        argparse.Namespace(
            stack=arguments.into,
            region=arguments.into_region or arguments.region,
            outputs=arguments.into_outputs,
        )
    )


@contextmanager
def _recovered(client: "DynamoDBClient", table: str, *, keep: bool) -> Iterator[str]:
    """Have DynamoDB restore a table beside it for a while."""
    name = f"{table}-drill"
    try:
        restore_from_recovery(client, table, name)
        yield name
    finally:
        if not keep:
            _delete(client, name)


def _origin(arguments: argparse.Namespace) -> str:
    return "point-in-time recovery" if arguments.from_recovery else "archive"


def _named(variables: dict[str, str], name: str) -> str:
    try:
        return variables[name]
    except KeyError:
        raise ToolError(f"The stack has no output for {name}.") from None


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
    if report.get("lost_sequences"):
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
    made.add_argument(
        "--restored",
        action="store_true",
        help="with --into: from the tables <stack>-restored-journal, -directory, -identity, -audit",
    )
    made.add_argument(
        "--with-cases",
        action="store_true",
        help="with --into: the cases of KYC as well (-compliance); undecided ones go on there, and "
        "users are told again",
    )
    made.add_argument("--into", metavar="STACK", help="restore into this stack's tables, to stay")
    made.add_argument("--into-region", help="of that stack; as the first one's if absent")
    made.add_argument("--into-outputs", type=Path, help=argparse.SUPPRESS)
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
    except (
        DrillFailed,
        Occupied,
        ArchiveDiffers,
        JournalBroken,
        RecordError,
        InvariantViolation,
    ) as error:
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
