"""What somebody with the worker's rights puts into the archive stops neither it nor the audit."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bursa.journal.archive import ArchiveDiffers, Archiver, encode_head
from bursa.journal.archive_file import FileArchive
from bursa.journal.archive_objects import ObjectArchive
from bursa.journal.audit import Audit, Audited
from bursa.journal.disownment import Disownment, NotDisowned, disown
from bursa.journal.file import write_records
from bursa.journal.record import EncodedRecord
from bursa.journal.replica import Head
from bursa.kernel import object_keys
from tests.unit.journal.test_archive import SEGMENT, Journal, compare, exchanged
from tests.unit.journal.test_archive import archive as archive  # noqa: PLC0414 - a fixture
from tests.unit.journal.test_archive import journal as journal  # noqa: PLC0414 - a fixture
from tests.unit.journal.test_archive import small_segments as small_segments  # noqa: PLC0414
from tests.unit.journal.test_audit import Table

FAR = 10**12
FORGED = Head(10**9, FAR, 10**6, 1, b"f" * 32)
Forgery = Callable[[ObjectArchive, Path], object]


def put(name: str, data: bytes = b"") -> Forgery:
    """Write an object below the shard's folder, as whoever has the worker's role can."""
    return lambda archive, _: archive._write(f"archive/0/{name}", data)


def put_segment(segment: int) -> Forgery:
    def forge(archive: ObjectArchive, folder: Path) -> None:
        folder.joinpath("forged").write_bytes(b"\x03\0\0\0abc")
        archive.write_segment(segment, folder / "forged")

    return forge


AHEAD: dict[str, tuple[str, Forgery]] = {
    "a head": (f"heads/{FAR}", lambda archive, _: archive.write_head(FORGED)),
    "a head that can't be read": (f"heads/{FAR}", put(f"heads/{FAR:019d}", b"{")),
    "an end": (f"ends/{FAR}", lambda archive, _: archive.write_end(FAR, FORGED)),
    "the next end": ("ends/2", lambda archive, _: archive.write_end(2, FORGED)),
    "an end that can't be read": (f"ends/{FAR}", put(f"ends/{FAR:019d}")),
    "records": (f"segments/{FAR}", put_segment(FAR)),
    "records of the next segment": ("segments/2", put_segment(2)),
    "a name": ("heads/last", put("heads/last")),
    "a number that is too long": (f"heads/{'9' * 25}", put(f"heads/{'9' * 25}")),
    "a folder": ("ends/more/1", put("ends/more/1")),
    "what a disownment would lead to": (f"heads/{1:019d}~1", put(f"heads/{1:019d}~1")),
}


def early(journal: Journal) -> Journal:
    """Return a journal that ends in its third segment."""
    return Journal([one for one in journal.records if one.last_sequence < 3 * SEGMENT - 1])


def audit(records: list[EncodedRecord], archive: ObjectArchive) -> Audited:
    return Audit(Table(records), archive, lambda: 0).advance()


def disown_forged(archive: ObjectArchive, journal: Journal, name: str) -> Disownment:
    return disown(
        archive, journal, 0, name, journal.head, by="arn:someone", time_ms=7, why="not ours"
    )


@pytest.mark.parametrize("about", AHEAD)
def test_what_lies_beyond_the_journal_is_reported_and_stops_nothing(
    about: str, archive: ObjectArchive, journal: Journal, tmp_path: Path
) -> None:
    name, forge = AHEAD[about]
    begun = early(journal)
    forge(archive, tmp_path)

    archiver = Archiver(begun, archive)
    assert not archiver.is_kept_by_another(Head(), begun.head)
    done = archiver.advance(begun.head)
    assert (done.segments, done.is_head_published) == (2, True)
    found = audit(begun.records, archive)
    assert (found.records, found.segments) == (len(begun.records), 2)
    assert (found.last_sequence, found.is_complete) == (begun.head.last_sequence, True)
    assert len(found.ahead) == 1
    assert archive.audited() == [0, 1]
    with pytest.raises(ArchiveDiffers):
        compare(archive, begun, tmp_path)

    disown_forged(archive, begun, name)
    assert audit(begun.records, archive).ahead == ()
    compare(archive, begun, tmp_path)
    Archiver(journal, archive).advance(journal.head)
    assert audit(journal.records, archive).ahead == ()
    assert compare(archive, journal, tmp_path).segments == journal.head.next_sequence // SEGMENT


def contradiction(archive: ObjectArchive, journal: Journal, folder: Path) -> str:
    """Return what the archiver, or else the comparison, says."""
    try:
        Archiver(journal, archive).advance(journal.head)
        compare(archive, journal, folder)
    except ArchiveDiffers as error:
        return str(error)
    return ""


def put_head(sequence_of: int) -> Callable[[Journal], tuple[str, Forgery]]:
    def at(journal: Journal) -> tuple[str, Forgery]:
        head = Head.of(journal.records[sequence_of])
        forged = replace(head, hash=b"f" * 32)
        name = f"heads/{head.last_sequence}"
        return name, lambda archive, _: archive.write_head(forged)

    return at


MET: dict[str, Callable[[Journal], tuple[str, Forgery]]] = {
    "a head": put_head(4),
    "the newest head": put_head(-1),
    "a head where no record ends": lambda journal: (
        f"heads/{journal.records[4].last_sequence - 1}",
        lambda archive, _: archive.write_head(
            replace(FORGED, last_sequence=journal.records[4].last_sequence - 1)
        ),
    ),
    "an end": lambda _: ("ends/1", lambda archive, _: archive.write_end(1, FORGED)),
    "an end that can't be read": lambda _: (
        "ends/1",
        lambda archive, _: archive._write(archive._own(object_keys.archived_end(0, 1)), b""),
    ),
    "records": lambda _: ("segments/1", put_segment(1)),
}  # fmt: skip


@pytest.mark.parametrize("about", MET)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "and again"])
def test_what_contradicts_the_journal_stops_it_until_it_is_disowned(
    about: str, times: int, archive: ObjectArchive, journal: Journal, tmp_path: Path
) -> None:
    name, forge = MET[about](journal)
    for _ in range(times):
        # The name leads to the next place, once the one before it was disowned.
        forge(archive, tmp_path)
        for _ in range(2):
            assert contradiction(archive, journal, tmp_path)
        disown_forged(archive, journal, name)
    Archiver(journal, archive).advance(journal.head)
    closed = journal.head.next_sequence // SEGMENT
    assert archive.ends() == list(range(closed))
    comparison = compare(archive, journal, tmp_path)
    assert (comparison.segments, len(archive.disowned())) == (closed, times)
    found = audit(journal.records, archive)
    assert (found.segments, found.is_complete, found.ahead) == (closed, True, ())


def test_a_forged_head_within_the_journal_is_kept_by_nobody(
    archive: ObjectArchive, journal: Journal
) -> None:
    archiver = Archiver(journal, archive)
    true = Head.of(journal.records[6])
    archive.write_head(replace(true, hash=b"f" * 32))
    archive._write(object_keys.archived_head(0, true.last_sequence - 1), b"{")
    assert not archiver.is_kept_by_another(Head(), journal.head)
    later = Head.of(journal.records[8])
    archive.write_head(later)
    assert archiver.is_kept_by_another(Head(), journal.head)


def test_a_journal_that_was_cut_off_is_told_like_a_forgery(
    archive: ObjectArchive, journal: Journal
) -> None:
    """Who reads it has to find out which; the table's recovery says."""
    Archiver(journal, archive).advance(journal.head)
    found = audit(journal.records[:12], archive)
    assert found.is_complete
    assert any(str(journal.head.last_sequence) in what for what in found.ahead)


def test_a_disownment_says_what_who_when_and_why(archive: ObjectArchive, journal: Journal) -> None:
    archive.write_head(FORGED)
    disown_forged(archive, journal, f"heads/{FAR}")
    assert json.loads(archive._read(f"archive/0/disowned/heads/{FAR:019d}")) == {
        "key": f"archive/0/heads/{FAR:019d}",
        "sha256": hashlib.sha256(encode_head(FORGED)).hexdigest(),
        "by": "arn:someone",
        "time_ms": 7,
        "why": "not ours",
        "journal": f"its end at sequence {journal.head.last_sequence}",
    }


@pytest.fixture
def archived(archive: ObjectArchive, journal: Journal) -> ObjectArchive:
    Archiver(journal, archive).advance(journal.head)
    audit(journal.records, archive)
    return archive


def test_what_the_journal_has_is_never_disowned(archived: ObjectArchive, journal: Journal) -> None:
    for name in (f"heads/{journal.head.last_sequence}", "ends/1", "segments/1"):
        with pytest.raises(NotDisowned, match="it is true"):
            disown_forged(archived, journal, name)
    assert archived.disowned() == []


@pytest.mark.parametrize("name", ["heads/5", "audited/1", "ends", "", "../0/ends/1", "disowned/x"])
def test_what_is_not_there_is_not_disowned(
    name: str, archived: ObjectArchive, journal: Journal
) -> None:
    with pytest.raises(NotDisowned, match="no object"):
        disown_forged(archived, journal, name)


def test_a_name_is_disowned_once(archive: ObjectArchive, journal: Journal) -> None:
    put("heads/last")(archive, Path())
    disown_forged(archive, journal, "heads/last")
    with pytest.raises(NotDisowned, match="already"):
        disown_forged(archive, journal, "heads/last")


def test_what_an_exchanged_journal_has_is_not_called_forged_by_itself(
    journal: Journal, tmp_path: Path
) -> None:
    """The records are the exchanged ones: the true head can be disowned, so a person decides."""
    archive = FileArchive(tmp_path / "archive", 0)
    Archiver(journal, archive).advance(journal.head)
    forged = Journal(exchanged(3)(journal.records))
    said = disown_forged(archive, forged, "ends/1")
    last = [one for one in forged.records if one.first_sequence < 2 * SEGMENT][-1]
    assert last.hash.hex() in said.journal


def test_a_cut_off_segment_is_not_the_journals(journal: Journal, tmp_path: Path) -> None:
    archive = FileArchive(tmp_path / "archive", 0)
    write_records(tmp_path / "short", journal.records[:3])
    archive.write_segment(0, tmp_path / "short")
    assert disown_forged(archive, journal, "segments/0").key.endswith("segments/" + "0" * 19)
