"""The scenario runner: our own scenarios pass, wrong ones fail and say why."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.scenarios import ENGINES, verdicts

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.json"))
SCENARIOS = [one for file in FILES for one in json.loads(file.read_text(encoding="utf-8"))]
ADD = {"op": "add", "id": "1", "side": "buy", "price": 10, "qty": 5, "tif": "GTC"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_own_scenario(scenario: dict[str, Any], engine: str) -> None:
    assert list(verdicts([scenario], engine)) == [(scenario["name"], "")]


@pytest.mark.parametrize(
    ("steps", "expect", "why"),
    [
        ([ADD], {"resting": []}, 'resting: expected [], got [["1", 5]]'),
        ([ADD], {"trades": [["1", "2", 10, 5]]}, "trades: expected"),
        ([ADD], {"rejected_steps": [0]}, "rejected_steps: expected [0], got []"),
        ([ADD], {"colour": 1}, "unknown expectation colour"),
        ([{**ADD, "tfi": "IOC"}], {}, "step 0: op 'add' has unknown 'tfi'"),
        ([{**ADD, "tif": "NOW"}], {}, "step 0: unknown tif 'NOW'"),
        ([{**ADD, "price": 1.5}], {}, "step 0: price must be a whole number, not 1.5"),
        ([{"op": "add", "id": "1"}], {}, "step 0: 'add' needs 'qty'"),
        ([{"op": "dance"}], {}, "step 0: unknown op 'dance'"),
        (["text"], {}, "step 0: unknown op 'text'"),
    ],
)
def test_a_wrong_scenario_fails_and_says_why(
    steps: list[Any], expect: dict[str, Any], why: str
) -> None:
    ((name, said),) = verdicts([{"name": "n", "steps": steps, "expect": expect}], "reference")
    assert name == "n"
    assert said.startswith(why)


@pytest.mark.parametrize("scenario", [None, 5, [], {"steps": []}, {"steps": 5, "expect": {}}])
def test_a_broken_scenario_fails_but_does_not_stop_the_others(scenario: Any) -> None:
    good = {"name": "good", "steps": [ADD], "expect": {"resting": [["1", 5]]}}
    (_, why), last = verdicts([scenario, good], "reference")
    assert why
    assert last == ("good", "")
