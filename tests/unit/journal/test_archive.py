"""The archive: what is written there, and that any tampering with the journal shows against it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.journal import archive as archive_module
from bursa.journal import record as record_module
from bursa.journal.archive import Archive, ArchiveDiffers, Archiver, Comparison
from bursa.journal.archive_file import FileArchive
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.file import read_records, write_records
from bursa.journal.record import Attestation, EncodedRecord, record_hash
from bursa.journal.replica import Head
from scripts import journal as tool
from tests.doubles.shard import ALICE, USDT, Shard
from wire import codec
from wire import layout as w

SEGMENT = 20


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record_module, archive_module):
        monkeypatch.setattr(module, "SEGMENT_SEQUENCES", SEGMENT)
    monkeypatch.setattr(archive_module, "SPAN_SEQUENCES", 7)


class Journal:
    """Records in a list, read as the table is."""

    def __init__(self, records: list[EncodedRecord]) -> None:
        self.records = records

    def read(self, first_sequence: int) -> list[EncodedRecord]:
        return [one for one in self.records if one.first_sequence >= first_sequence][:2]

    def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        return [
            one for one in self.records if first_sequence <= one.first_sequence <= last_sequence
        ]

    @property
    def head(self) -> Head:
        return Head.of(self.records[-1])


@pytest.fixture
def journal() -> Journal:
    shard = Shard()
    for amount in range(1, 40):
        shard.run(codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, amount))
    return Journal(shard.records)


def in_folder(path: Path) -> Archive:
    return FileArchive(path, 0)


def in_bucket(path: Path) -> Archive:
    client: Any = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="archive", ObjectLockEnabledForBucket=True)
    return S3Archive(client, "archive", 0)


@pytest.fixture(params=[in_folder, in_bucket], ids=["folder", "bucket"])
def archive(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Archive]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield request.param(tmp_path / "archive")


def compare(archive: Archive, journal: Journal, folder: Path) -> Comparison:
    comparison = Comparison(archive, folder)
    for record in journal.records:
        comparison.take(record)
    comparison.finish()
    return comparison


def test_closed_segments_and_the_head_are_archived_once(
    archive: Archive, journal: Journal, tmp_path: Path
) -> None:
    closed = journal.head.next_sequence // SEGMENT
    assert closed >= 3
    assert Archiver(journal, archive).advance(journal.head) == (closed, True)
    assert Archiver(journal, archive).advance(journal.head) == (0, False)

    assert archive.ends() == list(range(closed))
    stored: list[EncodedRecord] = []
    for segment in archive.ends():
        archive.read_segment(segment, tmp_path / "copy")
        stored += read_records(tmp_path / "copy")
    assert stored == journal.records[: len(stored)]
    assert archive.read_end(closed - 1) == Head.of(stored[-1])
    assert archive.heads() == [journal.head.last_sequence]
    assert archive.read_head(journal.head.last_sequence) == journal.head
    comparison = compare(archive, journal, tmp_path)
    assert (comparison.segments, comparison.heads) == (closed, 1)


def test_it_goes_on_where_another_stopped(archive: Archive, journal: Journal) -> None:
    """In the middle of a segment: its records are there, its end is not."""
    whole = journal.records
    early = Journal(whole[:12])
    Archiver(early, archive).advance(early.head)
    done = archive.ends()

    class Stopped(Exception):  # noqa: N818 - what it stands for
        pass

    def stop(segment: int, head: Head) -> bool:
        raise Stopped

    write_end, archive.write_end = archive.write_end, stop  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        Archiver(journal, archive).advance(journal.head)
    archive.write_end = write_end  # type: ignore[method-assign]

    Archiver(journal, archive).advance(journal.head)
    assert len(archive.ends()) > len(done)
    assert archive.ends() == list(range(len(archive.ends())))


def test_two_archivers_at_once_write_the_same(archive: Archive, journal: Journal) -> None:
    first, second = Archiver(journal, archive), Archiver(journal, archive)
    early = Head.of(journal.records[9])
    for head in (early, journal.head):
        first.advance(head)
        second.advance(head)

    assert archive.heads() == [early.last_sequence, journal.head.last_sequence]
    assert first.is_kept_by_another(early)
    assert not first.is_kept_by_another(journal.head)


def resealed(records: list[EncodedRecord], at: int, **fields: Any) -> list[EncodedRecord]:
    """Change a record, and chain all that follow to it: what an insider would do."""
    changed = records[:at]
    for record in records[at:]:
        previous = changed[-1].hash if changed else record.previous_hash
        one = replace(record, previous_hash=previous, **(fields if len(changed) == at else {}))
        changed.append(replace(one, hash=record_hash(one)))
    return changed


def exchanged(at: int) -> Callable[[list[EncodedRecord]], list[EncodedRecord]]:
    def tamper(records: list[EncodedRecord]) -> list[EncodedRecord]:
        return resealed(records, at, body=records[at + 1].body)

    return tamper


TAMPERED: dict[str, Callable[[list[EncodedRecord]], list[EncodedRecord]]] = {
    "a record of an archived segment, chain sealed again": exchanged(3),
    "the first record": exchanged(0),
    "a record behind the last segment": exchanged(-2 % 40),
    "a record's time": lambda records: resealed(records, 5, time_ms=records[5].time_ms + 1),
    "an attested checkpoint": lambda records: resealed(
        records, 5, attestation=Attestation(2, b"f" * 32)
    ),
    "a flipped byte": lambda records: [
        replace(one, body=one.body[:-1] + b"\0") if index == 4 else one
        for index, one in enumerate(records)
    ],
    "the tail cut off": lambda records: records[:-3],
    "all but a segment cut off": lambda records: records[:6],
    "everything cut off": lambda _: [],
    "a record taken out of a segment": lambda records: [*records[:4], *records[5:]],
    "the last record of a segment taken out": lambda records: [
        one
        for one in records
        if not one.first_sequence <= SEGMENT - 1 <= one.last_sequence
    ],
    "a segment taken out": lambda records: [
        one for one in records if not SEGMENT <= one.first_sequence < 2 * SEGMENT
    ],
}  # fmt: skip


@pytest.mark.parametrize("about", TAMPERED)
def test_tampering_shows_against_the_archive(
    about: str, journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, path = tmp_path / "archive", tmp_path / "journal.bin"
    Archiver(journal, FileArchive(folder, 0)).advance(journal.head)

    def verify(records: list[EncodedRecord]) -> tuple[int, str]:
        write_records(path, records)
        arguments = ["verify", "--file", str(path), "--against-archive", "--archive", str(folder)]
        status = tool.main([*arguments, "--json"])
        said = capsys.readouterr()
        return status, said.out or " ".join(said.err.split())

    status, said = verify(journal.records)
    assert status == 0
    assert json.loads(said)["archive"] == "agrees"

    tampered = TAMPERED[about](journal.records)
    assert tampered != journal.records
    status, said = verify(tampered)
    assert status == 1
    assert "The journal is not what was archived: " in said


@pytest.mark.parametrize("about", ["a record of an archived segment, chain sealed again"])
def test_what_was_exchanged_after_it_was_published_is_not_archived(
    about: str, archive: Archive, journal: Journal
) -> None:
    Archiver(journal, archive).advance(Head.of(journal.records[4]))
    forged = Journal(TAMPERED[about](journal.records))

    with pytest.raises(ArchiveDiffers):
        Archiver(forged, archive).advance(forged.head)
    assert archive.ends() == []


def test_a_segment_that_is_not_there_yet_is_named(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDiffers, match="Segment 0 is closed and not in the archive yet"):
        compare(FileArchive(tmp_path, 0), journal, tmp_path)


def test_an_archive_with_a_hole_is_named(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path / "archive", 0)
    Archiver(journal, archive).advance(journal.head)
    hole = tmp_path / "archive" / "archive/0/ends" / f"{0:019d}"
    hole.unlink()

    with pytest.raises(ArchiveDiffers, match="Segment 0 is missing"):
        compare(archive, journal, tmp_path)


def test_the_bucket_takes_no_second_version(journal: Journal) -> None:
    with mock_aws():
        archive = in_bucket(Path())
        assert archive.write_head(journal.head)
        other = replace(journal.head, hash=b"x" * 32)
        assert not archive.write_head(other)
        assert archive.read_head(journal.head.last_sequence) == journal.head
