"""Send WebSocket clients what the journal's stream brings.

A feed is quick rather than certain: a message that can't be delivered is dropped with its
connection. What a client gets is in order and never contradicts its snapshot, and a message names
the one before it on its channel, so a client sees that something is missing and subscribes again.

Before it sends a record, a feed looks whether subscriptions have been announced, which is one read
of a few rows for all tenants of the shard, and reads those that have, and no others
(`bursa.market_data.listeners`). A subscriber announces itself before it finds out how far the
journal is: what is committed later is sent by a feed that knows of it, and the snapshot has what is
committed earlier (`bursa.market_data.subscriptions`). So nothing waits for another record. The last
few seconds of records are kept, unopened, and those that the subscriber's snapshot may not hold are
sent as well. Without a listener no record is opened at all.

A round sends a channel what all its records changed there in one message, and takes every account's
first connection before any account's second: so who has many connections, or changes much, delays
the others by a little only (`bursa.market_data.conflation`).

A connection that does not take its messages in time is given up: it is told why, and closed, and
the others do not wait for that (`bursa.market_data.sockets`).

A connection ends with its session: one that is looked up after that is sent nothing but why it
ends, and closed.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from bursa.journal.record import EncodedRecord, RecordError, decode_record
from bursa.market_data.channel_changes import channel_changes
from bursa.market_data.channel_sequences import ChannelSequences, Place
from bursa.market_data.channels import Channel
from bursa.market_data.conflation import conflated
from bursa.market_data.listeners import TenantListeners
from bursa.market_data.live_markets import LiveMarkets, MarketKey, ShardState
from bursa.market_data.messages import BookLevels, ChannelMessage, MessageEncoder
from bursa.read_models.fold import Definitions, ReadModelChanges, UnprojectableRecord, fold
from bursa.read_models.rows import SubscriptionRow

DEFINITIONS_FRESH_MS = 10_000
# Longer than it takes for a subscriber to be seen, and for the projector to catch up meanwhile.
RECORDS_KEPT_MS = 5_000
RECORDS_KEPT_MAX = 1_000
# The others are sent nothing either, and are next.
CLOSED_PER_LOOKUP_MAX = 100
# One that was too slow is closed meanwhile, and sent nothing; after that it is tried again.
ENDING_MS = 10_000

Listener = tuple[str, str]  # tenant, connection id
# What each listener is sent, by channel key: messages of a channel keep their order.
Messages = Mapping[Listener, Mapping[str, Sequence[bytes]]]
_Bodies = dict[Listener, dict[str, list[bytes]]]
# Channel key -> connection id -> the sequence after which it is to be sent messages.
ChannelListeners = Mapping[str, Mapping[str, int]]


class Subscribers(Protocol):
    """Who listens to what."""

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        """Read how often each tenant of a shard has announced subscriptions, by row."""

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        """Read what a tenant has announced, by number; one that was just counted may be missing."""

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        """Read all subscriptions of a tenant, those announced before among them."""

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        """Drop a connection that is gone, with its subscriptions and those that were heard of."""


class Sent(NamedTuple):
    """Listeners that are gone, that were too slow, and that there was no time for any more.

    Those that were left out are connected still; their clients see that something is missing.
    """

    gone: Collection[Listener] = frozenset()
    slow: Collection[Listener] = frozenset()
    left_out: Collection[Listener] = frozenset()


class Outbox(Protocol):
    """Sends messages to connections."""

    def send(self, messages: Messages) -> Sent:
        """Send each listener the messages of each channel in order."""

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages; wait for none of them."""


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
    ended
        Connections that were closed because their session is over.
    too_slow
        Connections that were closed because they did not take their messages in time.
    left_out
        Connections that were not sent everything, because the round had taken its time.

    """

    messages: int = 0
    newest_ms: int = 0
    unreadable: int = 0
    ended: int = 0
    too_slow: int = 0
    left_out: int = 0


class Feeds:
    """Publishes the records of all shards, each shard's by a feed of its own."""

    def __init__(self, open_feed: Callable[[int], "ShardFeed"]) -> None:
        self._open_feed = open_feed
        self._feeds: dict[int, ShardFeed] = {}

    def publish(self, records: Iterable[EncodedRecord]) -> Published:
        """Send what new records state to everyone who listens."""
        by_shard: dict[int, list[EncodedRecord]] = {}
        for record in records:
            by_shard.setdefault(record.shard, []).append(record)
        done = [self._feed(shard).publish(batch) for shard, batch in by_shard.items()]
        return Published(
            sum(one.messages for one in done),
            max((one.newest_ms for one in done), default=0),
            sum(one.unreadable for one in done),
            sum(one.ended for one in done),
            sum(one.too_slow for one in done),
            sum(one.left_out for one in done),
        )

    def _feed(self, shard: int) -> "ShardFeed":
        feed = self._feeds.get(shard)
        if feed is None:
            feed = self._feeds[shard] = self._open_feed(shard)
        return feed


class ShardFeed:
    """Publishes one shard's records.

    Parameters
    ----------
    state
        The shard's read models, and the journal behind them.
    encode
        Writes a message in the dialect of the listeners.
    now_ms
        Reads the time, UTC milliseconds.
    shard
        Number of the shard.
    farewell
        What a connection is sent when its session is over.
    too_slow
        What one is sent when it does not take its messages in time.

    """

    def __init__(
        self,
        state: ShardState,
        subscribers: Subscribers,
        outbox: Outbox,
        encode: MessageEncoder,
        now_ms: Callable[[], int],
        *,
        shard: int = 0,
        farewell: Sequence[bytes] = (),
        too_slow: Sequence[bytes] = (),
    ) -> None:
        self._shard = shard
        self._too_slow = too_slow
        self._farewell = farewell
        self._read_definitions = state.definitions
        self._subscribers = subscribers
        self._outbox = outbox
        self._encode = encode
        self._now_ms = now_ms
        self._definitions = Definitions()
        self._definitions_at_ms = -DEFINITIONS_FRESH_MS
        self._live = LiveMarkets(state, self._open, now_ms)
        self._listeners: dict[str, TenantListeners] = {}
        self._ending: dict[str, int] = {}
        self._recent: deque[tuple[int, EncodedRecord]] = deque(maxlen=RECORDS_KEPT_MAX)
        self._last_sequence = 0
        self._channel_sequences = ChannelSequences()
        # Of the tenants of new subscribers: when they were concerned last before that.
        self._concerned: dict[str, Place] = {}
        self._unreadable = 0
        self._ended = 0
        self._too_slow_count = 0

    def publish(self, records: Iterable[EncodedRecord]) -> Published:
        """Send what new records state to everyone who listens.

        After any error the same records may come again, and they are then published whole.
        """
        before = self._last_sequence
        try:
            return self._publish(records)
        except BaseException:
            self._last_sequence = before
            self._live.lose()
            # How far each channel got is not known; a new start names a sequence that is too high
            # rather than too low, so that a client sees a loss.
            self._channel_sequences = ChannelSequences()
            raise

    def _publish(self, records: Iterable[EncodedRecord]) -> Published:
        self._unreadable = self._ended = self._too_slow_count = 0
        self._concerned.clear()
        now_ms = self._now_ms()
        position = self._last_sequence
        fresh = self._not_seen(records)
        messages: _Bodies = {}
        added = self._refresh(now_ms)
        for tenant, place in self._concerned.items():
            self._channel_sequences.subscribed(tenant, place)
        everyone = {tenant: known.by_channel for tenant, known in self._listeners.items()}
        self._follow_markets(everyone, fresh[0].first_sequence - 1 if fresh else position)
        if added and self._recent:
            self._catch_up(added, messages)
        if any(everyone.values()):
            self._address(fresh, everyone, messages, self._channel_sequences, are_fresh=True)
            self._address_markets(everyone, added, messages)
        elif fresh:
            self._channel_sequences.pass_over(fresh[-1].last_sequence)
        self._keep(fresh, now_ms)
        left_out = 0
        if messages:
            sent_to = self._outbox.send(self._in_turn(messages))
            for tenant, connection_id in sent_to.gone:
                self._drop(tenant, connection_id)
            self._end(sent_to.slow, now_ms)
            left_out = len(sent_to.left_out)
        newest_ms = fresh[-1].time_ms if messages and fresh else 0
        sent = sum(len(bodies) for channels in messages.values() for bodies in channels.values())
        return Published(
            sent, newest_ms, self._unreadable, self._ended, self._too_slow_count, left_out
        )

    def _in_turn(self, messages: Messages) -> Messages:
        """Return the messages with each account's first connection before any account's second."""
        places: Counter[str] = Counter()
        turns: list[tuple[int, Listener]] = []
        for listener in messages:
            account = self._listeners[listener[0]].accounts[listener[1]]
            turns.append((places[account], listener))
            places[account] += 1
        return {listener: messages[listener] for _, listener in sorted(turns)}

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
        """Look up listeners where that is due; return those that are new, by tenant."""
        if now_ms - self._definitions_at_ms >= DEFINITIONS_FRESH_MS:
            self._definitions = self._read_definitions()
            self._definitions_at_ms = now_ms
        added: dict[str, dict[str, dict[str, int]]] = {}
        for tenant, counted in self._subscribers.announcements(self._shard).items():
            known = self._listeners.get(tenant)
            if known is not None and known.is_fresh(now_ms):
                new = self._read_announced(tenant, known, counted, now_ms)
            else:
                new = self._read_all(tenant, known, counted, now_ms)
            for row in new:
                of_tenant = added.setdefault(tenant, {})
                of_tenant.setdefault(row.channel, {})[row.connection_id] = row.since
                if row.moment is not None:
                    self._concerned[tenant] = Place(row.since, row.moment)
        return added

    def _read_all(
        self, tenant: str, known: TenantListeners | None, counted: Mapping[int, int], now_ms: int
    ) -> list[SubscriptionRow]:
        """Read all of a tenant's subscriptions; return those that are new."""
        current = TenantListeners(now_ms, dict(counted))
        self._ending = {name: at for name, at in self._ending.items() if at > now_ms}
        ended: set[str] = set()
        new: list[SubscriptionRow] = []
        for row in self._subscribers.subscriptions(tenant):
            if row.expires_at * 1_000 <= now_ms:
                ended.add(row.connection_id)
            elif row.connection_id in self._ending:
                continue
            elif current.add(row) and not (known and known.knows(row)):
                new.append(row)
        current.closed = self._close(ended, frozenset() if known is None else known.closed)
        self._listeners[tenant] = current
        return new

    def _read_announced(
        self, tenant: str, known: TenantListeners, counted: Mapping[int, int], now_ms: int
    ) -> list[SubscriptionRow]:
        """Read what a tenant has announced meanwhile; return what of it is new."""
        new: list[SubscriptionRow] = []
        for row, numbers in known.unseen(counted):
            found = self._subscribers.announced(tenant, row, min(numbers), max(numbers))
            known.saw(row, numbers, found)
            for number in sorted(numbers & found.keys()):
                lasting = (
                    one
                    for one in found[number]
                    if one.expires_at * 1_000 > now_ms and one.connection_id not in self._ending
                )
                new += [one for one in lasting if known.add(one)]
        return new

    def _close(self, ended: set[str], closed: frozenset[str]) -> frozenset[str]:
        """Close connections whose sessions are over; return those of them that were closed.

        Their rows go when the gateway reports the end, or by themselves.
        """
        closing = sorted(ended - closed)[:CLOSED_PER_LOOKUP_MAX]
        if closing:
            self._outbox.end(closing, self._farewell)
        self._ended += len(closing)
        return closed & ended | set(closing)

    def _end(self, slow: Collection[Listener], now_ms: int) -> None:
        """Close connections that do not take their messages in time.

        The gateway reports the end, and their rows go. Those that can't be closed are tried again
        after `ENDING_MS`: sent to at once they would hold threads while they are being closed.
        """
        if slow:
            self._outbox.end([connection_id for _, connection_id in slow], self._too_slow)
        self._too_slow_count += len(slow)
        for tenant, connection_id in slow:
            self._ending[connection_id] = now_ms + ENDING_MS
            self._listeners[tenant].remove(connection_id)

    def _drop(self, tenant: str, connection_id: str) -> None:
        known = self._listeners[tenant]
        heard = [key for key, ids in known.by_channel.items() if connection_id in ids]
        self._subscribers.forget(known.accounts[connection_id], connection_id, heard)
        known.remove(connection_id)

    # --- what they are sent -----------------------------------------------------------------------

    def _catch_up(self, added: Mapping[str, ChannelListeners], messages: _Bodies) -> None:
        """Add what new listeners are to be sent of the records that are kept."""
        positions = [
            since
            for listeners in added.values()
            for connections in listeners.values()
            for since in connections.values()
        ]
        held = min(positions)
        later = [record for _, record in self._recent if record.last_sequence > held]
        sequences = ChannelSequences()
        for tenant, place in self._concerned.items():
            sequences.subscribed(tenant, place)
        self._address(later, added, messages, sequences)
        # Records that were passed over while there was no listener are known now.
        if later and sequences.known_from < self._channel_sequences.known_from:
            self._channel_sequences = sequences

    def _address(
        self,
        records: Iterable[EncodedRecord],
        listeners: Mapping[str, ChannelListeners],
        messages: _Bodies,
        sequences: ChannelSequences,
        *,
        are_fresh: bool = False,
    ) -> None:
        """Add what each listener is to be sent of some records; of fresh ones markets are told."""
        heard: dict[tuple[str, str], list[ChannelMessage]] = {}
        for record in records:
            for message in self._messages(record, sequences, is_fresh=are_fresh):
                connections = listeners.get(message.tenant, {}).get(message.channel.key, {})
                if connections and message.sequence > min(connections.values()):
                    heard.setdefault((message.tenant, message.channel.key), []).append(message)
        for (tenant, channel), of_channel in heard.items():
            for message in conflated(of_channel):
                connections = listeners[tenant][channel]
                behind = [name for name, since in connections.items() if message.sequence > since]
                if behind:
                    self._put(self._with_best(message), behind, messages)

    def _put(self, message: ChannelMessage, connections: Iterable[str], messages: _Bodies) -> None:
        """Add a message to what connections are to be sent."""
        bodies, key = self._encode(message), message.channel.key
        for connection_id in connections:
            of_connection = messages.setdefault((message.tenant, connection_id), {})
            of_connection.setdefault(key, []).extend(bodies)

    def _with_best(self, message: ChannelMessage) -> ChannelMessage:
        """Add a book's best levels, where they are known."""
        facts, market = message.facts, (message.tenant, message.channel.subject)
        if not isinstance(facts, BookLevels):
            return message
        best = self._live.best_levels(market, message.sequence)
        return replace(message, facts=replace(facts, best=best))

    def _follow_markets(self, listeners: Mapping[str, ChannelListeners], position: int) -> None:
        """Follow the markets of which somebody is told more than what a record changed."""
        wanted: set[MarketKey] = set()
        for tenant, by_channel in listeners.items():
            heard = (Channel.of_key(key) for key, connections in by_channel.items() if connections)
            wanted |= {(tenant, one.subject) for one in heard if one.is_of_whole_market}
        recent = [record for _, record in self._recent]
        self._live.follow(wanted, self._definitions, position, recent)

    def _address_markets(
        self,
        listeners: Mapping[str, ChannelListeners],
        added: Mapping[str, ChannelListeners],
        messages: _Bodies,
    ) -> None:
        """Add what listeners are told of whole markets."""
        for message, connections in self._live.messages(listeners, added):
            self._put(message, connections, messages)

    def _messages(
        self, record: EncodedRecord, sequences: ChannelSequences, *, is_fresh: bool
    ) -> Iterator[ChannelMessage]:
        changes = self._open(record)
        if changes is None:
            sequences.pass_over(record.last_sequence)
            if is_fresh:
                self._live.lose()
            return
        if is_fresh:
            self._live.apply(changes)
        sequences.follow(record.first_sequence, record.last_sequence)
        for change in channel_changes(changes):
            place = Place(change.sequence, record.time_ms)
            yield ChannelMessage(
                change.tenant,
                change.channel,
                change.sequence,
                record.time_ms,
                sequences.replace((change.tenant, change.channel.key), place),
                record.epoch,
                change.facts,
            )

    def _open(self, encoded: EncodedRecord) -> ReadModelChanges | None:
        try:
            record = decode_record(encoded)
            try:
                changes = fold([record], self._definitions)
            except UnprojectableRecord:
                self._definitions = self._read_definitions()
                changes = fold([record], self._definitions)
        except (RecordError, UnprojectableRecord):
            self._unreadable += 1
            return None
        self._definitions = changes.definitions
        return changes
