"""Rates, and how much of one is left: whole numbers, never seconds as fractions."""

from typing import NamedTuple

MICROSECONDS_PER_SECOND = 1_000_000


class Rate(NamedTuple):
    """So many a second in the long run, and so many at once after a pause."""

    per_s: int
    burst: int

    @property
    def interval_us(self) -> int:
        """Microseconds that one takes to come back; rounded up, so never more than the rate."""
        return -(-MICROSECONDS_PER_SECOND // self.per_s)


class RateState(NamedTuple):
    """How much of a rate its holder has left.

    Attributes
    ----------
    limit
        How many it may use at once: the rate's burst.
    remaining
        How many of them are left.
    reset_s
        Seconds until all are there again, if none is used.

    """

    limit: int
    remaining: int
    reset_s: int
