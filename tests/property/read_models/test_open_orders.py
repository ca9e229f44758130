"""A snapshot of open orders and the updates after its sequence are the state, whatever happens.

Projectors die in the middle of their writes, what they were writing arrives at any later time, and
the stream repeats, loses and mixes records for two of them at once.
"""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.read_models.fold import (
    Definitions,
    fold,
)
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import RowWrite, Table
from bursa.read_models.rows import (
    OPEN_WORDS,
    OrderRow,
    from_attributes,
)
from tests.doubles.channel_states import MemoryChannelStates
from tests.doubles.shard import Shard, stream_records
from tests.property.read_models.test_fold import histories, rows_in_one_go, shard_of, unexpected

ACCOUNTS = ("t1-1", "t1-2")
# More than a history can place.
LIMIT = 1_000
Orders = dict[int, dict[str, Any]]


class Died(Exception):  # noqa: N818 - the name is what it means
    """A process ended in the middle of a write."""


class SlowTables(MemoryTables):
    """Tables whose writes may be on their way for long after the process that sent them died."""

    def __init__(self) -> None:
        super().__init__(0)
        self.on_their_way: list[RowWrite] = []
        self.dies_after: int | None = None

    def _write_row(self, row_write: RowWrite) -> None:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                self.dies_after = None
                self.on_their_way.append(row_write)
                raise Died
        super()._write_row(row_write)

    def arrive(self, position: int) -> None:
        """Let one of the writes that are on their way arrive."""
        if self.on_their_way:
            super()._write_row(self.on_their_way.pop(position % len(self.on_their_way)))


def open_orders(tables: MemoryTables, account: str) -> Orders:
    """Return an account's open orders as a snapshot has them."""
    rows = MemoryChannelStates(tables).open_orders(account, LIMIT)
    return {row.order_id: fields_of(row) for row in rows}


def fields_of(row: OrderRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def updated(shard: Shard, account: str, snapshot: Orders, sequence: int) -> Orders:
    """Return what a client holds that got a snapshot, and then every update after a sequence."""
    held = {order_id: dict(order) for order_id, order in snapshot.items()}
    definitions = Definitions()
    for record in shard.plain():
        changes = fold([record], definitions)
        definitions = changes.definitions
        for (whose, order_id), change in changes.orders.items():
            order = held.setdefault(order_id, {"sequence": 0}) if whose == account else None
            if order is None or not sequence < change.sequence > order["sequence"]:
                continue
            order.update(change.values, sequence=change.sequence)
    return {order_id: one for order_id, one in held.items() if one.get("status") in OPEN_WORDS}


def expected_orders(tables: MemoryTables, account: str) -> Orders:
    rows = (
        from_attributes(OrderRow, item)
        for (partition, sort), item in tables.items[Table.ORDERS].items()
        if partition == account and sort.startswith("order#")
    )
    return {row.order_id: fields_of(row) for row in rows if row.status in OPEN_WORDS}


def defaults(order: dict[str, Any]) -> dict[str, Any]:
    """Give an order the fields that its event leaves out as they are absent."""
    absent = dict.fromkeys(("trail", "limit_offset", "activation_price", "list_id"), 0)
    return {"client_order_id": None} | absent | order


steps = st.one_of(
    *(st.tuples(st.just("project"), st.integers(0, 1), st.integers(0, 12)) for _ in range(3)),
    st.tuples(st.just("die"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("arrive"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("restart"), st.integers(0, 1), st.just(0)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, script=st.lists(steps, max_size=30), rows=st.sampled_from([1, 2, 5, 250]))
def test_a_snapshot_and_the_updates_after_it_are_the_state(
    history: list[list[bytes]], script: list[tuple[str, int, int]], rows: int
) -> None:
    shard = shard_of(history)
    expected = rows_in_one_go(shard)
    states = {account: expected_orders(expected, account) for account in ACCOUNTS}
    tables = SlowTables()
    processes = [Projector(0, shard, tables, unexpected, rows) for _ in range(2)]

    def look() -> None:
        progress = tables.progress()
        for account in ACCOUNTS:
            sequence = progress.position_of(account)[0] if progress else 0
            snapshot = open_orders(tables, account)
            held = updated(shard, account, snapshot, sequence)
            assert {number: defaults(order) for number, order in held.items()} == states[account]

    for action, number, position in script:
        match action:
            case "project":
                batch = stream_records(shard.records[position : position + 2])
                with suppress(Died):
                    processes[number].project(batch)
            case "die":
                tables.dies_after = number
            case "arrive":
                tables.arrive(number)
            case _:
                processes[number] = Projector(0, shard, tables, unexpected, rows)
        look()

    tables.dies_after = None
    processes[0].project(stream_records(shard.records))
    while tables.on_their_way:
        tables.arrive(0)
        look()
    for account in ACCOUNTS:
        assert open_orders(tables, account) == states[account]
    _assert_rebuilt_equal(tables, expected)


def _assert_rebuilt_equal(tables: MemoryTables, expected: MemoryTables) -> None:
    """All rows are those of a rebuild, but for names that came back, which name no open order."""
    for table in Table:
        live, rebuilt = tables.items[table], expected.items[table]
        extra = {key for key in live.keys() - rebuilt.keys() if key[0].endswith("#open")}
        assert {key: item for key, item in live.items() if key not in extra} == rebuilt
