"""Responses of the public routes, kept in memory for a moment.

Anyone may ask, as often as the gateway lets him. So a response is made once a second or so in each
process, whoever asks, and read from memory otherwise. What is kept is found by a key that holds the
tenant; errors are not kept.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b

from bursa.dialects.native.json_text import write_json
from bursa.kernel.clock import MonotonicClock

# Of different keys; when there are more, all are forgotten.
_KEPT_MAX = 1_000
_ETAG_BYTES = 12


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A body in JSON, a digest of it, and how many seconds others may keep it."""

    text: str
    etag: str
    max_age_s: int


class PublicResponses:
    """Makes responses, and keeps them for as long as their route allows."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[int, KeptResponse]] = {}

    def find(
        self, key: Hashable, kept_ms: int | None, make: Callable[[], object], *, max_age_s: int = 1
    ) -> KeptResponse:
        """Return a response that is at most so old, None for any; raises what ``make`` raises."""
        now_ms = int(self._clock.monotonic_ms())
        made_ms, response = self._kept.get(key, (now_ms, None))
        if response is None or (kept_ms is not None and now_ms - made_ms >= kept_ms):
            text = write_json(make())
            digest = blake2b(text.encode(), digest_size=_ETAG_BYTES).hexdigest()
            response = KeptResponse(text, f'"{digest}"', max_age_s)
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            self._kept[key] = now_ms, response
        return response
