"""An event loop whose time passes only when no task is ready.

The standard library's loop with its selector taken out: where that would wait for sockets, this
one moves its clock. An hour takes as long as what happens in it, and equal programs run equally.
"""

import asyncio
import time
from typing import Any

TURNS_MAX = 100_000


class _NoSelector:
    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        self._loop.turns += 1
        if self._loop.turns > self._loop.turns_max:
            raise RuntimeError(f"The simulation has not ended after {self._loop.turns} turns.")
        if timeout is None:
            raise RuntimeError("Every task waits for another: the simulation is stuck.")
        if timeout > 0:
            self._loop.now += timeout
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs coroutines on a clock of its own, beginning at 0."""

    def __init__(self, turns_max: int = TURNS_MAX) -> None:
        super().__init__()
        self.now = 0.0
        self.turns = 0
        self.turns_max = turns_max
        self._selector = _NoSelector(self)
        # A timer is due exactly at its time; the default would fire it a clock's tick early.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Do nothing: no other thread wakes this loop."""


class ChargedLoop(VirtualLoop):
    """A virtual clock that moves by the processor time of this process, too.

    So one processor does all work of everybody, one thing after the other, and what else runs on
    the machine does not count. Runs are alike, not equal.
    """

    def __init__(self, turns_max: int = TURNS_MAX) -> None:
        super().__init__(turns_max)
        self._selector = _ChargingSelector(self)


class _ChargingSelector(_NoSelector):
    def __init__(self, loop: ChargedLoop) -> None:
        super().__init__(loop)
        self._charged = loop
        self._before_s = time.process_time()

    def select(self, timeout: float | None) -> list[Any]:
        now_s = time.process_time()
        took_s, self._before_s = now_s - self._before_s, now_s
        self._charged.now += took_s
        return super().select(timeout and max(0.0, timeout - took_s))
