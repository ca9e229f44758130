"""How the exchange is, shard by shard: whether orders are decided, and read models keep up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.kernel.clock import Clock

# An idle worker says some three seconds ago at the latest that nothing waits; a busy one commits
# within one. A standby has taken over after some ten.
ORDERS_SLOW_MS = 5_000
ORDERS_DOWN_MS = 15_000


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """A point in a journal: last sequence, number and time of a record; zeros for none."""

    sequence: int = 0
    number: int = 0
    time_ms: int = 0


class ShardState(Protocol):
    """Where one shard's queue, journal and read models are."""

    def queue_done_ms(self) -> int:
        """Read up to when the worker has decided what was sent; 0 where none has ever led."""

    def read_models(self) -> JournalPosition:
        """Read how far the read models have got."""

    def newest(self, known: JournalPosition) -> JournalPosition:
        """Find the newest record; `known` is one that is not newer."""


@dataclass(frozen=True, slots=True)
class ShardHealth:
    """How one shard is.

    Attributes
    ----------
    journal, read_models
        Where they are.
    waits_ms
        For how long the oldest order has waited, or the worker has been silent.

    """

    shard: int
    journal: JournalPosition
    read_models: JournalPosition
    waits_ms: int

    @property
    def lag_records(self) -> int:
        """Records that the read models do not hold yet."""
        return self.journal.number - self.read_models.number

    @property
    def lag_ms(self) -> int:
        """Engine time between the two positions; 0 when they are the same."""
        return self.journal.time_ms - self.read_models.time_ms if self.lag_records else 0

    @property
    def is_slow(self) -> bool:
        """Whether orders wait for longer than they should."""
        return self.waits_ms > ORDERS_SLOW_MS

    @property
    def is_down(self) -> bool:
        """Whether nothing decides orders."""
        return self.waits_ms > ORDERS_DOWN_MS


class ReadHealth:
    """Looks at every shard."""

    def __init__(self, states: Sequence[tuple[int, ShardState]], clock: Clock) -> None:
        self._states = states
        self._clock = clock

    def __call__(self) -> list[ShardHealth]:
        """Return how every shard is, in the order of the shards."""
        now_ms = self._clock.now_ms()
        return [_shard_health(shard, state, now_ms) for shard, state in self._states]


def _shard_health(shard: int, state: ShardState, now_ms: int) -> ShardHealth:
    waits_ms = max(0, now_ms - state.queue_done_ms())
    # In this order: the journal can only be further when it is read second.
    read_models = state.read_models()
    return ShardHealth(shard, state.newest(read_models), read_models, waits_ms)
