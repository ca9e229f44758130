"""Run seeds, and say everything that is needed to run a failing one again."""

import gc
from itertools import count

from tests.simulation.checks import check
from tests.simulation.options import Options
from tests.simulation.world import World
from worker.ports import EngineFactory

_TRACE_LINES = 60
# A run leaves engines that only refer to themselves: few objects, so that Python's collector waits
# for thousands of runs beside a large heap, and much memory.
_RUNS_PER_COLLECTION = 50

_runs = count(1)


class SeedFailed(AssertionError):  # noqa: N818 - the name is what it means
    """A run broke a promise; the message has its options and its last lines."""

    def __init__(self, world: World, error: BaseException) -> None:
        trace = "\n".join(world.trace.lines[-_TRACE_LINES:])
        super().__init__(
            f"seed {world.options.seed}: {type(error).__name__}: {error}\n"
            f"{world.options}\n{trace}\n"
            f'again: make simulate ARGS="--first {world.options.seed} --seeds 1"'
        )


def run_seed(seed: int, engines: EngineFactory) -> World:
    """Run one seed and check it; raises `SeedFailed`."""
    if next(_runs) % _RUNS_PER_COLLECTION == 0:
        gc.collect()
    world = World(Options.of(seed), engines)
    try:
        world.run()
        check(world)
    except Exception as error:
        raise SeedFailed(world, error) from error
    return world
