"""Facts as events on the deployment's bus.

EventBridge takes ten in a call and may take some of them only: those that it did not are sent
again, and are an error when it still does not take them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, Protocol

from bursa.aws.failures import unavailable
from bursa.facts.facts import Fact
from bursa.kernel.errors import Unavailable

SOURCE: Final = "bursa.exchange"
ENTRIES_MAX: Final = 10
# Calls at once; the projector's own writes have eight threads.
THREADS: Final = 4
_CALLS_WAITING_MAX: Final = 64
_ATTEMPTS: Final = 3
_UNAVAILABLE: Final = ("bus_unavailable", "The facts are put again later.")

Entry = dict[str, Any]


class EventBridgeClient(Protocol):
    """The part of botocore's client that is used here."""

    def put_events(self, *, Entries: list[Entry]) -> dict[str, Any]:  # noqa: N803
        """Put events on a bus."""


class EventBridgeFacts:
    """See `bursa.facts.publisher.Bus`.

    Parameters
    ----------
    write
        Returns a fact as text.

    """

    def __init__(self, client: EventBridgeClient, bus: str, write: Callable[[Fact], str]) -> None:
        self._client = client
        self._bus = bus
        self._write = write
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bus")

    def put(self, facts: Iterable[Fact]) -> int:
        """Put facts, each at least once; return how many. Raises `Unavailable`."""
        count = 0
        running: deque[Future[None]] = deque()
        try:
            for portion in _portions(facts):
                count += len(portion)
                running.append(self._pool.submit(self._put, [self._entry(one) for one in portion]))
                if len(running) == _CALLS_WAITING_MAX:
                    running.popleft().result()
            while running:
                running.popleft().result()
        finally:
            for future in running:
                future.cancel()
        return count

    def _entry(self, fact: Fact) -> Entry:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": fact.kind,
            "Time": fact.at_ms / 1_000,
            "Detail": self._write(fact),
        }

    def _put(self, entries: list[Entry]) -> None:
        for _ in range(_ATTEMPTS):
            with unavailable(*_UNAVAILABLE):
                sent = self._client.put_events(Entries=entries)
            if not sent.get("FailedEntryCount"):
                return
            entries = [
                entry
                for entry, outcome in zip(entries, sent["Entries"], strict=True)
                if "EventId" not in outcome
            ]
        raise Unavailable(*_UNAVAILABLE)


def _portions(facts: Iterable[Fact]) -> Iterator[Sequence[Fact]]:
    left = iter(facts)
    while portion := list(islice(left, ENTRIES_MAX)):
        yield portion
