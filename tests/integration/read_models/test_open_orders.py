"""What lists of open orders say, while indexes lag and writes come late."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from bursa.accounts.catch_up import CatchUp
from bursa.accounts.dynamodb import OrdersTable
from bursa.accounts.positions_dynamodb import PositionsTable
from bursa.aws.table_writer import TableWriter
from bursa.journal.items import to_item
from bursa.kernel import keys
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.market_data.channel_state_dynamodb import ChannelStateTables
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import OutdatedRows, Projector
from bursa.read_models.rebuild import Difference, Rebuild
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import OPEN_WORDS, is_open, row_key
from scripts import rebuild as script
from tests.doubles.lagging_indexes import LaggingIndexes
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.doubles.tables import READ_MODELS
from tests.integration.read_models.tables import ENVIRONMENT, JOURNAL
from wire import codec
from wire import layout as w

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.read_models.rows import OrderRow

ACCOUNT = AccountId.parse("t1-1")
MARKET = "BTC-USDT"


class Exchange:
    """A shard, its projector, and what reads its tables."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.shard = Shard()
        self.projector = self.new_projector()
        self.states = ChannelStateTables(client, READ_MODELS, JOURNAL)
        self.orders = OrdersTable(client, READ_MODELS.orders_table)

    def new_projector(self) -> Projector:
        tables = ReadModelTables(self.client, READ_MODELS, 0, TableWriter(self.client))
        return Projector(0, self.shard, tables, unexpected)

    def run(self, *commands: bytes) -> int:
        """Carry out commands in a record, project it, and return the first one's sequence."""
        record = self.shard.run(*commands)
        self.projector.project(stream_records([record]))
        return record.first_sequence + 1

    def listed(self, statuses: frozenset[str] | None, market: str | None) -> "list[OrderRow]":
        page = self.orders.newest(ACCOUNT, market=market, statuses=statuses, before=None, limit=10)
        return list(page.items)

    def partition(self, partition: str) -> list[str]:
        """Return the sort keys of a partition of the orders' table."""
        items = self.client.scan(TableName=READ_MODELS.orders_table)["Items"]
        return [item["sk"]["S"] for item in items if item["pk"] == {"S": partition}]


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


@pytest.fixture
def exchange(dynamodb: "DynamoDBClient") -> Exchange:
    return Exchange(LaggingIndexes(dynamodb))


@pytest.mark.parametrize("market", [None, MARKET])
def test_a_list_of_open_orders_needs_no_index(exchange: Exchange, market: str | None) -> None:
    cancelled = exchange.run(buy(ALICE, 100, 5))
    filled = exchange.run(buy(ALICE, 101, 5))
    partly_filled = exchange.run(buy(ALICE, 102, 5))
    amended = exchange.run(buy(ALICE, 99, 5))
    exchange.client.stop_indexes()

    exchange.run(codec.encode_cancel(ALICE, cancelled), sell(BOB, 102, 3))
    exchange.run(codec.encode_change(ALICE, amended, quantity=4))
    placed = exchange.run(buy(ALICE, 90, 7))
    exchange.run(sell(BOB, 102, 1), codec.encode_cancel(ALICE, filled))

    expected = [(placed, 7), (amended, 4), (partly_filled, 1)]
    found = exchange.listed(OPEN_WORDS, market)
    assert [(row.order_id, row.remaining) for row in found] == expected
    snapshot = exchange.states.open_orders(str(ACCOUNT), 10)
    assert [(row.order_id, row.remaining) for row in snapshot] == expected
    of_status = exchange.listed(frozenset({"partially_filled"}), market)
    assert [row.order_id for row in of_status] == [partly_filled]


def test_open_orders_are_in_no_index_and_closed_ones_have_no_name(exchange: Exchange) -> None:
    first = exchange.run(buy(ALICE, 100, 5))
    second = exchange.run(buy(ALICE, 101, 5))
    exchange.run(codec.encode_cancel(ALICE, first))
    exchange.run(buy(ALICE, 0, 1, order_type=w.TYPE_MARKET))

    items = exchange.client.scan(TableName=READ_MODELS.orders_table, IndexName=keys.ORDERS_BY_STATE)
    assert {item["status"]["S"] for item in items["Items"]}.isdisjoint(OPEN_WORDS)
    assert exchange.partition("t1-1#open") == [keys.order(second)]


def test_a_name_that_came_back_names_nothing(exchange: Exchange) -> None:
    """A write that was on its way for long comes after the order was closed."""
    order_id = exchange.run(buy(ALICE, 100, 5))
    kept = exchange.run(buy(ALICE, 101, 5))
    key = row_key("t1-1#open", keys.order(order_id))
    name = exchange.client.get_item(TableName=READ_MODELS.orders_table, Key=key)["Item"]
    exchange.run(codec.encode_cancel(ALICE, order_id))
    exchange.client.put_item(TableName=READ_MODELS.orders_table, Item=name)

    for market in (None, MARKET):
        assert [row.order_id for row in exchange.listed(OPEN_WORDS, market)] == [kept]
    assert [row.order_id for row in exchange.listed(None, MARKET)] == [kept, order_id]
    assert [row.order_id for row in exchange.states.open_orders(str(ACCOUNT), 1)] == [kept]


def test_a_late_projector_names_no_closed_order(exchange: Exchange) -> None:
    late = exchange.new_projector()
    late.project([])
    order_id = exchange.run(buy(ALICE, 100, 5))
    exchange.run(codec.encode_cancel(ALICE, order_id))

    late.project(stream_records(exchange.shard.records[:2]))

    assert exchange.partition("t1-1#open") == []


def test_a_name_that_was_not_written_before_a_crash_is_written_by_the_retry(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.run(buy(ALICE, 99, 5))
    record = exchange.shard.run(buy(ALICE, 100, 5))

    def put_item(**request: Any) -> Any:
        if request["Item"]["pk"] == {"S": "t1-1#open"}:
            raise InterruptedError
        return client.put_item(**request)

    client = exchange.client._client
    with monkeypatch.context() as patch:
        patch.setattr(exchange.client, "put_item", put_item, raising=False)
        with pytest.raises(InterruptedError):
            exchange.projector.project(stream_records([record]))
    assert len(exchange.partition("t1-1#open")) == 1

    exchange.projector.project(stream_records([record]))

    assert [row.price for row in exchange.listed(OPEN_WORDS, None)] == [100, 99]


def test_orders_that_stay_unread_are_no_short_list(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.run(buy(ALICE, 99, 5))

    def batch_get_item(**request: Any) -> Any:
        return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    monkeypatch.setattr(exchange.client, "batch_get_item", batch_get_item, raising=False)

    with pytest.raises(Unavailable):
        exchange.listed(OPEN_WORDS, None)


def rebuilt(exchange: Exchange) -> Rebuild:
    for record in exchange.shard.records:
        exchange.client.put_item(TableName=JOURNAL, Item=to_item(record))
    found = script.open_rebuild(exchange.client, ENVIRONMENT, 0)
    found._sleep = lambda _: None
    found.catch_up()
    return found


def test_a_rebuild_drops_names_that_came_back_and_writes_those_that_are_lost(
    exchange: Exchange,
) -> None:
    order_id = exchange.run(buy(ALICE, 100, 5))
    kept = exchange.run(buy(ALICE, 101, 5))
    came_back, lost = (row_key("t1-1#open", keys.order(one)) for one in (order_id, kept))
    table = READ_MODELS.orders_table
    name = exchange.client.get_item(TableName=table, Key=came_back)["Item"]
    exchange.run(codec.encode_cancel(ALICE, order_id))
    assert rebuilt(exchange).differences() == []
    exchange.client.put_item(TableName=table, Item=name)
    exchange.client.delete_item(TableName=table, Key=lost)

    found = rebuilt(exchange)
    differences = found.differences()
    assert {(one.kind, one.key[1]) for one in differences} == {
        ("extra", keys.order(order_id)),
        ("missing", keys.order(kept)),
    }
    found.mend(differences)

    assert found.differences() == []
    assert [row.order_id for row in exchange.listed(OPEN_WORDS, None)] == [kept]


def as_before_names(exchange: Exchange) -> None:
    """Make the tables what software of the first schema left: open orders in the indexes only."""
    table = READ_MODELS.orders_table
    for item in exchange.client.scan(TableName=table)["Items"]:
        if item["pk"]["S"].endswith("#open"):
            exchange.client.delete_item(TableName=table, Key=row_key("t1-1#open", item["sk"]["S"]))
        elif "status" in item and is_open(item):
            state = {"S": keys.account_state("t1-1", item["status"]["S"])}
            exchange.client.put_item(TableName=table, Item=item | {keys.ACCOUNT_STATE: state})
    schema = row_key(keys.progress(0), keys.READ_MODELS_SCHEMA)
    exchange.client.delete_item(TableName=READ_MODELS.progress_table, Key=schema)


def test_rows_of_older_software_are_reported_refused_and_rebuilt(exchange: Exchange) -> None:
    order_id = exchange.run(buy(ALICE, 100, 5))
    as_before_names(exchange)
    reported: list[Exception] = []
    tables = ReadModelTables(exchange.client, READ_MODELS, 0, TableWriter(exchange.client))
    exchange.projector = Projector(0, exchange.shard, tables, reported.append)
    positions = PositionsTable(exchange.client, READ_MODELS.progress_table, lambda _: 0)

    later = exchange.run(buy(ALICE, 101, 5))

    assert [type(one) for one in reported] == [OutdatedRows]
    assert not positions.is_current(ACCOUNT)
    assert not exchange.states.is_current(0)
    with pytest.raises(Unavailable):
        CatchUp(positions, SystemClock(), lambda *_: True).require_current(ACCOUNT)

    found = rebuilt(exchange)
    assert found.mend_until_equal(found.differences())[0] == []
    assert positions.is_current(ACCOUNT)
    assert exchange.states.is_current(0)
    assert [row.order_id for row in exchange.listed(OPEN_WORDS, MARKET)] == [later, order_id]


def test_a_shard_without_rows_is_current(exchange: Exchange) -> None:
    assert PositionsTable(exchange.client, READ_MODELS.progress_table, lambda _: 0).is_current(
        ACCOUNT
    )


def test_rows_that_lists_wait_for_are_written_last() -> None:
    mended: list[list[Difference]] = []

    class Live:
        def put_missing(self, _: object) -> None:
            pass

        def mend(self, differences: Iterable[Difference]) -> list[Difference]:
            mended.append(list(differences))
            return []

    schema = Difference(Table.PROGRESS, ("shard#0", keys.READ_MODELS_SCHEMA), {}, None)
    name = Difference(Table.ORDERS, ("t1-1#open", "order#1"), {}, None)

    live: Any = Live()
    rebuilt = Rebuild(0, Shard(), live, print)
    rebuilt.mend([schema, name])
    assert mended == [[name]]
    rebuilt.mend([schema])

    assert mended == [[name], [schema]]
