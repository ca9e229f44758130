"""Run black-box scenarios from JSON against the engine.

Prints ``PASS name`` or ``FAIL name: why`` a line, then ``N passed, M failed``; with ``--show`` one
scenario step by step, with its trades, its book and all balances before and after. A file
holds a scenario, a list of them, an object with a list under ``scenarios``, or one a line. A
scenario is an object:

``name``, ``checks``
    What it is called, and a sentence for people.
``steps``
    A list of objects with ``op`` and that operation's keys (``scenario_exchange.OPERATIONS``):
    add, market, replace, amend, cancel, cancel_all, deposit, withdraw, time, state.
``expect``
    What must hold at the end (``scenario_expectations.EXPECTATIONS``); what it does not name is
    not looked at.
``stp``
    Self-trade prevention of all orders that name a user; none when absent. A step may name its own.
``ledger``, ``markets``, ``deposits``
    Assets, units and fees of the market, or of several by name, which steps then name; what users
    own. Users without a deposit are rich. Without a ledger one lot is one unit of base, and costs
    its price in units of quote.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from rich.console import Console

from engine.core import Engine as CoreEngine
from engine.core.engine import Engine as InterpretedEngine
from engine.reference import Engine as ReferenceEngine
from scripts.book_drawing import WIDTH
from scripts.scenario_drawing import StepDrawing
from scripts.scenario_exchange import Exchange
from scripts.scenario_expectations import EXPECTATIONS, read_expectations, steps_with_balances
from scripts.scenario_words import Mismatch, ScenarioError, Step, reject_unknown

ENGINES: dict[str, Any] = {
    "core": CoreEngine,
    "interpreted": InterpretedEngine,
    "reference": ReferenceEngine,
}
KNOWN = ("name", "checks", "steps", "expect", "stp", "ledger", "markets", "deposits", "comment")
EXAMPLES = """
examples:
  python -m scripts.scenarios tests/scenarios/stops.json
  python -m scripts.scenarios tests/scenarios --engine reference
  python -m scripts.scenarios a.json b.json --json
  python -m scripts.scenarios tests/scenarios --show cancel_newest_over_two_levels

a scenario:
  {"name": "fifo", "checks": "the older of two bids trades first", "steps": [
     {"op": "add", "id": "1", "side": "buy", "price": 10, "qty": 5, "tif": "GTC", "user": "ann"},
     {"op": "add", "id": "2", "side": "buy", "price": 10, "qty": 5, "tif": "GTC", "user": "bob"},
     {"op": "market", "id": "3", "side": "sell", "qty": 6, "user": "eve"}],
   "expect": {"trades": [["1", "3", 10, 5], ["2", "3", 10, 1]], "resting": [["2", 4]]}}

exit code: 0 when all passed, 1 when one failed, 2 when a file can not be read or no scenario has
the name to show
"""


def check_scenario(scenario: Step) -> Step:
    """Return a scenario's expectations.

    Raises
    ------
    ScenarioError
        It says something unknown.
    """
    reject_unknown("scenario", scenario, KNOWN)
    for key in ("steps", "expect"):
        if key not in scenario:
            raise ScenarioError(f"scenario needs {key!r}")
    if not isinstance(scenario["steps"], list):
        raise ScenarioError("steps must be a list")
    for index, step in enumerate(scenario["steps"]):
        if not isinstance(step, dict):
            raise ScenarioError(f"step {index}: unknown op {step!r}")
    return read_expectations(scenario["expect"])


def run_scenario(scenario: Step, engine: str, console: Console | None = None) -> None:
    """Run one scenario, and draw its steps on a console if there is one.

    Raises
    ------
    ScenarioError
        It says something unknown.
    Mismatch
        The engine does something else than it expects.
    """
    expect = check_scenario(scenario)
    exchange = Exchange(scenario, ENGINES[engine], steps_with_balances(expect))
    drawing = StepDrawing(console, scenario) if console else None
    if drawing:
        drawing.start(exchange)
    for index, step in enumerate(scenario["steps"]):
        try:
            exchange.run_step(index, step)
        except ScenarioError as error:
            raise ScenarioError(f"step {index}: {error}") from error
        if drawing:
            drawing.draw(exchange, index, step)
    exchange.engine.check()
    exchange.balances["end"] = exchange.funds()
    for name, expected in expect.items():
        EXPECTATIONS[name](exchange, expected, expect)


def name_of(scenario: object, position: int) -> str:
    """Return a scenario's name, or its position in its file."""
    name = scenario.get("name") if isinstance(scenario, dict) else None
    return f"#{position}" if name is None else str(name)


def verdicts(
    scenarios: list[Step], engine: str, console: Console | None = None
) -> Iterator[tuple[str, str]]:
    """Yield (name, why it failed or nothing) of each scenario; a broken one fails, no more."""
    for position, scenario in enumerate(scenarios):
        name = name_of(scenario, position)
        try:
            if not isinstance(scenario, dict):
                raise ScenarioError("a scenario must be an object")  # noqa: TRY301
            run_scenario(scenario, engine, console)
        except (ScenarioError, Mismatch) as error:
            yield name, str(error)
        except Exception as error:  # noqa: BLE001 - one scenario must not stop the others
            yield name, f"{type(error).__name__}: {error}"
        else:
            yield name, ""


# --- files ----------------------------------------------------------------------------------------


def read_scenarios(file: Path) -> list[Step]:
    """Return a file's scenarios.

    Raises
    ------
    OSError, ValueError, RecursionError
        The file can not be read, or is not JSON.
    """
    text = file.read_text(encoding="utf-8-sig")
    try:
        found = _parse(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) <= 1:
            raise
        try:
            return [_parse(line) for line in lines]
        except ValueError:
            found = _parse(text)  # the whole file's error is more precise than a line's
    if isinstance(found, dict):
        found = found.get("scenarios", [found])
    if not isinstance(found, list):
        raise ValueError(f"it holds {type(found).__name__}, not scenarios")  # noqa: TRY004
    return found


def _parse(text: str) -> Any:  # noqa: ANN401 - JSON is any
    return json.loads(text, parse_float=Decimal, parse_constant=_no_number)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not a number")


def files_in(paths: list[Path]) -> list[Path]:
    """Return the files that some paths mean: a folder is all the JSON in it."""
    return [
        file
        for path in paths
        for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])
    ]


def read_files(paths: list[Path]) -> tuple[list[tuple[Path, list[Step]]], int]:
    """Return the files with their scenarios, and how many can't be read; print why for each."""
    readable: list[tuple[Path, list[Step]]] = []
    unreadable = 0
    for file in files_in(paths):
        try:
            readable.append((file, read_scenarios(file)))
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            print(f"{file} can not be read: {reason}", file=sys.stderr)
            unreadable += 1
    return readable, unreadable


# --- the command line -----------------------------------------------------------------------------


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the three names most like a name, or that begin most like it."""

    def likeness(other: str) -> float:
        begins = SequenceMatcher(None, name, other[: len(name)]).ratio()
        return max(begins, SequenceMatcher(None, name, other).ratio())

    return sorted(known, key=likeness, reverse=True)[:3]


def show(scenarios: list[Step], name: str, engine: str) -> int:
    """Draw the scenarios of a name step by step; return the exit code."""
    by_name: dict[str, list[Step]] = {}
    for position, scenario in enumerate(scenarios):
        by_name.setdefault(name_of(scenario, position), []).append(scenario)
    if name not in by_name:
        known = ", ".join(nearest_names(name, by_name)) or "none, the files hold no scenario"
        print(f"no scenario is called {name!r}; the nearest names: {known}", file=sys.stderr)
        return 2
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    failed = False
    for _, why in verdicts(by_name[name], engine, console):
        console.print()
        print(f"FAIL {name}: {why}" if why else f"PASS {name}")
        failed = failed or bool(why)
    return int(failed)


def run(files: list[tuple[Path, list[Step]]], engine: str, *, as_json: bool) -> int:
    """Run all scenarios and print their verdicts; return how many failed."""
    results: list[dict[str, object]] = []
    for file, scenarios in files:
        for name, why in verdicts(scenarios, engine):
            results.append({"file": str(file), "name": name, "passed": not why, "why": why})
            if not as_json:
                print(f"FAIL {name}: {why}" if why else f"PASS {name}")
    failed = sum(1 for result in results if result["why"])
    passed = len(results) - failed
    if as_json:
        print(json.dumps({"passed": passed, "failed": failed, "scenarios": results}, indent=1))
    elif files:
        print(f"{passed} passed, {failed} failed")
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.scenarios",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="JSON, or a folder")
    parser.add_argument("--engine", choices=ENGINES, default="core", help="default: core")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    form.add_argument(
        "--show",
        metavar="NAME",
        help="draw the scenario of this name; a star marks what is of the step's user, and who has "
        "no deposit is rich",
    )
    options = parser.parse_args(arguments)
    files, unreadable = read_files(options.files)
    if options.show is not None:
        found = [scenario for _, scenarios in files for scenario in scenarios]
        return show(found, options.show, options.engine) or (2 if unreadable else 0)
    failed = run(files, options.engine, as_json=options.json)
    return 2 if unreadable else int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
