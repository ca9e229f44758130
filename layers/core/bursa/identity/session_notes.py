"""Notes each session that is used, for its user to see, and tells of new devices.

Done with the verdict on a token, so it must cost little and keep nobody out: a session is noted
once in some minutes by each process, and whatever fails is reported and tried again later.
"""

from collections.abc import Callable
from typing import Final, Protocol

from bursa.identity.principal import Principal
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.session_book import SEEN_EVERY_MS, SessionBook, Sighting
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId

_NOTED_MAX: Final = 10_000
# Who loses against another process finds what that one has written, and often nothing to add.
_TRIES_MAX: Final = 2
# After a failure the next attempt waits: a table that can't be written to makes no sign-in slow.
_PAUSE_MS: Final = 30_000


class Books(Protocol):
    """Keeps the books; each method raises `Unavailable`."""

    def find(self, tenant: TenantId, user: str) -> SessionBook:
        """Return a user's book, which is empty when there is none."""

    def write(self, tenant: TenantId, user: str, book: SessionBook) -> bool:
        """Keep the next version of a book; return whether the one before was the last."""

    def write_with(
        self, tenant: TenantId, user: str, book: SessionBook, event: SecurityEvent
    ) -> bool:
        """Keep it together with a security event and its pause of withdrawals."""


class SessionNotes:
    """Notes sessions.

    Parameters
    ----------
    on_failure
        Told that a session could not be noted.

    """

    def __init__(
        self, books: Books, clock: WallClock, on_failure: Callable[[str], None] = lambda _why: None
    ) -> None:
        self._books = books
        self._clock = clock
        self._on_failure = on_failure
        self._noted: dict[tuple[str, str, str], int] = {}
        self._paused_until_ms = 0

    def note(self, principal: Principal, user_agent: str, address: str) -> None:
        """Note that a session is used, unless that was noted just before; raises nothing."""
        now_ms = self._clock.now_ms()
        key = (str(principal.tenant), principal.user, principal.session)
        if now_ms < max(self._paused_until_ms, self._noted.get(key, 0) + SEEN_EVERY_MS):
            return
        sighting = Sighting(principal.session, principal.signed_in_at, user_agent, address, now_ms)
        try:
            self._write(principal, sighting)
        except Unavailable as error:
            self._paused_until_ms = now_ms + _PAUSE_MS
            self._on_failure(error.code)
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[key] = now_ms

    def _write(self, principal: Principal, sighting: Sighting) -> None:
        tenant, user = principal.tenant, principal.user
        for _ in range(_TRIES_MAX):
            book = self._books.find(tenant, user)
            if book.has_noted(sighting):
                return
            if not book.is_new_device(sighting):
                is_written = self._books.write(tenant, user, book.noted(sighting))
            else:
                event = SecurityEvent(
                    SecurityEventKind.NEW_DEVICE,
                    principal.account,
                    user,
                    sighting.at_ms,
                    sighting.address,
                    sighting.session,
                )
                is_written = self._books.write_with(tenant, user, book.noted(sighting), event)
            if is_written:
                return
