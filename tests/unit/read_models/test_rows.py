"""Rows come back from their attributes as they were written."""

import pytest

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.read_models.account_rows import AccountRow
from bursa.read_models.book_format import (
    BookError,
    pack_hours,
    pack_levels,
    pack_side,
    unpack_hours,
    unpack_levels,
)
from bursa.read_models.hourly_statistics import HOUR_MS, HourStatistics, last_day, with_trade
from bursa.read_models.rows import (
    AnyRow,
    AssetRow,
    Attributes,
    BalanceRow,
    BookBaseRow,
    BookChangeRow,
    BookRow,
    ClientOrderRow,
    ConnectionRow,
    FeeTierRow,
    FillRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    RowError,
    SubscriptionRow,
    TradeRow,
    change_attributes,
    from_attributes,
    to_attributes,
)

ORDER = OrderRow(
    account="t1-1",
    order_id=5,
    market="BTC-USDT",
    side="buy",
    type="limit",
    time_in_force="gtc",
    post_only=True,
    self_trade_prevention="none",
    price=Ticks(2**40 - 1),
    quantity=Lots(2**48 - 1),
    remaining=Lots(3),
    filled_quantity=Lots(4),
    filled_quote=Units(2**62 - 1),
    status="open",
    close_reason="none",
    created_at_ms=6,
    updated_at_ms=7,
    sequence=2**62,
    client_order_id="mine",
)
ROWS = [
    ORDER,
    ClientOrderRow("t1-1", "mine", 5),
    FillRow(
        "t1-1",
        9,
        5,
        "BTC-USDT",
        "buy",
        "maker",
        Ticks(1),
        Lots(2),
        Units(2),
        Units(-1),
        "USDT",
        8,
        7,
    ),
    BalanceRow("t1-1", "BTC", Units(1), Units(2), 3, 4),
    AssetRow("t1", 1, "BTC", 8, 2),
    MarketRow("t1", 1, "BTC-USDT", "BTC", "USDT", 8, 10, 1, 1, "open", 3, min_notional=Units(4)),
    FeeTierRow("t1", 0, -100, 2_000, 5),
    AccountRow("t1-1", 3, 1, "frozen", 5),
    TradeRow("t1", "BTC-USDT", 9, Ticks(1), Lots(2), Units(3), "sell", 4, 5),
    BookRow("t1", "BTC-USDT", 5, 6, b"\x00bids", b"asks", b"", last_price=7),
    BookRow("t1", "BTC-USDT", 5, 6, b"bids", b"asks", b"", zones=b"zones", ring=3),
    BookBaseRow("t1", "BTC-USDT", 5, "near", "bids", 90, 2, b"levels"),
    BookChangeRow("t1", "BTC-USDT", 7, 3, "far", 12, 11, b"bids", b"asks"),
    ProgressRow(0, 1, 2, 3, skipped=4, epoch=5),
    ConnectionRow("t1", "abc=", "t1-1", 1, 2, frozenset({"orders:t1-1", "book:BTC-USDT"})),
    ConnectionRow("t1", "abc=", "t1-1", 1, 2),
    SubscriptionRow("t1", "orders:t1-1", "abc=", 3, 4, "t1-1"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_row_comes_back_as_written(row: AnyRow) -> None:
    assert from_attributes(type(row), to_attributes(row)) == row


def test_numbers_are_stored_as_numbers_and_nothing_as_nothing() -> None:
    attributes = to_attributes(ClientOrderRow("t1-1", "mine", 2**62))
    assert attributes == {
        "account": {"S": "t1-1"},
        "client_order_id": {"S": "mine"},
        "order_id": {"N": "4611686018427387904"},
        "request_digest": {"B": b""},
    }
    closed = {**to_attributes(ORDER)}
    del closed["client_order_id"]
    assert from_attributes(OrderRow, closed).client_order_id is None


def test_keys_and_foreign_attributes_are_passed_over() -> None:
    attributes = to_attributes(ORDER) | {"pk": {"S": "t1-1"}, "added_later": {"N": "1"}}
    assert from_attributes(OrderRow, attributes) == ORDER


def test_change_writes_what_it_sets_only() -> None:
    changes = change_attributes(OrderRow, {"remaining": 0, "client_order_id": None, "status": "x"})
    assert changes == {"remaining": {"N": "0"}, "status": {"S": "x"}}


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param({"account": None}, "without account", id="field missing"),
        pytest.param({"order_id": {"S": "5"}}, "order_id is not a N", id="other type"),
        pytest.param({"order_id": {"N": "5.5"}}, "order_id is not a N", id="no whole number"),
    ],
)
def test_damaged_row_is_refused(damage: Attributes, why: str) -> None:
    attributes = to_attributes(ClientOrderRow("t1-1", "mine", 5)) | damage
    attributes = {name: value for name, value in attributes.items() if value is not None}
    with pytest.raises(RowError, match=why):
        from_attributes(ClientOrderRow, attributes)


# --- books ----------------------------------------------------------------------------------------


def test_levels_come_back_best_first() -> None:
    side = {100: 5, 2**40 - 1: 2**48 - 1, 1: 7}
    assert unpack_levels(pack_side(side, descending=True)) == [
        (2**40 - 1, 2**48 - 1),
        (100, 5),
        (1, 7),
    ]
    assert unpack_levels(pack_side(side, descending=False))[0] == (1, 7)
    assert unpack_levels(pack_side({}, descending=True)) == []


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"nonsense", id="not compressed"),
        pytest.param(pack_levels([(1, 2)])[:-1], id="cut short"),
        pytest.param(pack_hours([HourStatistics(1, 1, 1, 1, 1, 1, 1, 1)]), id="something else"),
    ],
)
def test_damaged_levels_are_refused(packed: bytes) -> None:
    with pytest.raises(BookError):
        unpack_levels(packed)


def test_statistics_follow_the_clock() -> None:
    hours: list[HourStatistics] = []
    for time_ms, price in [(0, 10), (1, 12), (HOUR_MS - 1, 9), (HOUR_MS, 11)]:
        hours = with_trade(hours, time_ms, price, 2, price * 2)

    assert hours == [
        HourStatistics(0, 10, 12, 9, 9, 6, 62, 3),
        HourStatistics(1, 11, 11, 11, 11, 2, 22, 1),
    ]
    assert unpack_hours(pack_hours(hours)) == hours
    assert last_day(hours, HOUR_MS) == HourStatistics(0, 10, 12, 9, 11, 8, 84, 4)


def test_statistics_older_than_a_day_are_dropped() -> None:
    hours = with_trade([], 0, 10, 1, 10)
    hours = with_trade(hours, 24 * HOUR_MS, 11, 1, 11)
    assert [hour.hour for hour in hours] == [0, 24]
    hours = with_trade(hours, 25 * HOUR_MS, 12, 1, 12)
    assert [hour.hour for hour in hours] == [24, 25]
    assert last_day(hours, 100 * HOUR_MS) is None
