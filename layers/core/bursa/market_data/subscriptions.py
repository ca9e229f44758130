"""Who listens to what, and the snapshot that each subscription begins with.

A subscription is written and announced to the feed, then the end of the journal is looked up, and
the snapshot is read once the read models hold everything up to it. What is committed later is sent
by the feed, which knows of the subscription by then. So nothing falls in between, and nothing waits
for another record, whether feed or projector is ahead of the other.

Rows of a list are written one by one, so a snapshot of several rows may hold some that are newer
than the progress was. Its sequence is therefore that of the progress, up to which it holds all; a
book is one row, and holds all up to its own sequence.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.kernel.keys import market_data
from bursa.kernel.markets import Market
from bursa.market_data import channels
from bursa.market_data.candles import live_candle
from bursa.market_data.channels import Channel
from bursa.market_data.clients import Client, quota_of
from bursa.market_data.messages import (
    AccountBalances,
    AccountFills,
    AccountOrders,
    BookLevels,
    CandleChanges,
    ChannelMessage,
    Facts,
    MarketStates,
    Missed,
    OrderChange,
    PublicTrades,
)
from bursa.market_data.resumption import REPLAYED_MS_MAX, Messages, RecentRecords, Resumption
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import unpack_going_on
from bursa.read_models.candles import Candle
from bursa.read_models.definitions import market_from_row
from bursa.read_models.rows import (
    AssetRow,
    BalanceRow,
    BookRow,
    ConnectionRow,
    FillRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    SubscriptionRow,
    TradeRow,
)
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits

# API Gateway ends a connection after two hours; the rows outlive it by a little.
CONNECTION_KEPT_S = 2 * 3600 + 600
# What one message of the gateway does not carry is sent in parts.
SNAPSHOT_LEVELS_MAX = 5_000
# How the read models are waited for, between two looks.
_CATCH_UP_MS = (20, 30, 50, 100, 100, 200, 200, 200, 300, 300)
SNAPSHOT_TRADES = 50
SNAPSHOT_FILLS = 50
SNAPSHOT_ORDERS_MAX = 100


class Connections(Protocol):
    """Who is connected, and to what."""

    def open(self, connection: ConnectionRow) -> None:
        """Remember a connection."""

    def of_account(self, account: str) -> Sequence[ConnectionRow]:
        """Read all connections of an account or a visitor; what was written before is there."""

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> bool:
        """Add channels to a connection; return False, and write nothing, when it is forgotten."""

    def announce(
        self, shard: int, connection: ConnectionRow, rows: Sequence[SubscriptionRow]
    ) -> None:
        """Let the shard's feed know of a connection's subscriptions, which it has not seen."""

    def unsubscribe(self, account: str, connection_id: str, keys: Sequence[str]) -> None:
        """Remove channels from a connection, also from one that is forgotten."""

    def forget(self, account: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class ChannelStates(RecentRecords, Protocol):
    """The read models, as far as snapshots need them; a read holds all up to the progress."""

    def progress(self, shard: int) -> ProgressRow | None:
        """Read how far a shard's rows are; None before its first record."""

    def is_current(self, shard: int) -> bool:
        """Return whether a shard's rows are those that snapshots are read from."""

    def journal_end(self, shard: int, known: int) -> int:
        """Find the last committed sequence; ``known`` is one that is not later."""

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        """Read a market's definition."""

    def markets(self, tenant: str) -> Sequence[MarketRow]:
        """Read the definitions of all markets of a tenant."""

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        """Read an asset's definition."""

    def book(self, tenant: str, market: str, depth: int) -> BookRow | None:
        """Read a market's book, ``depth`` levels of it at least."""

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""

    def trades(self, tenant: str, market: str, limit: int) -> Sequence[TradeRow]:
        """Read the last public trades, newest first."""

    def open_orders(self, account: str, limit: int) -> Sequence[OrderRow]:
        """Read an account's open orders, newest first."""

    def fills(self, account: str, limit: int) -> Sequence[FillRow]:
        """Read an account's last fills, newest first."""

    def balances(self, account: str) -> Sequence[BalanceRow]:
        """Read an account's balances."""


class Subscriptions:
    """Keeps the channels of WebSocket clients.

    Parameters
    ----------
    shard_of
        Returns the shard whose writer carries out a tenant's commands.
    limits_of
        Returns a tenant's limits.
    sleep_ms
        Waits; without it nothing is waited for.
    replays
        Whether who comes back is told what it missed, which takes reading the journal's records;
        if not, each channel begins with a snapshot.

    """

    def __init__(
        self,
        connections: Connections,
        states: ChannelStates,
        shard_of: Callable[[TenantId], int],
        limits_of: Callable[[TenantId], TenantLimits] = lambda _: DEFAULT_LIMITS,
        sleep_ms: Callable[[int], None] = lambda _: None,
        *,
        replays: bool = True,
    ) -> None:
        self._resumption = Resumption(states)
        self._replays = replays
        self._sleep_ms = sleep_ms
        self._limits_of = limits_of
        self._connections = connections
        self._states = states
        self._shard_of = shard_of

    def connect(self, client: Client, now_ms: int) -> None:
        """Remember a new connection."""
        self._connections.open(_connection(client, now_ms, frozenset()))

    def disconnect(self, client: Client) -> None:
        """Forget a connection."""
        self._connections.forget(str(client.holder), client.connection_id)

    def subscribe(
        self, client: Client, wanted: Sequence[Channel], now_ms: int
    ) -> Iterator[ChannelMessage]:
        """Add channels to a connection; return their snapshots, read as they are asked for.

        Raises
        ------
        InvalidInput
            ``unknown_market``, ``too_many_channels``, ``too_many_subscriptions``,
            ``connection_ended``; nothing has changed.

        """
        progress, end = self._begin(client, wanted, now_ms)
        return self._snapshots(client.tenant, wanted, progress, end, now_ms)

    def resume(
        self, client: Client, positions: Mapping[Channel, int], epoch: int, now_ms: int
    ) -> tuple[Collection[Channel], Iterator[ChannelMessage]]:
        """Add channels to a connection that were followed up to a moment each, of an epoch.

        Returns
        -------
        tuple
            The channels of which what was missed is told, and that and the snapshots of the others.

        Raises
        ------
        InvalidInput
            As `subscribe`.

        """
        wanted = list(positions)
        progress, end = self._begin(client, wanted, now_ms)
        tenant = client.tenant_id
        missed: Messages = {}
        # Moments of another history say nothing of this one.
        recent = {
            channel: moment
            for channel, moment in positions.items()
            if now_ms - REPLAYED_MS_MAX <= moment <= now_ms
        }
        if self._replays and epoch <= progress.epoch and recent:
            shard = self._shard_of(tenant)
            missed = self._resumption.missed(shard, tenant, recent, end, progress.epoch)
        others = [channel for channel in wanted if channel not in missed]
        replayed = chain.from_iterable(missed.values())
        snapshots = self._snapshots(client.tenant, others, progress, end, now_ms)
        return missed.keys(), chain(replayed, snapshots)

    def _begin(
        self, client: Client, wanted: Sequence[Channel], now_ms: int
    ) -> tuple[ProgressRow, int]:
        """Add channels to a connection; return how far the rows are, and the journal's end."""
        self._require_allowed(client, wanted, now_ms)
        progress = self._progress(client.tenant_id)
        keys = frozenset(channel.key for channel in wanted)
        connection = _connection(client, now_ms, keys)
        rows = [
            SubscriptionRow(
                client.tenant,
                channel.key,
                client.connection_id,
                progress.position_of(_owner(client.tenant, channel))[0],
                connection.expires_at,
                connection.account,
                progress.moment_of(_owner(client.tenant, channel)),
            )
            for channel in sorted(frozenset(wanted), key=lambda channel: channel.key)
        ]
        if not self._connections.subscribe(connection, rows):
            raise InvalidInput("connection_ended", "This connection has ended; open another.")
        self._connections.announce(self._shard_of(client.tenant_id), connection, rows)
        return self._caught_up(client, wanted, progress)

    def _snapshots(
        self,
        tenant: str,
        wanted: Sequence[Channel],
        progress: ProgressRow,
        end: int,
        now_ms: int,
    ) -> Iterator[ChannelMessage]:
        """Yield snapshots, and after one that is behind the journal's end what says so."""
        for channel in wanted:
            snapshot = self._snapshot(tenant, channel, progress, now_ms)
            yield snapshot
            if snapshot.sequence < end:
                yield replace(
                    snapshot,
                    sequence=end,
                    moment=snapshot.moment + 1,
                    previous_moment=snapshot.moment,
                    # How many there are would tell how much the shard's tenants do together.
                    facts=Missed(1),
                    is_snapshot=False,
                )

    def _caught_up(
        self, client: Client, wanted: Sequence[Channel], progress: ProgressRow
    ) -> tuple[ProgressRow, int]:
        """Wait until the snapshots hold what was committed before the announcement.

        Not longer than `_CATCH_UP_MS` in all. Returns how far they are, and the journal's end.
        """
        shard = self._shard_of(client.tenant_id)
        owners = {_owner(client.tenant, channel) for channel in wanted}
        end = self._states.journal_end(shard, progress.sequence)
        for delay_ms in _CATCH_UP_MS:
            if all(progress.position_of(owner)[0] >= end for owner in owners):
                break
            self._sleep_ms(delay_ms)
            progress = self._progress(client.tenant_id)
        return progress, end

    def unsubscribe(self, client: Client, unwanted: Sequence[Channel]) -> None:
        """Remove channels from a connection; raises `InvalidInput` ``too_many_channels``."""
        quota = quota_of(client, self._limits_of(client.tenant_id))
        _require_few(len(unwanted), quota.channels)
        keys = [channel.key for channel in unwanted]
        self._connections.unsubscribe(str(client.holder), client.connection_id, keys)

    def _require_allowed(self, client: Client, wanted: Sequence[Channel], now_ms: int) -> None:
        quota = quota_of(client, self._limits_of(client.tenant_id))
        _require_few(len(wanted), quota.channels)
        for channel in wanted:
            if channel.is_of_market and not self._states.market(client.tenant, channel.subject):
                raise InvalidInput("unknown_market", "There is no such market.", field="channels")
        known = {
            row.connection_id: row.channels
            for row in self._connections.of_account(str(client.holder))
            if row.expires_at * 1_000 > now_ms
        }
        own = known.get(client.connection_id, frozenset()) | {channel.key for channel in wanted}
        _require_few(len(own), quota.channels)
        if sum(map(len, (known | {client.connection_id: own}).values())) > quota.all_channels:
            whose = "an account" if client.account else "one address"
            raise InvalidInput(
                "too_many_subscriptions",
                f"All connections of {whose} listen to at most {quota.all_channels} channels;"
                " leave some.",
                field="channels",
            )

    def _progress(self, tenant: TenantId) -> ProgressRow:
        shard = self._shard_of(tenant)
        return self._states.progress(shard) or ProgressRow(shard, 0, 0, 0)

    # --- snapshots --------------------------------------------------------------------------------

    def _snapshot(
        self, tenant: str, channel: Channel, progress: ProgressRow, now_ms: int
    ) -> ChannelMessage:
        owner = _owner(tenant, channel)
        held = progress.position_of(owner)[0], progress.moment_of(owner)
        facts: Facts
        match channel.kind:
            case channels.BOOK | channels.TICKER | channels.CANDLES:
                facts, of_book = self._of_book(tenant, channel, now_ms)
                held = max(held[0], of_book[0]), max(held[1], of_book[1])
            case channels.TRADES:
                facts = self._trades(tenant, channel.subject)
            case channels.MARKETS:
                facts = self._market_states(tenant)
            case channels.ORDERS:
                if not self._states.is_current(progress.shard):
                    held = (0, 0)  # made by older software, it may lack orders that are open
                facts = self._orders(tenant, channel.subject)
            case channels.FILLS:
                facts = self._fills(tenant, channel.subject)
            case _:
                facts = self._balances(tenant, channel.subject)
        sequence, moment = held
        return ChannelMessage(
            tenant, channel, sequence, moment, 0, progress.epoch, facts, is_snapshot=True
        )

    def _of_book(self, tenant: str, channel: Channel, now_ms: int) -> tuple[Facts, tuple[int, int]]:
        """Return what a book's row says, and how far it is: sequence and moment."""
        market = self._market(tenant, channel.subject)
        depth = channel.depth or SNAPSHOT_LEVELS_MAX if channel.kind == channels.BOOK else 1
        row = self._states.book(tenant, channel.subject, depth)
        held = (0, 0) if row is None else (row.sequence, row.time_ms)
        match channel.kind:
            case channels.TICKER:
                return MarketTicker.of_row(market, row, now_ms), held
            case channels.CANDLES:
                going_on = unpack_going_on(row.candles) if row and row.candles else None
                # Read after the book, so none that has ended by then is missing.
                ended = partial(self._states.candles, tenant, channel.subject)
                candles = [live_candle(channel.detail, going_on, ended)] if going_on else []
                return CandleChanges(market, candles), held
            case _:
                return BookLevels.of_row(market, row, depth), held

    def _market_states(self, tenant: str) -> MarketStates:
        states = []
        for row in self._states.markets(tenant):
            market = market_from_row(row)
            book = self._states.book(tenant, row.symbol, 1)
            states.append((market, TradingState.of_row(book, market.state)))
        return MarketStates(states)

    def _fills(self, tenant: str, account: str) -> AccountFills:
        rows = self._states.fills(account, SNAPSHOT_FILLS)
        return AccountFills([(self._market(tenant, row.market), row) for row in rows])

    def _trades(self, tenant: str, symbol: str) -> PublicTrades:
        rows = self._states.trades(tenant, symbol, SNAPSHOT_TRADES)
        return PublicTrades(self._market(tenant, symbol), rows)

    def _orders(self, tenant: str, account: str) -> AccountOrders:
        rows = self._states.open_orders(account, SNAPSHOT_ORDERS_MAX)
        markets = {symbol: self._market(tenant, symbol) for symbol in {row.market for row in rows}}
        return AccountOrders(
            [
                OrderChange(
                    markets[row.market],
                    {name: getattr(row, name) for name in row.__struct_fields__},
                    row.sequence,
                )
                for row in rows
            ]
        )

    def _balances(self, tenant: str, account: str) -> AccountBalances:
        rows = self._states.balances(account)
        return AccountBalances([(row, self._asset(tenant, row.asset).scale) for row in rows])

    def _market(self, tenant: str, symbol: str) -> Market:
        row = self._states.market(tenant, symbol)
        if row is None:
            raise LookupError(f"{tenant} has rows of the undefined market {symbol}")
        return market_from_row(row)

    def _asset(self, tenant: str, symbol: str) -> AssetRow:
        asset = self._states.asset(tenant, symbol)
        if asset is None:
            raise LookupError(f"{tenant} has rows of the undefined asset {symbol}")
        return asset


def _owner(tenant: str, channel: Channel) -> str:
    """Return whose rows a channel shows, as `ProgressRow.position_of` names them."""
    if channel.is_of_market:
        return market_data(TenantId.parse(tenant), channel.subject)
    return channel.subject or tenant


def _require_few(count: int, most: int) -> None:
    if count > most:
        raise InvalidInput(
            "too_many_channels",
            f"One connection listens to at most {most} channels.",
            field="channels",
        )


def _connection(client: Client, now_ms: int, keys: frozenset[str]) -> ConnectionRow:
    return ConnectionRow(
        client.tenant,
        client.connection_id,
        str(client.holder),
        now_ms,
        min(now_ms // 1000 + CONNECTION_KEPT_S, client.session_ends_at),
        keys,
        client.user,
        client.session,
    )
