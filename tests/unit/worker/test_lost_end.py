"""A journal that ends before what was stored of it: no worker goes on from there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.standins import Meter, ports_over
from bursa.journal.archive import Archiver
from bursa.journal.archive_file import FileArchive
from bursa.journal.disownment import disown
from bursa.journal.lease import LeaseRow
from bursa.journal.record import SEGMENT_SEQUENCES
from bursa.journal.replica import Head, JournalBroken
from tests.doubles.deliveries import Sender
from tests.doubles.shard import ALICE, OPENING, USDT
from tests.simulation.engines import SmallEngines
from tests.unit.journal.test_archive import Journal
from tests.unit.worker.fakes import LoopClock, run
from tests.unit.worker.test_archiver import AtOnce
from tests.unit.worker.test_checkpoints import NOW_MS, History, Readable, worked
from wire import codec
from wire import layout as w
from worker.settings import ShardSettings
from worker.shard import ShardWorker

CREDIT = codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, 5)
FAR = 1 << 40


@dataclass
class Stored:
    """All that a shard has stored."""

    history: History
    archive: FileArchive

    @property
    def end(self) -> Head:
        return Head.of(self.history.records[-1]) if self.history.records else Head()

    @property
    def oldest(self) -> int:
        return min(self.history.store.objects)

    @property
    def newest(self) -> int:
        return max(self.history.store.objects)

    def contents(self) -> tuple[object, ...]:
        archived = self.archive.heads(), self.archive.ends(), self.archive.segments()
        return list(self.history.records), dict(self.history.store.objects), archived

    def roll_back(self, last_sequence: int) -> None:
        kept = [one for one in self.history.records if one.last_sequence <= last_sequence]
        self.history.records[:] = kept

    def drop_checkpoints(self) -> None:
        self.history.store.objects.clear()

    def forge_checkpoint(self) -> None:
        self.history.store.objects[FAR] = b"forged"

    def archive_segment(self, folder: Path) -> None:
        (folder / "records").write_bytes(b"records")
        self.archive.write_segment(0, folder / "records")

    def start(self, journal: type[Readable] = Readable) -> int:
        """Start a worker that finds one command; return how many records it has added."""

        async def scenario() -> None:
            stop = asyncio.Event()
            # Another sender than the one before, or the command is known already.
            found = journal(list(Sender(7).deliveries([CREDIT], NOW_MS)), stop)
            found.records = self.history.records
            archiver = Archiver(Journal(self.history.records), self.archive)
            ports = replace(
                ports_over(found, Meter()),
                checkpoints=self.history.store,
                archive=AtOnce(archiver),  # type: ignore[arg-type]
                engines=SmallEngines("core"),
                clock=LoopClock(NOW_MS),
            )
            await ShardWorker(ports, ShardSettings(shard=0), stop).run()

        before = len(self.history.records)
        run(scenario())
        return len(self.history.records) - before


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Three workers have worked; a head was published each time."""
    history = worked(list(OPENING), [CREDIT], [CREDIT])
    stored = Stored(history, FileArchive(tmp_path / "archive", 0))
    stored.archive.write_head(Head.of(history.records[0]))
    return stored


def _publish(stored: Stored) -> None:
    stored.archive.write_head(stored.end)


def _only_head_is_beyond(stored: Stored) -> None:
    _publish(stored)
    stored.drop_checkpoints()
    stored.roll_back(stored.end.last_sequence - 1)


def _only_head_is_left(stored: Stored) -> None:
    stored.drop_checkpoints()
    stored.roll_back(0)


def _end_of_a_segment(stored: Stored) -> None:
    stored.archive.write_end(0, Head(9, SEGMENT_SEQUENCES - 1, 1, NOW_MS, b"h" * 32))


BROKEN: dict[str, Callable[[Stored, Path], object]] = {
    "a new, empty table": lambda it, _: it.roll_back(0),
    "rolled back to before all checkpoints": lambda it, _: it.roll_back(it.oldest - 1),
    "rolled back to between two checkpoints": lambda it, _: it.roll_back(it.newest - 1),
    "the record that attests the newest is gone": lambda it, _: it.roll_back(it.newest),
    "empty, without checkpoints, but with a head": lambda it, _: _only_head_is_left(it),
    "the record that was the last head": lambda it, _: _only_head_is_beyond(it),
    "the end of a segment": lambda it, _: _end_of_a_segment(it),
    "the records of a segment": lambda it, folder: it.archive_segment(folder),
    "a forged checkpoint far ahead": lambda it, _: it.forge_checkpoint(),
    "a forged head far ahead": lambda it, _: it.archive.write_head(Head(9, FAR, 9, 9, b"f" * 32)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_lies_beyond_the_journals_end_ends_the_start(
    what: str, stored: Stored, tmp_path: Path
) -> None:
    BROKEN[what](stored, tmp_path)
    before = stored.contents()

    with pytest.raises(JournalBroken, match=f"ends at sequence {stored.end.last_sequence}, but"):
        stored.start()
    assert stored.contents() == before


SOUND: dict[str, Callable[[Stored], object]] = {
    "all is there": lambda _: None,
    "the last head is the journal's end": _publish,
    "no checkpoint": Stored.drop_checkpoints,
    "an old checkpoint only": lambda it: it.history.store.objects.pop(it.newest),
    "the attestation of its newest checkpoint is its end": lambda it: it.roll_back(it.newest + 1),
}


@pytest.mark.parametrize("what", SOUND)
def test_a_journal_that_reaches_beyond_all_of_it_is_gone_on_from(what: str, stored: Stored) -> None:
    SOUND[what](stored)
    assert stored.start() > 0


def test_the_first_start_of_a_shard_finds_nothing_anywhere(tmp_path: Path) -> None:
    assert worked(list(OPENING)).records
    assert Stored(worked(), FileArchive(tmp_path, 0)).start() > 0


def test_what_a_leader_stores_while_another_starts_is_not_beyond_the_end(stored: Stored) -> None:
    class Growing(Readable):
        """The journal is seen without its last records at the first look."""

        looks = 0

        async def head_sequence(self, known_sequence: int) -> int:
            self.looks += 1
            return 1 if self.looks == 1 else await super().head_sequence(known_sequence)

    assert stored.start(Growing) > 0


@pytest.mark.parametrize("kept", [0, 1, -1], ids=["emptied", "one is left", "the last is gone"])
def test_who_has_followed_what_is_gone_does_not_lead(kept: int, stored: Stored) -> None:
    """A follower found nothing next, took the lease, and wrote on behind a gap."""

    class LostMeanwhile(Readable):
        """Loses records just before this worker takes the lease."""

        async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
            del self.records[kept:]
            return await super().swap(expected, row)

    end = stored.end.last_sequence
    left = stored.history.records[:kept]
    with pytest.raises(JournalBroken, match=f"followed to sequence {end}, and"):
        stored.start(LostMeanwhile)
    assert stored.history.records == left


def test_a_person_removes_a_forged_checkpoint(stored: Stored) -> None:
    stored.forge_checkpoint()
    with pytest.raises(JournalBroken, match=f"checkpoint {FAR} is stored"):
        stored.start()
    del stored.history.store.objects[FAR]
    assert stored.start() > 0


def test_a_person_disowns_a_forged_head(stored: Stored) -> None:
    stored.archive.write_head(Head(9, FAR, 9, 9, b"f" * 32))
    with pytest.raises(JournalBroken, match=f"archived, up to sequence {FAR}"):
        stored.start()
    journal = Journal(stored.history.records)
    said = {"by": "a person", "time_ms": NOW_MS, "why": "forged"}
    disown(stored.archive, journal, 0, f"heads/{FAR}", stored.end, **said)  # type: ignore[arg-type]
    assert stored.start() > 0
