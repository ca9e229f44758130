"""Engine time from a wall clock that may jump.

Engine time never goes back, so a wall clock that is set an hour ahead by mistake would expire
orders at once and for good. Between two looks only as much time passes as the monotonic clock
says; a difference to the wall clock is made up slowly, as if time ran a little faster or slower.
"""

from worker.ports import Clock

_CORRECTION_SHARE = 0.1
JUMP_MS = 1000.0


class SteadyTime:
    """UTC milliseconds that follow a clock without its jumps.

    Attributes
    ----------
    off_by_ms
        How far the wall clock is from this time: positive when it is ahead.

    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic()
        self._time_ms = float(clock.time_ms())
        self.off_by_ms = 0.0

    def now_ms(self) -> int:
        """Return the time; never less than before."""
        monotonic = self._clock.monotonic()
        elapsed_ms = max(0.0, monotonic - self._monotonic) * 1000
        expected = self._time_ms + elapsed_ms
        difference = self._clock.time_ms() - expected
        most = elapsed_ms * _CORRECTION_SHARE
        self._time_ms = expected + max(-most, min(most, difference))
        self._monotonic = monotonic
        self.off_by_ms = difference
        return int(self._time_ms)
