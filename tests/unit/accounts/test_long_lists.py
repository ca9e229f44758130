"""Lists of an account with a long history: a request reads what it shows, whatever it excludes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bursa.accounts.dynamodb import FillsTable, OrdersTable
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.pages import Page
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.read_models.fold import OPEN_WORDS, Definitions, ReadModelChanges, RowChange
from bursa.read_models.row_writes import Table, row_writes
from bursa.read_models.rows import Changes, FillRow, TradeRow
from tests.doubles.metered_tables import MeteredTable
from wire import layout as w

ACCOUNT = AccountId(TenantId(1), 1)
ROWS = 50_000
# Of the newest orders and fills, and of all.
MARKETS = ("BTC-USDT", "ETH-USDT")
RARE, EMPTY = "BTC-IDR", "DOGE-USDT"
STATUSES = sorted(w.STATUS_NAMES.values())
# A page of a hundred rows is 60 KB; half a unit for each 4 KB, and the first of each range.
UNITS_MAX = 25.0


def order(order_id: int) -> RowChange:
    # Long ago a few in another market; one in a thousand is open.
    market = RARE if order_id < 300 else MARKETS[order_id % 2]
    open_words = sorted(OPEN_WORDS)
    status = open_words[order_id % 3] if order_id % 1_000 == 0 else "cancelled"
    if order_id % 777 == 0:
        status = "expired"
    values: Changes = {
        "account": str(ACCOUNT),
        "order_id": order_id,
        "market": market,
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "post_only": False,
        "self_trade_prevention": "none",
        "price": 6_000_000,
        "quantity": 1_000_000,
        "remaining": 1_000_000,
        "filled_quantity": 0,
        "filled_quote": 0,
        "status": status,
        "close_reason": "cancelled_by_user",
        "created_at_ms": 1_795_291_200_000,
        "updated_at_ms": 1_795_291_200_000,
        "client_order_id": f"a-rather-long-client-order-id-{order_id:06d}",
    }
    return RowChange(order_id, values, whole=True)


def fill(sequence: int) -> FillRow:
    market = RARE if sequence < 300 else MARKETS[sequence % 2]
    return FillRow(
        str(ACCOUNT), sequence, sequence, market, "buy", "taker", Ticks(6_000_000),
        Lots(1_000_000), Units(6 * 10**12), Units(10), "BTC", 1_795_291_200_000, sequence,
    )  # fmt: skip


def trade(trade_id: int) -> TradeRow:
    return TradeRow(
        "t1", "BTC-USDT", trade_id, Ticks(6_000_000), Lots(1), Units(1), "buy", 1, trade_id
    )


@pytest.fixture(scope="module")
def tables() -> Mapping[Table, MeteredTable]:
    changes = ReadModelChanges(
        1, ROWS, 1, 1, 1, Definitions(),
        orders={(str(ACCOUNT), number): order(number) for number in range(1, ROWS + 1)},
        fills=[fill(number) for number in range(1, ROWS + 1)],
        trades=[trade(number) for number in range(1, ROWS + 1)],
    )  # fmt: skip
    made = {table: MeteredTable(table.value) for table in Table}
    for write in row_writes(changes, 0):
        made[write.table].put(write.values | write.key)
    return made


def pages_of(read: Callable[[str | None], Page[Any]], metered: MeteredTable) -> list[Any]:
    """Read a list to its end, or to its fourth page; no page may cost too much."""
    found: list[Any] = []
    before: str | None = None
    for _ in range(4):
        metered.units = 0.0
        page = read(before)
        assert metered.units <= UNITS_MAX
        found += page.items
        before = page.next_position
        if before is None:
            break
    return found


@pytest.mark.parametrize("market", [None, MARKETS[0], RARE, EMPTY])
@pytest.mark.parametrize(
    "statuses",
    [
        pytest.param(None, id="all"),
        pytest.param(OPEN_WORDS, id="open"),
        pytest.param(frozenset(STATUSES) - OPEN_WORDS, id="closed"),
        *(pytest.param(frozenset({status}), id=status) for status in STATUSES),
    ],
)
def test_a_page_of_orders_reads_no_others(
    tables: Mapping[Table, MeteredTable], market: str | None, statuses: frozenset[str] | None
) -> None:
    metered = tables[Table.ORDERS]
    orders = OrdersTable(metered, "orders")  # type: ignore[arg-type]

    found = pages_of(
        lambda before: orders.newest(
            ACCOUNT, market=market, statuses=statuses, before=before, limit=100
        ),
        metered,
    )

    expected = [
        number
        for number in range(ROWS, 0, -1)
        for values in [order(number).values]
        if (market is None or values["market"] == market)
        and (statuses is None or values["status"] in statuses)
    ]
    assert [row.order_id for row in found] == expected[: len(found)]
    assert len(found) == min(len(expected), 400)


@pytest.mark.parametrize("market", [None, MARKETS[1], RARE, EMPTY])
def test_a_page_of_fills_reads_no_others(
    tables: Mapping[Table, MeteredTable], market: str | None
) -> None:
    metered = tables[Table.FILLS]
    fills = FillsTable(metered, "fills")  # type: ignore[arg-type]

    found = pages_of(
        lambda before: fills.newest(ACCOUNT, market=market, before=before, limit=100), metered
    )

    expected = [
        number for number in range(ROWS, 0, -1) if market is None or fill(number).market == market
    ]
    assert [row.sequence for row in found] == expected[: len(found)]
    assert len(found) == min(len(expected), 400)


def test_a_page_of_trades_reads_no_others(tables: Mapping[Table, MeteredTable]) -> None:
    metered = tables[Table.TRADES]
    data = MarketDataTables(metered, "markets", "trades")  # type: ignore[arg-type]

    found = pages_of(
        lambda before: data.newest_trades(TenantId(1), "BTC-USDT", before=before, limit=100),
        metered,
    )

    assert [row.trade_id for row in found] == list(range(ROWS, ROWS - 400, -1))
