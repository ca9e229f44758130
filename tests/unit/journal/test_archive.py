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
from bursa.journal.errors import OutcomeUnknown
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
    comparison.begin(journal.records[-1].last_sequence)
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
    assert first.is_kept_by_another(early, journal.head)
    assert not first.is_kept_by_another(journal.head, journal.head)


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


def merged(records: list[EncodedRecord], at: int) -> list[EncodedRecord]:
    """Exchange two records for one, so that none ends any more where the first of them did."""
    one = replace(records[at], last_sequence=records[at + 1].last_sequence)
    later = [replace(record, number=record.number - 1) for record in records[at + 2 :]]
    return resealed([*records[:at], one, *later], at)


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


def last_of(records: list[EncodedRecord], segment: int) -> int:
    """Return the place of the last record that begins in a segment."""
    places = (at for at, one in enumerate(records) if one.first_sequence // SEGMENT == segment)
    return max(places)


def ending_behind_it() -> Journal:
    """Return a journal whose first segment has a last record that ends in the second."""
    shard, credit = Shard(), codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, 1)
    # A record has one more sequence than commands: time comes first.
    shard.run(*[credit] * (SEGMENT - 3 - shard.records[-1].last_sequence - 1))
    for _ in range(4):
        shard.run(*[credit] * 3)
    return Journal(shard.records)


PUBLISHED = 4
FORGED: dict[str, Callable[[list[EncodedRecord]], list[EncodedRecord]]] = {
    "the record before it": exchanged(PUBLISHED - 1),
    "the record that ends there": exchanged(PUBLISHED),
    "the end, skipped by a longer record": lambda records: merged(records, PUBLISHED),
    "all from an earlier record on, with other ends": lambda records: merged(
        exchanged(PUBLISHED - 2)(records), PUBLISHED
    ),
}


@pytest.mark.parametrize("about", FORGED)
def test_what_was_exchanged_after_it_was_published_is_not_archived(
    about: str, archive: Archive, journal: Journal, tmp_path: Path
) -> None:
    assert last_of(journal.records, 0) > PUBLISHED
    Archiver(journal, archive).advance(Head.of(journal.records[PUBLISHED]))
    forged = Journal(FORGED[about](journal.records))

    with pytest.raises(ArchiveDiffers, match="was exchanged"):
        Archiver(forged, archive).advance(forged.head)
    assert archive.ends() == []
    with pytest.raises(ArchiveDiffers, match="was exchanged"):
        compare(archive, forged, tmp_path)

    Archiver(journal, archive).advance(journal.head)
    compare(archive, journal, tmp_path)


@pytest.mark.parametrize("about", FORGED)
def test_a_forged_segment_in_the_archive_shows_against_a_published_head(
    about: str, journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever can archive may have written a whole segment of a history that never was."""
    folder, path = tmp_path / "archive", tmp_path / "journal.bin"
    archive, forged = FileArchive(folder, 0), Journal(FORGED[about](journal.records))
    Archiver(forged, archive).advance(forged.head)
    archive.write_head(Head.of(journal.records[PUBLISHED]))

    write_records(path, forged.records)
    arguments = ["verify", "--file", str(path), "--against-archive", "--archive", str(folder)]
    assert tool.main(arguments) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "The journal is not what was archived: " in said
    assert "was exchanged" in said


@pytest.mark.parametrize("way", ["exchanged", "skipped", "cut off"])
def test_a_head_behind_a_segment_whose_last_record_ends_there_counts(
    way: str, archive: Archive
) -> None:
    honest = ending_behind_it()
    last = last_of(honest.records, 0)
    head = Head.of(honest.records[last])
    assert honest.records[last].first_sequence < SEGMENT <= head.last_sequence
    archive.write_head(head)
    records = {
        "exchanged": resealed(honest.records, last, time_ms=head.time_ms + 1),
        "skipped": merged(honest.records, last),
        "cut off": resealed(honest.records[: last + 1], last, last_sequence=SEGMENT - 1),
    }[way]
    forged = Journal(records)

    with pytest.raises(ArchiveDiffers, match=f"{head.last_sequence}.* was published"):
        Archiver(forged, archive).advance(forged.head)
    assert archive.ends() == []


def test_another_head_under_a_published_sequence_is_not_silent(
    archive: Archive, journal: Journal
) -> None:
    early = Journal(journal.records[:4])
    assert Archiver(early, archive).advance(early.head).is_head_published
    forged = Journal(resealed(early.records, 2, time_ms=early.records[2].time_ms + 1))

    with pytest.raises(ArchiveDiffers, match=r"Record 4, up to sequence .*, was exchanged"):
        Archiver(forged, archive).advance(forged.head)
    assert archive.read_head(early.head.last_sequence) == early.head


def test_a_head_that_another_is_still_writing_is_no_difference(
    archive: Archive, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket refuses a second write at once, also before it has the first."""
    monkeypatch.setattr(archive, "write_head", lambda _: False)
    assert not Archiver(journal, archive).advance(journal.head).is_head_published


@pytest.mark.parametrize("about", FORGED)
def test_other_records_under_a_segments_key_are_not_silent(
    about: str, archive: Archive, journal: Journal, tmp_path: Path
) -> None:
    """Whoever was first wrote a history that never was, and no end of it."""
    forged = FORGED[about](journal.records)
    segment = [one for one in forged if one.first_sequence < SEGMENT]
    write_records(tmp_path / "forged", segment)
    assert archive.write_segment(0, tmp_path / "forged")

    with pytest.raises(ArchiveDiffers, match="Segment 0 of the archive is another"):
        Archiver(journal, archive).advance(journal.head)
    assert archive.ends() == []


@pytest.mark.parametrize("kept", [0, 3])
def test_a_segment_under_its_key_that_is_cut_off_is_not_silent(
    kept: int, archive: Archive, journal: Journal, tmp_path: Path
) -> None:
    write_records(tmp_path / "torn", journal.records[:kept])
    archive.write_segment(0, tmp_path / "torn")
    with pytest.raises(ArchiveDiffers, match="Segment 0 of the archive is another"):
        Archiver(journal, archive).advance(journal.head)


def test_another_end_under_a_segments_key_is_not_silent(
    archive: Archive, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = journal.records[last_of(journal.records, 0)]
    archive.write_end(0, replace(Head.of(last), hash=b"x" * 32))
    monkeypatch.setattr(archive, "ends", iter([[], [0]]).__next__)
    with pytest.raises(ArchiveDiffers, match="Segment 0 ends at sequence"):
        Archiver(journal, archive).advance(journal.head)


def test_a_segment_that_another_is_still_writing_is_left_for_the_next_turn(
    archive: Archive, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "write_segment", lambda *_: False)
    with pytest.raises(OutcomeUnknown):
        Archiver(journal, archive).advance(journal.head)
    assert archive.ends() == []


def test_a_segment_that_is_not_there_yet_is_named(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDiffers, match="Segment 0 is closed and not in the archive yet"):
        compare(FileArchive(tmp_path, 0), journal, tmp_path)


def test_an_archive_with_a_hole_is_named(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path / "archive", 0)
    Archiver(journal, archive).advance(journal.head)
    hole = tmp_path / "archive" / "archive/0/ends" / f"{0:019d}"
    hole.unlink()

    with pytest.raises(ArchiveDiffers, match="lacks that of 0"):
        compare(archive, journal, tmp_path)


def test_the_bucket_takes_no_second_version(journal: Journal) -> None:
    with mock_aws():
        archive = in_bucket(Path())
        assert archive.write_head(journal.head)
        other = replace(journal.head, hash=b"x" * 32)
        assert not archive.write_head(other)
        assert archive.read_head(journal.head.last_sequence) == journal.head
