"""Opening and movements are closing, and both are what the engine had at those times."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.accounts.statements import Period, Statement, Statements
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Asset, Market
from bursa.kernel.pages import Page
from bursa.read_models.definitions import market_from_row
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import (
    AssetRow,
    BalanceRow,
    FillRow,
    MarketRow,
    from_attributes,
)
from bursa.read_models.transfer_rows import TransferRow
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, USDT, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

PAGE = 7
NAMES = {BTC: "BTC", USDT: "USDT"}

accounts = st.sampled_from([ALICE, BOB])
assets = st.sampled_from([BTC, USDT])
prices = st.integers(98, 102)
quantities = st.integers(1, 2_000)
amounts = st.integers(1, 10**6)
hold_ids = st.integers(1, 3)


def funds(kind: int) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda account, asset, amount: codec.encode_funds(kind, account, asset, amount),
        accounts,
        assets,
        amounts,
    )


def held(kind: int) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda account, asset, amount, hold: codec.encode(kind, account, asset, amount, hold, 5, 6),
        accounts,
        assets,
        amounts,
        hold_ids,
    )


commands = st.one_of(
    st.builds(buy, accounts, prices, quantities),
    st.builds(sell, accounts, prices, quantities),
    st.builds(
        lambda account, quantity: buy(account, 101, quantity, stp=w.STP_NONE), accounts, quantities
    ),
    funds(w.COMMAND_CREDIT),
    funds(w.COMMAND_DEBIT),
    held(w.COMMAND_HOLD),
    held(w.COMMAND_RELEASE),
    held(w.COMMAND_CAPTURE),
    st.builds(
        lambda account, asset, amount, to: codec.encode(
            w.COMMAND_TRANSFER, account, asset, amount, to
        ),
        accounts,
        assets,
        amounts,
        st.sampled_from([ALICE, BOB, w.account_number(1, 0), w.account_number(1, 3)]),
    ),
    # A maker's rebate, which is paid in what it gives.
    st.builds(
        lambda maker: codec.encode_set_fee_tier(1, 0, maker, 3_000), st.integers(-2_500, 900)
    ),
)
histories = st.lists(st.lists(commands, max_size=5), min_size=1, max_size=14)


class Rows:
    """The rows of a projection, as the use case reads them."""

    def __init__(self, shard: Shard) -> None:
        self.tables = MemoryTables(0)
        Projector(0, shard, self.tables, unexpected).project(stream_records(shard.records))

    def _of(self, table: Table, partition: str, kind: Any) -> list[tuple[str, Any]]:
        found = [
            (sort, from_attributes(kind, item))
            for (pk, sort), item in self.tables.items[table].items()
            if pk == partition
        ]
        return sorted(found, reverse=True)

    def page(self, partition: str, kind: Any, before: str | None) -> Page[Any]:
        rows = [
            one for one in self._of(Table.FILLS, partition, kind) if not before or one[0] < before
        ]
        return Page(
            [row for _, row in rows[:PAGE]], rows[PAGE - 1][0] if len(rows) > PAGE else None
        )

    def newest(self, account: AccountId, *, before: str | None, **_: object) -> Page[FillRow]:
        return self.page(str(account), FillRow, before)

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        return [row for _, row in self._of(Table.BALANCES, str(account), BalanceRow)]

    def position_and_time(self, _account: AccountId) -> tuple[int, int]:
        progress = self.tables.progress()
        assert progress is not None
        return progress.sequence, progress.time_ms

    def is_current(self, _account: AccountId, schema: int) -> bool:
        return self.tables.schema() >= schema

    def find(self, tenant: TenantId, symbol: str) -> Market | None:
        item = self.tables.items[Table.MARKETS].get((str(tenant), f"market#{symbol}"))
        return None if item is None else market_from_row(from_attributes(MarketRow, item), 0, 0)

    def by_number(self, _tenant: TenantId, _number: int) -> Market | None:
        raise AssertionError

    def asset(self, _tenant: TenantId, _symbol: str) -> Asset | None:
        raise AssertionError

    def asset_scale(self, tenant: TenantId, asset: str) -> int | None:
        item = self.tables.items[Table.MARKETS][str(tenant), f"asset#{asset}"]
        return from_attributes(AssetRow, item).scale


class TransferRows:
    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def newest(self, account: AccountId, *, before: str | None, limit: int) -> Page[TransferRow]:
        assert limit
        return self.rows.page(f"{account}#transfers", TransferRow, before)


def unexpected(error: Exception) -> None:
    raise error


def statement_of(rows: Rows, account: int, period: Period) -> Statement:
    statements = Statements(rows, rows, TransferRows(rows), rows, rows)  # type: ignore[arg-type]
    return statements.of(AccountId.from_number(account), period)


def has(shard: Shard, account: int) -> dict[str, int]:
    found = {}
    for number, name in NAMES.items():
        balance = shard.engine.state.balances.get((account, number))
        found[name] = balance.available + balance.held if balance else 0
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(histories, st.tuples(st.integers(0, 14), st.integers(1, 14)))
def test_opening_and_movements_are_closing_and_what_the_engine_had(
    history: list[list[bytes]], span: tuple[int, int]
) -> None:
    shard = Shard()
    shard.run(codec.encode_set_market_limits(BTC_USDT))
    shard.run(codec.encode_funds(w.COMMAND_CREDIT, BOB, USDT, 10**8))
    shard.run(codec.encode_funds(w.COMMAND_CREDIT, ALICE, BTC, 10**8))
    had = [(shard.time_ms, {one: has(shard, one) for one in (ALICE, BOB)})]
    for batch in history:
        shard.run(*batch)
        had.append((shard.time_ms, {one: has(shard, one) for one in (ALICE, BOB)}))
    rows = Rows(shard)
    first, last = min(span[0], len(had) - 2), min(span[0] + span[1], len(had) - 1)
    if first >= last:
        first = last - 1
    (from_ms, opening), (to_ms, closing) = had[first], had[last]
    for account in (ALICE, BOB):
        # A state lasts from its own batch until before the next.
        found = statement_of(rows, account, Period(from_ms + 1, to_ms + 1))
        shown = {one.asset: one for one in found.assets}
        for name in NAMES.values():
            before, after = opening[account][name], closing[account][name]
            one = shown.get(name)
            if one is None:
                assert (before, after) == (0, 0)
                continue
            assert (one.opening, one.closing) == (before, after)
            running = one.opening
            for movement in one.movements:
                running += movement.units
                assert movement.balance == running
            assert running == one.closing
        assert found.is_final == (last < len(had) - 1)


def test_from_the_beginning_everything_opens_at_nothing() -> None:
    shard = Shard()
    shard.run(buy(ALICE, 100, 5), sell(BOB, 100, 3))
    found = statement_of(Rows(shard), ALICE, Period(0, shard.time_ms + 1))
    assert {one.asset: (one.opening, one.closing) for one in found.assets} == {
        "BTC": (0, 2),
        "USDT": (0, 10**15 - 300),
    }
    (usdt,) = [one for one in found.assets if one.asset == "USDT"]
    assert [movement.kind for movement in usdt.movements] == ["credit", "trade"]
    (btc,) = [one for one in found.assets if one.asset == "BTC"]
    assert [(one.kind, one.units) for one in btc.movements] == [("trade", 3), ("trade_fee", -1)]
