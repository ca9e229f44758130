"""Keeps the journal's archive in step: a standby's work, or the leader's where there is none.

Off the path of commands, and never the reason why a worker ends: what goes wrong here is reported,
and tried again at the next turn.
"""

from collections.abc import Callable

from bursa.journal.archive import ArchiveDiffers
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.replica import Head
from worker.ports import Clock, JournalArchive, Telemetry

# A leader looks this much less often, so that a standby is always there before it.
_LEADER_PATIENCE = 3


class ArchiveLoop:
    """Advances one shard's archive every so often.

    Parameters
    ----------
    archive
        Where it is, and what writes it.
    every_s
        How often the head is published while it moves.

    """

    def __init__(
        self, archive: JournalArchive, clock: Clock, telemetry: Telemetry, every_s: float
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._telemetry = telemetry
        self._every_s = every_s

    async def run(self, head: Callable[[], Head], *, leads: bool) -> None:
        """Archive until cancelled.

        Parameters
        ----------
        head
            Returns the end of what this worker knows to be committed.
        leads
            A leader leaves it to a standby that does it.

        """
        # A leader soon writes; a standby may have come to a journal that nobody has published yet.
        seen = head() if leads else Head()
        while True:
            await self._clock.sleep(self._every_s * (_LEADER_PATIENCE if leads else 1))
            now = head()
            if now.last_sequence > seen.last_sequence and await self._turn(seen, now, leads=leads):
                seen = now

    async def _turn(self, seen: Head, now: Head, *, leads: bool) -> bool:
        try:
            if leads and await self._archive.is_kept_by_another(seen, now):
                return True
            done = await self._archive.advance(now)
        except OutcomeUnknown as error:
            self._telemetry.event("The archive does not respond; trying later.", why=str(error))
            return False
        except ArchiveDiffers as error:
            self._telemetry.alarm(
                "ArchiveDiffers", "The journal is not what was published of it.", why=str(error)
            )
            return False
        except Exception as error:  # noqa: BLE001 - no archive may stop a shard
            self._telemetry.alarm(
                "ArchiveFailed",
                "The journal could not be archived.",
                why=f"{type(error).__name__}: {error}",
            )
            return False
        if done.segments:
            self._telemetry.event("Segments archived", count=done.segments)
        return True
