"""A feed misses no announcement, though the rows that count them are not read in one moment."""

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.kernel.errors import Unavailable
from bursa.market_data.connections_dynamodb import ANNOUNCEMENT_ROWS, ConnectionsTable
from bursa.read_models.rows import ConnectionRow, SubscriptionRow

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS = ("t1", "t2")


class Table:
    """Rows of counters; a read takes them one by one, and others write in between."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, int]] = defaultdict(dict)
        self.announced: dict[tuple[str, str], dict[str, Any]] = {}
        self.between: Iterator[ConnectionRow] = iter(())
        self.left_out: Iterator[int] = iter(())
        self.announce: Any = None

    def update_item(self, **request: Any) -> dict[str, Any]:
        assert request["UpdateExpression"] == "ADD #tenant :one"
        row = self.rows[request["Key"]["pk"]["S"]]
        tenant = request["ExpressionAttributeNames"]["#tenant"]
        row[tenant] = row.get(tenant, 0) + 1
        return {"Attributes": {tenant: {"N": str(row[tenant])}}}

    def put_item(self, **request: Any) -> None:
        item = request["Item"]
        self.announced[item["pk"]["S"], item["sk"]["S"]] = item

    def get_paginator(self, _name: str) -> "Table":
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        names = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        return [
            {"Items": [item]}
            for (partition, sort), item in self.announced.items()
            if partition == names[":partition"] and names[":first"] <= sort <= names[":last"]
        ]

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        assert wanted["ConsistentRead"]
        left_out, wanted_keys = next(self.left_out, 0), wanted["Keys"]
        items: list[dict[str, Any]] = []
        for key in wanted_keys[left_out:]:
            row = self.rows.get(key["pk"]["S"])
            if row is not None:
                counters = {tenant: {"N": str(count)} for tenant, count in row.items()}
                items.append(key | counters)
            for connection in self.between:
                self.announce(connection)
                break
        response: dict[str, Any] = {"Responses": {table: items}}
        if left_out:
            response["UnprocessedKeys"] = {table: wanted | {"Keys": wanted_keys[:left_out]}}
        return response


def opened() -> tuple[Table, ConnectionsTable]:
    table = Table()
    client: Any = table
    writer: Any = None
    connections = ConnectionsTable(client, "connections", writer)
    table.announce = partial(announce, connections)
    return table, connections


def announce(connections: ConnectionsTable, connection: ConnectionRow) -> None:
    tenant, name = connection.tenant, connection.connection_id
    row = SubscriptionRow(tenant, "book:X", name, 7, 2_000, connection.account)
    connections.announce(0, connection, [row])


def counts(connections: ConnectionsTable) -> dict[str, int]:
    """Return how often each tenant announced subscriptions, in all rows."""
    return {tenant: sum(rows.values()) for tenant, rows in connections.announcements(0).items()}


CONNECTIONS = st.builds(
    lambda tenant, number: ConnectionRow(tenant, f"conn{number}=", f"{tenant}-1", 0, 0),
    st.sampled_from(TENANTS),
    st.integers(0, 40),
)


@given(
    rounds=st.lists(
        st.tuples(
            st.lists(CONNECTIONS, max_size=3),
            st.lists(CONNECTIONS, max_size=ANNOUNCEMENT_ROWS),
            st.lists(st.integers(0, 2), max_size=2),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_was_announced_before_a_read_changes_what_is_read(
    rounds: list[tuple[list[ConnectionRow], list[ConnectionRow], list[int]]],
) -> None:
    table, connections = opened()
    before: dict[str, int] = {}
    announced_between: set[str] = set()
    for announced, between, left_out in rounds:
        for connection in announced:
            announce(connections, connection)
        table.between, table.left_out = iter(between), iter(left_out)
        read = counts(connections)
        for connection in table.between:
            announce(connections, connection)
        for tenant in {one.tenant for one in announced}:
            assert read[tenant] > before.get(tenant, 0)
        for tenant in set(TENANTS) - {one.tenant for one in announced + between}:
            # What came between the rows of the last read may be seen now, and nothing else is.
            assert tenant in announced_between or read.get(tenant) == before.get(tenant)
        before = read
        announced_between = {one.tenant for one in between}
    everything = [one.tenant for announced, between, _ in rounds for one in announced + between]
    table.between, table.left_out = iter(()), iter(())
    assert counts(connections) == {one: everything.count(one) for one in set(everything)}
    for tenant, rows in connections.announcements(0).items():
        found = [
            one.connection_id
            for row, count in rows.items()
            for entries in connections.announced(tenant, row, 1, count).values()
            for one in entries
        ]
        announced_by = [
            one.connection_id
            for first, second, _ in rounds
            for one in first + second
            if one.tenant == tenant
        ]
        assert sorted(found) == sorted(announced_by)


def test_rows_that_stay_unread_are_no_silence() -> None:
    table, connections = opened()
    table.left_out = iter([1] * 100)
    with pytest.raises(Unavailable):
        connections.announcements(0)


def test_connections_announce_themselves_in_all_rows_alike() -> None:
    table, connections = opened()
    for number in range(4_000):
        announce(connections, ConnectionRow("t1", f"L0SM9coFvHcCIhw={number}", "t1-1", 0, 0))
    assert len(table.rows) == ANNOUNCEMENT_ROWS
    assert all(900 < row["t1"] < 1_100 for row in table.rows.values())
