"""Repeat a call with growing pauses: one schedule, for plain and for awaited calls.

Nothing here knows a clock. The caller passes the function that waits, so that the simulator and the
tests own the time.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a call is repeated, and how long to pause before each repetition.

    Attributes
    ----------
    first_s
        The pause after the first failure, in seconds; each further one is twice as long.
    max_s
        No pause is longer.
    attempts
        Calls in all; None repeats until the call succeeds or raises another error.

    """

    first_s: float
    max_s: float = float("inf")
    attempts: int | None = None

    def pauses_s(self) -> Iterator[float]:
        """Yield the pause before each repetition: one fewer than there are attempts."""
        pause_s = self.first_s
        for _ in count() if self.attempts is None else range(self.attempts - 1):
            yield min(pause_s, self.max_s)
            pause_s = min(pause_s * 2, self.max_s)


def retry(
    call: Callable[[], _Result],
    backoff: Backoff,
    sleep: Callable[[float], None],
    *,
    on: type[Exception],
) -> _Result:
    """Call until there is a result, and return it.

    Parameters
    ----------
    call
        May be repeated without harm.
    sleep
        Waits for a number of seconds.
    on
        The error that is worth another attempt; any other is raised at once, and this one after the
        last attempt.

    """
    for pause_s in backoff.pauses_s():
        try:
            return call()
        except on:
            sleep(pause_s)
    return call()


async def retry_async(
    call: Callable[[], Awaitable[_Result]],
    backoff: Backoff,
    sleep: Callable[[float], Awaitable[None]],
    *,
    on: type[Exception],
) -> _Result:
    """Await a call until there is a result, and return it; see `retry`."""
    for pause_s in backoff.pauses_s():
        try:
            return await call()
        except on:
            await sleep(pause_s)
    return await call()
