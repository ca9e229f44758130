"""What `make run` does while the exchange runs: restarts what ends, and ends with its reader."""

import os
import time
from collections.abc import Callable

from rich.console import Console

from scripts.local import emulator
from scripts.local.environment import LocalError
from scripts.local.exchange import LocalExchange

# A process that lives this long has started well; an earlier end is waited for a little longer.
_STEADY_S = 60.0
_DELAY_S_MAX = 30.0
_EMULATOR_RESTARTS_MAX = 3


class Restarts:
    """When the next restart of one process is due: at once, then ever later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._ended: float | None = None
        self.in_a_row = 0

    def delay_s(self) -> float:
        """Note that the process has ended; returns the seconds until it is due again."""
        now = self._clock()
        if self._ended is None:
            self._ended = now
            self.in_a_row = 0 if now - self._started > _STEADY_S else self.in_a_row
        wait_s = min(2.0**self.in_a_row - 1, _DELAY_S_MAX)
        return max(0.0, self._ended + wait_s - now)

    def note_start(self) -> None:
        """Note that it was started again."""
        self._started = self._clock()
        self._ended = None
        self.in_a_row += 1


class Watch:
    """Looks after a running exchange; to be called again and again."""

    def __init__(
        self, console: Console, exchange: LocalExchange, is_gone: Callable[[], bool]
    ) -> None:
        self._console = console
        self._exchange = exchange
        self._is_gone = is_gone
        self._parent = os.getppid()
        self._restarts: dict[str, Restarts] = {}
        self._announced: set[str] = set()

    def __call__(self) -> None:
        """Restart what has ended, as systemd does on EC2; end with the reader or the parent."""
        if self._is_gone() or os.getppid() != self._parent:
            raise KeyboardInterrupt
        for name in self._exchange.missing():
            restarts = self._restarts.setdefault(name, Restarts())
            delay_s = restarts.delay_s()
            if delay_s > 0:
                self._announce(name, f"{name} ended again; starting it in {delay_s:.0f} s.")
                continue
            self._announced.discard(name)
            self._restart(name, restarts)
            return

    def _restart(self, name: str, restarts: Restarts) -> None:
        self._console.print(f"{name} ended unexpectedly; starting it again.", style="yellow")
        restarts.note_start()
        if name != emulator.NAME:
            self._exchange.restart_worker(name)
            return
        if restarts.in_a_row > _EMULATOR_RESTARTS_MAX:
            raise LocalError("MiniStack ends again and again; its log says why.")
        self._exchange.up()

    def _announce(self, name: str, sentence: str) -> None:
        if name not in self._announced:
            self._announced.add(name)
            self._console.print(sentence, style="yellow")
