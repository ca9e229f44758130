"""Key conditions that are read once say what MiniStack says."""

from typing import Any

import pytest
from ministack.services import dynamodb  # type: ignore[import-untyped]

from scripts.emulator.queries import read_key_conditions_once

KEYS = ("order#1", "order#2", "order#20", "order#é", "client#1", "", "~")
NAMES = {"#partition": "pk", "#sort": "sk"}
VALUES = {
    ":partition": {"S": "t1-1"},
    ":low": {"S": "order#1"},
    ":high": {"S": "order#20"},
    ":prefix": {"S": "order#"},
    ":number": {"N": "10"},
}
evaluate = dynamodb._evaluate_condition


def refuse(*_: object, **__: object) -> bool:
    raise AssertionError("MiniStack was asked")


@pytest.mark.parametrize(
    "condition",
    [
        "pk = :partition",
        "#partition = :partition AND #sort BETWEEN :low AND :high",
        "pk = :partition AND sk < :high",
        "pk = :partition AND sk <= :high",
        "pk = :partition  AND  sk > :low",
        "pk = :partition AND sk >= :low",
        "pk = :partition AND sk = :low",
        "pk = :partition AND begins_with(sk, :prefix)",
        "begins_with (sk, :prefix) AND pk = :partition",
        "sk BETWEEN :low AND :high AND pk = :partition",
    ],
)
def test_a_condition_on_text(condition: str) -> None:
    once = read_key_conditions_once(evaluate if condition.startswith("begins_with (") else refuse)
    slot = "KeyConditionExpression"
    for partition in ("t1-1", "t1-2"):
        for key in KEYS:
            item = {"pk": {"S": partition}, "sk": {"S": key}}
            assert once(condition, item, VALUES, NAMES, slot=slot) == evaluate(
                condition, item, VALUES, NAMES, slot=slot
            )


@pytest.mark.parametrize(
    ("condition", "item", "slot"),
    [
        pytest.param("pk < :number", {"pk": {"N": "9"}}, "KeyConditionExpression", id="number"),
        pytest.param("pk = :low", {"pk": {"S": "order#1"}}, "ConditionExpression", id="write"),
        pytest.param("size(pk) = :low", {"pk": {"S": "x"}}, "KeyConditionExpression", id="other"),
    ],
)
def test_what_is_left_to_ministack(condition: str, item: dict[str, Any], slot: str) -> None:
    with pytest.raises(AssertionError, match="MiniStack was asked"):
        read_key_conditions_once(refuse)(condition, item, VALUES, NAMES, slot=slot)
