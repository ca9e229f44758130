"""Which message of a channel came before the next one, as far as a process can know. Pure.

A process follows a shard's stream from some record on. Of a channel that it has seen a message of,
it knows the last sequence. Of every other channel it knows that nothing has happened since it
began; so it uses the sequence where it began: the last message can't be later. What is returned is
therefore never lower than the true last sequence: after a new process has begun, a client may see a
loss that was none, but a loss is never hidden.

Whenever records are missing or can't be read, the process starts over after them.
"""

from itertools import islice

CHANNELS_KEPT_MAX = 100_000

ChannelKey = tuple[str, str]  # tenant, key of the channel


class ChannelSequences:
    """The last sequence of every channel of a shard since `known_from`."""

    def __init__(self) -> None:
        self.known_from = 0
        self._followed_to = 0
        # In the order of their last messages, so that the oldest can be dropped.
        self._last: dict[ChannelKey, int] = {}

    def follow(self, first_sequence: int, last_sequence: int) -> None:
        """Go on to the next record; where records are missing before it, start over."""
        if first_sequence != self._followed_to + 1:
            self._begin(first_sequence - 1)
        self._followed_to = last_sequence

    def pass_over(self, last_sequence: int) -> None:
        """Go on past a record whose messages are not known."""
        self._begin(last_sequence)
        self._followed_to = last_sequence

    def replace(self, channel: ChannelKey, sequence: int) -> int:
        """Return the last sequence of a channel and put the next one in its place."""
        previous = self._last.pop(channel, self.known_from)
        self._last[channel] = sequence
        if len(self._last) > CHANNELS_KEPT_MAX:
            self._drop_oldest()
        return previous

    def _begin(self, sequence: int) -> None:
        self.known_from = sequence
        self._last.clear()

    def _drop_oldest(self) -> None:
        for channel in list(islice(self._last, CHANNELS_KEPT_MAX // 2)):
            self.known_from = max(self.known_from, self._last.pop(channel))
