"""Waiting until an account's rows show what the account has been told.

The read models follow the journal within some milliseconds. A client that was told of a sequence
must not be told a moment later that there is no such thing; so where a row is missing, or the
client asks for it, a reader waits for that sequence, a moment at most.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from bursa.kernel.clock import Clock
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId

# Together less than a client's patience, and than the lag at which an alarm rings.
DELAYS_MS = (0, 10, 20, 40, 80, 160, 320)
# What is further ahead than the commands of some seconds has been told to nobody.
AHEAD_MAX = 100_000
# For what has no sequence to wait for.
SHORT_DELAYS_MS = (0, 20, 50, 100)

_Found = TypeVar("_Found")


class Positions(Protocol):
    """How far the read models are."""

    def position(self, account: AccountId) -> int:
        """Return the sequence that an account's rows reflect; raises `Unavailable`."""


class CatchUp:
    """Waits for the read models."""

    def __init__(self, positions: Positions, clock: Clock) -> None:
        self._positions = positions
        self._clock = clock

    def wait_for(self, account: AccountId, sequence: int) -> bool:
        """Return whether the account's rows reflect a sequence, now or in a moment.

        False at once for a sequence that nobody can have been told of.

        Raises
        ------
        NotFound
            ``not_known_yet``: not in a moment either.
        Unavailable
            The position can't be read.

        """
        for delay_ms in DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            position = self._positions.position(account)
            if position >= sequence:
                return True
            if sequence > position + AHEAD_MAX:
                return False
        raise NotFound("not_known_yet", "What you ask for may be there in a moment; ask again.")

    def look(self, read: Callable[[], _Found | None]) -> _Found | None:
        """Return what a reader finds, now or in a moment; for what no sequence is known of."""
        for delay_ms in SHORT_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            found = read()
            if found is not None:
                return found
        return None
