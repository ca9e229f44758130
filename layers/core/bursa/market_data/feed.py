"""Tell WebSocket clients what happened, as the stream brings it.

A feed is quick rather than certain: a message that can't be delivered is dropped with its
connection, and a client that missed something subscribes again and gets a snapshot. What a client
gets is in order and never contradicts its snapshot.

Who listens is looked up once a second at most. So that a new subscriber misses nothing in
between, the last few seconds of records are kept, unopened, and what the subscriber's snapshot
did not hold is sent as soon as it is seen. Where nobody listens no record is opened at all.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bursa.dialects.native.feed_messages import (
    CHANGES_MAX,
    ChannelMessage,
    MissedMessage,
    book_data,
    order_data,
)
from bursa.dialects.native.presentation import balance_from_row, trade_from_row
from bursa.journal.record import EncodedRecord, RecordError, decode_record
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.market_data import channels
from bursa.market_data.channels import Channel
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import (
    BookChange,
    Definitions,
    ReadModelChanges,
    RowChange,
    UnprojectableRecord,
    fold,
)
from bursa.read_models.rows import BalanceRow, FillRow, SubscriptionRow, TradeRow
from wire import events as e
from wire import layout as w

SUBSCRIBERS_FRESH_MS = 1_000
DEFINITIONS_FRESH_MS = 10_000
# Longer than it takes for a subscriber to be seen, and for the projector to catch up meanwhile.
RECORDS_KEPT_MS = 5_000
RECORDS_KEPT_MAX = 1_000

Listener = tuple[str, str]  # tenant, connection id


class Subscribers(Protocol):
    """Who listens to what."""

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        """Read all subscriptions of a tenant."""

    def forget(self, tenant: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class Outbox(Protocol):
    """Sends messages to connections."""

    def send(self, messages: Mapping[Listener, Sequence[bytes]]) -> Collection[Listener]:
        """Send each listener its messages in order; returns the listeners that are gone."""


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a batch.

    Attributes
    ----------
    messages
        How many were sent.
    newest_ms
        Time of the newest record that was sent about; 0 when none was.
    unreadable
        Records that could not be read; the projector reports them.

    """

    messages: int
    newest_ms: int
    unreadable: int


@dataclass(slots=True)
class _TenantListeners:
    read_at_ms: int
    by_channel: dict[str, dict[str, int]] = field(default_factory=dict)  # -> connection -> since


class Feeds:
    """Publishes one shard's records."""

    def __init__(
        self,
        definitions: Callable[[], Definitions],
        subscribers: Subscribers,
        outbox: Outbox,
        now_ms: Callable[[], int],
    ) -> None:
        self._read_definitions = definitions
        self._subscribers = subscribers
        self._outbox = outbox
        self._now_ms = now_ms
        self._definitions = Definitions()
        self._definitions_at_ms = -DEFINITIONS_FRESH_MS
        self._listeners: dict[str, _TenantListeners] = {}
        self._recent: deque[tuple[int, EncodedRecord]] = deque(maxlen=RECORDS_KEPT_MAX)
        self._last_sequence = 0
        self._unreadable = 0

    def publish(self, records: Iterable[EncodedRecord]) -> Published:
        """Send what new records say to everyone who listens."""
        self._unreadable = 0
        now_ms = self._now_ms()
        fresh = self._not_seen(records)
        messages: dict[Listener, list[bytes]] = {}
        added = self._refresh(now_ms)
        if added:
            self._address([record for _, record in self._recent], added, messages)
        everyone = {tenant: known.by_channel for tenant, known in self._listeners.items()}
        if any(everyone.values()):
            self._address(fresh, everyone, messages)
        self._keep(fresh, now_ms)
        if messages:
            for tenant, connection_id in self._outbox.send(messages):
                self._drop(tenant, connection_id)
        newest_ms = fresh[-1].time_ms if messages and fresh else 0
        return Published(sum(map(len, messages.values())), newest_ms, self._unreadable)

    def _not_seen(self, records: Iterable[EncodedRecord]) -> list[EncodedRecord]:
        fresh = []
        for record in sorted(records, key=lambda record: record.first_sequence):
            if record.last_sequence > self._last_sequence:
                fresh.append(record)
                self._last_sequence = record.last_sequence
        return fresh

    def _keep(self, records: Iterable[EncodedRecord], now_ms: int) -> None:
        self._recent.extend((now_ms, record) for record in records)
        while self._recent and self._recent[0][0] < now_ms - RECORDS_KEPT_MS:
            self._recent.popleft()

    # --- who listens ------------------------------------------------------------------------------

    def _refresh(self, now_ms: int) -> dict[str, dict[str, dict[str, int]]]:
        """Look up listeners where that is due; returns those that are new, by tenant."""
        if now_ms - self._definitions_at_ms >= DEFINITIONS_FRESH_MS:
            self._definitions = self._read_definitions()
            self._definitions_at_ms = now_ms
        added: dict[str, dict[str, dict[str, int]]] = {}
        for tenant in {asset.tenant for asset in self._definitions.assets.values()}:
            known = self._listeners.get(tenant)
            if known is not None and now_ms - known.read_at_ms < SUBSCRIBERS_FRESH_MS:
                continue
            current = _TenantListeners(now_ms)
            for row in self._subscribers.subscriptions(tenant):
                current.by_channel.setdefault(row.channel, {})[row.connection_id] = row.since
                if known is None or row.connection_id not in known.by_channel.get(row.channel, ()):
                    of_tenant = added.setdefault(tenant, {})
                    of_tenant.setdefault(row.channel, {})[row.connection_id] = row.since
            self._listeners[tenant] = current
        return added

    def _drop(self, tenant: str, connection_id: str) -> None:
        self._subscribers.forget(tenant, connection_id)
        for connections in self._listeners[tenant].by_channel.values():
            connections.pop(connection_id, None)

    # --- what they are told -----------------------------------------------------------------------

    def _address(
        self,
        records: Iterable[EncodedRecord],
        listeners: Mapping[str, Mapping[str, Mapping[str, int]]],
        messages: dict[Listener, list[bytes]],
    ) -> None:
        """Add what each listener is to be told of some records."""
        for encoded in records:
            views = self._open(encoded)
            if views is None:
                continue
            for message in channel_messages(views):
                connections = listeners.get(message.tenant, {}).get(message.channel.key)
                if not connections:
                    continue
                bodies = message.encode_parts()
                for connection_id, since in connections.items():
                    if message.sequence > since:
                        messages.setdefault((message.tenant, connection_id), []).extend(bodies)

    def _open(self, encoded: EncodedRecord) -> ReadModelChanges | None:
        try:
            record = decode_record(encoded)
            try:
                views = fold([record], self._definitions)
            except UnprojectableRecord:
                self._definitions = self._read_definitions()
                views = fold([record], self._definitions)
        except (RecordError, UnprojectableRecord):
            self._unreadable += 1
            return None
        self._definitions = views.definitions
        return views


Message = ChannelMessage | MissedMessage


def channel_messages(views: ReadModelChanges) -> Iterator[Message]:
    """Say what a record's views mean for each channel they touch."""
    for number, change in views.books.items():
        yield from _book_messages(views, number, change)
    yield from _trade_messages(views)
    yield from _order_messages(views)
    yield from _balance_messages(views)


def _book_messages(views: ReadModelChanges, number: int, change: BookChange) -> Iterator[Message]:
    levels: dict[int, dict[int, int]] = {w.SIDE_BUY: {}, w.SIDE_SELL: {}}
    sequence = 0
    for _, fact in change.facts:
        if isinstance(fact, e.Level):
            levels[fact.side][fact.price] = fact.quantity
            sequence = fact.sequence
    if not sequence:
        return
    channel = Channel(channels.BOOK, change.market)
    changes = sum(map(len, levels.values()))
    if changes > CHANGES_MAX:
        yield MissedMessage(change.tenant, channel, sequence, views.time_ms, changes)
        return
    data = book_data(
        market_from_row(views.definitions.markets[number]),
        sorted(levels[w.SIDE_BUY].items(), reverse=True),
        sorted(levels[w.SIDE_SELL].items()),
    )
    yield ChannelMessage(change.tenant, channel, sequence, views.time_ms, data)


def _trade_messages(views: ReadModelChanges) -> Iterator[Message]:
    markets = _by_symbol(views.definitions)
    by_market: dict[tuple[str, str], list[TradeRow]] = {}
    for trade in views.trades:
        by_market.setdefault((trade.tenant, trade.market), []).append(trade)
    for (tenant, symbol), trades in by_market.items():
        market, channel = markets[tenant, symbol], Channel(channels.TRADES, symbol)
        sequence, time_ms = trades[-1].sequence, views.time_ms
        if len(trades) > CHANGES_MAX:
            yield MissedMessage(tenant, channel, sequence, time_ms, len(trades))
        else:
            data = [trade_from_row(trade, market) for trade in trades]
            yield ChannelMessage(tenant, channel, sequence, time_ms, data)


def _order_messages(views: ReadModelChanges) -> Iterator[Message]:
    markets = _by_symbol(views.definitions)
    fills: dict[tuple[str, int], list[FillRow]] = {}
    for fill in views.fills:
        fills.setdefault((fill.account, fill.order_id), []).append(fill)
    by_account: dict[str, list[tuple[RowChange, Sequence[FillRow]]]] = {}
    for key, change in views.orders.items():
        by_account.setdefault(key[0], []).append((change, fills.get(key, ())))
    for account, orders in by_account.items():
        tenant, channel = _tenant_of(account), Channel(channels.ORDERS, account)
        sequence = max(change.sequence for change, _ in orders)
        changes = sum(1 + len(known) for _, known in orders)
        if changes > CHANGES_MAX:
            yield MissedMessage(tenant, channel, sequence, views.time_ms, changes)
            continue
        data = [
            order_data(
                markets[tenant, str(change.values["market"])], change.values, change.sequence, known
            )
            for change, known in orders
        ]
        yield ChannelMessage(tenant, channel, sequence, views.time_ms, data)


def _balance_messages(views: ReadModelChanges) -> Iterator[Message]:
    scales = {
        (asset.tenant, asset.symbol): asset.scale for asset in views.definitions.assets.values()
    }
    by_account: dict[str, list[BalanceRow]] = {}
    for balance in views.balances.values():
        by_account.setdefault(balance.account, []).append(balance)
    for account, balances in by_account.items():
        tenant, channel = _tenant_of(account), Channel(channels.BALANCES, account)
        sequence = max(balance.sequence for balance in balances)
        if len(balances) > CHANGES_MAX:
            yield MissedMessage(tenant, channel, sequence, views.time_ms, len(balances))
        else:
            data = [balance_from_row(row, scales[tenant, row.asset]) for row in balances]
            yield ChannelMessage(tenant, channel, sequence, views.time_ms, data)


def _by_symbol(definitions: Definitions) -> dict[tuple[str, str], Market]:
    return {(row.tenant, row.symbol): market_from_row(row) for row in definitions.markets.values()}


def _tenant_of(account: str) -> str:
    return str(AccountId.parse(account).tenant)
