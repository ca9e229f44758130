"""The routes about the caller's sessions, one by one."""

from bursa.dialects.native.user_responses import EndedSession, SessionList, SessionState
from bursa.identity.principal import Principal
from bursa.identity.user_sessions import UserSessions


class SessionRoutes:
    """What `functions/identity_api` serves about sessions."""

    def __init__(self, sessions: UserSessions) -> None:
        self._sessions = sessions

    def sessions(self, principal: Principal) -> SessionList:
        """Return the caller's sessions that go on; raises as `UserSessions.of` does."""
        found = self._sessions.of(principal)
        return SessionList(
            items=[
                SessionState(
                    session_id=one.id,
                    is_current=one.id == principal.session,
                    signed_in_at_ms=one.signed_in_at * 1_000,
                    last_seen_at_ms=one.seen_at_ms,
                    user_agent=one.user_agent,
                    address=one.address,
                )
                for one in found.sessions
            ],
            next_cursor=None,
            is_complete=found.is_complete,
        )

    def end(self, principal: Principal, session: str, address: str) -> EndedSession:
        """End one of the caller's sessions; raises as `UserSessions.end` does."""
        closed = self._sessions.end(principal, session, address)
        return EndedSession(session_id=session, connections_closed=closed)

    def goes_on(self, principal: Principal) -> bool:
        """Return whether the caller's own session goes on; raises `Unavailable`."""
        return self._sessions.goes_on(principal)

    def record_all_ended(self, principal: Principal, address: str) -> None:
        """Keep that all sessions were ended; raises `Unavailable` ``identity_unavailable``."""
        self._sessions.record_all_ended(principal, address)
