"""The WebSocket side on virtual time: real subscriptions, limits and feed, over modelled sockets.

Real: `Subscriptions`, `ConnectionLimits`, the handling of messages, and `ShardFeed` on the journal
of the run. Modelled: a handler's own time and how many run at once, and what the gateway takes to
send a message, of which so many are sent at once.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from typing import Any

from bursa.dialects.native.socket_requests import channels_named, handle_request
from bursa.journal.record import EncodedRecord, decode_record
from bursa.kernel.errors import InvalidInput, TooManyRequests
from bursa.kernel.identifiers import AccountId
from bursa.market_data.clients import Client
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.feed import Messages, Sent, ShardFeed
from bursa.market_data.sockets import THREADS, in_lanes
from bursa.market_data.subscriptions import Subscriptions
from bursa.read_models.fold import Definitions, fold
from bursa.read_models.rows import ProgressRow
from bursa.tenants.limits import COUNT_MAX, DEFAULT_LIMITS, TenantLimits
from tests.doubles.buckets import CountingReport, MemoryBuckets
from tests.doubles.channel_states import MemoryConnections
from tests.doubles.ids import PUBLIC_IDS, encode_for_clients
from tests.simulation.services import JournalTable
from tests.simulation.wire import EPOCH_MS
from wire.codec import decode_commands

HANDLER_S = 0.01
HANDLERS_MAX = 50
SEND_S = 0.005
PROJECTED_MS = 50
_FOLLOWED_EVERY_S = 0.02
UNLIMITED = DEFAULT_LIMITS._replace(
    account_connections=COUNT_MAX, tenant_connections=COUNT_MAX, account_subscriptions=COUNT_MAX
)


class ModelStates:
    """Read models that are a little behind the journal, and have no row to show."""

    def __init__(self, journal: JournalTable, now_ms: Callable[[], int]) -> None:
        self._journal = journal
        self._now_ms = now_ms

    def progress(self, shard: int) -> ProgressRow | None:
        before_ms = self._now_ms() - PROJECTED_MS
        for record in reversed(self._journal.order):
            if record.time_ms <= before_ms:
                position = record.last_sequence, record.number, record.time_ms
                return ProgressRow(shard, *position, epoch=record.epoch)
        return None

    def journal_end(self, _shard: int, known: int) -> int:
        return known

    def is_current(self, *_: object) -> bool:
        return True

    def open_orders(self, *_: object) -> list[object]:
        return []

    def balances(self, *_: object) -> list[object]:
        return []


class ModelShardState:
    """What the feed begins with: no read model, so what is in the journal."""

    def __init__(self, journal: JournalTable, definitions: Callable[[], Definitions]) -> None:
        self._journal = journal
        self.definitions = definitions

    def progress(self) -> None:
        """Nothing has been projected."""

    def book(self, *_: object) -> None:
        """Nothing has been projected."""

    def candles(self, *_: object) -> tuple[()]:
        """Nothing has been projected."""
        return ()

    def records(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        for record in self._journal.order:
            if first_sequence <= record.first_sequence <= last_sequence:
                yield record


class Outbox:
    """Counts what is sent."""

    def __init__(self) -> None:
        self.batches: list[Messages] = []

    def send(self, messages: Messages) -> Sent:
        self.batches.append(messages)
        return Sent()

    def end(self, *_: object) -> None:
        """End nothing: no connection is slow in a run."""

    def close(self, *_: object) -> None:
        """Close nothing: no session ends in a run."""


class SocketEdge:
    """Connections, their messages, and the feed that follows the journal."""

    def __init__(self, journal: JournalTable, limits: TenantLimits = DEFAULT_LIMITS) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._handlers = asyncio.Semaphore(HANDLERS_MAX)
        self.connections = MemoryConnections()
        states: Any = ModelStates(journal, self.now_ms)
        self._subscriptions = Subscriptions(self.connections, states, lambda _: 0, lambda _: limits)
        self._limits = ConnectionLimits(
            self.connections,
            lambda _: limits,
            lambda _: True,
            shared=MemoryBuckets(),
            clock=self,
            report=CountingReport(),
        )
        self.lags_s: dict[str, list[float]] = {}
        self.sent = 0

    def now_ms(self) -> int:
        return EPOCH_MS + int(self._loop.time() * 1_000)

    async def connect(self, account: AccountId, name: str, channels: str) -> bool:
        """Connect and subscribe; return whether both were allowed."""
        client = Client(account, name, "user", 1 << 40)
        async with self._handlers:
            await asyncio.sleep(HANDLER_S)
            self._subscriptions.connect(client, self.now_ms())
            try:
                self._limits.require_room(client)
            except TooManyRequests:
                self._subscriptions.disconnect(client)
                return False
        return await self.message(client, f'{{"op":"subscribe","channels":[{channels}]}}')

    async def message(self, client: Client, body: str) -> bool:
        """Send a message; False closes the connection, or refuses what it asked for."""
        async with self._handlers:
            await asyncio.sleep(HANDLER_S)
            if not self._limits.admits_message(client, channels_named(body)):
                self._subscriptions.disconnect(client)
                return False
            try:
                list(handle_request(self._subscriptions, client, body, self.now_ms(), PUBLIC_IDS))
            except InvalidInput:
                return False
            return True

    async def follow(self) -> None:
        """Publish what is committed, and note how late each tenant's listeners got it."""
        outbox, seen = Outbox(), 0
        state = ModelShardState(self._journal, self._definitions)
        feed = ShardFeed(state, self.connections, outbox, encode_for_clients, self.now_ms)
        while True:
            await asyncio.sleep(_FOLLOWED_EVERY_S)
            records, seen = self._journal.order[seen:], len(self._journal.order)
            if not records:
                continue
            feed.publish(records)
            messages = [lane for batch in outbox.batches for lane in in_lanes(batch)]
            outbox.batches.clear()
            self.sent += sum(len(bodies) for _, bodies in messages)
            now_ms, committed_ms = self.now_ms(), _committed_ms(records)
            took_s: dict[str, float] = {}
            threads = [0.0] * THREADS
            for (tenant, _), bodies in messages:
                # As the pool does: who is next is sent to when a thread is free.
                free_s = heapq.heappop(threads) + SEND_S * len(bodies)
                heapq.heappush(threads, free_s)
                took_s[tenant] = max(took_s.get(tenant, 0.0), free_s)
            for tenant, sent_s in took_s.items():
                waited_s = (now_ms - committed_ms.get(tenant, records[0].time_ms)) / 1_000
                self.lags_s.setdefault(tenant, []).append(waited_s + sent_s)
            await asyncio.sleep(max(threads))

    def _definitions(self) -> Definitions:
        definitions = Definitions()
        for record in self._journal.order:
            definitions = fold([decode_record(record)], definitions).definitions
        return definitions


def _committed_ms(records: list[EncodedRecord]) -> dict[str, int]:
    """Return when the first of a tenant's commands among these records was committed."""
    first: dict[str, int] = {}
    for record in records:
        for command in decode_commands(decode_record(record).commands):
            tenant = str(AccountId.from_number(command.account).tenant) if command.account else ""
            first.setdefault(tenant, record.time_ms)
    return first


async def flood(edge: SocketEdge, account: AccountId, seconds: float, connections: int) -> int:
    """Open many connections to the account's channels; send on each ten times what it may."""
    channels = '"orders","balances"'
    opened = 0
    async with asyncio.TaskGroup() as sending:
        for number in range(connections):
            name = f"{account}/{number}"
            opened += await edge.connect(account, name, channels)
            sending.create_task(_ping(edge, Client(account, name, "user", 1 << 40), seconds))
    return opened


async def _ping(edge: SocketEdge, client: Client, seconds: float) -> None:
    every_s = 1 / (10 * DEFAULT_LIMITS.connection_messages.per_s)
    for _ in range(int(seconds / every_s)):
        if (str(client.holder), client.connection_id) not in edge.connections.known:
            return
        await edge.message(client, '{"op":"ping"}')
        await asyncio.sleep(every_s)
