"""Run black-box scenarios from JSON against the engine.

Prints ``PASS name`` or ``FAIL name: why`` a line, then ``N passed, M failed``. A file holds a
scenario, a list of them, an object with a list under ``scenarios``, or one a line. A scenario is
an object:

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
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.core import Engine as CoreEngine
from engine.core.engine import Engine as InterpretedEngine
from engine.reference import Engine as ReferenceEngine
from scripts.scenario_exchange import Exchange
from scripts.scenario_expectations import EXPECTATIONS, looked_at, read_expectations
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

a scenario:
  {"name": "fifo", "checks": "the older of two bids trades first", "steps": [
     {"op": "add", "id": "1", "side": "buy", "price": 10, "qty": 5, "tif": "GTC", "user": "ann"},
     {"op": "add", "id": "2", "side": "buy", "price": 10, "qty": 5, "tif": "GTC", "user": "bob"},
     {"op": "market", "id": "3", "side": "sell", "qty": 6, "user": "eve"}],
   "expect": {"trades": [["1", "3", 10, 5], ["2", "3", 10, 1]], "resting": [["2", 4]]}}

exit code: 0 when all passed, 1 when one failed, 2 when a file can not be read
"""


def run_scenario(scenario: Step, engine: str) -> None:
    """Run one scenario.

    Raises
    ------
    ScenarioError
        It says something unknown.
    Mismatch
        The engine does something else than it expects.
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
    expect = read_expectations(scenario["expect"])
    exchange = Exchange(scenario, ENGINES[engine], looked_at(expect))
    for index, step in enumerate(scenario["steps"]):
        try:
            exchange.run(index, step)
        except ScenarioError as error:
            raise ScenarioError(f"step {index}: {error}") from error
    exchange.engine.check()
    exchange.history["end"] = exchange.funds()
    for name, expected in expect.items():
        EXPECTATIONS[name](exchange, expected, expect)


def verdicts(scenarios: list[Step], engine: str) -> Iterator[tuple[str, str]]:
    """Yield (name, why it failed or nothing) of each scenario; a broken one fails, no more."""
    for place, scenario in enumerate(scenarios):
        is_object = isinstance(scenario, dict)
        name = str(scenario.get("name", f"#{place}")) if is_object else f"#{place}"
        try:
            if not is_object:
                raise ScenarioError("a scenario must be an object")  # noqa: TRY301
            run_scenario(scenario, engine)
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
            found = _parse(text)  # the whole file's error says more than a line's
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
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    results: list[dict[str, object]] = []
    unreadable = 0
    for file in files_in(options.files):
        try:
            scenarios = read_scenarios(file)
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            print(f"{file} can not be read: {reason}", file=sys.stderr)
            unreadable += 1
            continue
        for name, why in verdicts(scenarios, options.engine):
            results.append({"file": str(file), "name": name, "passed": not why, "why": why})
            if not options.json:
                print(f"FAIL {name}: {why}" if why else f"PASS {name}")
    failed = sum(1 for result in results if result["why"])
    passed = len(results) - failed
    if options.json:
        print(json.dumps({"passed": passed, "failed": failed, "scenarios": results}, indent=1))
    elif results or not unreadable:
        print(f"{passed} passed, {failed} failed")
    return 2 if unreadable else int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
