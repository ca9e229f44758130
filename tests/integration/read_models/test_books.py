"""Deep books in DynamoDB: how much a reader reads, races with a new base, and rebuilding."""

from typing import TYPE_CHECKING, Any

import pytest

from bursa.aws.table_writer import TableWriter
from bursa.journal.items import to_item
from bursa.kernel import keys
from bursa.read_models import book_parts, book_zones
from bursa.read_models.book_format import unpack_levels
from bursa.read_models.book_parts import PART_FIELDS, BookTorn
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from bursa.read_models.rebuild import Rebuild
from scripts.rebuild import open_rebuild
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.doubles.tables import READ_MODELS
from tests.integration.read_models.tables import ENVIRONMENT, JOURNAL
from wire import codec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEVELS = 120
PAGE_LEVELS = 50
KEY = {"pk": {"S": "t1#BTC-USDT"}, "sk": {"S": "book"}}


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


class DeepBook:
    """A market with thousands of levels that change, its tables, and what is read of them."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client = client
        self.shard = Shard()
        bids = [buy(ALICE, 10_000 + price, 5) for price in range(LEVELS)]
        asks = [sell(BOB, 20_000 + price, 9) for price in range(LEVELS)]
        self.shard.run(*bids, *asks)
        for price in range(0, 30, 3):
            self.shard.run(buy(ALICE, 10_000 + LEVELS - price, 7), sell(BOB, 19_999 - price, 7))
        self.writer = TableWriter(client)
        self.tables = ReadModelTables(client, READ_MODELS, 0, self.writer)
        self.projector = Projector(0, self.shard, self.tables, unexpected)
        for record in self.shard.records:
            client.put_item(TableName=JOURNAL, Item=to_item(record))
            self.projector.project(stream_records([record]))
        self.calls: list[str] = []
        client.meta.events.register(
            "before-parameter-build.dynamodb.*", lambda model, **_: self.calls.append(model.name)
        )

    def read(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        row = BookTable(self.client, "markets", consistent=False).best("t1", "BTC-USDT", depth)
        assert row is not None
        return unpack_levels(row.bids), unpack_levels(row.asks)

    def parts(self, kind: str) -> list[dict[str, Any]]:
        items = self.client.scan(TableName="markets")["Items"]
        return [item for item in items if item["sk"]["S"].startswith(f"book#{kind}#")]

    def rebuild(self) -> Rebuild:
        rebuilt = open_rebuild(self.client, ENVIRONMENT, 0)
        rebuilt._sleep = lambda _: None
        rebuilt.catch_up()
        return rebuilt


@pytest.fixture
def deep(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> DeepBook:
    monkeypatch.setattr(book_parts, "PAGE_LEVELS", PAGE_LEVELS)
    monkeypatch.setattr(book_zones, "CHANGED_LEVELS_MIN", 100)
    monkeypatch.setattr(book_zones, "CHANGED_SHARE", 0)
    return DeepBook(dynamodb)


@pytest.mark.parametrize(
    ("depth", "reads"),
    [(1, ["GetItem"]), (100, ["GetItem"]), (110, ["GetItem", "Query"] + 5 * ["GetItem"])],
)
def test_reader_reads_no_more_than_it_asks_for(
    deep: DeepBook, depth: int, reads: list[str]
) -> None:
    bids, asks = deep.read(depth)
    assert deep.calls == reads
    expected_bids, expected_asks = deep.shard.engine.book(1, depth)
    assert (bids[:depth], asks[:depth]) == (expected_bids, expected_asks)


def test_whole_book_is_the_engines(deep: DeepBook) -> None:
    book = deep.tables.book("t1", "BTC-USDT")
    assert book is not None
    assert (sorted(book.bids.items(), reverse=True), sorted(book.asks.items())) == (
        deep.shard.engine.book(1)
    )


def test_reader_whose_parts_are_replaced_meanwhile_begins_again(deep: DeepBook) -> None:
    def replace_once(model: Any, **_: object) -> None:
        if model.name == "Query" and not replaced:
            replaced.append(True)
            deep.shard.run(codec.encode_cancel_all(ALICE))
            deep.projector.project(stream_records(deep.shard.records[-1:]))

    replaced: list[bool] = []
    events = deep.client.meta.events
    events.register("before-parameter-build.dynamodb.Query", replace_once)
    before = {item["sk"]["S"] for item in deep.parts("base")}

    _, asks = deep.read(120)

    assert replaced
    assert before.isdisjoint(item["sk"]["S"] for item in deep.parts("base"))
    assert asks[:120] == deep.shard.engine.book(1, 120)[1]


def test_rebuild_is_equal_although_it_has_other_parts(deep: DeepBook) -> None:
    rebuilt = deep.rebuild()
    assert rebuilt.differences() == []
    assert deep.parts("change")


def test_cell_that_another_writer_has_taken_is_passed_over(deep: DeepBook) -> None:
    last = max(deep.parts("change"), key=lambda item: int(item["number"]["N"]))
    number = int(last["number"]["N"]) + 1
    taken = {"sk": {"S": keys.book_change("near", 1, number)}, "number": {"N": str(number)}}
    deep.client.put_item(TableName="markets", Item=last | taken)

    deep.shard.run(buy(ALICE, 10_050, 3))
    deep.client.put_item(TableName=JOURNAL, Item=to_item(deep.shard.records[-1]))
    deep.projector.project(stream_records(deep.shard.records[-1:]))

    newest = max(int(item["number"]["N"]) for item in deep.parts("change"))
    assert newest == number + 1
    for tables in (deep.tables, ReadModelTables(deep.client, READ_MODELS, 0, deep.writer)):
        book = tables.book("t1", "BTC-USDT")
        assert book is not None
        assert sorted(book.bids.items(), reverse=True) == deep.shard.engine.book(1)[0]
    assert deep.rebuild().differences() == []


def test_book_in_the_form_before_zones_is_mended(deep: DeepBook) -> None:
    row = deep.client.get_item(TableName="markets", Key=KEY)["Item"]
    earlier = {name: value for name, value in row.items() if name not in PART_FIELDS}
    earlier |= {"base_sequence": {"N": "7"}, "change_sequence": {"N": "8"}}
    part = KEY | {"sk": {"S": f"book#base#{7:019}#bids#000000"}}
    for item in (earlier, earlier | part):
        deep.client.put_item(TableName="markets", Item=item)
    with pytest.raises(BookTorn, match="make rebuild"):
        deep.read(110)
    assert deep.read(100)[0][:3] == deep.shard.engine.book(1, 3)[0]
    rebuilt = deep.rebuild()

    rebuilt.mend(rebuilt.differences())

    assert rebuilt.differences() == []
    assert "Item" not in deep.client.get_item(TableName="markets", Key=part)
    assert deep.read(110)[1][:110] == deep.shard.engine.book(1, 110)[1]


@pytest.mark.parametrize("kind", ["base", "change"])
def test_lost_part_is_mended_and_the_projector_goes_on(deep: DeepBook, kind: str) -> None:
    lost = deep.parts(kind)[0]
    deep.client.delete_item(TableName="markets", Key={"pk": lost["pk"], "sk": lost["sk"]})
    with pytest.raises(BookTorn):
        deep.tables.book("t1", "BTC-USDT")
    rebuilt = deep.rebuild()

    (difference,) = rebuilt.differences()
    rebuilt.mend([difference])

    assert rebuilt.differences() == []
    deep.shard.run(codec.encode_cancel_all(ALICE))
    deep.projector.project(stream_records(deep.shard.records[-1:]))
    book = deep.tables.book("t1", "BTC-USDT")
    assert book is not None
    assert (book.bids, sorted(book.asks.items())) == ({}, deep.shard.engine.book(1)[1])
