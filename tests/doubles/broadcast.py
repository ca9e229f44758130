"""A shard's feed, and who listens to it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bursa.dialects.native.feed_messages import token_expired, too_slow
from bursa.journal.record import EncodedRecord
from bursa.market_data.feed import Feeds, Listener, Messages, Sent, ShardFeed
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.rows import SubscriptionRow
from tests.doubles.ids import encode_for_clients
from tests.doubles.shard import Shard, stream_records
from tests.doubles.shard_state import MemoryShardState


class Audience:
    """Subscribers and their sockets."""

    def __init__(self) -> None:
        self.rows: list[SubscriptionRow] = []
        self.lookups = 0
        self.entries: list[Sequence[SubscriptionRow]] = []
        self.looked_up = 0
        self.received: dict[str, list[dict[str, Any]]] = {}
        self.gone: set[str] = set()
        self.slow: set[str] = set()
        self.forgotten: list[Listener] = []
        self.closed: dict[str, list[bytes]] = {}

    def listen(
        self,
        connection_id: str,
        *channels: str,
        since: int = 0,
        until_s: int = 1 << 33,
        account: str = "t1-1",
        moment: int | None = None,
    ) -> None:
        rows = [
            SubscriptionRow("t1", name, connection_id, since, until_s, account, moment)
            for name in channels
        ]
        self.rows += rows
        self.entries.append(rows)

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        return {"t1": {0: len(self.entries)}}

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        self.looked_up += last + 1 - first
        return {number: self.entries[number - 1] for number in range(first, last + 1)}

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        self.lookups += 1
        return list(self.rows)

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        own = {row.channel for row in self.rows if row.connection_id == connection_id}
        assert own == set(heard)
        self.forgotten.append((account, connection_id))
        self.rows = [row for row in self.rows if row.connection_id != connection_id]

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        self.closed |= {name: list(bodies) for name in connection_ids}

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        self.close(connection_ids, bodies)

    def send(self, messages: Messages) -> Sent:
        for (_, connection_id), channels in messages.items():
            if connection_id not in self.gone | self.slow:
                heard = self.received.setdefault(connection_id, [])
                heard += [json.loads(body) for bodies in channels.values() for body in bodies]
        return Sent(
            [listener for listener in messages if listener[1] in self.gone],
            [listener for listener in messages if listener[1] in self.slow],
        )

    def heard(self, connection_id: str) -> list[tuple[str, int]]:
        return [(m["channel"], m["sequence"]) for m in self.received.get(connection_id, [])]


class Broadcast:
    """A shard whose definitions are projected, and the feeds that follow it."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.tables = MemoryTables(0)
        Projector(0, self.shard, self.tables, print).project(stream_records(self.shard.records))
        self.audience = Audience()
        self.now_ms = 0
        self.state = MemoryShardState(self.tables, self.shard)
        self.feeds = self.new_process()

    def new_process(self) -> Feeds:
        return Feeds(
            lambda _: ShardFeed(
                self.state,
                self.audience,
                self.audience,
                encode_for_clients,
                lambda: self.now_ms,
                farewell=[token_expired()],
                too_slow=[too_slow()],
            )
        )

    def run(
        self, *commands: bytes, client_order_ids: dict[int, str] | None = None
    ) -> EncodedRecord:
        record = self.shard.run(*commands, client_order_ids=client_order_ids)
        self.feeds.publish([record])
        return record
