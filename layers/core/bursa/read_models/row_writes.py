"""Where each row of the read models is, and on which condition it is written.

The one description of it: `bursa.read_models.dynamodb` carries it out in DynamoDB, and
`bursa.read_models.memory` in memory, to compare a rebuild with what is live.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.read_models.book_format import CandleRow, pack_candle
from bursa.read_models.book_parts import BookParts
from bursa.read_models.book_zones import cell, numbers_to_try
from bursa.read_models.fold import ReadModelChanges, RowChange
from bursa.read_models.rows import (
    OPEN_WORDS,
    READ_MODELS_SCHEMA,
    AnyRow,
    Attributes,
    BookChangeRow,
    BookRow,
    MarketRow,
    OpenOrderRow,
    OrderRow,
    ProgressRow,
    SchemaRow,
    change_attributes,
    row_key,
    to_attributes,
    with_values,
)
from bursa.read_models.traded_rows import Additions

SEQUENCE = "sequence"
AMOUNT = "amount"
RING = "ring"
NUMBER = "number"
AHEAD = "ahead_sequence"


class Table(Enum):
    """The tables of the read models, by what settings call them."""

    ORDERS = "orders"
    FILLS = "fills"
    BALANCES = "balances"
    MARKETS = "markets"
    TRADES = "trades"
    PROGRESS = "progress"


class WriteMode(Enum):
    """How a row is written."""

    FIXED = "fixed"  # it never changes: written as it is, any number of times
    WHOLE = "whole"  # all of it, unless what is stored is as new
    FIRST = "first"  # all of it, unless there is one
    PART = "part"  # some of its attributes, unless what is stored is as new
    ADDED = "added"  # to an amount, what each sequence adds and the stored one lacks
    GONE = "gone"  # it is deleted, any number of times


@dataclass(frozen=True, slots=True)
class RowWrite:
    """A write of a row, or of a change of one: where to, what, and on what condition.

    Attributes
    ----------
    key, values
        Attributes of the key, and the others; ``values`` holds the sequence, if the row has one.
    removed
        Names of attributes to take away; only for `WriteMode.PART`.
    name
        Of an open order: the write of its name among the open ones. It comes after this one, and
        only if the row that is stored then `is_open`. So who comes late names no closed order.
    additions
        What each sequence adds to `AMOUNT`; only for `WriteMode.ADDED`, whose ``values`` hold
        neither that nor a sequence.

    """

    table: Table
    mode: WriteMode
    key: Attributes
    values: Attributes
    removed: tuple[str, ...] = ()
    name: "RowWrite | None" = None
    additions: Additions = field(default_factory=dict)


def progress_write(progress: ProgressRow) -> RowWrite:
    """Return the write of the row that says how far the others are.

    While there is a large record, it is also written when only `AHEAD` is higher.
    """
    key = row_key(keys.progress(progress.shard), keys.READ_MODELS)
    return RowWrite(Table.PROGRESS, WriteMode.WHOLE, key, to_attributes(progress))


def schema_write(shard: int) -> RowWrite:
    """Return the write of the row that says which rows a shard has."""
    return RowWrite(
        Table.PROGRESS,
        WriteMode.FIXED,
        row_key(keys.progress(shard), keys.READ_MODELS_SCHEMA),
        to_attributes(SchemaRow(shard, READ_MODELS_SCHEMA)),
    )


def book_write(row: BookRow) -> RowWrite:
    """Return the write of a book's row; it replaces the very one it was made from."""
    return RowWrite(
        Table.MARKETS, WriteMode.WHOLE, book_key(row.tenant, row.market), to_attributes(row)
    )


def fixed_book_writes(parts: BookParts) -> Iterator[RowWrite]:
    """Yield the writes of what must be there before a book's row: its pages, and ended candles."""
    for page in parts.base:
        sort = keys.book_page(page.zone, page.sequence, page.side, page.edge, page.page)
        key = row_key(book_partition(parts.row), sort)
        yield RowWrite(Table.MARKETS, WriteMode.FIXED, key, to_attributes(page))
    for one in parts.candles:
        partition = keys.candles(TenantId.parse(one.tenant), one.market, one.interval)
        key = row_key(partition, keys.candle(one.candle.start_ms))
        row = CandleRow(pack_candle(one.candle))
        yield RowWrite(Table.TRADES, WriteMode.FIXED, key, to_attributes(row))


def book_change_write(change: BookChangeRow) -> RowWrite:
    """Return the write of a change row, to the cell of its number."""
    sort = keys.book_change(change.zone, change.ring, cell(change.number))
    key = row_key(book_partition(change), sort)
    return RowWrite(Table.MARKETS, WriteMode.WHOLE, key, to_attributes(change))


def put_in_ring(change: BookChangeRow, put: Callable[[RowWrite], bool]) -> BookChangeRow | None:
    """Put a change row into a cell that is free for it; return it as it was put, None if none is.

    ``put`` writes it and returns true, unless what is in its cell has as high a `NUMBER`.
    """
    for number in numbers_to_try(change.number):
        one = with_values(change, number=number)
        if put(book_change_write(one)):
            return one
    return None


def book_partition(row: BookRow | BookChangeRow) -> str:
    """Return the partition of a market's book and trades."""
    return keys.market_data(TenantId.parse(row.tenant), row.market)


def row_writes(changes: ReadModelChanges, shard: int) -> Iterator[RowWrite]:
    """Yield the write of every row but books and progress."""
    yield from _account_rows(changes)
    yield from _market_rows(changes)
    yield from _definitions(changes, keys.progress(shard))


def _account_rows(changes: ReadModelChanges) -> Iterator[RowWrite]:
    for (account, order_id), change in changes.orders.items():
        key = row_key(account, keys.order(order_id))
        row_write = _change(Table.ORDERS, key, OrderRow, change)
        name = _name_write(account, order_id, change)
        if change.values["status"] in OPEN_WORDS:
            yield replace(row_write, name=name)
            continue
        row_write.values.update(_order_index(account, change))
        if change.whole:
            # Nothing can ever change it again.
            row_write = replace(row_write, mode=WriteMode.FIXED)
        yield row_write
        if change.may_be_named:
            yield RowWrite(Table.ORDERS, WriteMode.GONE, name.key, {})
    for pointer in changes.client_orders.values():
        key = row_key(pointer.account, keys.client_order(pointer.client_order_id))
        # A rejection says nothing of an order that was placed under the same id before.
        mode = WriteMode.FIXED if pointer.order_id else WriteMode.FIRST
        yield RowWrite(Table.ORDERS, mode, key, to_attributes(pointer))
    for fill in changes.fills:
        key = row_key(fill.account, keys.fill(fill.trade_id, fill.sequence, fill.role))
        index = {keys.MARKET_ACCOUNT: {"S": keys.account_market(fill.account, fill.market)}}
        yield RowWrite(Table.FILLS, WriteMode.FIXED, key, to_attributes(fill) | index)
    for transfer in changes.transfers:
        key = row_key(keys.transfers(transfer.account), keys.transfer(transfer.sequence))
        yield RowWrite(Table.FILLS, WriteMode.FIXED, key, to_attributes(transfer))
    yield from _holdings(changes)


def _holdings(changes: ReadModelChanges) -> Iterator[RowWrite]:
    """Yield what accounts have, how they are set, and what they trade: all in one table."""
    for balance in changes.balances.values():
        key = row_key(balance.account, balance.asset)
        yield RowWrite(Table.BALANCES, WriteMode.WHOLE, key, to_attributes(balance))
    for settings in changes.accounts.values():
        key = row_key(keys.account_settings(settings.account), keys.SETTINGS)
        yield RowWrite(Table.BALANCES, WriteMode.WHOLE, key, to_attributes(settings))

    for (owner, day, asset), additions in changes.traded.items():
        key = row_key(keys.traded(owner), keys.traded_asset(day, asset))
        named: Attributes = {"account": {"S": owner}, "asset": {"S": asset}}
        values = named | {"day": {"N": str(day)}}
        yield RowWrite(Table.BALANCES, WriteMode.ADDED, key, values, additions=additions)


def _name_write(account: str, order_id: int, change: RowChange) -> RowWrite:
    """Return the write of an order's name among the open ones of its account."""
    status, market = str(change.values["status"]), str(change.values["market"])
    key = row_key(keys.open_orders(account), keys.order(order_id))
    values = to_attributes(OpenOrderRow(order_id, market, status, change.sequence))
    return RowWrite(Table.ORDERS, WriteMode.WHOLE, key, values)


def _order_index(account: str, change: RowChange) -> Attributes:
    """Return the keys of the indexes, which hold closed orders."""
    status, market = str(change.values["status"]), str(change.values["market"])
    return {
        keys.ACCOUNT_STATE: {"S": keys.account_state(account, status)},
        keys.MARKET_STATE: {"S": keys.market_state(account, market, status)},
    }


def _market_rows(changes: ReadModelChanges) -> Iterator[RowWrite]:
    for (tenant, symbol), change in changes.markets.items():
        key = row_key(tenant, keys.market(symbol))
        yield _change(Table.MARKETS, key, MarketRow, change)
    for tier in changes.fee_tiers.values():
        key = row_key(tier.tenant, keys.fees(tier.tier))
        yield RowWrite(Table.MARKETS, WriteMode.WHOLE, key, to_attributes(tier))
    for closing in changes.closing_prices.values():
        partition = keys.closing_prices(TenantId.parse(closing.tenant), closing.market)
        key = row_key(partition, keys.day(closing.day))
        yield RowWrite(Table.MARKETS, WriteMode.WHOLE, key, to_attributes(closing))
    for trade in changes.trades:
        partition = keys.market_data(TenantId.parse(trade.tenant), trade.market)
        key = row_key(partition, keys.trade(trade.trade_id))
        yield RowWrite(Table.TRADES, WriteMode.FIXED, key, to_attributes(trade))


def _definitions(changes: ReadModelChanges, shard: str) -> Iterator[RowWrite]:
    for asset in changes.assets:
        values = to_attributes(asset)
        key = row_key(asset.tenant, keys.asset(asset.symbol))
        yield RowWrite(Table.MARKETS, WriteMode.FIXED, key, values)
        key = row_key(shard, keys.numbered_asset(asset.number))
        yield RowWrite(Table.PROGRESS, WriteMode.FIXED, key, values)
    for market in changes.definitions.markets.values():
        if market.sequence >= changes.first_sequence:
            key = row_key(shard, keys.numbered_market(market.number))
            yield RowWrite(Table.PROGRESS, WriteMode.FIXED, key, to_attributes(market))


def _change(table: Table, key: Attributes, row_type: type[AnyRow], change: RowChange) -> RowWrite:
    values = change_attributes(row_type, change.values)
    values[SEQUENCE] = {"N": str(change.sequence)}
    if change.whole:
        return RowWrite(table, WriteMode.WHOLE, key, values)
    removed = tuple(name for name, value in change.values.items() if value is None)
    return RowWrite(table, WriteMode.PART, key, values, removed)


def book_key(tenant: str, market: str) -> Attributes:
    """Return the key of a market's book."""
    return row_key(keys.market_data(TenantId.parse(tenant), market), keys.BOOK)
