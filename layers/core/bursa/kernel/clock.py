"""The edge's clock, and request keys that can't be guessed."""

import secrets
import time

_KEY_BYTES = 16


class SystemClock:
    """The clock of the machine it runs on."""

    def now_ms(self) -> int:
        """Read UTC in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Read a clock that never goes back."""
        return time.monotonic() * 1_000

    def sleep_ms(self, duration_ms: float) -> None:
        """Wait."""
        time.sleep(duration_ms / 1_000)


def random_key() -> str:
    """Make a key of 32 hexadecimal digits."""
    return secrets.token_hex(_KEY_BYTES)
