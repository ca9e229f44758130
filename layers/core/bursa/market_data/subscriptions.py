"""What a WebSocket client may ask for, and what it is answered.

    {"op": "subscribe", "channels": ["book:BTC-USDT", "orders"]}
    {"op": "unsubscribe", "channels": ["orders"]}
    {"op": "ping"}

A subscription is written before its snapshot is read, and it remembers how far the read models
were before that: whatever is later is sent by the feed, so nothing falls in between.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.dialects.native.feed_messages import (
    SNAPSHOT,
    ChannelMessage,
    Json,
    book_data,
    encode,
    order_data,
)
from bursa.dialects.native.presentation import balance_from_row, trade_from_row
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from bursa.market_data import channels
from bursa.market_data.channels import Channel
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

MESSAGE_BYTES_MAX = 4 * 1024
CHANNELS_PER_CONNECTION_MAX = 50
# API Gateway ends a connection after two hours; the rows outlive it by a little.
CONNECTION_KEPT_S = 2 * 3600 + 600
# Bounds a snapshot to well below the 128 KB that API Gateway carries in one message.
SNAPSHOT_LEVELS_MAX = 500
SNAPSHOT_TRADES = 50
SNAPSHOT_ORDERS_MAX = 100


class Connections(Protocol):
    """Who is connected, and to what."""

    def open(self, connection: ConnectionRow) -> None:
        """Remember a connection."""

    def channels(self, tenant: str, connection_id: str) -> frozenset[str]:
        """Read what a connection listens to; nothing when it is unknown."""

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> None:
        """Add channels to a connection, which need not be known yet."""

    def unsubscribe(self, tenant: str, connection_id: str, keys: Sequence[str]) -> None:
        """Take channels from a connection."""

    def forget(self, tenant: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class Snapshots(Protocol):
    """The read models, as far as snapshots need them."""

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        """Read a market's definition."""

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        """Read an asset's definition."""

    def book(self, tenant: str, market: str) -> BookRow | None:
        """Read a market's book."""

    def trades(self, tenant: str, market: str, limit: int) -> Sequence[TradeRow]:
        """Read the last public trades, newest first."""

    def open_orders(self, account: str, limit: int) -> Sequence[OrderRow]:
        """Read an account's open orders, newest first."""

    def balances(self, account: str) -> Sequence[BalanceRow]:
        """Read an account's balances."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whose connection it is, as the authorizer found out."""

    account: AccountId
    connection_id: str

    @property
    def tenant(self) -> str:
        """The account's tenant."""
        return str(self.account.tenant)


class Subscriptions:
    """Answers WebSocket clients of one shard."""

    def __init__(self, connections: Connections, snapshots: Snapshots) -> None:
        self._connections = connections
        self._snapshots = snapshots

    def connect(self, client: Client, now_ms: int) -> None:
        """Remember a new connection."""
        self._connections.open(_connection(client, now_ms, frozenset()))

    def disconnect(self, client: Client) -> None:
        """Forget a connection."""
        self._connections.forget(client.tenant, client.connection_id)

    def receive(self, client: Client, body: str, now_ms: int) -> Iterator[bytes]:
        """Answer one message.

        Yields
        ------
        bytes
            What to send to the connection, in this order.

        Raises
        ------
        InvalidInput
            ``message_too_large``, ``invalid_json``, ``unknown_op``, ``invalid_channels``,
            ``unknown_channel``, ``unknown_market``, ``too_many_channels``; nothing has changed.

        """
        request = _read(body)
        match request.get("op"):
            case "subscribe":
                yield from self._subscribe(client, self._channels(client, request), now_ms)
            case "unsubscribe":
                yield self._unsubscribe(client, _parse(client, request))
            case "ping":
                yield encode({"type": "pong"})
            case _:
                raise InvalidInput("unknown_op", "An op is subscribe, unsubscribe or ping.")

    def _channels(self, client: Client, request: Json) -> list[Channel]:
        wanted = _parse(client, request)
        for channel in wanted:
            if channel.is_public and not self._snapshots.market(client.tenant, channel.subject):
                raise InvalidInput("unknown_market", "There is no such market.", field="channels")
        known = self._connections.channels(client.tenant, client.connection_id)
        if len(known | {channel.key for channel in wanted}) > CHANNELS_PER_CONNECTION_MAX:
            raise InvalidInput(
                "too_many_channels",
                f"One connection listens to at most {CHANNELS_PER_CONNECTION_MAX} channels.",
                field="channels",
            )
        return wanted

    def _subscribe(self, client: Client, wanted: Sequence[Channel], now_ms: int) -> Iterator[bytes]:
        since = self._sequence()
        keys = frozenset(channel.key for channel in wanted)
        connection = _connection(client, now_ms, keys)
        self._connections.subscribe(
            connection,
            [
                SubscriptionRow(
                    client.tenant, key, client.connection_id, since, connection.expires_at
                )
                for key in sorted(keys)
            ],
        )
        yield encode({"type": "subscribed", "channels": [channel.name for channel in wanted]})
        for channel in wanted:
            yield from self._snapshot(client, channel).encode_parts()

    def _unsubscribe(self, client: Client, channels_left: Sequence[Channel]) -> bytes:
        self._connections.unsubscribe(
            client.tenant, client.connection_id, [channel.key for channel in channels_left]
        )
        return encode(
            {"type": "unsubscribed", "channels": [channel.name for channel in channels_left]}
        )

    def _sequence(self) -> int:
        progress = self._snapshots.progress()
        return progress.sequence if progress else 0

    # --- snapshots --------------------------------------------------------------------------------

    def _snapshot(self, client: Client, channel: Channel) -> ChannelMessage:
        match channel.kind:
            case channels.BOOK:
                return self._book(client.tenant, channel)
            case channels.TRADES:
                return self._trades(client.tenant, channel)
            case channels.ORDERS:
                return self._orders(client.tenant, channel)
            case _:
                return self._balances(client.tenant, channel)

    def _book(self, tenant: str, channel: Channel) -> ChannelMessage:
        market = self._market(tenant, channel.subject)
        row = self._snapshots.book(tenant, channel.subject)
        if row is None:
            return _message(tenant, channel, (0, 0), book_data(market_from_row(market), (), ()))
        bids, asks = (unpack_levels(side)[:SNAPSHOT_LEVELS_MAX] for side in (row.bids, row.asks))
        data = book_data(market_from_row(market), bids, asks)
        return _message(tenant, channel, (row.sequence, row.time_ms), data)

    def _trades(self, tenant: str, channel: Channel) -> ChannelMessage:
        market = market_from_row(self._market(tenant, channel.subject))
        rows = self._snapshots.trades(tenant, channel.subject, SNAPSHOT_TRADES)
        data = [trade_from_row(row, market) for row in rows]
        return _message(tenant, channel, _newest((r.sequence, r.time_ms) for r in rows), data)

    def _orders(self, tenant: str, channel: Channel) -> ChannelMessage:
        rows = self._snapshots.open_orders(channel.subject, SNAPSHOT_ORDERS_MAX)
        data = []
        for row in rows:
            market = market_from_row(self._market(tenant, row.market))
            values = {name: getattr(row, name) for name in row.__slots__}
            data.append(order_data(market, values, row.sequence, ()))
        head = _newest((row.sequence, row.updated_at_ms) for row in rows)
        return _message(tenant, channel, head, data)

    def _balances(self, tenant: str, channel: Channel) -> ChannelMessage:
        rows = self._snapshots.balances(channel.subject)
        data = [balance_from_row(row, self._asset(tenant, row.asset).scale) for row in rows]
        head = _newest((row.sequence, row.updated_at_ms) for row in rows)
        return _message(tenant, channel, head, data)

    def _market(self, tenant: str, symbol: str) -> MarketRow:
        market = self._snapshots.market(tenant, symbol)
        if market is None:
            raise LookupError(f"{tenant} has rows of the undefined market {symbol}")
        return market

    def _asset(self, tenant: str, symbol: str) -> AssetRow:
        asset = self._snapshots.asset(tenant, symbol)
        if asset is None:
            raise LookupError(f"{tenant} has rows of the undefined asset {symbol}")
        return asset


def _read(body: str) -> Json:
    if len(body.encode()) > MESSAGE_BYTES_MAX:
        raise InvalidInput(
            "message_too_large", f"Send messages of at most {MESSAGE_BYTES_MAX} bytes."
        )
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("invalid_json", "Send a message that is valid JSON.") from None
    if not isinstance(request, dict):
        raise InvalidInput("invalid_json", "Send a JSON object, in curly braces.")
    return request


def _parse(client: Client, request: Json) -> list[Channel]:
    names = request.get("channels")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InvalidInput(
            "invalid_channels", 'Send channels as a list such as ["orders"].', field="channels"
        )
    if len(names) > CHANNELS_PER_CONNECTION_MAX:
        raise InvalidInput(
            "too_many_channels",
            f"One connection listens to at most {CHANNELS_PER_CONNECTION_MAX} channels.",
            field="channels",
        )
    return list(dict.fromkeys(Channel.parse(name, client.account) for name in names))


def _connection(client: Client, now_ms: int, keys: frozenset[str]) -> ConnectionRow:
    return ConnectionRow(
        client.tenant,
        client.connection_id,
        str(client.account),
        now_ms,
        now_ms // 1000 + CONNECTION_KEPT_S,
        keys,
    )


def _newest(heads: Iterable[tuple[int, int]]) -> tuple[int, int]:
    return max(heads, default=(0, 0))


def _message(tenant: str, channel: Channel, head: tuple[int, int], data: object) -> ChannelMessage:
    sequence, time_ms = head
    return ChannelMessage(tenant, channel, sequence, time_ms, data, SNAPSHOT)
