"""Waiting until an account's rows show what the account has been told.

The read models follow the journal within some milliseconds. A client that was told of a sequence
must not be told a moment later that there is no such thing; so where a row is missing, or the
client asks for it, a reader waits for that sequence, a moment at most. A container that waits
serves nobody else, so waiting is paid for with reads, and who has used most of those does not wait.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from bursa.kernel.clock import Clock
from bursa.kernel.errors import NotFound, Unavailable
from bursa.kernel.identifiers import AccountId

# Together less than a client's patience, and than the lag at which an alarm rings.
DELAYS_MS = (0, 10, 20, 40, 80, 160, 320)
# What is further ahead than the commands of some seconds has been told to nobody.
AHEAD_MAX = 100_000
# A worker's clock may be ahead of a function's.
AHEAD_MS_MAX = 10_000
# For what has no sequence to wait for.
SHORT_DELAYS_MS = (0, 20, 50, 100)
# So long a wait is charged as one read.
READ_MS = 40
# Of open orders, each of which is read from its own row, so many are charged as one read.
ROWS_PER_READ = 25

_Found = TypeVar("_Found")


class Position(NamedTuple):
    """What an account's rows reflect.

    Attributes
    ----------
    sequence
        Of the shard.
    moment
        When the account's tenant was concerned last (`bursa.read_models.moments`).

    """

    sequence: int
    moment: int


class Positions(Protocol):
    """How far the read models are."""

    def position(self, account: AccountId) -> Position:
        """Return how far an account's rows are; raises `Unavailable`."""

    def is_current(self, account: AccountId) -> bool:
        """Return whether an account's rows are those that readers know; raises `Unavailable`."""


class CatchUp:
    """Waits for the read models.

    Parameters
    ----------
    pays
        Charges an account for so many reads; False when it has used most of what it may.

    """

    def __init__(
        self, positions: Positions, clock: Clock, pays: Callable[[AccountId, int], bool]
    ) -> None:
        self._positions = positions
        self._clock = clock
        self._pays = pays

    def position(self, account: AccountId) -> int:
        """Return the sequence that an account's rows reflect as a whole; raises `Unavailable`."""
        return self._positions.position(account).sequence

    def require_current(self, account: AccountId) -> None:
        """Return when lists are whole.

        Raises
        ------
        Unavailable
            ``read_models_unavailable``: the rows were made by older software and are to be rebuilt.

        """
        if not self._positions.is_current(account):
            raise Unavailable(
                "read_models_unavailable", "Lists are being made again; ask again in some minutes."
            )

    def rows_paid_for(self, account: AccountId, limit: int) -> int:
        """Return how many open orders of a page are read: all that the account pays for."""
        more = -(-limit // ROWS_PER_READ) - 1
        if more <= 0 or self._pays(account, more):
            return limit
        return ROWS_PER_READ

    def wait_for(self, account: AccountId, sequence: int) -> bool:
        """Return whether the account's rows reflect a sequence, now or in a moment.

        False at once for a sequence that nobody can have been told of.

        Raises
        ------
        NotFound
            ``not_known_yet``: not in a moment either, or the account has to ask again for that.
        Unavailable
            The position can't be read.

        """
        for _ in self._delays(account, DELAYS_MS):
            position = self._positions.position(account).sequence
            if position >= sequence:
                return True
            if sequence > position + AHEAD_MAX:
                return False
        raise _not_known_yet()

    def wait_until(self, account: AccountId, moment: int) -> bool:
        """Return whether the account's rows reflect what its tenant was told of a moment.

        False at once for a moment that is to come, else as `wait_for`, which it raises like.
        """
        if moment > self._clock.now_ms() + AHEAD_MS_MAX:
            return False
        for _ in self._delays(account, DELAYS_MS):
            if self._positions.position(account).moment >= moment:
                return True
        raise _not_known_yet()

    def look(self, account: AccountId, read: Callable[[], _Found | None]) -> _Found | None:
        """Return what a reader finds, now or in a moment; for what no sequence is known of.

        Raises
        ------
        NotFound
            ``not_known_yet``: the account has to ask again for that.

        """
        looks = 0
        for _ in self._delays(account, SHORT_DELAYS_MS):
            looks += 1
            found = read()
            if found is not None:
                return found
        if looks < len(SHORT_DELAYS_MS):
            raise _not_known_yet()
        return None

    def _delays(self, account: AccountId, delays_ms: tuple[int, ...]) -> Iterator[int]:
        """Wait each delay that the account pays for."""
        for delay_ms in delays_ms:
            if delay_ms and not self._pays(account, -(-delay_ms // READ_MS)):
                return
            self._clock.sleep_ms(delay_ms)
            yield delay_ms


def _not_known_yet() -> NotFound:
    return NotFound("not_known_yet", "What you ask for may be there in a moment; ask again.")
