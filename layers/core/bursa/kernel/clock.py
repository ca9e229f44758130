"""The clocks that use cases and adapters are given, chance, and keys that can't be guessed.

A class asks for as little of a clock as it reads, so that a test passes it that method alone. The
worker's clock is another one (`worker.ports.Clock`): it is awaited, so that the simulator owns it.
"""

import secrets
import time
from typing import Protocol

_KEY_BYTES = 16


class WallClock(Protocol):
    """The time of day."""

    def now_ms(self) -> int:
        """Return UTC in milliseconds."""


class MonotonicClock(Protocol):
    """A clock that never goes back."""

    def monotonic_ms(self) -> float:
        """Return its time in milliseconds."""


class Clock(WallClock, MonotonicClock, Protocol):
    """Both, and a way to wait."""

    def sleep_ms(self, duration_ms: float) -> None:
        """Return after this many milliseconds."""


class SystemClock:
    """The clock of the machine it runs on."""

    def now_ms(self) -> int:
        """Return UTC in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Return the time of a clock that never goes back, in milliseconds."""
        return time.monotonic() * 1_000

    def sleep_ms(self, duration_ms: float) -> None:
        """Return after this many milliseconds."""
        time.sleep(duration_ms / 1_000)


def one_in(count: int) -> bool:
    """Return True for one call in so many, by chance."""
    return secrets.randbelow(count) == 0


def random_key() -> str:
    """Return a key of 32 hexadecimal digits."""
    return secrets.token_hex(_KEY_BYTES)
