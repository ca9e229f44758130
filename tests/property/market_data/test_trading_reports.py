"""The fees that a report tells are, to the unit, what the tenant's fee account has got."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.market_data.trading_reports import Days, TradingReport, TradingReports
from bursa.read_models.definitions import market_from_row
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import FillRow, MarketRow, from_attributes
from tests.doubles.shard import ALICE, BOB, BTC, NOON_MS, USDT, Shard, buy, sell, stream_records
from tests.property.market_data.test_candles import (
    DAY_MS,
    TENANT,
    StoredInMemory,
    fill_items,
    long_pauses,
    pauses,
)
from tests.property.read_models.test_fold import unexpected
from wire import codec
from wire import layout as w

FIRST_DAY = NOON_MS // DAY_MS
LARGE = 10**9
orders = st.one_of(
    st.builds(buy, st.just(ALICE), st.integers(98, 102), st.integers(1, LARGE)),
    st.builds(sell, st.just(BOB), st.integers(98, 102), st.integers(1, LARGE)),
)
batches = st.tuples(st.one_of(pauses, long_pauses), st.lists(orders, max_size=5))
# Maker and taker rates: paid by both, a rebate, nothing.
rates = st.sampled_from([(1_000, 2_000), (-500, 900), (-900, 900), (0, 0)])


class OneMarket:
    """A catalogue with one market."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def all(self, _tenant: Any) -> list[Market]:
        return [self._market]


class At:
    """Read models that have everything up to a time."""

    def __init__(self, time_ms: int) -> None:
        self.time_ms = time_ms

    def is_current(self, _account: AccountId, _schema: int) -> bool:
        return True

    def position_and_time(self, _account: AccountId) -> tuple[int, int]:
        return 0, self.time_ms


def report_of(tables: MemoryTables, now_ms: int, days: Days) -> TradingReport:
    item = tables.items[Table.MARKETS][str(TENANT), "market#BTC-USDT"]
    catalogue: Any = OneMarket(market_from_row(from_attributes(MarketRow, item)))
    return TradingReports(catalogue, StoredInMemory(tables, now_ms), At(now_ms)).of(TENANT, days)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=st.lists(batches, min_size=1, max_size=10),
    charged=rates,
    cut=st.integers(0, 60),
)
def test_fees_are_what_the_fee_account_has(
    history: list[tuple[int, list[bytes]]], charged: tuple[int, int], cut: int
) -> None:
    shard, tables = Shard(), MemoryTables(0)
    shard.run(codec.encode_set_fee_tier(1, 0, *charged))
    for after_ms, commands in history:
        shard.run(*commands, after_ms=after_ms)
    Projector(0, shard, tables, unexpected).project(stream_records(shard.records))
    last_day = shard.time_ms // DAY_MS
    whole = report_of(tables, shard.time_ms, Days(FIRST_DAY, last_day))

    fee_account = w.account_number(TENANT.number, w.FEE_ACCOUNT_INDEX)
    for asset, number in (("BTC", BTC), ("USDT", USDT)):
        available, _ = shard.engine.balance(fee_account, number)
        reported = whole.fees().get(asset)
        assert (reported.units if reported else 0) == available
    fills = [from_attributes(FillRow, row) for row in fill_items(tables)]
    assert sum(one.traded.trades for one in whole.items) * 2 == len(fills)

    # Two reports that follow each other are the one of both.
    middle = min(FIRST_DAY + cut, last_day)
    parts = [
        *report_of(tables, shard.time_ms, Days(FIRST_DAY, middle)).items,
        *(
            report_of(tables, shard.time_ms, Days(middle + 1, last_day)).items
            if middle < last_day
            else ()
        ),
    ]
    assert parts == list(whole.items)
    assert not whole.is_final
