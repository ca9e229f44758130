"""A rebuild from the journal equals what is live, item by item, and mends what does not."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bursa.aws.table_writer import TableWriter
from bursa.journal.items import to_item
from bursa.journal.record import EncodedRecord
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from bursa.read_models.rebuild import Difference, Rebuild
from scripts import rebuild as script
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.doubles.tables import READ_MODELS
from tests.integration.read_models.tables import ENVIRONMENT, JOURNAL

MINUTE_MS = 60_000

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Exchange:
    """A journal, and tables that follow it."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client = client
        self.shard = Shard()
        for price in range(90, 110):
            self.shard.run(
                buy(ALICE, price, 5), sell(BOB, price + 5, 9), client_order_ids={0: f"o-{price}"}
            )
        for record in self.shard.records:
            self.journal(record)
        self.projector = Projector(
            0, self.shard, ReadModelTables(client, READ_MODELS, 0, TableWriter(client)), print
        )

    def journal(self, record: EncodedRecord) -> None:
        self.client.put_item(TableName=JOURNAL, Item=to_item(record))

    def project(self) -> None:
        self.projector.project(stream_records(self.shard.records))

    def rebuild(self) -> Rebuild:
        rebuilt = script.open_rebuild(self.client, ENVIRONMENT, 0)
        rebuilt._sleep = lambda _: None
        rebuilt.catch_up()
        return rebuilt

    def item(self, table: str) -> dict[str, Any]:
        return self.client.scan(TableName=table, Limit=1)["Items"][0]

    def key(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"pk": item["pk"], "sk": item["sk"]}


@pytest.fixture
def exchange(dynamodb: "DynamoDBClient") -> Exchange:
    return Exchange(dynamodb)


def test_rebuilt_rows_equal_the_live_ones_item_by_item(exchange: Exchange) -> None:
    exchange.project()
    rebuilt = exchange.rebuild()

    assert rebuilt.differences() == []
    assert rebuilt.records == len(exchange.shard.records)
    assert sum(map(len, rebuilt.memory.items.values())) > 60


@pytest.mark.parametrize("table", READ_MODELS)
def test_lost_row_is_found_and_mended(exchange: Exchange, table: str) -> None:
    exchange.project()
    lost = exchange.item(table)
    exchange.client.delete_item(TableName=table, Key=exchange.key(lost))
    rebuilt = exchange.rebuild()

    (difference,) = rebuilt.differences()
    assert (difference.table.value, difference.kind) == (table, "missing")
    rebuilt.mend([difference])

    assert rebuilt.differences() == []


def trade(exchange: Exchange, after_ms: int) -> None:
    """Trade, without projecting it."""
    exchange.shard.run(buy(ALICE, 100, 3), sell(BOB, 100, 3), after_ms=after_ms)
    exchange.journal(exchange.shard.records[-1])


def upgrade(exchange: Exchange) -> None:
    """Leave what older software left: no candles, no amounts traded and a lower schema."""
    exchange.project()
    for _ in range(2):
        trade(exchange, MINUTE_MS)
        exchange.project()
    exchange.projector.forget()
    client = exchange.client
    rows = client.scan(TableName="trades", FilterExpression="attribute_exists(candle)")["Items"]
    for item in rows:
        client.delete_item(TableName="trades", Key=exchange.key(item))
    for item in client.scan(TableName="balances")["Items"]:
        if item["pk"]["S"].endswith("#traded"):
            client.delete_item(TableName="balances", Key=exchange.key(item))
    client.update_item(
        TableName="markets",
        Key={"pk": {"S": "t1#BTC-USDT"}, "sk": {"S": "book"}},
        UpdateExpression="REMOVE candles",
    )
    client.update_item(
        TableName="progress",
        Key={"pk": {"S": "shard#0"}, "sk": {"S": "read-models-schema"}},
        UpdateExpression="SET #schema = :four",
        ExpressionAttributeNames={"#schema": "schema"},
        ExpressionAttributeValues={":four": {"N": "4"}},
    )
    trade(exchange, 1)
    exchange.project()


@pytest.mark.parametrize("after_ms", [1, MINUTE_MS, 24 * 60 * MINUTE_MS])
@pytest.mark.parametrize("always", [False, True], ids=["one trade", "trades all the time"])
def test_what_older_software_lacked_is_made_while_the_exchange_trades(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, after_ms: int, always: bool
) -> None:
    """Trades come between the comparison and the mending, also with the end of an interval."""
    upgrade(exchange)
    rebuilt = exchange.rebuild()
    mend, trades = rebuilt._live.mend, 0

    def mend_after_a_trade(differences: Iterable[Difference]) -> Sequence[Difference]:
        nonlocal trades
        if trades < (1_000 if always else 1):
            trades += 1
            # What the journal has is projected a moment later.
            exchange.project()
            trade(exchange, after_ms)
            if trades == 1:
                exchange.project()
        return mend(differences)

    monkeypatch.setattr(rebuilt._live, "mend", mend_after_a_trade)
    monkeypatch.setattr(rebuilt, "_sleep", lambda _: exchange.project())
    left, mended = rebuilt.mend_until_equal(rebuilt.differences())
    assert mended
    assert left == []
    for later_ms in (1, MINUTE_MS, 24 * 60 * MINUTE_MS):
        trade(exchange, later_ms)
        exchange.project()

    assert exchange.rebuild().differences() == []


def test_the_schema_is_not_written_while_something_stays_wrong(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(exchange)
    rebuilt = exchange.rebuild()
    monkeypatch.setattr(rebuilt._live, "mend", list)
    left, _ = rebuilt.mend_until_equal(rebuilt.differences())

    assert {one.key[1] for one in left} > {"read-models-schema", "book"}
    assert (
        ReadModelTables(exchange.client, READ_MODELS, 0, TableWriter(exchange.client)).schema() == 4
    )


def test_progress_is_never_written_ahead_of_the_projector(exchange: Exchange) -> None:
    """It would take the rows before it for written."""
    exchange.project()
    trade(exchange, 1)
    rebuilt = exchange.rebuild()
    before = rebuilt.live_sequence()
    rebuilt.catch_up(to_end=True)
    assert rebuilt.sequence > before

    rebuilt.mend_until_equal(rebuilt.differences())

    assert rebuilt.live_sequence() == before
    exchange.project()
    assert rebuilt.differences() == []


@pytest.mark.parametrize("table", READ_MODELS)
def test_wrong_row_is_found_and_mended(exchange: Exchange, table: str) -> None:
    exchange.project()
    wrong = exchange.item(table) | {"quantity": {"N": "666"}}
    exchange.client.put_item(TableName=table, Item=wrong)
    rebuilt = exchange.rebuild()

    (difference,) = rebuilt.differences()
    assert (difference.kind, difference.fields) == ("different", ["quantity"])
    rebuilt.mend([difference])

    assert rebuilt.differences() == []


@pytest.mark.parametrize("table", [table for table in READ_MODELS if table != "progress"])
def test_row_that_the_journal_does_not_know_is_dropped(exchange: Exchange, table: str) -> None:
    exchange.project()
    extra = exchange.item(table) | {"sk": {"S": "order#9999"}}
    exchange.client.put_item(TableName=table, Item=extra)
    rebuilt = exchange.rebuild()

    (difference,) = rebuilt.differences()
    assert difference.kind == "extra"
    rebuilt.mend([difference])

    assert rebuilt.differences() == []


def test_rows_of_tenants_of_other_shards_are_left_alone(exchange: Exchange) -> None:
    exchange.project()
    stranger = exchange.item("orders") | {"pk": {"S": "t2-1"}}
    exchange.client.put_item(TableName="orders", Item=stranger)
    lease = {"pk": {"S": "shard#0"}, "sk": {"S": "something-else"}}
    exchange.client.put_item(TableName="progress", Item=lease)
    assert exchange.rebuild().differences() == []


def test_empty_tables_are_filled(exchange: Exchange) -> None:
    rebuilt = exchange.rebuild()
    rebuilt.mend_until_equal(rebuilt.differences())
    exchange.project()
    assert rebuilt.differences() == []
    assert exchange.rebuild().differences() == []


def test_exchange_that_runs_during_the_rebuild_is_no_difference(exchange: Exchange) -> None:
    exchange.project()
    rebuilt = exchange.rebuild()

    def trade_on(_seconds: float = 0) -> None:
        exchange.journal(exchange.shard.run(buy(ALICE, 100, 3), sell(BOB, 100, 1)))
        exchange.project()

    trade_on()
    rebuilt._sleep = trade_on
    assert rebuilt.differences() == []


def test_newer_row_is_not_mended_away(exchange: Exchange) -> None:
    exchange.project()
    rebuilt = exchange.rebuild()
    newer = exchange.item("balances") | {"sequence": {"N": "999999"}, "held": {"N": "7"}}
    exchange.client.put_item(TableName="balances", Item=newer)

    rebuilt.mend(rebuilt.differences())

    assert exchange.item("balances")["held"] == {"N": "7"}


def test_unreadable_record_is_named_and_stepped_over(exchange: Exchange) -> None:
    item = to_item(exchange.shard.records[-2])
    exchange.client.put_item(TableName=JOURNAL, Item=item | {"hash": {"B": bytes(32)}})
    rebuilt = exchange.rebuild()
    assert rebuilt.records == len(exchange.shard.records) - 1
    assert "damaged" in rebuilt.unprojectable[0]


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: Exchange) -> Path:
    path = tmp_path / "outputs.json"
    stack = {f"{name.title()}Table": name for name in (*READ_MODELS, JOURNAL)}
    running = {"region": "us-east-1", "endpoint_url": None, "stack_outputs": stack}
    keys = {"access_key_id": "key", "secret_access_key": "secret"}
    path.write_text(json.dumps(running | keys))
    return path


def test_command_compares_and_mends(
    exchange: Exchange, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange.project()
    lost = exchange.item("fills")
    exchange.client.delete_item(TableName="fills", Key=exchange.key(lost))
    words = ["--outputs", str(outputs), "--json"]

    assert script.main([*words, "--compare"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["differences"] == {"missing": 1, "extra": 0, "different": 0}
    assert found["first_differences"][0]["key"] == [lost["pk"]["S"], lost["sk"]["S"]]

    assert script.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["mended"], sum(found["differences"].values())) == (1, 0)
    assert script.main([*words, "--compare"]) == 0


def test_command_without_an_exchange_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--outputs", str(tmp_path / "none.json")]) == 2
    assert "No exchange is running" in " ".join(capsys.readouterr().err.split())
