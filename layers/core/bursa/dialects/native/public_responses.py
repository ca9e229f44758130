"""Responses of the public routes, kept in memory for a moment.

Anyone may ask, as often as the gateway lets him. So a response is made once a second or so in each
process, whoever asks, and read from memory otherwise. What is kept is a tenant's; errors are not
kept. Of a list, one of a few lengths is kept, and what is asked for is cut from it: so that nobody
makes a process read more by asking for each length there is.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from bursa.dialects.native.json_text import write_json
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import TenantId

# Of all tenants; when there are more, those of the tenant that has most are forgotten.
KEPT_MAX = 1_000
KEPT_LENGTHS = (20, 100, 1_000)
_ETAG_BYTES = 12


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A body in JSON, a digest of it, and how many seconds others may keep it."""

    text: str
    etag: str
    max_age_s: int


_Made = TypeVar("_Made")


@dataclass(slots=True)
class _Kept(Generic[_Made]):
    """What was made, until when it may be used, and the response that was last cut from it."""

    until_ms: int | None
    made: _Made
    length: int | None = None
    response: KeptResponse | None = None

    def is_old(self, now_ms: int) -> bool:
        """Return whether it has to be made again."""
        return self.until_ms is not None and now_ms >= self.until_ms


def kept_length(length: int) -> int:
    """Return the length of the list that one of this length is cut from."""
    return next(kept for kept in KEPT_LENGTHS if kept >= length)


class PublicResponses:
    """Makes responses, and keeps them for as long as their route allows."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._kept: dict[TenantId | None, dict[Hashable, _Kept[Any]]] = {}

    def find(
        self,
        tenant: TenantId | None,
        key: Hashable,
        kept_ms: int | None,
        make: Callable[[], object],
        *,
        max_age_s: int = 1,
    ) -> KeptResponse:
        """Return a response that is at most so old, None for any; raises what ``make`` raises."""
        kept = self._find(tenant, key, kept_ms, make)
        return _response(kept, None, lambda made: made, max_age_s)

    def find_list(  # noqa: PLR0917 - whose, which, how old, how long, from what
        self,
        tenant: TenantId,
        key: Hashable,
        kept_ms: int,
        length: int,
        make: Callable[[int], _Made],
        cut: Callable[[_Made], object],
    ) -> KeptResponse:
        """Return a response of ``length`` items, cut from a longer one that is at most so old."""
        longer = kept_length(length)
        kept = self._find(tenant, (key, longer), kept_ms, lambda: make(longer))
        return _response(kept, length, cut, 1)

    def _find(
        self,
        tenant: TenantId | None,
        key: Hashable,
        kept_ms: int | None,
        make: Callable[[], _Made],
    ) -> _Kept[_Made]:
        now_ms = int(self._clock.monotonic_ms())
        kept: _Kept[_Made] | None = self._kept.get(tenant, {}).get(key)
        if kept is not None and not kept.is_old(now_ms):
            return kept
        made = _Kept(None if kept_ms is None else now_ms + kept_ms, make())
        if kept is None:
            self._make_room(now_ms)
        self._kept.setdefault(tenant, {})[key] = made
        return made

    def _make_room(self, now_ms: int) -> None:
        """Forget what is too old to be used: there are ranges and pages without number."""
        for tenant, responses in list(self._kept.items()):
            young = {key: one for key, one in responses.items() if not one.is_old(now_ms)}
            if young:
                self._kept[tenant] = young
            else:
                del self._kept[tenant]
        if sum(map(len, self._kept.values())) >= KEPT_MAX:
            del self._kept[max(self._kept, key=lambda one: len(self._kept[one]))]


def _response(
    kept: _Kept[_Made], length: int | None, cut: Callable[[_Made], object], max_age_s: int
) -> KeptResponse:
    if kept.response is None or kept.length != length:
        text = write_json(cut(kept.made))
        digest = blake2b(text.encode(), digest_size=_ETAG_BYTES).hexdigest()
        kept.length, kept.response = length, KeptResponse(text, f'"{digest}"', max_age_s)
    return kept.response
