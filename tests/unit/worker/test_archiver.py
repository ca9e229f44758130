"""A leader without a standby archives, whatever somebody has put into the archive."""

import asyncio
from pathlib import Path

import pytest

from bursa.journal.archive import Archiver
from bursa.journal.archive_file import FileArchive
from bursa.journal.replica import Head
from tests.doubles.shard import ALICE, USDT, Shard
from tests.unit.journal.test_archive import Journal
from tests.unit.worker.fakes import NOW_MS, LoopClock, SilentTelemetry, run
from wire import codec
from wire import layout as w
from worker.archiver import ArchiveLoop
from worker.threads import BlockingArchiver

FAR = Head(9, 1 << 40, 9, 9, b"f" * 32)


class AtOnce:
    """Calls what blocks, without a thread."""

    def __init__(self, archiver: BlockingArchiver) -> None:
        self._archiver = archiver

    async def advance(self, head: Head) -> object:
        return self._archiver.advance(head)

    async def is_kept_by_another(self, since: Head, now: Head) -> bool:
        return self._archiver.is_kept_by_another(since, now)

    async def beyond(self, last_sequence: int) -> int:
        return self._archiver.beyond(last_sequence)


@pytest.mark.parametrize("published", [False, True], ids=["alone", "beside a standby"])
def test_a_far_head_is_no_other_who_archives(*, published: bool, tmp_path: Path) -> None:
    shard, archive = Shard(), FileArchive(tmp_path, 0)
    journal = Journal(shard.records)
    archive.write_head(FAR)
    telemetry = SilentTelemetry()
    loop = ArchiveLoop(
        AtOnce(Archiver(journal, archive)),  # type: ignore[arg-type]
        LoopClock(NOW_MS),
        telemetry,
        300,
    )

    async def scenario() -> None:
        leading = asyncio.create_task(loop.run(lambda: journal.head, leads=True))
        for amount in range(1, 13):
            shard.run(codec.encode_funds(w.COMMAND_CREDIT, ALICE, USDT, amount))
            if published:
                archive.write_head(journal.head)
            await asyncio.sleep(300)
        leading.cancel()

    before = journal.head.last_sequence
    run(scenario())
    heads = [at for at in archive.heads(before) if at != FAR.last_sequence]
    # An hour: a leader looks every fifteen minutes, and nothing beside a standby.
    assert len(heads) == (12 if published else 4)
    assert telemetry.alarms == []
