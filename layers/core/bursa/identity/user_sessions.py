"""A user's sessions, as it sees them, and the end of one of them.

The end is written where every sign-in reads it, before the session's connections are looked up, as
with all of them at once (`bursa.identity.sessions`); the book of sessions is only what is shown.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.session_book import Session, SessionBook
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotFound, Refused
from bursa.kernel.identifiers import AccountId, TenantId


class Books(Protocol):
    """Keeps what is known of sessions."""

    def find(self, tenant: TenantId, user: str) -> SessionBook:
        """Return a user's book, which is empty when there is none. Raises `Unavailable`."""


class Directory(Protocol):
    """Keeps which sessions are over; each method raises `Unavailable`."""

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""

    def end_session(
        self, tenant: TenantId, subject: str, session: str, signed_in_at: int, now_s: int
    ) -> bool:
        """End a session; return False, and change nothing, when there is no room for it."""


class Connections(Protocol):
    """Closes WebSockets; see `bursa.identity.sessions.SessionEnd`."""

    def close_connections(self, account: AccountId, user: str, session: str = "") -> int:
        """Close those of a session; return how many."""


class Events(Protocol):
    """Keeps security events."""

    def record(self, event: SecurityEvent) -> None:
        """Keep an event; raises `Unavailable`."""


class OpenSessions(NamedTuple):
    """Sessions that go on, the one seen last first; and whether none is missing."""

    sessions: Sequence[Session]
    is_complete: bool


class UserSessions:
    """Lists and ends a user's sessions; refuses API keys with `NotAllowed` ``token_required``."""

    def __init__(
        self,
        books: Books,
        directory: Directory,
        connections: Connections,
        events: Events,
        clock: WallClock,
    ) -> None:
        self._books = books
        self._directory = directory
        self._connections = connections
        self._events = events
        self._clock = clock

    def of(self, principal: Principal) -> OpenSessions:
        """Return the caller's sessions that go on; raises `Unavailable`."""
        require_token(principal)
        book = self._books.find(principal.tenant, principal.user)
        user = self._directory.known_user(principal.tenant, principal.user)
        if user is None:
            return OpenSessions((), is_complete=True)
        going_on = [one for one in book.sessions if user.has_session(one.signed_in_at, one.id)]
        return OpenSessions(going_on, book.is_complete(self._clock.now_ms()))

    def end(self, principal: Principal, session: str, address: str) -> int:
        """End one of the caller's sessions; return how many WebSockets were closed.

        Safe to repeat. No code is asked for: what takes a right away must be quick.

        Raises
        ------
        NotFound
            ``unknown_session``; also for another user's.
        Refused
            ``too_many_ended_sessions``: there is no room to remember one more.

        """
        require_token(principal)
        tenant, name = principal.tenant, principal.user
        known = self._books.find(tenant, name).find(session)
        user = self._directory.known_user(tenant, name)
        if known is None or user is None:
            raise NotFound("unknown_session", "There is no such session; see GET /v1/sessions.")
        now_ms = self._clock.now_ms()
        if user.has_session(known.signed_in_at, known.id):
            self._end(principal, known, now_ms, address)
        return self._connections.close_connections(principal.account, name, session)

    def _end(self, principal: Principal, known: Session, now_ms: int, address: str) -> None:
        is_ended = self._directory.end_session(
            principal.tenant, principal.user, known.id, known.signed_in_at, now_ms // 1_000
        )
        if not is_ended:
            raise Refused(
                "too_many_ended_sessions",
                "Sign out everywhere instead: POST /v1/sessions/revoke.",
            )
        self._record(principal, SecurityEventKind.SESSION_ENDED, now_ms, address, known.id)

    def goes_on(self, principal: Principal) -> bool:
        """Return whether the caller's own session goes on; a verdict is kept for some seconds."""
        user = self._directory.known_user(principal.tenant, principal.user)
        return user is not None and user.has_session(principal.signed_in_at, principal.session)

    def record_all_ended(self, principal: Principal, address: str) -> None:
        """Keep that all sessions of the caller were ended."""
        kind = SecurityEventKind.SIGNED_OUT_EVERYWHERE
        self._record(principal, kind, self._clock.now_ms(), address)

    def _record(
        self,
        principal: Principal,
        kind: SecurityEventKind,
        now_ms: int,
        address: str,
        about: str = "",
    ) -> None:
        event = SecurityEvent(kind, principal.account, principal.user, now_ms, address, about)
        self._events.record(event)
