"""Repeating a call: how often, after which pauses, and for which errors."""

import asyncio
from itertools import islice

import pytest

from bursa.kernel.retry import Backoff, retry, retry_async


class Throttled(Exception):  # noqa: N818 - an error of the tests only
    """What is worth another attempt."""


class Calls:
    """Fails as a script says, then returns the number of calls."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0
        self.pauses_s: list[float] = []

    def call(self) -> int:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.count

    def run(self, backoff: Backoff) -> int:
        return retry(self.call, backoff, self.pauses_s.append, on=Throttled)


class AwaitedCalls(Calls):
    """The same, awaited."""

    async def call_async(self) -> int:
        return self.call()

    async def sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)

    def run(self, backoff: Backoff) -> int:
        return asyncio.run(retry_async(self.call_async, backoff, self.sleep, on=Throttled))


@pytest.mark.parametrize(
    ("backoff", "pauses_s"),
    [
        (Backoff(1, attempts=1), []),
        (Backoff(1, attempts=4), [1, 2, 4]),
        (Backoff(1, 3, attempts=5), [1, 2, 3, 3]),
        (Backoff(5, 3, attempts=3), [3, 3]),
        (Backoff(1, 4), [1, 2, 4, 4, 4]),
    ],
)
def test_pauses_double_up_to_the_longest(backoff: Backoff, pauses_s: list[float]) -> None:
    assert list(islice(backoff.pauses_s(), 5)) == pauses_s


@pytest.mark.parametrize("kind", [Calls, AwaitedCalls])
def test_a_result_after_failures_is_returned(kind: type[Calls]) -> None:
    calls = kind(Throttled(), Throttled())

    assert calls.run(Backoff(1, attempts=3)) == 3
    assert calls.pauses_s == [1, 2]


@pytest.mark.parametrize("kind", [Calls, AwaitedCalls])
def test_the_error_of_the_last_attempt_is_raised_without_a_pause(kind: type[Calls]) -> None:
    calls = kind(Throttled("first"), Throttled("second"), Throttled("last"), Throttled("never"))

    with pytest.raises(Throttled, match="last"):
        calls.run(Backoff(1, attempts=3))
    assert calls.pauses_s == [1, 2]


@pytest.mark.parametrize("kind", [Calls, AwaitedCalls])
def test_another_error_is_raised_at_once(kind: type[Calls]) -> None:
    calls = kind(KeyError("mistake"))

    with pytest.raises(KeyError):
        calls.run(Backoff(1, attempts=3))
    assert (calls.count, calls.pauses_s) == (1, [])
