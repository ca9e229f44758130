"""Which message of a channel came before the next one, as far as a process can know. Pure.

A process follows a shard's stream from some record on. Of a channel that it has seen a message of,
it knows the last one. Of every other channel it knows that nothing has happened since it began; and
a subscriber that came after that brings when its tenant was concerned last before it subscribed:
the channel's last message can't be later. Where nobody has told, the one before may be as late as
just before the next. What is returned is therefore never lower than the truth: after a new process
has begun, a client may see a loss that was none, but a loss is never hidden.

Clients are told moments, not sequences (`bursa.read_models.moments`), and of their own tenant only:
when the process began would say when another tenant did something.

Whenever records are missing or can't be read, the process starts over after them.
"""

from itertools import islice
from typing import NamedTuple

CHANNELS_KEPT_MAX = 100_000

ChannelKey = tuple[str, str]  # tenant, key of the channel


class Place(NamedTuple):
    """A place in a shard's journal, and the moment by which clients know it."""

    sequence: int
    moment: int


class ChannelSequences:
    """The last message of every channel of a shard since `known_from`."""

    def __init__(self) -> None:
        self.known_from = 0
        self._followed_to = 0
        # In the order of their last messages, so that the oldest can be dropped.
        self._last: dict[ChannelKey, Place] = {}
        self._tenants: dict[str, Place] = {}

    def follow(self, first_sequence: int, last_sequence: int) -> None:
        """Go on to the next record; where records are missing before it, start over."""
        if first_sequence != self._followed_to + 1:
            self._begin(first_sequence - 1)
        self._followed_to = last_sequence

    def pass_over(self, last_sequence: int) -> None:
        """Go on past a record whose messages are not known."""
        self._begin(last_sequence)
        self._followed_to = last_sequence

    def subscribed(self, tenant: str, place: Place) -> None:
        """Learn when a tenant was concerned last before some place in the journal."""
        known = self._tenants.get(tenant)
        if known is None or known.sequence < self.known_from:
            self._tenants[tenant] = place

    def replace(self, channel: ChannelKey, place: Place) -> int:
        """Return the last moment of a channel and put the next one in its place."""
        previous = self._last.pop(channel, None)
        self._last[channel] = place
        if len(self._last) > CHANNELS_KEPT_MAX:
            self._drop_oldest()
        return self._before(channel[0], place) if previous is None else previous.moment

    def _before(self, tenant: str, place: Place) -> int:
        """Return what no message of a channel is later than, where none has been seen."""
        known = self._tenants.get(tenant)
        if known is not None and known.sequence >= self.known_from:
            return known.moment
        return place.moment - 1 if self.known_from else 0

    def _begin(self, sequence: int) -> None:
        self.known_from = sequence
        self._last.clear()

    def _drop_oldest(self) -> None:
        for channel in list(islice(self._last, CHANNELS_KEPT_MAX // 2)):
            self.known_from = max(self.known_from, self._last.pop(channel).sequence)
