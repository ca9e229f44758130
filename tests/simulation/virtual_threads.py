"""Blocking code on virtual time: a handler that sleeps lets the loop's time pass.

Only one thread runs at any moment: the loop waits while a handler works, and a handler waits while
it sleeps. So runs repeat exactly, and an hour of sleeping takes no time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

from tests.simulation.wire import EPOCH_MS

_Result = TypeVar("_Result")
THREADS_MAX = 512


class _Ended(Generic[_Result]):
    def __init__(self, result: _Result | None, error: BaseException | None) -> None:
        self.result = result
        self.error = error


class ThreadClock:
    """The clock of one container: the loop's time, and a sleep that gives the turn back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._to_loop: SimpleQueue[float | _Ended[object]] = SimpleQueue()
        self._to_thread: SimpleQueue[None] = SimpleQueue()

    def now_ms(self) -> int:
        return EPOCH_MS + int(self._loop.time() * 1000)

    def monotonic_ms(self) -> float:
        return self._loop.time() * 1000

    def sleep_ms(self, duration_ms: float) -> None:
        self._to_loop.put(duration_ms / 1000)
        self._to_thread.get()

    async def run(self, pool: ThreadPoolExecutor, work: Callable[[], _Result]) -> _Result:
        """Run blocking work to its end."""

        def body() -> None:
            try:
                self._to_loop.put(_Ended(work(), None))
            except BaseException as error:  # noqa: BLE001 - it is raised on the loop
                self._to_loop.put(_Ended(None, error))

        pool.submit(body)
        while not isinstance(step := self._to_loop.get(), _Ended):
            await asyncio.sleep(step)
            self._to_thread.put(None)
        if step.error is not None:
            raise step.error
        result: _Result = step.result  # type: ignore[assignment]
        return result
