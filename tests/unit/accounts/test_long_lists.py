"""Lists of an account with a long history: a request reads what it shows, whatever it excludes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bursa.accounts.dynamodb import BalancesTable, FillsTable, OrdersTable, TransfersTable
from bursa.dialects.native.openapi import openapi_document
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.pages import Page
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.read_models.fold import (
    Definitions,
    ReadModelChanges,
    RowChange,
)
from bursa.read_models.row_writes import (
    Table,
    WriteMode,
    row_writes,
)
from bursa.read_models.rows import (
    OPEN_WORDS,
    BalanceRow,
    Changes,
    FillRow,
    TradeRow,
    row_key,
    to_attributes,
)
from bursa.read_models.transfer_rows import TransferRow
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


def open_count(market: str | None, statuses: frozenset[str] | None) -> int:
    """Return how many open orders the list may show, each of which costs a unit."""
    if market is None and statuses is None:
        return 0  # all orders are one partition
    return sum(
        values["status"] in OPEN_WORDS
        and (market is None or values["market"] == market)
        and (statuses is None or values["status"] in statuses)
        for values in (order(number).values for number in range(1_000, ROWS + 1, 1_000))
    )


def fill(sequence: int) -> FillRow:
    market = RARE if sequence < 300 else MARKETS[sequence % 2]
    return FillRow(
        str(ACCOUNT), sequence, sequence, market, "buy", "taker", Ticks(6_000_000),
        Lots(1_000_000), Units(6 * 10**12), Units(10), "BTC", 1_795_291_200_000, sequence,
    )  # fmt: skip


def transfer(sequence: int) -> TransferRow:
    return TransferRow(
        str(ACCOUNT), "transfer", "out", "USDT", Units(1), "0" * 32, 1, sequence, "t1-16777217"
    )


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
        transfers=[transfer(number) for number in range(1, ROWS + 1)],
    )  # fmt: skip
    made = {table: MeteredTable(table.value) for table in Table}
    put_all(changes, made)
    return made


def put_all(changes: ReadModelChanges, tables: Mapping[Table, MeteredTable]) -> None:
    for write in row_writes(changes, 0):
        for one in filter(None, (write, write.name)):
            if one.mode is not WriteMode.GONE:
                tables[one.table].put(one.values | one.key)


def pages_of(
    read: Callable[[str | None], Page[Any]], metered: MeteredTable, units_max: float = UNITS_MAX
) -> list[Any]:
    """Read a list to its end, or to its fourth page; no page may cost too much."""
    found: list[Any] = []
    before: str | None = None
    for _ in range(4):
        metered.units = 0.0
        page = read(before)
        assert metered.units <= units_max
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
        UNITS_MAX + open_count(market, statuses),
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


@pytest.fixture(scope="module")
def all_open() -> MeteredTable:
    """Return the orders of an account that has none closed."""
    orders = {}
    for number in range(1, ROWS + 1):
        change = order(number)
        change.values["status"] = "partially_filled" if number % 1_000 == 0 else "open"
        orders[str(ACCOUNT), number] = change
    made = {Table.ORDERS: MeteredTable("orders")}
    put_all(ReadModelChanges(1, ROWS, 1, 1, 1, Definitions(), orders=orders), made)
    return made[Table.ORDERS]


@pytest.mark.parametrize(
    ("market", "statuses", "count"),
    [
        pytest.param(None, OPEN_WORDS, ROWS, id="open"),
        pytest.param(MARKETS[0], OPEN_WORDS, ROWS // 2 - 149, id="open-in-market"),
        pytest.param(RARE, OPEN_WORDS, 299, id="open-in-a-rare-market"),
        pytest.param(RARE, None, 299, id="all-in-a-rare-market"),
        pytest.param(None, frozenset({"partially_filled"}), ROWS // 1_000, id="of-a-rare-status"),
        pytest.param(EMPTY, OPEN_WORDS, 0, id="open-in-an-empty-market"),
    ],
)
@pytest.mark.parametrize("limit", [1, 100, 500])
def test_a_page_of_very_many_open_orders_is_bounded(
    all_open: MeteredTable,
    market: str | None,
    statuses: frozenset[str] | None,
    count: int,
    limit: int,
) -> None:
    orders = OrdersTable(all_open, "orders")  # type: ignore[arg-type]
    found: list[int] = []
    before: str | None = None
    for _ in range(5 + ROWS // 1_000):
        all_open.units = 0.0
        page = orders.newest(ACCOUNT, market=market, statuses=statuses, before=before, limit=limit)
        # What is looked through, and each order that is shown; one more tells of another page.
        assert all_open.units <= UNITS_MAX * max(1, limit / 100) + len(page.items) + 1
        assert len(page.items) <= limit
        found += [row.order_id for row in page.items]
        before = page.next_position
        if before is None:
            assert len(found) == count
            break
    assert found == sorted(set(found), reverse=True)


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


def test_a_page_of_transfers_reads_no_others(tables: Mapping[Table, MeteredTable]) -> None:
    metered = tables[Table.FILLS]
    table = TransfersTable(metered, "fills")  # type: ignore[arg-type]

    found = pages_of(lambda before: table.newest(ACCOUNT, before=before, limit=100), metered)

    assert [row.sequence for row in found] == list(range(ROWS, ROWS - 400, -1))


# The filters of each list, as they are tried above. What has no pages is as long as what is listed:
# a row for each asset, each market, each level up to a depth, up to twenty keys, a hundred events.
# A side excludes of a page only what that has looked through, and where a time is, is searched for
# (tests/property/accounts/test_history.py).
PAGED = {
    "/v1/orders": {"market", "status", "side", "from", "to"},
    "/v1/fills": {"market", "side", "from", "to"},
    "/v1/markets/{market}/trades": {"market"},
    # As orders are: it looks through open ones, and reads the list of each.
    "/v1/order-lists": {"market"},
    "/v1/transfers": set(),
    # By time alone, a thousand at most (tests/unit/market_data/test_candles.py).
    "/v1/markets/{market}/candles": {"market", "interval", "from_ms", "to_ms"},
    # Read by time (tests/unit/notifications/test_notice_routes.py).
    "/v1/notices": set(),
    # Read by number (tests/unit/back_office).
    "/v1/admin/audit": set(),
    # Read from an index by state and time (tests/unit/kyc/test_case_desk.py).
    "/v1/admin/kyc/cases": {"state"},
}
UNPAGED = {
    # Sixteen tiers at most, and a provider's one identity each.
    "/v1/admin/fee-tiers",
    "/v1/admin/users/{user_id}/fees",
    "/v1/fees",
    "/v1/me/identities",
    # Of what a tenant has few of, or so many of the latest.
    # A case has a hundred changes at most.
    "/v1/admin/kyc/cases/{user_id}",
    "/v1/admin/markets",
    "/v1/admin/me",
    "/v1/admin/proposals",
    # Of 366 days, and 10,000 days of markets, at most (bursa.market_data.trading_reports).
    "/v1/admin/reports/trading",
    "/v1/admin/users",
    "/v1/admin/users/{user_id}/api-keys",
    # Of one period, which holds 5,000 trades and transfers at most.
    "/v1/admin/users/{user_id}/statement",
    "/v1/api-keys",
    "/v1/balances",
    "/v1/kyc",
    "/v1/markets",
    "/v1/markets/{market}/book",
    # Of two or three orders.
    "/v1/order-lists/{list_id}",
    "/v1/me",
    "/v1/me/export",
    "/v1/me/preferences",
    "/v1/security-events",
    "/v1/sessions",
    "/v1/sub-accounts",
    "/v1/tenant",
}
_OF_PAGES = {"limit", "cursor", "min_sequence"}


DOCUMENT: dict[str, Any] = openapi_document("0")


def lists_of_the_api() -> dict[str, set[str]]:
    """Return the parameters of each route whose answer holds an array."""
    schemas = DOCUMENT["components"]["schemas"]
    found = {}
    for path, methods in DOCUMENT["paths"].items():
        answer = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        reference = answer.get("application/json", {}).get("schema", {}).get("$ref", "")
        properties = schemas.get(reference.rpartition("/")[2], {}).get("properties", {})
        if any(one.get("type") == "array" for one in properties.values()):
            parameters = methods["get"].get("parameters", ())
            found[path] = {one["name"] for one in parameters if one["in"] != "header"}
    return found


def test_every_list_of_the_api_is_tried_with_all_its_filters() -> None:
    lists = lists_of_the_api()

    assert {path: names - _OF_PAGES for path, names in lists.items() if path in PAGED} == PAGED
    assert lists.keys() - PAGED.keys() == UNPAGED
    assert not [path for path in UNPAGED if "limit" in lists[path]]


def test_balances_are_read_of_one_account_only() -> None:
    metered = MeteredTable("balances")
    for number in range(ROWS):
        account = AccountId(TenantId(1), number % 1_000 + 1)
        row = BalanceRow(str(account), f"A{number:05d}", Units(1), Units(0), 1, number)
        metered.put(to_attributes(row) | row_key(str(account), row.asset))

    found = BalancesTable(metered, "balances").all(ACCOUNT)  # type: ignore[arg-type]

    assert len(found) == ROWS // 1_000
    assert metered.units <= 2
