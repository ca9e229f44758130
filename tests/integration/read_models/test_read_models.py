"""In DynamoDB the same rows come out as in memory, and late or repeated writers change nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bursa.aws.table_writer import TableWriter, WritesUnprocessed
from bursa.journal.dynamodb import JournalReader
from bursa.journal.items import from_item, to_item
from bursa.journal.record import SEGMENT_SEQUENCES, RecordError
from bursa.market_data.channel_state_dynamodb import ChannelStateTables
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import item_key
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.doubles.tables import READ_MODELS
from tests.integration.read_models.tables import JOURNAL
from wire import codec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.read_models.rows import Attributes


def busy_shard() -> Shard:
    shard = Shard()
    for price in range(90, 110):
        shard.run(
            buy(ALICE, price, 5), sell(BOB, price + 5, 9), client_order_ids={0: f"order-{price}"}
        )
    shard.run(codec.encode_cancel_all(ALICE), codec.encode_set_market_state(1, 4))
    return shard


def stored(client: "DynamoDBClient") -> dict[Table, dict[tuple[str, str], Any]]:
    return {
        table: {
            item_key(item): item
            for page in client.get_paginator("scan").paginate(TableName=table.value)
            for item in cast("list[Attributes]", page["Items"])
        }
        for table in Table
    }


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


@pytest.fixture
def tables(dynamodb: "DynamoDBClient") -> ReadModelTables:
    return ReadModelTables(dynamodb, READ_MODELS, 0, TableWriter(dynamodb))


@pytest.fixture
def shard() -> Shard:
    return busy_shard()


def test_stored_rows_equal_the_rows_in_memory(
    dynamodb: "DynamoDBClient", tables: ReadModelTables, shard: Shard
) -> None:
    memory = MemoryTables(0)
    Projector(0, shard, memory, unexpected).project(stream_records(shard.records))

    live = Projector(0, shard, tables, unexpected)
    for start in range(0, len(shard.records), 7):
        live.project(stream_records(shard.records[start : start + 7]))

    assert stored(dynamodb) == memory.items


def test_late_writer_changes_nothing(
    dynamodb: "DynamoDBClient", tables: ReadModelTables, shard: Shard
) -> None:
    late = Projector(0, shard, tables, unexpected)
    late.project([])
    Projector(0, shard, tables, unexpected).project(stream_records(shard.records))
    before = stored(dynamodb)

    for record in shard.records[:-1]:
        late.project(stream_records([record]))

    assert stored(dynamodb) == before


def test_gap_is_filled_from_the_stored_journal(
    dynamodb: "DynamoDBClient", tables: ReadModelTables, shard: Shard
) -> None:
    for record in shard.records:
        dynamodb.put_item(TableName=JOURNAL, Item=to_item(record))
    journal = JournalReader(dynamodb, JOURNAL, 0)

    outcome = Projector(0, journal, tables, unexpected).project(stream_records(shard.records[-1:]))

    assert outcome.applied == len(shard.records)


def test_journal_is_read_across_segments(dynamodb: "DynamoDBClient", shard: Shard) -> None:
    width = 1_000
    edges = [SEGMENT_SEQUENCES - width, SEGMENT_SEQUENCES, SEGMENT_SEQUENCES + width]
    records = [
        replace(shard.records[0], first_sequence=first, last_sequence=first + width - 1)
        for first in edges
    ]
    for record in records:
        dynamodb.put_item(TableName=JOURNAL, Item=to_item(record))
    journal = JournalReader(dynamodb, JOURNAL, 0)

    assert list(journal.read(edges[0], edges[2])) == records
    assert list(journal.read(edges[1], edges[1])) == [records[1]]
    assert list(journal.read(edges[2] + width, edges[2] + 5 * width)) == []


def test_item_that_is_no_record_is_refused(shard: Shard) -> None:
    item = to_item(shard.records[0])
    assert from_item(item) == shard.records[0]
    del item["hash"]
    with pytest.raises(RecordError):
        from_item(item)


def test_snapshots_read_what_the_projector_wrote(
    dynamodb: "DynamoDBClient", tables: ReadModelTables
) -> None:
    shard = Shard()
    shard.run(buy(ALICE, 100, 5), buy(ALICE, 101, 5), sell(BOB, 101, 2), sell(BOB, 101, 3))
    Projector(0, shard, tables, unexpected).project(stream_records(shard.records))
    states = ChannelStateTables(dynamodb, READ_MODELS, JOURNAL)

    (order,) = states.open_orders("t1-1", 10)
    assert (order.price, order.remaining) == (100, 5)
    assert [trade.trade_id for trade in states.trades("t1", "BTC-USDT", 10)] == [2, 1]
    assert [trade.trade_id for trade in states.trades("t1", "BTC-USDT", 1)] == [2]
    assert {row.asset for row in states.balances("t1-1")} == {"BTC", "USDT"}
    market = states.market("t1", "BTC-USDT")
    assert market is not None
    assert market.min_notional == 5
    assert states.market("t2", "BTC-USDT") is None
    asset = states.asset("t1", "USDT")
    assert asset is not None
    assert asset.scale == 10
    progress = states.progress(0)
    assert progress is not None
    assert progress.number == 2


class Throttled:
    """Leaves the last item of each call unprocessed, a number of times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.written: list[str] = []

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        requests = [(name, request) for name, some in RequestItems.items() for request in some]
        left: dict[str, list[Any]] = {}
        if self.times:
            self.times -= 1
            name, request = requests.pop()
            left = {name: [request]}
        self.written += [request["PutRequest"]["Item"]["pk"]["S"] for _, request in requests]
        return {"UnprocessedItems": left}


def test_unprocessed_items_are_written_again() -> None:
    client, pauses = Throttled(3), list[float]()
    writer = TableWriter(client, pauses.append)  # type: ignore[arg-type]
    rows = [("fills", {"pk": {"S": str(number)}}) for number in range(60)]

    writer.run(writer.batches(rows))

    assert sorted(client.written, key=int) == [str(number) for number in range(60)]
    assert len(pauses) == 3


def test_items_that_stay_unprocessed_are_an_error() -> None:
    writer = TableWriter(Throttled(10**6), lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(WritesUnprocessed):
        writer.run(writer.batches([("fills", {"pk": {"S": "1"}})]))
