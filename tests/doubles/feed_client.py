"""A WebSocket client that keeps to the rules of docs/websocket.md."""

from collections.abc import Callable, Iterable
from typing import Any

Json = dict[str, Any]


class ChannelCopy:
    """What a client holds of one channel.

    Parameters
    ----------
    covered
        Returns the sequences of everything whose changes are in a message.

    Attributes
    ----------
    snapshot, last
        Sequence of the snapshot, and the one up to which everything is held; None before it.
    applied
        Sequences of everything whose changes were applied since the snapshot.
    is_stale
        Whether something is missing, so that the client has to subscribe again.

    """

    def __init__(self, covered: Callable[[Json], Iterable[int]]) -> None:
        self._covered = covered
        self.snapshot: int | None = None
        self.last: int | None = None
        self.applied: list[int] = []
        self.is_stale = False
        self._kept: list[Json] = []
        self._parts: set[tuple[int, int]] = set()

    def receive(self, message: Json) -> None:
        """Take a message of the channel."""
        if message["type"] == "snapshot":
            self._begin(message)
        elif self.last is None or self.is_stale:
            self._kept.append(message)
        else:
            self._apply(self.last, message)

    def _begin(self, snapshot: Json) -> None:
        self.snapshot = self.last = snapshot["sequence"]
        self.applied.clear()
        self.is_stale = False
        kept, self._kept = self._kept, []
        for message in sorted(kept, key=lambda one: (one["sequence"], one.get("part", 1))):
            self.receive(message)

    def _apply(self, last: int, message: Json) -> None:
        if message["sequence"] <= last:
            return
        if message["previous_sequence"] > last or message["type"] == "missed":
            self.is_stale = True
            self._kept.append(message)
            return
        sequence = message["sequence"]
        self._parts.add((sequence, message.get("part", 1)))
        whole = {(sequence, part) for part in range(1, message.get("parts", 1) + 1)}
        if whole <= self._parts:
            self.last = sequence
            self.applied += [one for one in self._covered(message) if one > last]
            self._parts.clear()
