"""A client of Bursa's WebSocket that never holds a wrong book without knowing it.

It keeps a copy of each channel by the rules of docs/websocket.md, verifies the checksum of every
book, subscribes again where something is missing, and where the connection is lost, silent or about
to be closed connects again and resumes where it was:

    eval "$(make -s sign-in)"
    .venv/bin/python docs/examples/feed_client.py book:BTC-USDT ticker:BTC-USDT orders fills
    .venv/bin/python docs/examples/feed_client.py --public book:BTC-USDT ticker:BTC-USDT

The second follows public channels without signing in, as it does without a `TOKEN`.
`ChannelCopy` needs nothing but Python; the rest `requests` and `websockets`.
"""

import asyncio
import json
import os
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

Message = dict[str, Any]

# What tells one entry of a channel from another.
KEYS: dict[str, tuple[str, ...]] = {
    "trades": ("trade_id",),
    "fills": ("trade_id", "order_id", "role"),
    "candles": ("start_ms",),
    "markets": ("market",),
    "orders": ("order_id",),
    "balances": ("asset",),
    "ticker": ("market",),
}
CHECKED_LEVELS = 10
# A connection on which nothing came for twice as long is lost.
PING_S = 30.0


class ChannelCopy:
    """What a client holds of one channel; give it every message of the channel.

    Attributes
    ----------
    last
        The sequence up to which everything is held; None before the snapshot.
    is_stale
        Whether something is missing, so that the client has to subscribe again.
    losses, mismatches
        How often something was missing, and how often a book was not the exchange's.
    bids, asks
        Of a book: quantity by price, as they were sent.
    entries
        Of any other channel, by what tells them apart.

    """

    def __init__(self, name: str) -> None:
        kind, *_, detail = f"{name}::".split(":")[:3]
        self.kind = kind
        # A view of a book is told as differences, each of which is good for one state only.
        self.depth = int(detail) if kind == "book" and detail else 0
        self.last: int | None = None
        self.epoch = 0
        self.is_stale = False
        self.losses = self.mismatches = 0
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.state: Message = {}
        self.entries: dict[tuple[Any, ...], Message] = {}
        self._kept: list[Message] = []
        self._parts: dict[int, Message] = {}
        self._parts_of = 0

    @property
    def is_missing(self) -> bool:
        """Whether the client waits for a snapshot of the channel."""
        return self.last is None or self.is_stale

    def receive(self, message: Message) -> None:
        """Take a message of the channel."""
        if message["epoch"] < self.epoch:
            self._lose(message)  # another history
        elif message["type"] == "snapshot":
            self._begin(message)
        elif self.last is None or self.is_stale:
            self._kept.append(message)
        elif message["sequence"] > self.last:
            self._follow(message, self.last)

    def _begin(self, message: Message) -> None:
        whole = self._whole(message)
        if whole is None:
            return
        self.bids, self.asks, self.entries = {}, {}, {}
        self.is_stale = False
        kept, self._kept = self._kept, []
        self._apply(whole)
        for each in sorted(kept, key=lambda one: (one["sequence"], one.get("part", 1))):
            self.receive(each)

    def _follow(self, message: Message, last: int) -> None:
        before = message["previous_sequence"]
        if before > last or (self.depth and before != last) or message["type"] == "missed":
            self._lose(message)
            return
        whole = self._whole(message)
        if whole is not None:
            self._apply(whole)

    def _lose(self, message: Message) -> None:
        self.losses += 1
        self.is_stale = True
        self._parts.clear()
        self._kept = [*self._kept, message] if message["epoch"] >= self.epoch else []
        self.epoch = min(self.epoch, message["epoch"])

    def _whole(self, message: Message) -> Message | None:
        """Return a message that came in parts once all of them are there."""
        if "parts" not in message:
            return message
        if message["sequence"] != self._parts_of:
            self._parts.clear()
        self._parts_of = message["sequence"]
        self._parts[message["part"]] = message
        if len(self._parts) < message["parts"]:
            return None
        parts = [self._parts[number] for number in sorted(self._parts)]
        self._parts = {}
        first = parts[0]["data"]
        if isinstance(first, list):
            return message | {"data": [entry for part in parts for entry in part["data"]]}
        sides = {
            side: [level for part in parts for level in part["data"][side]]
            for side in ("bids", "asks")
        }
        return message | {"data": first | sides}

    def _apply(self, message: Message) -> None:
        self.last, self.epoch = message["sequence"], message["epoch"]
        data = message["data"]
        if self.kind == "book":
            self._apply_levels(data)
        else:
            for entry in data if isinstance(data, list) else [data]:
                key = tuple(entry[name] for name in KEYS[self.kind])
                known = self.entries.get(key, {})
                if known.get("sequence", 0) <= entry.get("sequence", 0):
                    self.entries[key] = known | entry

    def _apply_levels(self, data: Message) -> None:
        self.state |= {name: data[name] for name in ("status", "auction") if name in data}
        for side, levels in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for price, quantity in levels:
                if quantity == "0":
                    side.pop(price, None)
                else:
                    side[price] = quantity
        if data["checksum"] is not None and data["checksum"] != self.checksum():
            self.mismatches += 1
            self.is_stale = True

    def best(self, count: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return the best bids and asks of a book, best first."""

        def by_price(level: tuple[str, str]) -> Decimal:
            return Decimal(level[0])

        bids = sorted(self.bids.items(), key=by_price, reverse=True)[:count]
        return bids, sorted(self.asks.items(), key=by_price)[:count]

    def checksum(self) -> int:
        """Return the CRC-32 of the best ten asks and bids, as docs/websocket.md has it."""
        bids, asks = self.best(CHECKED_LEVELS)
        texts = (text for level in [*asks, *bids] for text in level)
        return zlib.crc32("".join(one.replace(".", "").lstrip("0") for one in texts).encode())


def requests_of(copies: Mapping[str, ChannelCopy]) -> list[Message]:
    """Return what to ask for on a new connection: what was missed, and snapshots of the rest."""
    held = {
        name: copy.last
        for name, copy in copies.items()
        if copy.last is not None and not copy.is_stale
    }
    requests: list[Message] = []
    if held:
        epoch = max(copies[name].epoch for name in held)
        requests.append({"op": "resume", "epoch": epoch, "channels": held})
    if len(held) < len(copies):
        others = [name for name in copies if name not in held]
        requests.append({"op": "subscribe", "channels": others})
    return requests


async def ask_again(socket: "ClientConnection", copies: Mapping[str, ChannelCopy]) -> None:
    """Ask once more for the snapshots that have not come: by the next pong they were lost."""
    missing = [name for name, copy in copies.items() if copy.is_missing]
    if missing:
        await socket.send(json.dumps({"op": "subscribe", "channels": missing}))


@asynccontextmanager
async def pings(socket: "ClientConnection") -> AsyncIterator[None]:
    """Send a ping now and then: its response shows that the connection lives, and how long yet."""

    async def ping() -> None:
        while True:
            await asyncio.sleep(PING_S)
            await socket.send(json.dumps({"op": "ping"}))

    task = asyncio.create_task(ping())
    try:
        yield
    finally:
        task.cancel()
        # It may have found the connection closed, which whoever reads has found, too.
        await asyncio.wait({task})


async def follow(
    ticket: Callable[[], str] | None, url: str, names: Iterable[str]
) -> AsyncIterator[tuple[ChannelCopy, Message]]:
    """Yield every message of some channels, with the copy that it has changed, for ever.

    Parameters
    ----------
    ticket
        Returns a new ticket (`POST /v1/ws-ticket`); None to follow public channels without one.
    url
        Of the WebSocket, without a ticket; `public_websocket_url` where none is needed.

    """
    from websockets.asyncio.client import connect  # noqa: PLC0415
    from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: PLC0415

    copies = {name: ChannelCopy(name) for name in names}
    wait_s = 0.0
    closes_at_ms = 0
    while True:
        await asyncio.sleep(wait_s)
        try:
            address = f"{url}?ticket={ticket()}" if ticket else url
            async with connect(address, max_size=2**22) as socket, pings(socket):
                for request in requests_of(copies):
                    await socket.send(json.dumps(request))
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 2 * PING_S))
                    wait_s = 0.0
                    if message["type"] == "going_away":
                        # One that ends with its token ends no later than the next would.
                        if message["closes_at_ms"] > closes_at_ms:
                            closes_at_ms = message["closes_at_ms"]
                            break
                        continue
                    if message["type"] == "pong":
                        await ask_again(socket, copies)
                        continue
                    copy = copies.get(message.get("channel", ""))
                    if copy is None:
                        print(message, file=sys.stderr)
                        continue
                    was_stale = copy.is_stale
                    copy.receive(message)
                    yield copy, message
                    if copy.is_stale and not was_stale:
                        again = {"op": "subscribe", "channels": [message["channel"]]}
                        await socket.send(json.dumps(again))
        except (ConnectionClosed, InvalidStatus, OSError, TimeoutError) as error:
            print(f"{error or 'silence'}; connecting again", file=sys.stderr)
            wait_s = min(30.0, wait_s * 2 + 0.5)


def main() -> None:
    """Print what happens on the channels that are named on the command line."""
    import requests  # noqa: PLC0415

    names = [name for name in sys.argv[1:] if name != "--public"] or ["markets"]
    is_public = "--public" in sys.argv or "TOKEN" not in os.environ

    def ticket() -> str:
        response = requests.post(
            f"{os.environ['REST']}/ws-ticket",
            headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
            timeout=10,
        )
        response.raise_for_status()
        return str(response.json()["ticket"])

    async def run() -> None:
        url = os.environ["PUBLIC_WS" if is_public else "WS"]
        async for copy, message in follow(None if is_public else ticket, url, names):
            known = copy.best(1) if copy.kind == "book" else f"{len(copy.entries)} entries"
            print(message["type"], message["channel"], message["sequence"], known)

    asyncio.run(run())


if __name__ == "__main__":
    main()
