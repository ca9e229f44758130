"""Who listens to what, and the snapshot that each subscription begins with.

A subscription is written and announced to the feed, then the end of the journal is looked up, and
the snapshot is read once the read models hold everything up to it. What is committed later is sent
by the feed, which knows of the subscription by then. So nothing falls in between, and nothing waits
for another record, whether feed or projector is ahead of the other.

Rows of a list are written one by one, so a snapshot of several rows may hold some that are newer
than the progress was. Its sequence is therefore that of the progress, up to which it holds all; a
book is one row, and holds all up to its own sequence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.keys import market_data
from bursa.kernel.markets import Market
from bursa.market_data import channels
from bursa.market_data.channels import Channel
from bursa.market_data.messages import (
    AccountBalances,
    AccountOrders,
    BookLevels,
    ChannelMessage,
    Facts,
    Missed,
    OrderChange,
    PublicTrades,
)
from bursa.read_models.book_format import unpack_levels
from bursa.read_models.definitions import market_from_row
from bursa.read_models.rows import (
    AssetRow,
    BalanceRow,
    BookRow,
    ConnectionRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    SubscriptionRow,
    TradeRow,
)
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits

CHANNELS_PER_CONNECTION_MAX = 50
# API Gateway ends a connection after two hours; the rows outlive it by a little.
CONNECTION_KEPT_S = 2 * 3600 + 600
# Bounds a snapshot to well below the 128 KB that API Gateway carries in one message.
SNAPSHOT_LEVELS_MAX = 500
# How the read models are waited for, between two looks.
_CATCH_UP_MS = (20, 30, 50, 100, 100, 200, 200, 200, 300, 300)
SNAPSHOT_TRADES = 50
SNAPSHOT_ORDERS_MAX = 100


class Connections(Protocol):
    """Who is connected, and to what."""

    def open(self, connection: ConnectionRow) -> None:
        """Remember a connection."""

    def of_account(self, account: str) -> Sequence[ConnectionRow]:
        """Read all connections of an account; what was written before is among them."""

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


class ChannelStates(Protocol):
    """The read models, as far as snapshots need them; a read holds all up to the progress."""

    def progress(self, shard: int) -> ProgressRow | None:
        """Read how far a shard's rows are; None before its first record."""

    def is_current(self, shard: int) -> bool:
        """Return whether a shard's rows are those that snapshots are read from."""

    def journal_end(self, shard: int, known: int) -> int:
        """Find the last committed sequence; ``known`` is one that is not later."""

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        """Read a market's definition."""

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        """Read an asset's definition."""

    def book(self, tenant: str, market: str, depth: int) -> BookRow | None:
        """Read a market's book, ``depth`` levels of it at least."""

    def trades(self, tenant: str, market: str, limit: int) -> Sequence[TradeRow]:
        """Read the last public trades, newest first."""

    def open_orders(self, account: str, limit: int) -> Sequence[OrderRow]:
        """Read an account's open orders, newest first."""

    def balances(self, account: str) -> Sequence[BalanceRow]:
        """Read an account's balances."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whose connection it is, and when its session ends in seconds, as the authorizer found out."""

    account: AccountId
    connection_id: str
    user: str
    session_ends_at: int

    @property
    def tenant(self) -> str:
        """The account's tenant."""
        return str(self.account.tenant)


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

    """

    def __init__(
        self,
        connections: Connections,
        states: ChannelStates,
        shard_of: Callable[[TenantId], int],
        limits_of: Callable[[TenantId], TenantLimits] = lambda _: DEFAULT_LIMITS,
        sleep_ms: Callable[[int], None] = lambda _: None,
    ) -> None:
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
        self._connections.forget(str(client.account), client.connection_id)

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
        self._require_allowed(client, wanted, now_ms)
        progress = self._progress(client.account.tenant)
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
            )
            for channel in sorted(frozenset(wanted), key=lambda channel: channel.key)
        ]
        if not self._connections.subscribe(connection, rows):
            raise InvalidInput("connection_ended", "This connection has ended; open another.")
        self._connections.announce(self._shard_of(client.account.tenant), connection, rows)
        caught_up, end = self._caught_up(client, wanted, progress)
        return self._snapshots(client.tenant, wanted, caught_up, end)

    def _snapshots(
        self, tenant: str, wanted: Sequence[Channel], progress: ProgressRow, end: int
    ) -> Iterator[ChannelMessage]:
        """Yield snapshots, and after one that is behind the journal's end what says so."""
        for channel in wanted:
            snapshot = self._snapshot(tenant, channel, progress)
            yield snapshot
            if snapshot.sequence < end:
                yield replace(
                    snapshot,
                    sequence=end,
                    previous_sequence=snapshot.sequence,
                    facts=Missed(end - snapshot.sequence),
                    is_snapshot=False,
                )

    def _caught_up(
        self, client: Client, wanted: Sequence[Channel], progress: ProgressRow
    ) -> tuple[ProgressRow, int]:
        """Wait until the snapshots hold what was committed before the announcement.

        Not longer than `_CATCH_UP_MS` in all. Returns how far they are, and the journal's end.
        """
        shard = self._shard_of(client.account.tenant)
        owners = {_owner(client.tenant, channel) for channel in wanted}
        end = self._states.journal_end(shard, progress.sequence)
        for delay_ms in _CATCH_UP_MS:
            if all(progress.position_of(owner)[0] >= end for owner in owners):
                break
            self._sleep_ms(delay_ms)
            progress = self._progress(client.account.tenant)
        return progress, end

    def unsubscribe(self, client: Client, unwanted: Sequence[Channel]) -> None:
        """Remove channels from a connection; raises `InvalidInput` ``too_many_channels``."""
        _require_few(len(unwanted))
        keys = [channel.key for channel in unwanted]
        self._connections.unsubscribe(str(client.account), client.connection_id, keys)

    def _require_allowed(self, client: Client, wanted: Sequence[Channel], now_ms: int) -> None:
        _require_few(len(wanted))
        for channel in wanted:
            if channel.is_public and not self._states.market(client.tenant, channel.subject):
                raise InvalidInput("unknown_market", "There is no such market.", field="channels")
        known = {
            row.connection_id: row.channels
            for row in self._connections.of_account(str(client.account))
            if row.expires_at * 1_000 > now_ms
        }
        own = known.get(client.connection_id, frozenset()) | {channel.key for channel in wanted}
        _require_few(len(own))
        most = self._limits_of(client.account.tenant).account_subscriptions
        if sum(map(len, (known | {client.connection_id: own}).values())) > most:
            raise InvalidInput(
                "too_many_subscriptions",
                f"All connections of an account listen to at most {most} channels; leave some.",
                field="channels",
            )

    def _progress(self, tenant: TenantId) -> ProgressRow:
        shard = self._shard_of(tenant)
        return self._states.progress(shard) or ProgressRow(shard, 0, 0, 0)

    # --- snapshots --------------------------------------------------------------------------------

    def _snapshot(self, tenant: str, channel: Channel, progress: ProgressRow) -> ChannelMessage:
        held = progress.position_of(_owner(tenant, channel))
        facts: Facts
        match channel.kind:
            case channels.BOOK:
                facts, of_book = self._book(tenant, channel.subject)
                held = max(held, of_book)
            case channels.TRADES:
                facts = self._trades(tenant, channel.subject)
            case channels.ORDERS:
                if not self._states.is_current(progress.shard):
                    held = (0, 0)  # made by older software, it may lack orders that are open
                facts = self._orders(tenant, channel.subject)
            case _:
                facts = self._balances(tenant, channel.subject)
        sequence, time_ms = held
        return ChannelMessage(
            tenant, channel, sequence, 0, progress.epoch, time_ms, facts, is_snapshot=True
        )

    def _book(self, tenant: str, symbol: str) -> tuple[BookLevels, tuple[int, int]]:
        market = self._market(tenant, symbol)
        row = self._states.book(tenant, symbol, SNAPSHOT_LEVELS_MAX)
        if row is None:
            return BookLevels(market, (), ()), (0, 0)
        bids, asks = (unpack_levels(side)[:SNAPSHOT_LEVELS_MAX] for side in (row.bids, row.asks))
        return BookLevels(market, bids, asks), (row.sequence, row.time_ms)

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
    if channel.is_public:
        return market_data(TenantId.parse(tenant), channel.subject)
    return channel.subject


def _require_few(count: int) -> None:
    if count > CHANNELS_PER_CONNECTION_MAX:
        raise InvalidInput(
            "too_many_channels",
            f"One connection listens to at most {CHANNELS_PER_CONNECTION_MAX} channels.",
            field="channels",
        )


def _connection(client: Client, now_ms: int, keys: frozenset[str]) -> ConnectionRow:
    return ConnectionRow(
        client.tenant,
        client.connection_id,
        str(client.account),
        now_ms,
        min(now_ms // 1000 + CONNECTION_KEPT_S, client.session_ends_at),
        keys,
        client.user,
    )
