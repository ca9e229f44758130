"""Order history and fills, page by page, while others arrive: each thing once, none left out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bursa.accounts.catch_up import CatchUp, Position
from bursa.accounts.dynamodb import FillsTable, OrdersTable
from bursa.accounts.queries import AccountQueries, Only, PageRequest
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.read_models.fold import Definitions, ReadModelChanges, RowChange
from bursa.read_models.row_writes import WriteMode, row_writes
from bursa.read_models.rows import FillRow
from bursa.trading.orders import OrderStatus, Side
from tests.doubles.metered_tables import MeteredTable

ACCOUNT = AccountId(TenantId(1), 1)
SYMBOLS = ("BTC-USDT", "ETH-USDT")
STATUSES = (None, frozenset({OrderStatus.FILLED}), frozenset({OrderStatus.OPEN}))
# A page, and the search for where it begins.
UNITS_MAX = 60.0


class Happening(NamedTuple):
    """An order, or a fill of it; many share a millisecond."""

    number: int
    time_ms: int
    symbol: str
    side: str
    status: str


class Rows:
    """The read models of one account, and how far they are said to be."""

    def __init__(self) -> None:
        self.orders, self.fills = MeteredTable("orders"), MeteredTable("fills")
        self.reflected = 0
        catch_up = CatchUp(self, SystemClock(), lambda _account, _reads: True)
        self.queries = AccountQueries(
            self,  # type: ignore[arg-type]
            OrdersTable(self.orders, "orders"),  # type: ignore[arg-type]
            FillsTable(self.fills, "fills"),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            replies=None,  # type: ignore[arg-type]
            catch_up=catch_up,
        )

    def position(self, account: AccountId) -> Position:
        return Position(self.reflected, 0)

    def is_current(self, account: AccountId) -> bool:
        return True

    def find(self, tenant: TenantId, symbol: str) -> Market:
        base, _, quote = symbol.partition("-")
        units = MarketUnits(symbol, base, quote, 8, 8, 1, 1)
        return Market(1, units, MarketState.OPEN, Units(0), Ticks(9), Lots(9), 0, 0)

    def add(self, one: Happening) -> None:
        changes = ReadModelChanges(1, 1, 1, 1, 1, Definitions(), fills=[fill(one)])
        changes.orders[str(ACCOUNT), one.number] = order(one)
        tables = {"orders": self.orders, "fills": self.fills}
        for write in row_writes(changes, 0):
            for stored in filter(None, (write, write.name)):
                if stored.mode is not WriteMode.GONE and stored.table.value in tables:
                    tables[stored.table.value].put(stored.values | stored.key)


def order(one: Happening) -> RowChange:
    values: dict[str, Any] = {
        "account": str(ACCOUNT), "order_id": one.number, "market": one.symbol, "side": one.side,
        "type": "limit", "time_in_force": "gtc", "post_only": False,
        "self_trade_prevention": "none", "price": 1, "quantity": 1, "remaining": 0,
        "filled_quantity": 1, "filled_quote": 1, "status": one.status, "close_reason": "none",
        "created_at_ms": one.time_ms, "updated_at_ms": one.time_ms,
    }  # fmt: skip
    return RowChange(one.number, values, whole=True)


def fill(one: Happening) -> FillRow:
    return FillRow(
        str(ACCOUNT), one.number, one.number, one.symbol, one.side, "taker", Ticks(1), Lots(1),
        Units(1), Units(0), one.symbol, one.time_ms, one.number,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    """Return what happened, the oldest first: time stands still, goes on a little, or jumps."""
    number, time_ms = draw(st.sampled_from([1, 10**6, 10**12])), 1_000
    found = []
    for _ in range(draw(st.integers(0, 25))):
        found.append(
            Happening(
                number,
                time_ms,
                draw(st.sampled_from(SYMBOLS)),
                draw(st.sampled_from(["buy", "sell"])),
                draw(st.sampled_from(["filled", "open"])),
            )
        )
        number += draw(st.sampled_from([1, 1, 2, 1_000, 10**9]))
        time_ms += draw(st.sampled_from([0, 0, 0, 1, 1, 50, 10**8]))
    return found


def wanted(
    known: Sequence[Happening], only: Only, symbol: str | None, statuses: Any
) -> list[Happening]:
    return [
        one
        for one in reversed(known)
        if only.from_ms <= one.time_ms
        and (only.to_ms is None or one.time_ms < only.to_ms)
        and (only.side is None or one.side == only.side.word)
        and (symbol is None or one.symbol == symbol)
        and (statuses is None or OrderStatus.from_word(one.status) in statuses)
    ]


@settings(max_examples=60, deadline=None)
@given(
    history=histories(),
    data=st.data(),
    symbol=st.sampled_from([None, *SYMBOLS]),
    side=st.sampled_from([None, *Side]),
    limit=st.sampled_from([1, 2, 3, 10]),
    orders=st.booleans(),
)
def test_pages_show_each_thing_once(
    history: list[Happening],
    data: st.DataObject,
    symbol: str | None,
    side: Side | None,
    limit: int,
    *,
    orders: bool,
) -> None:
    times = st.sampled_from([1_000, 1_001, *(one.time_ms for one in history)])
    from_ms, to_ms = data.draw(times) - 1, data.draw(st.none() | times)
    only = Only(side, from_ms, None if to_ms is None else max(to_ms, from_ms + 1))
    statuses = data.draw(st.sampled_from(STATUSES)) if orders else None
    rows = Rows()
    begun = data.draw(st.integers(0, len(history)))
    for one in history[:begun]:
        rows.add(one)
        rows.reflected = one.number
    # What comes while pages are read: written in any order, and reflected once all of it is there.
    arriving = data.draw(st.permutations(history[begun:]))
    rows_before = list(arriving[: data.draw(st.integers(0, len(arriving)))])
    for one in rows_before:
        rows.add(one)
    late = list(arriving[len(rows_before) :])

    market = None if symbol is None else rows.find(ACCOUNT.tenant, symbol)
    seen: list[int] = []
    before: str | None = None
    while True:
        table = rows.orders if orders else rows.fills
        table.units = 0.0
        request = PageRequest(limit, before)
        if orders:
            page = rows.queries.orders(ACCOUNT, market, statuses, request, only)
            seen += [one.order_id for one in page.items]
        else:
            of_fills = rows.queries.fills(ACCOUNT, market, request, only)
            seen += [one.row.sequence for one in of_fills.items]
            page = of_fills  # type: ignore[assignment]
        assert table.units <= UNITS_MAX
        before = page.next_position
        if before is None:
            break
        if late:
            rows.add(late.pop())
    assert seen == [one.number for one in wanted(history[:begun], only, symbol, statuses)]
