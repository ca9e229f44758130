"""What happens on WebSocket connections, of accounts and of visitors alike: open, message, end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bursa.dialects.native.feed_messages import error, going_away, token_expired
from bursa.dialects.native.public_ids import PublicIds
from bursa.dialects.native.socket_requests import channels_named, handle_request
from bursa.kernel.errors import InvalidInput, TooManyRequests
from bursa.market_data.clients import Client
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.subscriptions import Subscriptions

OK: Final = 200
UNAUTHORIZED: Final = 401
TOO_MANY: Final = 429
# As long as API Gateway keeps a connection; and how long before its end a client is told.
_CONNECTION_LIFE_MS: Final = 2 * 60 * 60 * 1_000
_NOTICE_MS: Final = 10 * 60 * 1_000


class Sockets(Protocol):
    """The way back to clients."""

    def respond(self, connection_id: str, bodies: Sequence[bytes]) -> bool:
        """Send one connection its responses in order; return whether it is still there."""

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages."""


class Reports(Protocol):
    """What whoever runs it is told."""

    def count(self, name: str) -> None:
        """Count one of something, by the name of its metric."""

    def failed(self, why: str) -> None:
        """Log the exception that is being handled."""


@dataclass(frozen=True, slots=True)
class SocketEvents:
    """Serves the events of a gateway's connections.

    Attributes
    ----------
    subscriptions, sockets, limits
        Who follows what, the way back to clients, and what each may use.
    ids
        Shows orders and trades to clients.
    reports
        What is counted and logged.

    """

    subscriptions: Subscriptions
    sockets: Sockets
    limits: ConnectionLimits
    ids: PublicIds
    reports: Reports

    def connect(self, client: Client, goes_on: Callable[[], bool], now_ms: int) -> int:
        """Remember a connection; return the status of the handshake.

        Whether the session goes on is read after the connection was written: who ends it meanwhile
        either finds the connection, or has ended the session before this looks.
        """
        if not self.limits.admits_handshake(client):
            return self._refuse(TOO_MANY)
        self.subscriptions.connect(client, now_ms)
        if not goes_on():
            self.subscriptions.disconnect(client)
            return self._refuse(UNAUTHORIZED)
        try:
            self.limits.require_room(client)
        except TooManyRequests:
            self.subscriptions.disconnect(client)
            return self._refuse(TOO_MANY)
        self.reports.count("Connected")
        return OK

    def disconnect(self, client: Client) -> None:
        """Forget a connection that the gateway says is gone."""
        self.reports.count("Disconnected")
        self.subscriptions.disconnect(client)

    def turn_away(self, connection_id: str, event_type: str) -> int:
        """Close a connection whose verdict is of another version of this software; return a status.

        A connection lasts for two hours, across deployments. Its rows go by themselves.
        """
        if event_type == "CONNECT":
            return self._refuse(UNAUTHORIZED)
        self.reports.count("ConnectionsRefused")
        if event_type != "DISCONNECT":
            self.sockets.close([connection_id], [token_expired()])
        return OK

    def receive(self, client: Client, body: str, connected_at_ms: int, now_ms: int) -> None:
        """Carry out a message of a client, or close its connection."""
        self.reports.count("MessagesReceived")
        channels = channels_named(body)
        if client.session_ends_at * 1_000 <= now_ms:
            self._end(client, token_expired())
        elif not self.limits.admits_message(client, channels):
            fault = error("too_many_messages", "Send fewer messages a second, and connect again.")
            self._end(client, fault)
        else:
            closes_at_ms = min(
                connected_at_ms + _CONNECTION_LIFE_MS, client.session_ends_at * 1_000
            )
            is_short = closes_at_ms - now_ms <= _NOTICE_MS
            first = [going_away(closes_at_ms)] if is_short else []
            messages = first + self._responses(client, body, channels, now_ms)
            if not self.sockets.respond(client.connection_id, messages):
                self.subscriptions.disconnect(client)

    def _responses(self, client: Client, body: str, channels: int, now_ms: int) -> list[bytes]:
        """Carry out one message; return what the client is sent, in order."""
        try:
            self.limits.require_share(client, channels)
            return list(handle_request(self.subscriptions, client, body, now_ms, self.ids))
        except (InvalidInput, TooManyRequests) as fault:
            return [error(fault.code, fault.detail)]
        except Exception:  # noqa: BLE001 - whatever it is, the client is told and it is logged
            self.reports.failed("A message could not be handled")
            self.reports.count("MessagesFailed")
            return [error("internal_error", "Something broke on our side; send it again.")]

    def _end(self, client: Client, why: bytes) -> None:
        """Close a connection that outlives its token, or sends more than it may."""
        self.reports.count("ConnectionsEnded")
        self.sockets.close([client.connection_id], [why])
        self.subscriptions.disconnect(client)

    def _refuse(self, status: int) -> int:
        self.reports.count("ConnectionsRefused")
        return status
