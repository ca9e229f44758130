"""The audit on a schedule: finds what was tampered with, goes on where it was, says when not."""

import importlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.aws.clients import s3_client
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_entry import Deed, EntryKind, hash_of
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import AuditLog, Tail
from bursa.journal import archive as archive_module
from bursa.journal import record as record_module
from bursa.journal.archive import ArchiveDiffers, Archiver
from bursa.journal.archive_file import FileArchive
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.audit import BEHIND_MS_MAX, Audit, Audited
from bursa.journal.items import to_item
from bursa.journal.record import EncodedRecord, RecordError
from bursa.journal.replica import Head
from bursa.kernel import keys
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from tests.doubles.exchange import read_event
from tests.doubles.tables import create_tables
from tests.unit.journal.test_archive import SEGMENT, TAMPERED, Journal, ending_behind_it, exchanged
from tests.unit.journal.test_archive import journal as journal  # noqa: PLC0414 - a fixture


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record_module, archive_module):
        monkeypatch.setattr(module, "SEGMENT_SEQUENCES", SEGMENT)
    monkeypatch.setattr(archive_module, "SPAN_SEQUENCES", 7)


class Table:
    """The records of a journal as its reader yields them, and from where it was asked."""

    def __init__(self, records: list[EncodedRecord]) -> None:
        self.records = records
        self.read_from: list[int] = []

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        self.read_from.append(first_sequence)
        for one in self.records:
            if first_sequence <= one.first_sequence <= last_sequence:
                yield one

    def head(self, known_sequence: int = 0) -> Head | None:
        return Head.of(self.records[-1]) if self.records else None


def audit(
    records: list[EncodedRecord], archive: FileArchive, may_go_on: Callable[[], bool] = lambda: True
) -> Audited:
    return Audit(Table(records), archive, lambda: 0, may_go_on).advance()


def test_only_what_is_new_is_compared(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path, 0)
    early = Journal(journal.records[:15])
    Archiver(early, archive).advance(early.head)
    found = audit(early.records, archive)
    assert (found.records, found.last_sequence) == (15, early.head.last_sequence)
    assert archive.audited() == archive.ends()

    Archiver(journal, archive).advance(journal.head)
    table = Table(journal.records)
    found = Audit(table, archive, lambda: 0).advance()
    begun = archive.read_end(early.head.next_sequence // SEGMENT - 1).next_sequence
    assert table.read_from[0] == begun
    assert found.segments == len(archive.ends()) - early.head.next_sequence // SEGMENT
    assert (found.last_sequence, found.is_complete) == (journal.head.last_sequence, True)
    assert archive.audited() == archive.ends()
    assert audit(journal.records, archive).segments == 0


def test_a_long_journal_takes_several_turns(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path, 0)
    Archiver(journal, archive).advance(journal.head)
    turns = [audit(journal.records, archive, lambda: False) for _ in archive.ends()]
    assert [turn.segments for turn in turns] == [1] * len(archive.ends())
    assert not any(turn.is_complete for turn in turns)
    assert audit(journal.records, archive).is_complete


@pytest.mark.parametrize("about", TAMPERED)
@pytest.mark.parametrize("is_first", [True, False], ids=["first audit", "audited before"])
def test_what_was_tampered_with_since_is_found(
    about: str, journal: Journal, tmp_path: Path, *, is_first: bool
) -> None:
    archive = FileArchive(tmp_path, 0)
    if not is_first:
        # Of nothing but the opening: all that is tampered with comes later.
        archive.write_head(Head.of(journal.records[0]))
        audit(journal.records[:1], archive)
    Archiver(journal, archive).advance(journal.head)

    def found() -> tuple[str, ...]:
        """Return what differs; a journal that was cut off, but is the same so far, is told too."""
        try:
            return audit(TAMPERED[about](journal.records), archive).ahead
        except ArchiveDiffers as error:
            return (str(error),)

    assert found()
    assert audit(journal.records, archive).is_complete
    assert audit(journal.records, archive).ahead == ()


def test_a_record_exchanged_behind_the_last_segment_is_found_each_time(
    journal: Journal, tmp_path: Path
) -> None:
    archive = FileArchive(tmp_path, 0)
    Archiver(journal, archive).advance(journal.head)
    audit(journal.records, archive)
    forged = exchanged(-2 % len(journal.records))(journal.records)
    for _ in range(2):
        with pytest.raises(ArchiveDiffers, match="exchanged"):
            audit(forged, archive)


def test_a_segment_that_was_archived_before_its_head_was_published_is_no_difference(
    tmp_path: Path,
) -> None:
    """An archiver that was ended in between leaves a segment behind the newest head."""
    journal, archive = ending_behind_it(), FileArchive(tmp_path, 0)
    archive.write_head(Head.of(journal.records[1]))
    archiver = Archiver(journal, archive)
    archiver._archive_segment(0, Head())
    assert audit(journal.records, archive).is_complete


def test_an_archive_that_stands_still_is_no_current_one(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path, 0)
    early = Journal(journal.records[:15])
    Archiver(early, archive).advance(early.head)
    unpublished_ms = journal.records[15].time_ms
    for late_ms, is_current in ((BEHIND_MS_MAX - 1, True), (BEHIND_MS_MAX, False)):
        clock = partial(int, unpublished_ms + late_ms)
        found = Audit(Table(journal.records), archive, clock).advance()
        assert (found.is_complete, found.is_current) == (True, is_current)


def test_a_journal_of_which_nothing_was_archived_is_none_either(journal: Journal) -> None:
    archive = FileArchive(Path("/nowhere"), 0)
    found = Audit(Table(journal.records), archive, lambda: 1 << 60).advance()
    assert (found.records, found.is_current) == (0, False)
    assert Audit(Table([]), archive, lambda: 1 << 60).advance().is_current


def test_a_record_that_cannot_be_read_is_a_difference(journal: Journal, tmp_path: Path) -> None:
    class Torn(Table):
        def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
            raise RecordError("no record")

    archive = FileArchive(tmp_path, 0)
    Archiver(journal, archive).advance(journal.head)
    with pytest.raises(ArchiveDiffers, match="can't be read"):
        Audit(Torn(journal.records), archive, lambda: 0).advance()


# --- the function ---------------------------------------------------------------------------------


class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "0"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def function(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModuleType, Any, S3Archive]]:
    settings = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "JOURNAL_TABLE": "journal", "ARCHIVE_BUCKET": "archive",
        "SHARDS": "0,1", "AUDIT_TABLE": "audit", "POWERTOOLS_METRICS_NAMESPACE": "Bursa",
        "POWERTOOLS_TRACE_DISABLED": "true", "POWERTOOLS_SERVICE_NAME": "journal_audit",
    }  # fmt: skip
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        create_tables(client, ("journal", "audit"))
        s3: Any = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="archive", ObjectLockEnabledForBucket=True)
        archive = S3Archive(s3, "archive", 0)
        Archiver(journal, archive).advance(journal.head)
        for record in journal.records:
            client.put_item(TableName="journal", Item=to_item(record))
        yield importlib.reload(importlib.import_module("journal_audit.app")), client, archive


def call(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> tuple[Any, dict[str, Any]]:
    """Send the sample event; return the response and the metrics that were written."""
    capsys.readouterr()
    response = function.handler(read_event("journal-audit"), Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    written = [line for line in lines if "_aws" in line and "ColdStart" not in line]
    return response, {name: value for line in written for name, value in line.items()}


def test_the_function_counts_an_audit_of_all_shards(
    function: tuple[ModuleType, Any, S3Archive],
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app, client, archive = function
    response, metrics = call(app, capsys)
    assert response == {"0": True, "1": True}
    assert (metrics["ArchiveVerified"], "ArchiveDiffers" in metrics) == ([1.0], False)
    assert metrics["service"] == "journal_audit"
    assert archive.audited() == archive.ends()

    archive.write_head(Head(1, 1 << 40, 1, 1, b"f" * 32))
    response, metrics = call(app, capsys)
    assert response == {"0": True, "1": True}
    assert (metrics["ArchiveDiffers"], metrics["ArchiveVerified"]) == ([1.0], [1.0])

    last = exchanged(-2 % len(journal.records))(journal.records)[-2]
    client.put_item(TableName="journal", Item=to_item(last))
    response, metrics = call(app, capsys)
    assert response == {"0": False, "1": True}
    assert (metrics["ArchiveDiffers"], "ArchiveVerified" in metrics) == ([1.0], False)


def test_a_shard_that_can_not_be_compared_hides_no_other(
    function: tuple[ModuleType, Any, S3Archive],
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app, client, _ = function
    client.put_item(TableName="journal", Item=to_item(exchanged(30)(journal.records)[30]))

    def broken(_: object) -> Audit:
        raise ConnectionError

    # The broken one comes first.
    monkeypatch.setattr(app, "audits", {1: broken} | {0: vars(app)["audits"][0]})
    response, metrics = call(app, capsys)
    assert response == {"1": False, "0": False}
    assert metrics["ArchiveDiffers"] == [1.0]
    assert "ArchiveVerified" not in metrics


def test_an_audit_log_that_was_written_over_is_counted(
    function: tuple[ModuleType, Any, S3Archive], capsys: pytest.CaptureFixture[str]
) -> None:
    app, client, _ = function
    tenant = TenantId(7)
    log = AuditLog(
        AuditTable("audit"), AuditHeads(s3_client, "archive"), SystemClock(), pytest.fail
    )
    for number in range(3):
        request = f"{number:032x}"
        deed = Deed(request, "alice", "owner", "credit", "user:eve", {}, "why", "", "")
        log.record(tenant, deed, EntryKind.PROPOSAL)
    response, metrics = call(app, capsys)
    assert response == {"0": True, "1": True}
    assert (metrics["ArchiveVerified"], "AuditLogBroken" in metrics) == ([1.0], False)

    key = {"pk": {"S": keys.audit_notes(tenant, "entries")}, "sk": {"S": keys.audit_entry(2)}}
    row = client.get_item(TableName="audit", Key=key)["Item"]
    row["line"]["S"] = row["line"]["S"].replace("alice", "bobby")
    client.put_item(TableName="audit", Item=row)
    _, metrics = call(app, capsys)
    assert metrics["AuditLogBroken"] == [1.0]
    # With its hash it is still not what the next one names.
    row["hash"] = {"S": hash_of(row["line"]["S"])}
    client.put_item(TableName="audit", Item=row)
    assert call(app, capsys)[1]["AuditLogBroken"] == [1.0]


def test_audit_logs_that_can_not_be_read_are_not_said_to_be_verified(
    function: tuple[ModuleType, Any, S3Archive], capsys: pytest.CaptureFixture[str]
) -> None:
    app, client, _ = function
    AuditHeads(s3_client, "archive").publish(TenantId(7), Tail(1, "0" * 64))
    client.delete_table(TableName="audit")
    _, metrics = call(app, capsys)
    assert ("ArchiveVerified" in metrics, "AuditLogBroken" in metrics) == (False, False)
