"""The client of docs/examples on a connection that is lost, silent, or about to be closed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.doubles.feed_example import FEED_CLIENT

CHANNEL = "trades:BTC-USDT"
Serve = Callable[[ServerConnection, int], Awaitable[None]]


def snapshot(sequence: int) -> str:
    header = {"type": "snapshot", "channel": CHANNEL, "previous_sequence": 0, "epoch": 1}
    return json.dumps(header | {"sequence": sequence, "time_ms": sequence, "data": []})


def followed(handle: Serve, count: int) -> tuple[list[int], list[dict[str, Any]]]:
    """Return the sequences of the first messages, and what the client asked for first each time."""
    asked: list[dict[str, Any]] = []

    async def serve_one(connection: ServerConnection) -> None:
        asked.append(json.loads(await connection.recv()))
        await handle(connection, len(asked))

    async def run() -> list[int]:
        found: list[int] = []
        async with serve(serve_one, "127.0.0.1", 0) as server:
            (socket,) = server.sockets
            url = f"ws://127.0.0.1:{socket.getsockname()[1]}"
            messages = FEED_CLIENT.follow(lambda: "t1.0", url, [CHANNEL])
            async for _, message in messages:
                found.append(message["sequence"])
                if len(found) == count:
                    break
            await messages.aclose()
        return found

    return asyncio.run(asyncio.wait_for(run(), 20)), asked


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FEED_CLIENT, "PING_S", 0.05)


async def going_away(connection: ServerConnection, number: int) -> None:
    await connection.send(snapshot(number))
    ping = json.loads(await connection.recv())
    assert ping == {"op": "ping"}
    await connection.send(json.dumps({"type": "going_away", "closes_at_ms": number}))
    await connection.wait_closed()


async def silent(connection: ServerConnection, number: int) -> None:
    await connection.send(snapshot(number))
    await connection.wait_closed()


async def lost(connection: ServerConnection, number: int) -> None:
    await connection.send(snapshot(number))


@pytest.mark.parametrize("handle", [going_away, silent, lost], ids=lambda one: one.__name__)
def test_it_comes_back_and_resumes(handle: Serve) -> None:
    found, asked = followed(handle, 3)
    assert found == [1, 2, 3]
    assert asked[0] == {"op": "subscribe", "channels": [CHANNEL]}
    assert asked[1:] == [
        {"op": "resume", "epoch": 1, "channels": {CHANNEL: last}} for last in (1, 2)
    ]


def test_one_that_answers_pings_stays() -> None:
    async def quiet(connection: ServerConnection, number: int) -> None:
        await connection.send(snapshot(number))
        for _ in range(5):
            await connection.recv()
            await connection.send(json.dumps({"type": "pong"}))
        await connection.send(snapshot(9))
        await connection.wait_closed()

    found, asked = followed(quiet, 2)
    assert (found, len(asked)) == ([1, 9], 1)


def test_it_asks_again_for_a_snapshot_that_was_lost() -> None:
    async def loses_the_first(connection: ServerConnection, number: int) -> None:
        await connection.recv()
        await connection.send(json.dumps({"type": "pong"}))
        asked_again = json.loads(await connection.recv())
        assert asked_again == {"op": "subscribe", "channels": [CHANNEL]}
        await connection.send(snapshot(number))
        await connection.wait_closed()

    found, asked = followed(loses_the_first, 1)
    assert (found, len(asked)) == ([1], 1)


def test_it_does_not_come_back_for_a_connection_that_ends_as_soon() -> None:
    """Near a token's end every connection ends with it: who came back each time would do only that.

    The server says so before its first response.
    """

    async def ends_with_its_token(connection: ServerConnection, number: int) -> None:
        for sequence in range(3):
            await connection.send(json.dumps({"type": "going_away", "closes_at_ms": 7}))
            await connection.send(snapshot(10 * number + sequence))
        await connection.wait_closed()

    found, asked = followed(ends_with_its_token, 3)
    assert (found, len(asked)) == ([20, 21, 22], 2)
