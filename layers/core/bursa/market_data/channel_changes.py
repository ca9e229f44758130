"""What one record of the journal changed on each channel. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.market_data import channels
from bursa.market_data.channels import Channel
from bursa.market_data.messages import (
    AccountBalances,
    AccountFills,
    AccountOrders,
    BookLevels,
    Facts,
    MarketStates,
    Missed,
    OrderChange,
    PublicTrades,
)
from bursa.market_data.trading_state import TradingState
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import BookChange, ReadModelChanges
from bursa.read_models.rows import BalanceRow, FillRow, MarketRow, TradeRow
from wire import events as e
from wire import layout as w

# Of one channel and record; a snapshot holds as much in fewer bytes.
CHANGES_MAX = 2_000

_Rows = Mapping[tuple[str, str], MarketRow]  # by tenant and symbol


class ChannelChange(NamedTuple):
    """What a record changed on one channel, up to a sequence."""

    tenant: str
    channel: Channel
    sequence: int
    facts: Facts


def channel_changes(changes: ReadModelChanges) -> Iterator[ChannelChange]:
    """Yield what a record changed on each channel, once a channel."""
    rows = {(row.tenant, row.symbol): row for row in changes.definitions.markets.values()}
    for number, change in changes.books.items():
        yield from _book_change(changes.definitions.markets[number], change)
    yield from _state_changes(changes, rows)
    yield from _trade_changes(changes, rows)
    yield from _order_changes(changes, rows)
    yield from _fill_changes(changes, rows)
    yield from _balance_changes(changes)


def _book_change(market: MarketRow, change: BookChange) -> Iterator[ChannelChange]:
    levels: dict[int, dict[int, int]] = {w.SIDE_BUY: {}, w.SIDE_SELL: {}}
    sequence, trading = 0, None
    for _, fact in change.facts:
        if isinstance(fact, e.Level):
            levels[fact.side][fact.price] = fact.quantity
            sequence = fact.sequence
        elif isinstance(fact, e.Market):
            trading = TradingState.of_event(fact)
            sequence = fact.sequence
    if not sequence:
        return
    facts = BookLevels(
        market_from_row(market),
        sorted(levels[w.SIDE_BUY].items(), reverse=True),
        sorted(levels[w.SIDE_SELL].items()),
        trading,
    )
    channel = Channel(channels.BOOK, change.market)
    count = len(facts.bids) + len(facts.asks)
    yield ChannelChange(change.tenant, channel, sequence, _unless_too_many(facts, count))


def _state_changes(changes: ReadModelChanges, rows: _Rows) -> Iterator[ChannelChange]:
    """Yield what became of a tenant's markets: states, and what auctions would trade."""
    stated: dict[str, dict[str, e.Market]] = {}
    for change in changes.books.values():
        for _, fact in change.facts:
            if isinstance(fact, e.Market):
                stated.setdefault(change.tenant, {})[change.market] = fact
    for tenant, facts in stated.items():
        states = [
            (market_from_row(rows[tenant, symbol]), TradingState.of_event(fact))
            for symbol, fact in facts.items()
        ]
        sequence = max(fact.sequence for fact in facts.values())
        yield ChannelChange(tenant, Channel(channels.MARKETS, ""), sequence, MarketStates(states))


def _trade_changes(changes: ReadModelChanges, rows: _Rows) -> Iterator[ChannelChange]:
    by_market: dict[tuple[str, str], list[TradeRow]] = {}
    for trade in changes.trades:
        by_market.setdefault((trade.tenant, trade.market), []).append(trade)
    for (tenant, symbol), trades in by_market.items():
        facts = PublicTrades(market_from_row(rows[tenant, symbol]), trades)
        channel = Channel(channels.TRADES, symbol)
        yield ChannelChange(
            tenant, channel, trades[-1].sequence, _unless_too_many(facts, len(trades))
        )


def _order_changes(changes: ReadModelChanges, rows: _Rows) -> Iterator[ChannelChange]:
    fills: dict[tuple[str, int], list[FillRow]] = {}
    for fill in changes.fills:
        fills.setdefault((fill.account, fill.order_id), []).append(fill)
    by_account: dict[str, list[OrderChange]] = {}
    for key, change in changes.orders.items():
        market = _market(rows, key[0], change.values["market"])
        by_account.setdefault(key[0], []).append(
            OrderChange(market, change.values, change.sequence, fills.get(key, ()))
        )
    for account, orders in by_account.items():
        count = sum(1 + len(order.fills) for order in orders)
        yield ChannelChange(
            _tenant_of(account),
            Channel(channels.ORDERS, account),
            max(order.sequence for order in orders),
            _unless_too_many(AccountOrders(orders), count),
        )


def _fill_changes(changes: ReadModelChanges, rows: _Rows) -> Iterator[ChannelChange]:
    by_account: dict[str, list[FillRow]] = {}
    for fill in changes.fills:
        by_account.setdefault(fill.account, []).append(fill)
    for account, fills in by_account.items():
        facts = AccountFills([(_market(rows, account, fill.market), fill) for fill in fills])
        yield ChannelChange(
            _tenant_of(account),
            Channel(channels.FILLS, account),
            fills[-1].sequence,
            _unless_too_many(facts, len(fills)),
        )


def _balance_changes(changes: ReadModelChanges) -> Iterator[ChannelChange]:
    scales = {
        (asset.tenant, asset.symbol): asset.scale for asset in changes.definitions.assets.values()
    }
    by_account: dict[str, list[BalanceRow]] = {}
    for balance in changes.balances.values():
        by_account.setdefault(balance.account, []).append(balance)
    for account, balances in by_account.items():
        tenant = _tenant_of(account)
        facts = AccountBalances([(row, scales[tenant, row.asset]) for row in balances])
        yield ChannelChange(
            tenant,
            Channel(channels.BALANCES, account),
            max(row.sequence for row in balances),
            _unless_too_many(facts, len(balances)),
        )


def _unless_too_many(facts: Facts, count: int) -> Facts:
    return facts if count <= CHANGES_MAX else Missed(count)


def _market(rows: _Rows, account: str, symbol: object) -> Market:
    return market_from_row(rows[_tenant_of(account), str(symbol)])


def _tenant_of(account: str) -> str:
    return str(AccountId.parse(account).tenant)
