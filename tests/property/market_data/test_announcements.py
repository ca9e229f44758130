"""A feed misses no announcement, though the rows that hold them are not read in one moment."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.kernel.errors import Unavailable
from bursa.market_data.connections_dynamodb import ANNOUNCEMENT_ROWS, ConnectionsTable
from bursa.read_models.rows import ConnectionRow

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS = ("t1", "t2")


class Table:
    """Rows of counters; a read takes them one by one, and others write in between."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, int]] = defaultdict(dict)
        self.between: Iterator[ConnectionRow] = iter(())
        self.left_out: Iterator[int] = iter(())
        self.announce: Any = None

    def update_item(self, **request: Any) -> None:
        assert request["UpdateExpression"] == "ADD #tenant :one"
        row = self.rows[request["Key"]["pk"]["S"]]
        tenant = request["ExpressionAttributeNames"]["#tenant"]
        row[tenant] = row.get(tenant, 0) + 1

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
                self.announce(0, connection)
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
    table.announce = connections.announce
    return table, connections


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
            connections.announce(0, connection)
        table.between, table.left_out = iter(between), iter(left_out)
        read = dict(connections.announcements(0))
        for connection in table.between:
            connections.announce(0, connection)
        for tenant in {one.tenant for one in announced}:
            assert read[tenant] > before.get(tenant, 0)
        for tenant in set(TENANTS) - {one.tenant for one in announced + between}:
            # What came between the rows of the last read may be seen now, and nothing else is.
            assert tenant in announced_between or read.get(tenant) == before.get(tenant)
        before = read
        announced_between = {one.tenant for one in between}
    everything = [one.tenant for announced, between, _ in rounds for one in announced + between]
    table.between, table.left_out = iter(()), iter(())
    assert connections.announcements(0) == {one: everything.count(one) for one in set(everything)}


def test_rows_that_stay_unread_are_no_silence() -> None:
    table, connections = opened()
    table.left_out = iter([1] * 100)
    with pytest.raises(Unavailable):
        connections.announcements(0)


def test_connections_announce_themselves_in_all_rows_alike() -> None:
    table, connections = opened()
    for number in range(4_000):
        connections.announce(0, ConnectionRow("t1", f"L0SM9coFvHcCIhw={number}", "t1-1", 0, 0))
    assert len(table.rows) == ANNOUNCEMENT_ROWS
    assert all(900 < row["t1"] < 1_100 for row in table.rows.values())
