"""How far the read models are behind the journal, shard by shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """A point in a journal: last sequence, number and time of a record; zeros for none."""

    sequence: int = 0
    number: int = 0
    time_ms: int = 0


class JournalHead(Protocol):
    """Where one shard's journal and its read models are."""

    def read_models(self) -> JournalPosition:
        """Read how far the read models have got."""

    def newest(self, known: JournalPosition) -> JournalPosition:
        """Find the newest record; `known` is one that is not newer."""


@dataclass(frozen=True, slots=True)
class ShardHealth:
    """One shard's journal and read models."""

    shard: int
    journal: JournalPosition
    read_models: JournalPosition

    @property
    def lag_records(self) -> int:
        """Records that the read models do not hold yet."""
        return self.journal.number - self.read_models.number

    @property
    def lag_ms(self) -> int:
        """Engine time between the two positions; 0 when they are the same."""
        return self.journal.time_ms - self.read_models.time_ms if self.lag_records else 0


class ReadHealth:
    """Compares the read models of every shard with its journal."""

    def __init__(self, heads: Sequence[tuple[int, JournalHead]]) -> None:
        self._heads = heads

    def __call__(self) -> list[ShardHealth]:
        """Return how every shard is, in the order of the shards."""
        return [_shard_health(shard, head) for shard, head in self._heads]


def _shard_health(shard: int, head: JournalHead) -> ShardHealth:
    # In this order: the journal can only be further when it is read second.
    read_models = head.read_models()
    return ShardHealth(shard, head.newest(read_models), read_models)
