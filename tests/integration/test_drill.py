"""A restore drill: on the emulator from the archive, and against moto from the table's recovery."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from benchmarks.rig import Rig
from bursa.journal import archive as archive_module
from bursa.journal import record as record_module
from bursa.journal.archive import Archiver
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.dynamodb import DynamoJournal, JournalReader
from bursa.journal.replica import Head
from scripts import drill
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell
from tests.doubles.tables import create_tables

SEGMENT = 64
PRICE = 23_512


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record_module, archive_module):
        monkeypatch.setattr(module, "SEGMENT_SEQUENCES", SEGMENT)


@pytest.fixture
def traded() -> Shard:
    """Return a shard whose journal has two closed segments and some more."""
    shard = Shard()
    for number in range(30):
        shard.run(
            buy(ALICE, PRICE - number % 5, 10 + number),
            sell(BOB, PRICE - number % 3, 5 + number),
            sell(BOB, PRICE + number, 10),
            buy(ALICE, PRICE - 9, 7),
        )
    return shard


def fill(client: Any, shard: Shard) -> DynamoJournal:
    journal = DynamoJournal(client, "journal", 0)
    for record in shard.records:
        journal.put(record)
    return journal


@pytest.fixture
def outputs(traded: Shard, tmp_path: Path) -> Iterator[Path]:
    """Archive the journal on the emulator; yield what the tool reads of a running exchange."""
    with Rig() as rig:
        journal = fill(rig.client("dynamodb"), traded)
        archive = S3Archive(rig.client("s3"), "archive", 0)
        done = Archiver(journal, archive).advance(Head.of(traded.records[-1]))
        assert done.segments >= 1
        environment = rig.environment()
        path = tmp_path / "outputs.json"
        running = {
            "region": environment["AWS_DEFAULT_REGION"],
            "endpoint_url": rig.endpoint,
            "access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
            "stack_outputs": {"JournalTable": "journal", "ArchiveBucket": "archive"},
        }
        path.write_text(json.dumps(running))
        yield path


def test_a_drill_restores_the_archive_and_says_what_is_younger(
    outputs: Path, traded: Shard, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--outputs", str(outputs), "--json"]
    assert drill.main(words) == 0
    report = json.loads(capsys.readouterr().out)
    head = traded.records[-1].last_sequence
    assert report["from"] == "archive"
    assert report["in_use_to_sequence"] == head
    assert report["lost_sequences"] == head - report["restored_to_sequence"]
    assert 0 < report["lost_sequences"] < SEGMENT + 5
    assert report["read_model_rows"] > 30
    assert report["table"] == "deleted"

    # The table is gone, so a second drill finds the same; and a person gets a table.
    assert drill.main(words[:-1]) == 0
    assert "would be gone" in " ".join(capsys.readouterr().out.split())


def test_what_differs_from_the_journal_in_use_fails_the_drill(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = json.loads(outputs.read_text())
    client: Any = boto3.client(
        "dynamodb",
        region_name=running["region"],
        endpoint_url=running["endpoint_url"],
        aws_access_key_id=running["access_key_id"],
        aws_secret_access_key=running["secret_access_key"],
    )
    first = client.scan(TableName="journal")["Items"][0]
    client.delete_item(TableName="journal", Key={"pk": first["pk"], "sk": first["sk"]})
    assert drill.main(["--outputs", str(outputs)]) == 1
    assert "not right" in " ".join(capsys.readouterr().err.split())


def test_the_tables_recovery_gives_the_whole_journal(
    traded: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        create_tables(client, ("journal",))
        fill(client, traded)
        client.update_continuous_backups(
            TableName="journal",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
        drill.restore_from_recovery(client, "journal", "journal-drill-0")
        report = drill.compare(
            0, JournalReader(client, "journal", 0), JournalReader(client, "journal-drill-0", 0)
        )
    assert report["lost_sequences"] == 0
    assert report["restored_to_sequence"] == traded.records[-1].last_sequence


def outputs_of(path: Path, like: Path, **stack_outputs: str) -> Path:
    """Write the outputs of another stack beside those of one that runs."""
    running = json.loads(like.read_text())
    path.write_text(json.dumps(running | {"stack_outputs": stack_outputs}))
    return path


def client_of(outputs: Path) -> Any:
    running = json.loads(outputs.read_text())
    make: Any = boto3.client
    return make(
        "dynamodb",
        region_name=running["region"],
        endpoint_url=running["endpoint_url"],
        aws_access_key_id=running["access_key_id"],
        aws_secret_access_key=running["secret_access_key"],
    )


def test_the_archive_is_restored_into_another_stacks_journal_and_stays(
    outputs: Path, tmp_path: Path, traded: Shard, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_of(outputs)
    drill.make_table_like(client, "journal", "journal-two")
    other = outputs_of(tmp_path / "two.json", outputs, JournalTable="journal-two")
    words = ["--outputs", str(outputs), "--into-outputs", str(other), "--json"]
    assert drill.main(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["from"], report["into"]) == ("archive", "journal-two")
    there = JournalReader(client, "journal-two", 0)
    restored = list(there.read(1, drill.FOREVER))
    assert restored == traded.records[: len(restored)]
    assert report["restored_to_sequence"] == restored[-1].last_sequence
    assert report["state_digest"] == f"{restored[-1].state_digest:016x}"

    # One that was broken off is begun again; what another has written is never put over.
    assert drill.main(words) == 0
    first = client.query(
        TableName="journal-two",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "0#0"}},
        Limit=1,
    )["Items"][0]
    client.put_item(TableName="journal-two", Item=first | {"batch_id": {"B": b"another"}})
    capsys.readouterr()
    assert drill.main(words) == 1
    assert "stop its worker" in " ".join(capsys.readouterr().err.split())
    assert drill.main([*words[:2], "--into-outputs", str(outputs)]) == 2


def test_the_recovery_is_restored_into_another_stack_with_what_people_change(
    traded: Shard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    path = tmp_path / "outputs.json"
    running = {
        "region": "us-east-1", "endpoint_url": None,
        "access_key_id": "test", "secret_access_key": "test",
    }  # fmt: skip
    path.write_text(json.dumps(running))
    tables = ("journal", "directory", "identity", "audit", "compliance")
    named = {f"{name.title()}Table": name for name in tables}
    one = outputs_of(tmp_path / "one.json", path, ArchiveBucket="archive", **named)
    two = outputs_of(
        tmp_path / "two.json", path, **{name: f"{table}-two" for name, table in named.items()}
    )
    with mock_aws():
        client = client_of(path)
        create_tables(client, tables)
        for name in tables:
            drill.make_table_like(client, name, f"{name}-two")
            client.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )
        fill(client, traded)
        for number in range(30):
            item = {"pk": {"S": f"t{number}"}, "sk": {"S": "profile"}, "ids": {"SS": ["b", "a"]}}
            client.put_item(TableName="directory", Item=item)
        words = ["--outputs", str(one), "--into-outputs", str(two), "--from-recovery", "--json"]
        assert drill.main(words) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["restored_to_sequence"] == traded.records[-1].last_sequence
        assert report["directory_table"]["items"] == 30
        assert report["identity_table"]["items"] == report["audit_table"]["items"] == 0
        assert "compliance_table" not in report
        assert len(client.scan(TableName="directory-two")["Items"]) == 30
        assert not [name for name in client.list_tables()["TableNames"] if "drill" in name]

        # Of a lost region there are only tables under names of their own.
        for name in tables:
            drill.make_table_like(client, name, f"{name}-three")
            drill.make_table_like(client, name, f"bursa-restored-{name}")
            for item in client.scan(TableName=name)["Items"]:
                client.put_item(TableName=f"bursa-restored-{name}", Item=item)
        three = {name: f"{table}-three" for name, table in named.items()}
        third = outputs_of(tmp_path / "three.json", path, **three)
        lost = ["--stack", "bursa", "--restored", "--into-outputs", str(third), "--json"]
        assert drill.main(lost) == 0
        restored = json.loads(capsys.readouterr().out)
        assert restored["state_digest"] == report["state_digest"]
        assert restored["directory_table"] == report["directory_table"]
        assert drill.main(lost[2:]) == 2

        # Cases come when they are meant to, and may go on while they come.
        case = {"pk": {"S": "t1"}, "sk": {"S": "case#alice"}, "state": {"S": "submitted"}}
        client.put_item(TableName="bursa-restored-compliance", Item=case)
        assert drill.main([*lost, "--with-cases"]) == 0
        assert json.loads(capsys.readouterr().out)["compliance_table"]["items"] == 1
        went_on = case | {"state": {"S": "screening"}}
        client.put_item(TableName="compliance-three", Item=went_on)
        assert drill.main([*lost, "--with-cases"]) == 0
        assert client.scan(TableName="compliance-three")["Items"] == [went_on]
        capsys.readouterr()

        # A stack that has tenants of its own is no place for another's.
        client.put_item(TableName="directory-two", Item={"pk": {"S": "t99"}, "sk": {"S": "x"}})
        assert drill.main(words) == 1
        assert "holds 31 items" in " ".join(capsys.readouterr().err.split())
