"""Where each row of the read models lies, and on what condition it may be written.

The one description of it: `bursa.read_models.dynamodb` carries it out in DynamoDB, and
`bursa.read_models.memory` in memory, to compare a rebuild with what is live.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.read_models.fold import RowChange, Views
from bursa.read_models.rows import (
    Attributes,
    BookRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    change_attributes,
    to_attributes,
)

SEQUENCE = "sequence"


class Table(Enum):
    """The tables of the read models, by what settings call them."""

    ORDERS = "orders"
    FILLS = "fills"
    BALANCES = "balances"
    MARKETS = "markets"
    TRADES = "trades"
    PROGRESS = "progress"


class Kind(Enum):
    """How a row is written."""

    FIXED = "fixed"  # it never changes: written as it is, any number of times
    WHOLE = "whole"  # all of it, unless what is stored is as new
    PART = "part"  # some of its attributes, unless what is stored is as new


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row, or a change of one, with its place.

    Attributes
    ----------
    key, values
        Attributes of the key, and the others; ``values`` holds the sequence, if the row has one.
    removed
        Names of attributes to take away; only for `Kind.PART`.

    """

    table: Table
    kind: Kind
    key: Attributes
    values: Attributes
    removed: tuple[str, ...] = ()


def place_progress(progress: ProgressRow) -> PlacedRow:
    """Place the row that says how far the others are."""
    key = row_key(keys.progress(progress.shard), keys.READ_MODELS)
    return PlacedRow(Table.PROGRESS, Kind.WHOLE, key, to_attributes(progress))


def place_book(row: BookRow) -> PlacedRow:
    """Place a market's book; it is written in the place of the very one it was made from."""
    return PlacedRow(
        Table.MARKETS, Kind.WHOLE, book_key(row.tenant, row.market), to_attributes(row)
    )


def place(views: Views, shard: int) -> Iterator[PlacedRow]:
    """Place every row but books and progress."""
    yield from _account_rows(views)
    yield from _market_rows(views)
    yield from _definitions(views, keys.progress(shard))


def _account_rows(views: Views) -> Iterator[PlacedRow]:
    for (account, order_id), change in views.orders.items():
        key = row_key(account, keys.order(order_id))
        placed = _change(Table.ORDERS, key, OrderRow, change)
        if change.whole and change.values["open_account"] is None:
            # Placed and closed within the run: nothing can ever change it again.
            placed = replace(placed, kind=Kind.FIXED)
        yield placed
    for pointer in views.client_orders.values():
        key = row_key(pointer.account, keys.client_order(pointer.client_order_id))
        yield PlacedRow(Table.ORDERS, Kind.FIXED, key, to_attributes(pointer))
    for fill in views.fills:
        key = row_key(fill.account, keys.fill(fill.trade_id, fill.sequence, fill.role))
        yield PlacedRow(Table.FILLS, Kind.FIXED, key, to_attributes(fill))
    for balance in views.balances.values():
        key = row_key(balance.account, balance.asset)
        yield PlacedRow(Table.BALANCES, Kind.WHOLE, key, to_attributes(balance))


def _market_rows(views: Views) -> Iterator[PlacedRow]:
    for (tenant, symbol), change in views.markets.items():
        key = row_key(tenant, keys.market(symbol))
        yield _change(Table.MARKETS, key, MarketRow, change)
    for tier in views.fee_tiers.values():
        key = row_key(tier.tenant, keys.fees(tier.tier))
        yield PlacedRow(Table.MARKETS, Kind.WHOLE, key, to_attributes(tier))
    for trade in views.trades:
        partition = keys.market_data(TenantId.parse(trade.tenant), trade.market)
        key = row_key(partition, keys.trade(trade.trade_id))
        yield PlacedRow(Table.TRADES, Kind.FIXED, key, to_attributes(trade))


def _definitions(views: Views, shard: str) -> Iterator[PlacedRow]:
    for asset in views.assets:
        values = to_attributes(asset)
        key = row_key(asset.tenant, keys.asset(asset.symbol))
        yield PlacedRow(Table.MARKETS, Kind.FIXED, key, values)
        key = row_key(shard, keys.numbered_asset(asset.number))
        yield PlacedRow(Table.PROGRESS, Kind.FIXED, key, values)
    for market in views.definitions.markets.values():
        if market.sequence >= views.first_sequence:
            key = row_key(shard, keys.numbered_market(market.number))
            yield PlacedRow(Table.PROGRESS, Kind.FIXED, key, to_attributes(market))


def _change(table: Table, key: Attributes, row_type: type[object], change: RowChange) -> PlacedRow:
    values = change_attributes(row_type, change.values)
    values[SEQUENCE] = {"N": str(change.sequence)}
    if change.whole:
        return PlacedRow(table, Kind.WHOLE, key, values)
    removed = tuple(name for name, value in change.values.items() if value is None)
    return PlacedRow(table, Kind.PART, key, values, removed)


def row_key(partition: str, sort: str) -> Attributes:
    """Write a key."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def book_key(tenant: str, market: str) -> Attributes:
    """Key of a market's book."""
    return row_key(keys.market_data(TenantId.parse(tenant), market), keys.BOOK)
