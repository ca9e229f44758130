"""What lies between a process and a service: delays, losses, repetitions, and the end of a process.

A call has its effect at one instant, and every kind of trouble around it: the request is lost, or
arrives after the caller has given up; the answer is lost; the request is carried out twice (a
client's own retry) and only the second answer comes back; it is refused for load; the caller
crashes just before or just after the effect; the caller is stopped and goes on much later. A
request that is on its way when its caller ends, or stops waiting, may arrive all the same.
"""

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

from bursa.journal.errors import OutcomeUnknown, StorageError
from tests.simulation.faults import Faults
from tests.simulation.options import Options

_Result = TypeVar("_Result")
# The share of requests that still arrive after their caller has stopped waiting.
_LANDED_SHARE = 0.5


class Machine:
    """What one process runs on: its clock, and whether it lives and is awake."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, rate: float) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None
        self.dead = False
        self.crash_in_calls = -1
        self._loop = loop
        self._rate = rate
        self._offset_ms = 0
        self._awake = asyncio.Event()
        self._awake.set()

    def crash(self) -> None:
        """End at once: nothing that it wanted to do happens any more."""
        self.dead = True
        self._awake.set()
        if self.task is not None:
            self.task.cancel()

    def pause(self, seconds: float) -> None:
        """Stop, as by SIGSTOP, and go on later."""
        self._awake.clear()
        self._loop.call_later(seconds, self._awake.set)

    def jump(self, milliseconds: int) -> None:
        """Set the wall clock."""
        self._offset_ms += milliseconds

    async def awake(self) -> None:
        """Wait while stopped; end when dead."""
        await self._awake.wait()
        if self.dead:
            raise asyncio.CancelledError

    def monotonic(self) -> float:
        return self._loop.time() * self._rate

    def time_ms(self) -> int:
        return EPOCH_MS + int(self._loop.time() * 1000) + self._offset_ms

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)
        await self.awake()


EPOCH_MS = 1_800_000_000_000


class Wire:
    """Carries calls."""

    def __init__(self, options: Options, rng: random.Random, faults: Faults) -> None:
        self._options = options
        self._rng = rng
        self._faults = faults
        self.faulty = True

    @staticmethod
    def now() -> float:
        """Return the services' own time."""
        return asyncio.get_running_loop().time()

    def _latency(self) -> float:
        options = self._options
        if self._rng.random() < options.latency_tail_rate and self.faulty:
            self._faults["slow"] += 1
            return self._rng.random() * options.latency_tail_s
        return self._rng.random() * options.latency_s

    def _fate(self) -> str:
        options = self._options
        if not self.faulty:
            return "arrives"
        draw = self._rng.random()
        for fate, rate in (
            ("request lost", options.request_lost_rate),
            ("answer lost", options.answer_lost_rate),
            ("late", options.late_rate),
            ("twice", options.twice_rate),
            ("throttled", options.throttle_rate),
        ):
            draw -= rate
            if draw < 0:
                self._faults[fate] += 1
                return fate
        return "arrives"

    async def call(self, machine: Machine, effect: Callable[[], _Result]) -> _Result:
        """Carry out an effect for a process, or not."""
        await machine.awake()
        fate = self._fate()
        crashes = self._crashes(machine)
        if crashes and self._rng.random() < 0.5:
            self._crash(machine, "crashed before a call's effect")
        await self._travel(effect)
        if fate == "throttled":
            await machine.awake()
            raise OutcomeUnknown("throttled")
        if fate == "request lost":
            await self._time_out(machine, fate)
        if fate == "late":
            delay_s = self._options.timeout_s + self._rng.random() * self._options.late_s_max
            asyncio.get_running_loop().call_later(delay_s, _quietly(effect))
            await self._time_out(machine, fate)
        if fate == "twice":
            _quietly(effect)()
        failure = None
        try:
            result = effect()
        except StorageError as error:
            failure = error
        if crashes:
            self._crash(machine, "crashed after a call's effect")
        if fate == "answer lost":
            await self._time_out(machine, fate)
        await asyncio.sleep(self._latency())
        await machine.awake()
        if failure is not None:
            raise failure
        return result

    async def _travel(self, effect: Callable[[], object]) -> None:
        """Wait until a request is there; it may get there although its caller is gone."""
        latency_s = self._latency()
        try:
            await asyncio.sleep(latency_s)
        except asyncio.CancelledError:
            if self._rng.random() < _LANDED_SHARE:
                asyncio.get_running_loop().call_later(
                    latency_s, self._counted(_quietly(effect), "landed without its caller")
                )
            raise

    def _counted(self, effect: Callable[[], None], kind: str) -> Callable[[], None]:
        def counted() -> None:
            self._faults[kind] += 1
            effect()

        return counted

    async def _time_out(self, machine: Machine, fate: str) -> None:
        await asyncio.sleep(self._options.timeout_s)
        await machine.awake()
        raise OutcomeUnknown(fate)

    @staticmethod
    def _crashes(machine: Machine) -> bool:
        machine.crash_in_calls -= 1
        return machine.crash_in_calls == 0

    def _crash(self, machine: Machine, kind: str) -> None:
        self._faults[kind] += 1
        machine.crash()
        raise asyncio.CancelledError


def _quietly(effect: Callable[[], object]) -> Callable[[], None]:
    def carried_out() -> None:
        try:
            effect()
        except StorageError:
            return

    return carried_out
