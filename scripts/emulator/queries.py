"""Queries that read a condition once, not once for each row.

MiniStack reads the text of a query's key condition again for each row of the partition, which takes
it some ten seconds where an account has 50,000 orders. The forms that are sent here are compared
directly; any other is left to MiniStack. It reads MiniStack's modules by the names they have in
version 1.5; a test compares both ways.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
Values = Mapping[str, Mapping[str, Any]]
Evaluate = Callable[..., bool]
# An attribute, how it is compared, and the names of the values it is compared with.
Comparison = tuple[str, Callable[..., bool], tuple[str, ...]]

_KEY_CONDITION = "KeyConditionExpression"
_AND = re.compile(r"\s+AND\s+(?!:\w+\s*(?:AND|$))")
_COMPARED = re.compile(r"(?P<name>#?\w+)\s*(?P<operator>=|<=|>=|<|>)\s*(?P<value>:\w+)")
_PREFIXED = re.compile(r"begins_with\(\s*(?P<name>#?\w+)\s*,\s*(?P<value>:\w+)\s*\)")
_BETWEEN = re.compile(r"(?P<name>#?\w+)\s+BETWEEN\s+(?P<low>:\w+)\s+AND\s+(?P<high>:\w+)")
_OPERATORS: Mapping[str, Callable[..., bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


def read_key_conditions_once(evaluate: Evaluate) -> Evaluate:
    """Return MiniStack's evaluation of conditions, with a shorter way for those of queries."""

    def evaluated(
        expression: str,
        item: Item,
        values: Values,
        names: Mapping[str, str],
        slot: str = "ConditionExpression",
    ) -> bool:
        comparisons = _comparisons(expression) if slot == _KEY_CONDITION else None
        if comparisons is None:
            return evaluate(expression, item, values, names, slot=slot)
        for name, compare, value_names in comparisons:
            held = item.get(names.get(name, name), {}).get("S")
            compared = [values.get(one, {}).get("S") for one in value_names]
            if held is None or None in compared:
                # Numbers and bytes have orders of their own.
                return evaluate(expression, item, values, names, slot=slot)
            if not compare(held, *compared):
                return False
        return True

    return evaluated


@lru_cache(maxsize=256)
def _comparisons(expression: str) -> tuple[Comparison, ...] | None:
    """Return what a condition compares; None when it has another form than these."""
    comparisons = [_comparison(part.strip()) for part in _AND.split(expression.strip())]
    return None if None in comparisons else tuple(one for one in comparisons if one)


def _comparison(text: str) -> Comparison | None:
    if found := _COMPARED.fullmatch(text):
        return found["name"], _OPERATORS[found["operator"]], (found["value"],)
    if found := _PREFIXED.fullmatch(text):
        return found["name"], str.startswith, (found["value"],)
    if found := _BETWEEN.fullmatch(text):
        return found["name"], _is_between, (found["low"], found["high"])
    return None


def _is_between(held: str, low: str, high: str) -> bool:
    return low <= held <= high
