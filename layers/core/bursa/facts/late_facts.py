"""What a schedule does for a shard: put the facts that its read models went ahead of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bursa.facts.publisher import Publisher
from bursa.read_models.rows import ProgressRow


class Progress(Protocol):
    """How far the read models are."""

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""


@dataclass(frozen=True, slots=True)
class LateFacts:
    """Of one shard."""

    publisher: Publisher
    read_models: Progress

    def put(self, time_is_left: Callable[[], bool]) -> int:
        """Put them; return how many sequences are still behind. Raises what storage raises."""
        progress = self.read_models.progress()
        return self.publisher.catch_up(progress.sequence, time_is_left) if progress else 0
