"""Workers that run at once, one effect at a time, and are stopped before or after any effect.

Who goes on after an effect is drawn from the seed, so a schedule can be repeated. A worker that
crashes raises what nothing catches; whoever looks next continues from what was written.
"""

from collections.abc import Callable, Sequence
from random import Random
from threading import Semaphore, Thread
from typing import Any

from bursa.kernel.errors import BursaError, Unavailable


class Crash(BaseException):
    """The process is gone."""


class Turns:
    """Runs workers, and says before and after each effect what becomes of it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.crash_one_in = 0
        self.lose_one_in = 0
        self.effects = 0
        self._gates: list[Semaphore] = []
        self._alive: list[int] = []
        self._current = 0
        self._unexpected: list[BaseException] = []

    def run(self, *workers: Callable[[], object]) -> None:
        """Run workers until each has come to an end, by itself or by a crash."""
        if len(workers) == 1:
            self._guard(workers[0])
        else:
            self._gates = [Semaphore(0) for _ in workers]
            self._alive = list(range(len(workers)))
            threads = [
                Thread(target=self._one, args=(number, worker), daemon=True)
                for number, worker in enumerate(workers)
            ]
            for thread in threads:
                thread.start()
            self._let(self.random.choice(self._alive))
            for thread in threads:
                thread.join()
            self._gates = []
        if self._unexpected:
            raise self._unexpected[0]

    def point(self, *, may_lose: bool = True) -> None:
        """Stand before or after an effect: another worker may go on, or this one crashes."""
        self.effects += 1
        if len(self._alive) > 1:
            me, chosen = self._current, self.random.choice(self._alive)
            if chosen != me:
                self._let(chosen)
                self._gates[me].acquire()
        if self.crash_one_in and self.random.randrange(self.crash_one_in) == 0:
            raise Crash
        if may_lose and self.lose_one_in and self.random.randrange(self.lose_one_in) == 0:
            raise Unavailable("lost", "Nobody knows whether it was done.")

    def _let(self, number: int) -> None:
        self._current = number
        self._gates[number].release()

    def _one(self, number: int, worker: Callable[[], object]) -> None:
        self._gates[number].acquire()
        self._guard(worker)
        self._alive.remove(number)
        if self._alive:
            self._let(self.random.choice(self._alive))

    def _guard(self, worker: Callable[[], object]) -> None:
        try:
            worker()
        except (Crash, BursaError):
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self._unexpected.append(error)


class Faulty:
    """Something outside of a worker: each of its methods is an effect."""

    def __init__(self, target: Any, turns: Turns, only: Sequence[str] = ()) -> None:
        self._target = target
        self._turns = turns
        self._only = only

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found) or (self._only and name not in self._only):
            return found

        def effect(*args: Any, **options: Any) -> Any:
            self._turns.point()
            result = found(*args, **options)
            self._turns.point()
            return result

        return effect
