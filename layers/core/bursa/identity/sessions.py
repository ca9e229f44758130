"""How sessions end before their time: everywhere and at once.

The directory remembers with the user when its sessions ended, and every sign-in reads that with the
account. It is written before the connections are looked up, and a new connection is written before
the user is read again, so that whichever of the two is first, no connection outlives its session.
Whatever happens to the connections, it must not keep the end from being written.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import ConnectionRow


class Directory(Protocol):
    """Keeps when the sessions of each user ended."""

    def end_sessions(self, tenant: TenantId, subject: str, at_s: int) -> None:
        """End the sessions of a user that began at this time or before; never takes that back."""


class Connections(Protocol):
    """Who is connected."""

    def of_account(self, account: str) -> Sequence[ConnectionRow]:
        """Read all connections of an account; what was written before is among them."""

    def forget(self, account: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class Sockets(Protocol):
    """The connections themselves."""

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages."""


class SessionEnd:
    """Ends all sessions of a user.

    Parameters
    ----------
    farewell
        What a connection is sent before it is closed.

    """

    def __init__(
        self,
        directory: Directory,
        connections: Connections,
        sockets: Sockets,
        farewell: Sequence[bytes],
    ) -> None:
        self._directory = directory
        self._connections = connections
        self._sockets = sockets
        self._farewell = farewell

    def record(self, account: AccountId, user: str, now_ms: int) -> None:
        """Write that they have ended: from then on nobody is let in by them. Safe to repeat.

        Raises `Unavailable` ``directory_unavailable``.
        """
        self._directory.end_sessions(account.tenant, user, now_ms // 1_000)

    def close_connections(self, account: AccountId, user: str, session: str = "") -> int:
        """Close what they had open, once their end is recorded; return how many. Safe to repeat.

        With a session's name only what that one had open.
        """
        names = [
            row.connection_id
            for row in self._connections.of_account(str(account))
            if row.user == user and session in ("", row.session)
        ]
        self._sockets.close(names, self._farewell)
        for name in names:
            self._connections.forget(str(account), name)
        return len(names)
