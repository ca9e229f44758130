"""The buckets that all containers share: what is asked of one, and what becomes of it.

A bucket is stored as the time at which it is full again, so that no job need refill it.
"""

from typing import NamedTuple, Protocol

from bursa.kernel.rates import MICROSECONDS_PER_SECOND


class Refusal(NamedTuple):
    """The bucket is empty for another ``wait_us``."""

    wait_us: int


class Ask(NamedTuple):
    """How much is asked of a shared bucket.

    Attributes
    ----------
    amount
        So many.
    interval_us
        The time in which one comes back.
    room_us
        How long the bucket may take to be full again after this, in microseconds: that of the
        whole burst, less what must be left in it; never less than what is asked.
    now_us
        The time, UTC microseconds.

    """

    amount: int
    interval_us: int
    room_us: int
    now_us: int

    def is_plausible(self, full_at_us: int) -> bool:
        """Return whether a bucket can be as it is; one written by a clock that is off can't."""
        return full_at_us - self.now_us <= 2 * self.room_us + MICROSECONDS_PER_SECOND

    def fits(self, full_at_us: int) -> bool:
        """Return whether a bucket that is full again at a time has as much."""
        return self.full_after(full_at_us) - self.now_us <= self.room_us

    def full_after(self, full_at_us: int) -> int:
        """Return when the bucket is full again, once this is taken."""
        return max(full_at_us, self.now_us) + self.amount * self.interval_us

    def refusal(self, full_at_us: int) -> Refusal:
        """Return how long a bucket that is full again at a time has less than this."""
        return Refusal(max(1, self.full_after(full_at_us) - self.now_us - self.room_us))

    def after(self, full_at_us: int) -> "Taken":
        """Return what becomes of a bucket that is full again at a time."""
        known_us = full_at_us if self.is_plausible(full_at_us) else 0
        if self.fits(known_us):
            return Taken(is_taken=True, full_at_us=self.full_after(known_us))
        return Taken(is_taken=False, full_at_us=known_us)


class Taken(NamedTuple):
    """Whether a shared bucket had as much, and when it is full again."""

    is_taken: bool
    full_at_us: int


class SharedBuckets(Protocol):
    """The buckets that all containers share."""

    def take(self, holder: str, budget: str, ask: Ask) -> Taken:
        """Take from a bucket if it has as much; raises `Unavailable`."""
