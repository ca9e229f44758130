"""Put a shard's facts on the bus beside its read models, and keep how far that has got.

    journal ──> run of records ──> rows of the read models
                       └─────────> facts ──> bus, then the position

A run is committed before anybody sees it, so its facts go out while its rows are written: what is
waited for is the longer of the two. The position is kept after all facts up to it are on the bus,
so whoever ends in between puts some of them again, under the same ids, and none is missing.

The read models wait for nobody else: when the bus does not take a fact, it is left alone for a
while, and so are runs that state too many facts for the projector's time. What is left behind is
read from the journal again, by later runs and by `Publisher.catch_up`, which a schedule calls.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, Protocol

from bursa.facts.facts import Fact, Names, States, facts_of
from bursa.journal.record import EncodedRecord, JournalRecord, RecordError, decode_record
from bursa.kernel.clock import Clock
from bursa.read_models.fold import Definitions, ReadModelChanges, UnprojectableRecord, fold

# In a run that the read models wait for: some ten calls of the bus for each thread.
FACTS_PER_RUN_MAX: Final = 1_000
# That are behind and read again by a run; more than the stream brings at once, so it catches up.
RECORDS_BEHIND_MAX: Final = 200
_RECORDS_AT_ONCE: Final = 20
# While the bus takes nothing, the read models try it this seldom.
PAUSE_MS: Final = 30_000
# As long as a run is at work: who finds that the position stands still goes on from there.
_STANDSTILL_MS: Final = 5_000
# Where runs state nothing, their position need not be kept each time.
_KEPT_EVERY_MS: Final = 1_000


class Journal(Protocol):
    """The shard's journal."""

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Read records in order, consistently, from a slot on, up to a sequence."""


class Bus(Protocol):
    """Where facts go."""

    def put(self, facts: Iterable[Fact]) -> int:
        """Put facts, each at least once; return how many. Raises `Unavailable`."""


class Position(Protocol):
    """How far a shard's facts have got; raises `Unavailable`."""

    def find(self) -> int | None:
        """Return the last sequence whose facts are on the bus; None before the first time."""

    def keep(self, sequence: int) -> int:
        """Keep it, unless a higher one is kept; return the one that is."""


class Background(Protocol):
    """Does one thing beside what its caller does."""

    def begin(self, job: Callable[[], None]) -> Callable[[], None]:
        """Begin a job; return what waits for its end, and raises what it raised."""


class AtOnce:
    """Does it before it returns."""

    def begin(self, job: Callable[[], None]) -> Callable[[], None]:
        """Do a job; return what has nothing to wait for."""
        job()
        return lambda: None


class Report(Protocol):
    """Hears what became of facts."""

    def put(self, facts: int) -> None:
        """Hear how many were put."""

    def failed(self, error: Exception) -> None:
        """Hear why some could not be put, or kept, for now."""


class Publisher:
    """Puts one shard's facts. Keeps what it knows between runs; all of it can be read again."""

    def __init__(  # noqa: PLR0917 - one for each that it needs
        self,
        journal: Journal,
        definitions: Callable[[], Definitions],
        bus: Bus,
        position: Position,
        chosen: frozenset[str],
        clock: Clock,
        report: Report,
        background: Background | None = None,
    ) -> None:
        self._journal = journal
        self._definitions = definitions
        self._bus = bus
        self._position = position
        self._chosen = chosen
        self._clock = clock
        self._report = report
        self._background = background or AtOnce()
        self._names = Names()
        self._states: States = {}
        self._at: int | None = None
        self._resumes_at_ms = 0.0
        self._keeps_at_ms = 0.0

    # --- beside the read models -------------------------------------------------------------------

    def open(self, applied: int) -> None:
        """Begin where the read models are, the first time; before anything else is applied.

        Raises what storage raises: a first record whose facts might go missing is not applied.
        """
        self._at = self._position.find()
        if self._at is None:
            self._at = self._position.keep(applied)

    def begin(self, changes: ReadModelChanges) -> Callable[[], None]:
        """Begin to put a run's facts; return what waits for it. Neither raises anything."""
        if self._clock.monotonic_ms() < self._resumes_at_ms:
            return _nothing
        try:
            # What a run states is found out here: its changes are taken apart as they are written.
            job = self._job(changes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the read models go on
            self._give_up(error)
            return _nothing
        wait = self._background.begin(partial(self._guarded, job))
        return partial(self._guarded, wait)

    def _job(self, changes: ReadModelChanges) -> Callable[[], None]:
        if self._at is None or changes.first_sequence > self._at + 1:
            # Another process may have gone on since.
            self._at = self._position.find()
        if self._at is None or changes.last_sequence <= self._at:
            return _nothing
        if changes.first_sequence > self._at + 1:
            until = changes.last_sequence
            return lambda: self._read_again(until, RECORDS_BEHIND_MAX, FACTS_PER_RUN_MAX)
        facts, states = self._facts(changes, FACTS_PER_RUN_MAX)
        if facts is None:
            return _nothing
        return partial(self._put, facts, states, changes.last_sequence)

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - whatever it is, the read models go on
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._at = None
        self._resumes_at_ms = self._clock.monotonic_ms() + PAUSE_MS
        self._report.failed(error)

    # --- from the journal -------------------------------------------------------------------------

    def catch_up(self, applied: int, time_is_left: Callable[[], bool]) -> int:
        """Put what is left behind the read models, if nobody else does; return what is still left.

        Parameters
        ----------
        applied
            Up to which sequence there are read models.
        time_is_left
            Asked before each portion.

        Returns
        -------
        int
            Sequences whose facts are not known to be on the bus.

        """
        found = self._position.find()
        if found is None or found >= applied:
            return 0
        self._clock.sleep_ms(_STANDSTILL_MS)
        self._at = self._position.find()
        if self._at == found:
            while self._at is not None and self._at < applied and time_is_left():
                before = self._at
                self._read_again(applied, _RECORDS_AT_ONCE, None)
                if self._at == before:
                    # The journal lacks what the read models have seen.
                    break
        return max(0, applied - (self._at or 0))

    def _read_again(self, until: int, records_max: int, facts_max: int | None) -> None:
        """Put facts of the next records up to a sequence, in portions."""
        definitions = self._definitions()
        left = records_max
        while left > 0 and self._at is not None and self._at < until:
            due = self._journal.read(self._at + 1, until)
            portion = list(islice(due, min(left, _RECORDS_AT_ONCE)))
            if not portion:
                return
            left -= len(portion)
            changes = folded(portion, definitions)
            if changes is None:
                # The read models step over the same, and there is an alarm for it.
                self._put([], self._states, portion[0].last_sequence)
                continue
            facts, states = self._facts(changes, facts_max)
            if facts is None:
                return
            self._put(facts, states, changes.last_sequence)

    # --- both -------------------------------------------------------------------------------------

    def _facts(
        self, changes: ReadModelChanges, most: int | None
    ) -> tuple[list[Fact] | None, States]:
        """Return a run's facts that are not put yet; None for more than so many."""
        states = dict(self._states)
        at = self._at or 0
        stated = facts_of(changes, self._chosen, self._names, states)
        due = (one for one in stated if one.sequence > at)
        facts = list(due if most is None else islice(due, most + 1))
        return (None if most is not None and len(facts) > most else facts), states

    def _put(self, facts: Sequence[Fact], states: States, last_sequence: int) -> None:
        if facts:
            self._report.put(self._bus.put(facts))
        self._states = states
        self._at = last_sequence
        now_ms = self._clock.monotonic_ms()
        if facts or now_ms >= self._keeps_at_ms:
            self._at = self._position.keep(last_sequence)
            self._keeps_at_ms = now_ms + _KEPT_EVERY_MS


def folded(portion: Sequence[EncodedRecord], definitions: Definitions) -> ReadModelChanges | None:
    """Fold as many records as can be folded; None where the first can't."""
    records: list[JournalRecord] = []
    for encoded in portion:
        try:
            records.append(decode_record(encoded))
        except RecordError:
            break
    while records:
        try:
            return fold(records, definitions)
        except UnprojectableRecord as error:
            records = [one for one in records if one.first_sequence < error.first_sequence]
    return None


def _nothing() -> None:
    pass
