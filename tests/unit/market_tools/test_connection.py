"""A connection comes back, and asks for what is missing."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from scripts.client import Client, ToolError
from scripts.market import connection as module
from scripts.market.connection import Connection

CHANNEL = "book:BTC-USDT"
Message = dict[str, Any]


class FakeClient:
    """A session whose WebSockets lead to a server of the test's."""

    def __init__(self, url: str) -> None:
        self._url = url

    def websocket_url(self) -> str:
        return self._url


@contextmanager
def serving(handle: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            host, port = server.socket.getsockname()[:2]
            yield f"ws://{host}:{port}"
        finally:
            server.shutdown()
            thread.join()


def say(socket: ServerConnection, kind: str, sequence: int, previous: int = 0) -> None:
    body = {"type": kind, "channel": CHANNEL, "sequence": sequence, "epoch": 1}
    socket.send(json.dumps(body | {"previous_sequence": previous, "data": {}, "time_ms": 0}))


def heard(url: str, until: int, client: Any = None) -> tuple[list[tuple[str, int]], Connection]:
    """Follow until a message of that sequence has come."""
    got: list[tuple[str, int]] = []
    done = threading.Event()

    def apply(_channel: str, message: Message) -> None:
        got.append((message["type"], message["sequence"]))
        if message["sequence"] == until:
            done.set()
            followed.stop()

    def sign_in() -> Client:
        return client or FakeClient(url)  # type: ignore[return-value]

    followed = Connection(sign_in, [CHANNEL], apply)
    followed.run()
    assert done.is_set()
    return got, followed


def test_a_connection_that_closes_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.01)
    times: list[int] = []

    def handle(socket: ServerConnection) -> None:
        assert json.loads(socket.recv())["channels"] == [CHANNEL]
        times.append(1)
        say(socket, "snapshot", 10 * len(times))
        if len(times) == 2:
            socket.recv()

    with serving(handle) as url:
        got, followed = heard(url, until=20)
    assert got == [("snapshot", 10), ("snapshot", 20)]
    assert followed.connects == 2


def test_a_hole_is_filled_by_subscribing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.0)

    def handle(socket: ServerConnection) -> None:
        socket.recv()
        say(socket, "snapshot", 5)
        say(socket, "update", 9, previous=7)
        socket.recv()  # the second subscription
        say(socket, "snapshot", 7)
        socket.recv()

    with serving(handle) as url:
        got, followed = heard(url, until=9)
    assert got == [("snapshot", 5), ("snapshot", 7), ("update", 9)]
    assert followed.followers[CHANNEL].resets == 1


def test_what_no_other_try_mends_is_said() -> None:
    def handle(socket: ServerConnection) -> None:
        socket.recv()
        error = {"type": "error", "code": "unknown_market", "detail": "There is no market X."}
        socket.send(json.dumps(error))
        socket.recv()

    with serving(handle) as url, pytest.raises(ToolError, match="There is no market X"):
        heard(url, until=1)
