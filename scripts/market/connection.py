"""A WebSocket that stays: it connects again when it closes, and subscribes again when it must."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from scripts.client import ApiError, Json, ToolError
from scripts.market.following import ChannelFollower

PING_EVERY_S: Final = 30.0
AGAIN_AFTER_S: Final = 1.0
CONNECT_DELAY_S_MAX: Final = 10.0
# Without one of these a new connection would not go better than the last.
_LASTING: Final = frozenset({"unknown_market", "unknown_channel", "invalid_channels"})


class Connected(Protocol):
    """Who may open WebSockets."""

    def websocket_url(self) -> str:
        """Return the address of a new one."""


class Connection:
    """Follows channels until it is stopped.

    Parameters
    ----------
    sign_in
        Returns a new session, or who needs none; called at the start, and again when a token has
        ended.
    apply
        Called with each message that is in step: the channel's name, and a snapshot or an update.
    report
        Called with a sentence when the connection comes or goes.

    """

    def __init__(
        self,
        sign_in: Callable[[], Connected],
        channels: Sequence[str],
        apply: Callable[[str, Json], None],
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._sign_in = sign_in
        self._apply = apply
        self._report = report
        self.followers = {channel: ChannelFollower() for channel in channels}
        self.connects = 0
        self._stopped = threading.Event()
        self._asked_at = dict.fromkeys(channels, 0.0)

    def stop(self) -> None:
        """Let `run` return within a second."""
        self._stopped.set()

    def is_in_step(self) -> bool:
        """Return whether every channel has had its snapshot and misses nothing."""
        followers = self.followers.values()
        return all(one.last is not None and not one.needs_snapshot for one in followers)

    def run(self) -> None:
        """Follow; raises `ToolError` for what another try would not mend."""
        delay_s = AGAIN_AFTER_S
        client = self._sign_in()
        while not self._stopped.is_set():
            try:
                with connect(client.websocket_url()) as socket:
                    self.connects += 1
                    self._report("connected")
                    delay_s = AGAIN_AFTER_S
                    self._follow(socket)
            except (ConnectionClosed, InvalidHandshake, OSError, ApiError) as error:
                self._report(f"connecting again: {error}")
                if isinstance(error, ApiError) and error.status == 401:  # noqa: PLR2004 - RFC 9110
                    client = self._sign_in()
            self._stopped.wait(delay_s)
            delay_s = min(2 * delay_s, CONNECT_DELAY_S_MAX)

    def _follow(self, socket: ClientConnection) -> None:
        for follower in self.followers.values():
            follower.start_over()
        self._subscribe(socket, list(self.followers))
        pinged = time.monotonic()
        while not self._stopped.is_set():
            if time.monotonic() - pinged > PING_EVERY_S:
                socket.send(json.dumps({"op": "ping"}))
                pinged = time.monotonic()
            try:
                message = json.loads(socket.recv(timeout=0.5))
            except TimeoutError:
                message = {}
            if message.get("channel") in self.followers:
                self._take(message)
            elif message.get("type") == "error":
                self._refused(message)
            elif message.get("type") == "closing":
                self._report(str(message["detail"]))
            self._subscribe(socket, self._missing())

    def _take(self, message: Json) -> None:
        channel = message["channel"]
        for one in self.followers[channel].take(message):
            self._apply(channel, one)

    def _missing(self) -> list[str]:
        """Return the channels whose snapshot is to be asked for once more by now."""
        before = time.monotonic() - AGAIN_AFTER_S
        return [
            channel
            for channel, follower in self.followers.items()
            if follower.needs_snapshot and self._asked_at[channel] < before
        ]

    def _subscribe(self, socket: ClientConnection, channels: list[str]) -> None:
        if not channels:
            return
        socket.send(json.dumps({"op": "subscribe", "channels": channels}))
        self._asked_at.update(dict.fromkeys(channels, time.monotonic()))

    def _refused(self, message: Json) -> None:
        if message["code"] in _LASTING:
            raise ToolError(f"{message['code']}: {message['detail']}")
        self._report(f"{message['code']}: {message['detail']}")
