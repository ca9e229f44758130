"""Run black-box scenarios from JSON against the engine.

    python -m scripts.scenarios FILE [FILE ...] [--engine core|reference]

Prints ``PASS name`` or ``FAIL name: why`` a line, then ``N passed, M failed``; the exit code is 1
when any failed. A scenario is an object:

``name``, ``checks``
    What it is called, and a sentence for people.
``steps``
    A list of objects with ``op`` (see ``OPERATIONS``) and that operation's keys.
``expect``
    What must hold at the end (see ``EXPECTATIONS``); what it does not name is not looked at.
``stp``
    Self-trade prevention of all orders; none when absent. A step may name its own.
``ledger``, ``deposits``
    Units and fees of the one market, and what users own; users without a deposit are rich.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.core import Engine as CoreEngine
from engine.reference import Engine as ReferenceEngine
from scripts.scenario_exchange import Exchange, Mismatch, ScenarioError, Step, reject_unknown

ENGINES = {"core": CoreEngine, "reference": ReferenceEngine}


def same(what: str, expected: object, actual: object) -> None:
    """Raise Mismatch unless two values are equal."""
    if expected != actual:
        raise Mismatch(f"{what}: expected {json.dumps(expected)}, got {json.dumps(actual)}")


def rows(values: object, what: str) -> list[list[object]]:
    """Return expected rows with ids as strings, so that 1 and "1" are the same order."""
    if not isinstance(values, list):
        raise ScenarioError(f"{what} must be a list")
    return [
        [str(word) if place == 0 else word for place, word in enumerate(row)]
        if isinstance(row, list)
        else [str(row)]
        for row in values
    ]


def check_trades(exchange: Exchange, expected: object) -> None:
    """[maker, taker, price, quantity] of every trade, in order."""
    wanted = [[a, str(b), *rest] for a, b, *rest in rows(expected, "trades")]
    actual = [
        [exchange.name(t.maker_order), exchange.name(t.taker_order), t.price, t.quantity]
        for t in exchange.trades
    ]
    same("trades", wanted, actual)


def check_resting(exchange: Exchange, expected: object) -> None:
    """[id, remaining] in book order, bids first."""
    same("resting", rows(expected, "resting"), exchange.resting())


def check_cancelled(exchange: Exchange, expected: object) -> None:
    """[id, quantity] of what ended unfilled, in any order."""
    actual = [exchange.named(row) for row in exchange.cancelled]
    same("cancelled", sorted(rows(expected, "cancelled"), key=str), sorted(actual, key=str))


def check_rejected(exchange: Exchange, expected: object) -> None:
    """Indexes of the refused steps."""
    same("rejected_steps", expected, exchange.rejected)


def check_stops(exchange: Exchange, expected: object) -> None:
    """Pending stops: how many, or their ids, or [id, quantity]."""
    actual = exchange.stops_pending()
    if isinstance(expected, int):
        same("stops_pending", expected, len(actual))
        return
    wanted = rows(expected, "stops_pending")
    width = min((len(row) for row in wanted), default=2)
    same("stops_pending", sorted(wanted), sorted(row[:width] for row in actual))


def check_l2(exchange: Exchange, expected: object) -> None:
    """{bids, asks}: [price, displayed quantity], best first."""
    if not isinstance(expected, dict):
        raise ScenarioError("l2 must be an object with bids and asks")
    reject_unknown("l2", expected, {"bids", "asks"})
    bids, asks = exchange.levels()
    for side, levels in (("bids", bids), ("asks", asks)):
        if side in expected:
            same(f"l2 {side}", expected[side], levels)


def check_book_orders(exchange: Exchange, expected: object) -> None:
    """[bids, asks]: how many orders rest."""
    same("book_orders", expected, [len(side) for side in exchange.sides()])


def check_book_volume(exchange: Exchange, expected: object) -> None:
    """[bids, asks]: how many lots rest."""
    same("book_volume", expected, [sum(lots for _, lots in side) for side in exchange.sides()])


def check_money(part: str) -> Callable[[Exchange, object], None]:
    """Return the check of available or held: {after_step: {step: {user: {asset: amount}}}}."""

    def check(exchange: Exchange, expected: object) -> None:
        if not isinstance(expected, dict):
            raise ScenarioError(f"{part} must be an object")
        after_step = expected.get("after_step", {})
        final = expected.get("final", {k: v for k, v in expected.items() if k != "after_step"})
        for step, users in [*after_step.items(), ("end", final)]:
            if step not in exchange.history:
                raise ScenarioError(f"{part} after step {step}, but there is no such step")
            for user, assets in users.items():
                for asset, amount in assets.items():
                    exchange.asset(asset)
                    owned = exchange.history[step].get(user, {}).get(asset, {})
                    same(f"{part} after step {step}: {user} {asset}", amount, owned.get(part, 0))

    return check


EXPECTATIONS: dict[str, Callable[[Exchange, object], None]] = {
    "trades": check_trades,
    "resting": check_resting,
    "cancelled": check_cancelled,
    "rejected_steps": check_rejected,
    "stops_pending": check_stops,
    "l2": check_l2,
    "book_orders": check_book_orders,
    "book_volume": check_book_volume,
    "available": check_money("available"),
    "held": check_money("held"),
}


def run_scenario(scenario: Step, engine: str) -> None:
    """Run one scenario.

    Raises
    ------
    ScenarioError
        It says something unknown.
    Mismatch
        The engine does something else than it expects.
    """
    known = {"name", "checks", "steps", "expect", "stp", "ledger", "deposits", "comment"}
    reject_unknown("scenario", scenario, known)
    for key in ("steps", "expect"):
        if key not in scenario:
            raise ScenarioError(f"scenario needs {key!r}")
    for index, step in enumerate(scenario["steps"]):
        if not isinstance(step, dict):
            raise ScenarioError(f"step {index}: unknown op {step!r}")
    unknown = sorted(set(scenario["expect"]) - set(EXPECTATIONS))
    if unknown:
        raise ScenarioError(f"unknown expectation {', '.join(unknown)}")
    exchange = Exchange(scenario, ENGINES[engine]())
    for index, step in enumerate(scenario["steps"]):
        try:
            exchange.run(index, step)
        except ScenarioError as error:
            raise ScenarioError(f"step {index}: {error}") from error
    exchange.engine.check()
    exchange.history["end"] = exchange.funds()
    for name, expected in scenario["expect"].items():
        EXPECTATIONS[name](exchange, expected)


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


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Run scenarios against the engine.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--engine", choices=ENGINES, default="core")
    arguments = parser.parse_args()
    passed = failed = 0
    for file in arguments.files:
        scenarios = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(scenarios, dict):
            scenarios = scenarios.get("scenarios", [scenarios])
        for name, why in verdicts(scenarios, arguments.engine):
            print(f"FAIL {name}: {why}" if why else f"PASS {name}")
            failed += bool(why)
            passed += not why
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
