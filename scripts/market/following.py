"""Keeping a WebSocket channel in step, by the rules of docs/websocket.md. Pure."""

from collections.abc import Iterator
from typing import Final

from scripts.client import Json

# What is kept while a snapshot is on its way; a channel that is busier than that starts over.
KEPT_MAX: Final = 1_000


class ChannelFollower:
    """What of one channel may be applied, in order.

    Attributes
    ----------
    last
        The sequence up to which everything is held; None before the first snapshot.
    needs_snapshot
        Whether something is missing, so that the channel is to be subscribed to again.
    resets
        How often that was so.

    """

    def __init__(self) -> None:
        self.last: int | None = None
        self.needs_snapshot = False
        self.resets = 0
        self._epoch = 0
        self._parts: set[int] = set()
        self._parts_of = 0
        self._kept: list[Json] = []

    def start_over(self) -> None:
        """Forget what was kept: the connection is a new one, and sends a snapshot first."""
        self.last = None
        self._kept.clear()
        self._parts.clear()

    def take(self, message: Json) -> Iterator[Json]:
        """Yield what may be applied now, in order: a snapshot, updates, or nothing."""
        if message["epoch"] < self._epoch:
            # Another history: a deployment that was restored or emptied.
            self._epoch = message["epoch"]
            self.start_over()
            self._miss()
        self._epoch = message["epoch"]
        if message["type"] == "snapshot":
            yield from self._take_snapshot(message)
        elif self.last is None:
            self._keep(message)
        elif message["sequence"] <= self.last:
            return
        elif message["previous_sequence"] > self.last:
            self._keep(message)
            self._miss()
        elif message["type"] == "missed":
            self._miss()
        else:
            yield message
            self._applied(message)

    def _take_snapshot(self, message: Json) -> Iterator[Json]:
        yield message
        if message.get("part", 1) < message.get("parts", 1):
            self.last = None  # what comes before the other parts is for after them
            return
        self.last = message["sequence"]
        self._parts.clear()
        self.needs_snapshot = False
        kept, self._kept = self._kept, []
        for one in kept:
            yield from self.take(one)

    def _applied(self, message: Json) -> None:
        """Raise `last`, once all parts of a long update have come."""
        sequence, parts = message["sequence"], message.get("parts", 1)
        if self._parts_of != sequence:
            self._parts_of = sequence
            self._parts.clear()
        self._parts.add(message.get("part", 1))
        if len(self._parts) == parts:
            self.last = sequence

    def _keep(self, message: Json) -> None:
        if len(self._kept) == KEPT_MAX:
            self._kept.clear()
            self._miss()
        self._kept.append(message)

    def _miss(self) -> None:
        if not self.needs_snapshot:
            self.needs_snapshot = True
            self.resets += 1
