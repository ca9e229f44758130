"""Who leads: take the lease, keep it, give it back.

Time is only ever this process's own monotonic clock. A follower waits until the row has stayed
the same for the whole duration; a leader stops trusting itself a margin earlier, counted from
before it sent its last renewal. So two workers that both feel sure can't both be right for long,
and even then only one can write: the journal's slots decide (DESIGN D3). The lease saves work, it
does not keep the truth.
"""

from collections.abc import Callable
from dataclasses import replace

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.lease import LeaseRow, QueueState
from worker.commit import Deposed
from worker.ports import Clock, LeaseStore

_TRUSTED_SHARE = 0.8
_RENEWALS_PER_DURATION = 3
_RETRY_S = 0.25


class Lease:
    """One process's view of a shard's lease."""

    def __init__(self, store: LeaseStore, clock: Clock, owner: str, duration_s: float) -> None:
        self._store = store
        self._clock = clock
        self._duration_s = duration_s
        self._observed: LeaseRow | None = None
        self._observed_at = 0.0
        self._held_until = float("-inf")
        self.owner = owner

    def held(self) -> bool:
        """Return whether this process may still act as the leader."""
        return self._clock.monotonic() < self._held_until

    async def try_acquire(self, epoch_floor: int) -> int | None:
        """Take the lease unless its holder seems alive.

        Parameters
        ----------
        epoch_floor
            The highest epoch seen in the journal; the new one is above it, even if the row with
            the lease was lost.

        Returns
        -------
        int or None
            The new epoch, or None while another may be alive. Call again after a while.

        """
        row = await self._store.read()
        if not self._is_free(row):
            return None
        epoch = max(epoch_floor, row.epoch if row else 0) + 1
        beat = (row.beat if row else 0) + 1
        claim = LeaseRow(self.owner, epoch, beat, watermark_ms=row.watermark_ms if row else 0)
        sent_at = self._clock.monotonic()
        if not await self._store.swap(row, claim):
            return None
        self._hold(claim, sent_at)
        return epoch

    def _is_free(self, row: LeaseRow | None) -> bool:
        if row is None or row.released or row.owner == self.owner:
            return True
        now = self._clock.monotonic()
        if row != self._observed:
            self._observed = row
            self._observed_at = now
            return False
        return now - self._observed_at >= self._duration_s

    def _hold(self, row: LeaseRow, sent_at: float) -> None:
        self._observed = row
        self._held_until = sent_at + self._duration_s * _TRUSTED_SHARE

    async def keep(self, queue_state: Callable[[], QueueState]) -> None:
        """Renew until cancelled; raises `Deposed` when the lease is another's or has run out.

        Parameters
        ----------
        queue_state
            What the row says to intake.

        """
        while True:
            await self._clock.sleep(self._duration_s / _RENEWALS_PER_DURATION)
            state = queue_state()
            while not await self._renew(state):
                await self._clock.sleep(_RETRY_S)

    async def _renew(self, state: QueueState) -> bool:
        if not self.held():
            raise Deposed("The lease ran out before it could be renewed.")
        mine = self._observed
        if mine is None:
            raise Deposed("There is no lease to renew.")
        watermark_ms = state.watermark_ms or mine.watermark_ms
        renewed = replace(mine, beat=mine.beat + 1, watermark_ms=watermark_ms, busy=state.busy)
        sent_at = self._clock.monotonic()
        try:
            if await self._store.swap(mine, renewed):
                self._hold(renewed, sent_at)
                return True
            row = await self._store.read()
        except OutcomeUnknown:
            return False
        if row is None or row.owner != self.owner or row.epoch != mine.epoch:
            raise Deposed(f"The lease is another's: {row}.")
        # An earlier renewal of mine arrived although its response did not.
        self._observed = row
        return False

    async def release(self) -> None:
        """Release the lease, so that a standby takes over at once; a lost one is ignored."""
        mine = self._observed
        if mine is None or not self.held():
            return
        self._held_until = float("-inf")
        try:
            await self._store.swap(mine, replace(mine, beat=mine.beat + 1, released=True))
        except OutcomeUnknown:
            return
