"""A table in memory that charges for reading as DynamoDB does: half a unit for each 4 KB begun.

It knows the queries that this code sends, and refuses others.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.doubles.tables import INDEXES

Item = dict[str, dict[str, Any]]

_UNIT_BYTES = 4_096
_PAGE_BYTES = 1024 * 1024
_CONDITION = re.compile(
    r"(?P<partition>#?\w+) = (?P<is>:\w+)"
    r"(?: AND (?P<sort>#?\w+) < (?P<below>:\w+))?"
    r"(?: AND begins_with\((?P<prefixed>#?\w+), (?P<prefix>:\w+)\))?"
    r"(?: AND (?P<ranged>#?\w+) BETWEEN (?P<first>:\w+) AND (?P<last>:\w+))?"
)
_TERM = re.compile(r"(?P<name>#\w+) (?:= (?P<is>:\w+)|IN \((?P<in>[^)]+)\))")
_PRIMARY = ("pk", "sk")


def item_bytes(item: Item) -> int:
    """Size of an item by DynamoDB's rules."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return 1 + (len(content.lstrip("-")) + 1) // 2
    return len(content) if kind in ("S", "B") else 1


class MeteredTable:
    """One table with its indexes; `units` is what reading has cost."""

    def __init__(self, name: str) -> None:
        self.units = 0.0
        self.calls = 0
        self._keys = {None: _PRIMARY} | {
            index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
            for index in INDEXES.get(name, ())
        }
        self._items: dict[tuple[str, str], Item] = {}
        # Index name and partition -> (sort key of it, primary key).
        self._sorted: defaultdict[Any, list[tuple[str, tuple[str, str]]]] = defaultdict(list)

    def put(self, item: Item) -> None:
        """Store an item that is not there."""
        primary = (item["pk"]["S"], item["sk"]["S"])
        self._items[primary] = item
        for index, (partition, sort) in self._keys.items():
            if partition in item and sort in item:
                entries = self._sorted[index, item[partition]["S"]]
                entry = (item[sort]["S"], primary)
                if entries and entries[-1] < entry:
                    entries.append(entry)
                else:
                    insort(entries, entry)

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer as the client's method of that name."""
        self.calls += 1
        index = request.get("IndexName")
        names, values = (
            request.get("ExpressionAttributeNames", {}),
            request["ExpressionAttributeValues"],
        )
        found = _CONDITION.fullmatch(request["KeyConditionExpression"])
        assert found, request["KeyConditionExpression"]
        partition, sort = self._keys[index]
        assert names.get(found["partition"], found["partition"]) == partition
        assert index is None or not request.get("ConsistentRead")
        entries = self._sorted[index, values[found["is"]]["S"]]
        low, high = 0, len(entries)
        if found["below"]:
            assert names.get(found["sort"], found["sort"]) == sort
            high = bisect_left(entries, (values[found["below"]]["S"],))
        elif found["prefix"]:
            assert names.get(found["prefixed"], found["prefixed"]) == sort
            low = bisect_left(entries, (values[found["prefix"]]["S"],))
            high = bisect_right(entries, (values[found["prefix"]]["S"] + "~", ("~", "~")))
        elif found["first"]:
            assert names.get(found["ranged"], found["ranged"]) == sort
            low = bisect_left(entries, (values[found["first"]]["S"],))
            high = bisect_right(entries, (values[found["last"]]["S"], ("~", "~")))
        forward = request.get("ScanIndexForward", True)
        if start := request.get("ExclusiveStartKey"):
            assert set(start) == {partition, sort, *_PRIMARY}
            after = (start[sort]["S"], (start["pk"]["S"], start["sk"]["S"]))
            if forward:
                low = max(low, bisect_right(entries, after))
            else:
                high = min(high, bisect_left(entries, after))
        in_order = entries[low:high] if forward else entries[low:high][::-1]
        return self._page(in_order, request, (partition, sort))

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Answer as the client's method of that name."""
        self.calls += 1
        ((table, wanted),) = request["RequestItems"].items()
        assert 1 <= len(wanted["Keys"]) <= 100
        keys = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
        items = [self._items[key] for key in keys if key in self._items]
        for item in items:
            units = -(-item_bytes(item) // _UNIT_BYTES)
            self.units += units if wanted.get("ConsistentRead") else units / 2
        return {"Responses": {table: items}, "UnprocessedKeys": {}}

    def get_paginator(self, name: str) -> "MeteredTable":
        """Return what pages through a query."""
        assert name == "query"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a query."""
        start: dict[str, Any] = {}
        while True:
            page = self.query(**request, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _page(
        self,
        entries: list[tuple[str, tuple[str, str]]],
        request: dict[str, Any],
        columns: tuple[str, str],
    ) -> dict[str, Any]:
        items: list[Item] = []
        read = 0
        for _, primary in entries[: request.get("Limit")]:
            items.append(self._items[primary])
            read += item_bytes(items[-1])
            if read >= _PAGE_BYTES:
                break
        units = max(1, -(-read // _UNIT_BYTES))
        self.units += units if request.get("ConsistentRead") else units / 2
        response: dict[str, Any] = {"Items": _filtered(items, request)}
        if len(items) < len(entries) or len(items) == request.get("Limit"):
            names = {*columns, *_PRIMARY}
            response["LastEvaluatedKey"] = {name: items[-1][name] for name in names}
        return response


def _filtered(items: list[Item], request: dict[str, Any]) -> list[Item]:
    """Leave out what a filter of one-of and equals, joined by AND, excludes."""
    if "FilterExpression" not in request:
        return items
    names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
    for term in request["FilterExpression"].split(" AND "):
        found = _TERM.fullmatch(term)
        assert found, term
        wanted = [values[one] for one in (found["is"] or found["in"]).split(", ")]
        items = [item for item in items if item.get(names[found["name"]]) in wanted]
    return items
