"""Run seeds from the command line: `make simulate ARGS="--first 0 --seeds 1000"`.

Prints what a failing seed expands to and its last lines, and goes on with the next. Ends with 1
when any failed.
"""

import argparse
import sys
import time

from tests.simulation.engines import SmallEngines, ToyEngines
from tests.simulation.faults import KINDS, Faults
from tests.simulation.running import SeedFailed, run_seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--engine", choices=["core", "reference", "toy"], default="core")
    parser.add_argument("--trace", action="store_true", help="print what happened in each run")
    parser.add_argument("--faults", action="store_true", help="print how often each kind fired")
    arguments = parser.parse_args()
    engines = ToyEngines() if arguments.engine == "toy" else SmallEngines(arguments.engine)
    started, failed = time.monotonic(), []
    fired, runs_with = Faults(), Faults()
    for number in range(arguments.seeds):
        seed = arguments.first + number
        try:
            world = run_seed(seed, engines)
        except SeedFailed as error:
            failed.append(seed)
            sys.stdout.write(f"{error}\n")
        else:
            fired += world.faults
            runs_with.update((+world.faults).keys())
            if arguments.trace:
                sys.stdout.write(f"{world.options}\n" + "\n".join(world.trace.lines) + "\n")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number + 1} of {arguments.seeds} seeds, {len(failed)} failed ")
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{arguments.seeds} seeds, {len(failed)} failed {failed or ''} in {seconds:.1f} s\n"
    )
    if arguments.faults:
        for kind in KINDS:
            a_run, share = fired[kind] / arguments.seeds, runs_with[kind] / arguments.seeds
            sys.stdout.write(f"{kind:32} {a_run:6.2f} a run, in {share:6.1%} of the runs\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
