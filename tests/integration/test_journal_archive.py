"""A worker archives its journal on the emulator, and the tool finds what was exchanged since."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.rig import Rig
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.items import to_item
from bursa.journal.record import record_hash
from bursa.journal.replica import Head
from bursa.kernel import object_keys
from scripts import journal as tool
from tests.doubles.shard import OPENING
from tests.integration.edge import TENANT, funds_messages
from tests.integration.storm import send, wait_until_done
from worker.__main__ import EXIT_STATE

PATIENCE_S = 60.0


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def outputs(rig: Rig, folder: Path) -> Path:
    """Write what the tool reads of a running exchange."""
    environment = rig.environment()
    path = folder / "outputs.json"
    running = {
        "region": environment["AWS_DEFAULT_REGION"],
        "endpoint_url": rig.endpoint,
        "access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "stack_outputs": {
            "JournalTable": environment["JOURNAL_TABLE"],
            "ArchiveBucket": environment["ARCHIVE_BUCKET"],
        },
    }
    path.write_text(json.dumps(running))
    return path


def wait_until_published(archive: S3Archive, sequence: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not any(at >= sequence for at in archive.heads()):
        assert time.monotonic() < deadline, "no head was published"
        time.sleep(0.2)


def wait_until_said(rig: Rig, worker: str, words: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while words not in rig.log(worker):
        assert time.monotonic() < deadline, f"{worker} never said {words!r}"
        time.sleep(0.1)


def exchange_a_record(rig: Rig) -> None:
    """Put over a record, and over all that follow, chained anew: as the worker's role could."""
    client: Any = rig.client("dynamodb")
    records = DynamoJournal(client, "journal", 0).read(1)
    previous = records[0]
    for record in records[1:]:
        time_ms = record.time_ms + (previous is records[0])
        one = replace(record, time_ms=time_ms, previous_hash=previous.hash)
        previous = replace(one, hash=record_hash(one))
        client.put_item(TableName="journal", Item=to_item(previous))


def test_a_journal_is_archived_and_an_exchanged_record_is_found(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.worker("worker", ARCHIVE_S="1", LEASE_MS="2000")
    for message in funds_messages(TENANT, list(OPENING)):
        send(rig, [message])
        records = wait_until_done(rig, set(message.command_ids))
    archive = S3Archive(rig.client("s3"), "archive", 0)
    wait_until_published(archive, records[-1].last_sequence)

    def verify() -> tuple[int, str]:
        arguments = ["verify", "--against-archive", "--outputs", str(outputs(rig, tmp_path))]
        status = tool.main([*arguments, "--json"])
        said = capsys.readouterr()
        return status, said.out or " ".join(said.err.split())

    status, said = verify()
    assert status == 0, said
    assert json.loads(said)["published_heads"] >= 1

    exchange_a_record(rig)
    status, said = verify()
    assert status == 1
    assert "The journal is not what was archived: " in said
    assert "was exchanged" in said


def test_a_lone_worker_archives_beside_a_forged_head_and_a_person_disowns_it(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = S3Archive(rig.client("s3"), "archive", 0)
    forged = Head(9, 1 << 40, 9, 9, b"f" * 32)
    rig.worker("worker", ARCHIVE_S="1", LEASE_MS="2000")
    wait_until_said(rig, "worker", "Leading")
    archive.write_head(forged)
    for message in funds_messages(TENANT, list(OPENING)):
        send(rig, [message])
        records = wait_until_done(rig, set(message.command_ids))
    deadline = time.monotonic() + PATIENCE_S
    while records[-1].last_sequence not in archive.heads():
        assert time.monotonic() < deadline, "the forged head stops the worker"
        time.sleep(0.2)
    # One that leads goes on, but none starts: the journal may have lost its end.
    assert rig.worker("refused").wait(PATIENCE_S) == EXIT_STATE
    assert str(forged.last_sequence) in rig.log("refused")

    reads = ["--outputs", str(outputs(rig, tmp_path)), "--json"]
    assert tool.main(["verify", "--against-archive", *reads]) == 1
    assert str(forged.last_sequence) in capsys.readouterr().err
    words = ["disown", "--object", f"heads/{forged.last_sequence}", "--why", "not ours", *reads]
    assert tool.main(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["why"], said["by"].startswith("arn:")) == ("not ours", True)
    assert tool.main(["verify", "--against-archive", *reads]) == 0
    assert json.loads(capsys.readouterr().out)["disowned_objects"] == 1
    rig.worker("standby")
    wait_until_said(rig, "standby", "State rebuilt")
    # There is nothing left to disown, and what is true is not.
    for name in (forged.last_sequence, records[-1].last_sequence):
        assert tool.main(["disown", "--object", f"heads/{name}", "--why", "x", *reads]) == 2


def test_the_bucket_keeps_what_is_archived(rig: Rig) -> None:
    s3: Any = rig.client("s3")
    s3.put_object_lock_configuration(
        Bucket="archive",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    rig.worker("worker", ARCHIVE_S="1", LEASE_MS="2000")
    archive = S3Archive(s3, "archive", 0)
    wait_until_published(archive, 1)

    key = object_keys.archived_head(0, archive.heads()[0])
    (version, *_) = s3.list_object_versions(Bucket="archive", Prefix=key)["Versions"]
    with pytest.raises(ClientError):
        s3.delete_object(Bucket="archive", Key=key, VersionId=version["VersionId"])
