"""One thread beside the projector's own, for what goes out while rows are written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Thread:
    """See `bursa.facts.publisher.Background`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="facts")

    def begin(self, job: Callable[[], None]) -> Callable[[], None]:
        """Begin a job; return what waits for its end, and raises what it raised."""
        return self._pool.submit(job).result
