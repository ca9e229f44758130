"""A shard whose facts go to a bus in memory; parts of it can end or fail at any step."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bursa.dialects.events.presentation import detail_of
from bursa.facts.facts import Fact
from bursa.facts.kinds import KINDS
from bursa.facts.publisher import Publisher
from bursa.journal.record import EncodedRecord
from bursa.kernel.errors import Unavailable
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from tests.doubles.ids import PUBLIC_IDS
from tests.doubles.shard import Shard, stream_records


class Killed(BaseException):
    """A process that ends where it stands: nothing catches it."""


class Clock:
    """Goes on only when somebody sleeps, or by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.while_asleep: Callable[[], object] = lambda: None

    def now_ms(self) -> int:
        return int(self.now)

    def monotonic_ms(self) -> float:
        return self.now

    def sleep_ms(self, duration_ms: float) -> None:
        self.now += duration_ms
        self.while_asleep()


class Steps:
    """What a process does, one by one; at the chosen step it ends, or what it asks fails."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at = kill_at
        self.taken = 0

    def take(self) -> None:
        self.taken += 1
        if self.kill_at is not None and self.taken >= self.kill_at:
            raise Killed


class BusInMemory:
    """Keeps details in the order in which they came."""

    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self.steps = Steps()
        self.is_down = False

    def put(self, facts: Iterable[Fact]) -> int:
        listed = list(facts)
        for fact in listed:
            self.steps.take()
            if self.is_down:
                raise Unavailable("bus_unavailable", "The facts are put again later.")
            self.kinds.append(fact.kind)
            self.details.append(detail_of(fact, PUBLIC_IDS))
        self.steps.take()
        return len(listed)

    def ids(self) -> list[str]:
        return [one["id"] for one in self.details]


class PositionInMemory:
    """Kept beside the bus, as in the table."""

    def __init__(self) -> None:
        self.sequence: int | None = None
        self.steps = Steps()
        self.writes = 0

    def find(self) -> int | None:
        return self.sequence

    def keep(self, sequence: int) -> int:
        self.steps.take()
        if self.sequence is None or sequence > self.sequence:
            self.sequence = sequence
            self.writes += 1
        self.steps.take()
        return self.sequence


class TablesThatEnd(MemoryTables):
    """Read models whose process may end at each write."""

    def __init__(self, shard: int) -> None:
        super().__init__(shard)
        self.steps = Steps()

    def write(self, changes: Any) -> None:
        self.steps.take()
        super().write(changes)

    def advance(self, progress: Any) -> None:
        self.steps.take()
        super().advance(progress)
        self.steps.take()


class Told:
    """A journal, its read models, and the bus that its facts go to."""

    def __init__(self, shard: Shard | None = None, chosen: Iterable[str] = KINDS) -> None:
        self.shard = shard or Shard()
        self.tables = TablesThatEnd(self.shard.number)
        self.bus, self.position, self.clock = BusInMemory(), PositionInMemory(), Clock()
        self.chosen = frozenset(chosen)
        self.counted = 0
        self.failures: list[Exception] = []
        self.alarms: list[Exception] = []
        self.publisher = self.new_publisher()
        self.projector = self.new_process()

    def put(self, facts: int) -> None:
        self.counted += facts

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        return self.shard.read(first_sequence, last_sequence)

    def definitions(self) -> Definitions:
        return self.tables.definitions()

    def new_publisher(self) -> Publisher:
        return Publisher(
            self, self.definitions, self.bus, self.position, self.chosen, self.clock, self
        )

    def new_process(self) -> Projector:
        self.publisher = self.new_publisher()
        return Projector(
            self.shard.number, self.shard, self.tables, self.alarms.append, facts=self.publisher
        )

    def restart(self) -> None:
        """Begin again with what is stored."""
        for part in (self.bus, self.position, self.tables):
            part.steps = Steps()
        self.projector = self.new_process()

    def project(self, records: Iterable[EncodedRecord] | None = None) -> None:
        self.projector.project(stream_records(self.shard.records if records is None else records))

    def catch_up(self) -> int:
        """Do what the schedule does, in a process of its own."""
        progress = self.tables.progress()
        sequence = 0 if progress is None else progress.sequence
        return self.new_publisher().catch_up(sequence, lambda: True)

    def catch_up_fails(self) -> bool:
        """Return whether the schedule finds the bus down."""
        try:
            self.catch_up()
        except Unavailable:
            return True
        return False
