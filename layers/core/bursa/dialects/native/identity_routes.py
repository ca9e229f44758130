"""The routes about the caller itself: tickets for WebSockets, and the end of its sessions."""

from typing import Protocol

from bursa.dialects.native.responses import EndedSessions, WebSocketTicket
from bursa.dialects.native.user_responses import ClosedAccount
from bursa.identity.principal import Principal
from bursa.identity.sessions import SessionEnd
from bursa.identity.tickets import Tickets
from bursa.kernel.clock import WallClock


class RefreshTokens(Protocol):
    """Ends what a user pool could renew a user's tokens by."""

    def revoke(self, token: str) -> bool:
        """Revoke the refresh tokens of a token's user; return whether the pool has done it."""


class IdentityRoutes:
    """What `functions/identity_api` serves."""

    def __init__(
        self,
        tickets: Tickets,
        end_sessions: SessionEnd,
        refresh_tokens: RefreshTokens,
        clock: WallClock,
    ) -> None:
        self._tickets = tickets
        self._end_sessions = end_sessions
        self._refresh_tokens = refresh_tokens
        self._clock = clock

    def ticket(self, principal: Principal) -> WebSocketTicket:
        """Return a one-use ticket; raises `Unavailable` ``tickets_unavailable``."""
        ticket = self._tickets.issue(principal)
        return WebSocketTicket(ticket=ticket.text, expires_at_ms=ticket.expires_at_ms)

    def present_closed(self, principal: Principal, token: str, closed_at_ms: int) -> ClosedAccount:
        """Return what became of an account that was closed, its refresh tokens too."""
        return ClosedAccount(
            account=str(principal.account),
            closed_at_ms=closed_at_ms,
            refresh_tokens_revoked=self._refresh_tokens.revoke(token),
        )

    def revoke(self, principal: Principal, token: str) -> EndedSessions:
        """End all sessions of the caller, also the one that asks.

        The exchange comes before the user pool: without the pool the sessions are over all the
        same, because what it renews belongs to a session that began before. Connections come last,
        so that a fault among them keeps neither from it. Raises `Unavailable`
        ``directory_unavailable``.
        """
        now_ms = self._clock.now_ms()
        self._end_sessions.record(principal.account, principal.user, now_ms)
        is_revoked = self._refresh_tokens.revoke(token)
        closed = self._end_sessions.close_connections(principal.account, principal.user)
        return EndedSessions(
            ended_at_ms=now_ms, connections_closed=closed, refresh_tokens_revoked=is_revoked
        )
