"""What listeners receive, and that nothing falls between a snapshot and the first update."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bursa.dialects.native.feed_messages import encode_message, token_expired, too_slow
from bursa.journal.record import EncodedRecord, JournalRecord, decode_record
from bursa.market_data import feed
from bursa.market_data.feed import (
    CLOSED_PER_LOOKUP_MAX,
    ENDING_MS,
    RECORDS_KEPT_MS,
    Feeds,
    Listener,
    Messages,
    Sent,
    ShardFeed,
)
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.rows import SubscriptionRow
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records

BOOK, TRADES = "book:BTC-USDT", "trades:BTC-USDT"
ALICES_ORDERS, BOBS_ORDERS = "orders:t1-1", "orders:t1-2"
ALICES_BALANCES = "balances:t1-1"


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
    ) -> None:
        rows = [
            SubscriptionRow("t1", name, connection_id, since, until_s, account) for name in channels
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
        self.definitions_read = 0
        self.feeds = self.new_process()

    def new_process(self) -> Feeds:
        return Feeds(
            lambda _: ShardFeed(
                self.definitions,
                self.audience,
                self.audience,
                encode_message,
                lambda: self.now_ms,
                farewell=[token_expired()],
                too_slow=[too_slow()],
            )
        )

    def definitions(self) -> Definitions:
        self.definitions_read += 1
        return self.tables.definitions()

    def run(
        self, *commands: bytes, client_order_ids: dict[int, str] | None = None
    ) -> EncodedRecord:
        record = self.shard.run(*commands, client_order_ids=client_order_ids)
        self.feeds.publish([record])
        return record


@pytest.fixture
def broadcast() -> Broadcast:
    return Broadcast()


def test_book_update_states_levels(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    placed = broadcast.run(buy(ALICE, 23_512, 150), buy(ALICE, 23_500, 1), sell(BOB, 23_600, 5))
    broadcast.run(sell(BOB, 23_512, 150))

    first, second = broadcast.audience.received["a"]
    assert first == {
        "type": "update",
        "channel": "book:BTC-USDT",
        "sequence": placed.last_sequence,
        "previous_sequence": placed.first_sequence - 1,
        "epoch": 1,
        "time_ms": placed.time_ms,
        "data": {
            "bids": [["235.12", "0.0000015"], ["235", "0.00000001"]],
            "asks": [["236", "0.00000005"]],
        },
    }
    assert second["data"] == {"bids": [["235.12", "0"]], "asks": []}


def test_trades_name_the_takers_side(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", TRADES)
    broadcast.run(buy(ALICE, 100, 10))
    broadcast.run(sell(BOB, 100, 4), sell(BOB, 100, 1))

    (message,) = broadcast.audience.received["a"]
    assert [(t["trade_id"], t["price"], t["quantity"], t["side"]) for t in message["data"]] == [
        ("1", "1", "0.00000004", "sell"),
        ("2", "1", "0.00000001", "sell"),
    ]


def test_orders_and_balances_go_to_their_account_alone(broadcast: Broadcast) -> None:
    broadcast.audience.listen("alice", ALICES_ORDERS, ALICES_BALANCES)
    broadcast.audience.listen("bob", BOBS_ORDERS)
    broadcast.run(buy(ALICE, 100, 10), client_order_ids={0: "mine"})
    broadcast.run(sell(BOB, 100, 4))

    placed, reserved, filled, settled = broadcast.audience.received["alice"]
    (order,) = placed["data"]
    assert (placed["channel"], order["client_order_id"], order["status"]) == (
        "orders",
        "mine",
        "open",
    )
    assert reserved["data"][0] | {"asset": "USDT", "held": "0.0000001"} == reserved["data"][0]
    (order,) = filled["data"]
    assert (order["status"], order["filled_quantity"], order["close_reason"]) == (
        "partially_filled",
        "0.00000004",
        None,
    )
    assert [(fill["role"], fill["quantity"]) for fill in order["fills"]] == [
        ("maker", "0.00000004")
    ]
    assert {balance["asset"] for balance in settled["data"]} == {"BTC", "USDT"}
    (of_bob,) = broadcast.audience.received["bob"]
    assert of_bob["data"][0]["fills"][0]["role"] == "taker"


def test_record_is_published_once(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    record = broadcast.run(buy(ALICE, 100, 1))
    broadcast.feeds.publish([record])
    broadcast.feeds.publish(broadcast.shard.records)
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", record.last_sequence)]


def test_records_out_of_order_in_a_batch_are_sent_in_order(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    records = [broadcast.shard.run(buy(ALICE, price, 1)) for price in (100, 101, 102)]
    broadcast.feeds.publish(reversed(records))
    (update,) = broadcast.audience.received["a"]
    assert update["sequence"] == records[-1].last_sequence
    assert [level[0] for level in update["data"]["bids"]] == ["1.02", "1.01", "1"]


def test_what_several_records_changed_on_a_channel_is_one_message(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK, TRADES, ALICES_ORDERS, ALICES_BALANCES)
    before = broadcast.run(buy(ALICE, 90, 1))
    broadcast.audience.received.clear()
    records = [
        broadcast.shard.run(*commands)
        for commands in ([buy(ALICE, 100, 1)], [sell(BOB, 100, 1)], [buy(ALICE, 95, 2)])
    ]
    broadcast.feeds.publish(records)

    updates = {one["channel"]: one for one in broadcast.audience.received["a"]}
    assert len(broadcast.audience.received["a"]) == len(updates) == 4
    assert [level for level in updates[BOOK]["data"]["bids"] if level[1] == "0"]
    assert len(updates[TRADES]["data"]) == 1
    statuses = [order["status"] for order in updates["orders"]["data"]]
    assert statuses == ["open", "filled", "open"]
    assert len({one["asset"] for one in updates["balances"]["data"]}) == len(
        updates["balances"]["data"]
    )
    for name in (BOOK, "orders", "balances"):
        assert updates[name]["previous_sequence"] == before.last_sequence
        assert updates[name]["sequence"] == records[-1].last_sequence


def test_every_accounts_first_connection_comes_before_anybodys_second(
    broadcast: Broadcast,
) -> None:
    for number in range(3):
        broadcast.audience.listen(f"heavy{number}", BOOK)
    broadcast.audience.listen("other", BOOK, account="t1-2")
    broadcast.run(buy(ALICE, 100, 1))

    assert list(broadcast.audience.received)[:2] == ["heavy0", "other"]


def test_no_listener_costs_one_lookup_a_second(broadcast: Broadcast) -> None:
    for _ in range(5):
        broadcast.run(buy(ALICE, 100, 1))
    assert broadcast.audience.lookups == 1
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 100, 1))
    assert broadcast.audience.lookups == 2


def test_new_listener_misses_nothing_since_its_snapshot(broadcast: Broadcast) -> None:
    broadcast.run(buy(ALICE, 100, 1))
    in_snapshot = broadcast.run(buy(ALICE, 101, 1))
    unseen = [broadcast.run(buy(ALICE, price, 1)) for price in (102, 103)]
    broadcast.audience.listen("late", BOOK, since=in_snapshot.last_sequence)
    assert broadcast.audience.heard("late") == []

    seen = broadcast.run(buy(ALICE, 104, 1))

    assert [sequence for _, sequence in broadcast.audience.heard("late")] == [
        unseen[-1].last_sequence,
        seen.last_sequence,
    ]
    assert broadcast.audience.received["late"][0]["previous_sequence"] <= in_snapshot.last_sequence


def test_listeners_are_read_once_a_second_and_what_is_announced_once(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    for price in range(100, 110):
        broadcast.run(buy(ALICE, price, 1))
    assert broadcast.audience.lookups == 1
    broadcast.audience.listen("b", BOOK)
    heard = broadcast.run(buy(ALICE, 110, 1))
    broadcast.run()
    assert (broadcast.audience.lookups, broadcast.audience.looked_up) == (1, 1)
    assert broadcast.audience.heard("b")[-1] == (BOOK, heard.last_sequence)
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 111, 1))
    assert (broadcast.audience.lookups, broadcast.audience.looked_up) == (2, 1)


def test_a_new_listener_has_only_those_records_opened_that_its_snapshot_may_lack(
    broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    broadcast.audience.listen("a", BOOK)
    last = [broadcast.run(buy(ALICE, 100 + number, 1)) for number in range(50)][-2].last_sequence
    opened: list[int] = []

    def decode(record: EncodedRecord) -> JournalRecord:
        opened.append(record.number)
        return decode_record(record)

    monkeypatch.setattr(feed, "decode_record", decode)
    for _ in range(10):
        broadcast.audience.listen("again", BOOK, since=last)
        broadcast.run()
        last += 1

    assert len(opened) <= 3 * 10


def test_listener_that_adds_a_channel_gets_the_others_once(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.audience.listen("a", ALICES_ORDERS)
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 101, 1))

    heard = broadcast.audience.heard("a")
    assert len(heard) == len(set(heard)) == 4


def test_snapshot_ahead_of_the_feed_silences_what_it_holds(broadcast: Broadcast) -> None:
    first = broadcast.shard.run(buy(ALICE, 100, 1))
    second = broadcast.shard.run(buy(ALICE, 101, 1))
    broadcast.audience.listen("a", BOOK, since=first.last_sequence)
    broadcast.feeds.publish([first, second])
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", second.last_sequence)]


def test_old_records_are_not_kept(broadcast: Broadcast) -> None:
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.now_ms += RECORDS_KEPT_MS + 1
    broadcast.run()
    broadcast.audience.listen("a", BOOK)
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run()
    assert broadcast.audience.heard("a") == []


def test_records_that_no_one_listened_to_are_not_vouched_for(broadcast: Broadcast) -> None:
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.now_ms += RECORDS_KEPT_MS + 1
    unheard = broadcast.run(buy(ALICE, 100, 1))
    broadcast.now_ms += RECORDS_KEPT_MS + 1
    kept = broadcast.run()
    broadcast.audience.listen("a", BOOK)
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 101, 1))

    (message,) = broadcast.audience.received["a"]
    assert unheard.last_sequence <= message["previous_sequence"] < kept.last_sequence


def test_message_names_the_one_before_it_on_its_channel(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK, TRADES)
    broadcast.run(buy(ALICE, 100, 9))
    broadcast.run(sell(BOB, 100, 1))
    broadcast.run(sell(BOB, 100, 1), sell(BOB, 101, 1))
    heard = broadcast.audience.received["a"]
    book = [one for one in heard if one["channel"] == BOOK]
    trades = [one for one in heard if one["channel"] == TRADES]

    assert [one["previous_sequence"] for one in book[1:]] == [one["sequence"] for one in book[:-1]]
    assert trades[1]["previous_sequence"] == trades[0]["sequence"]


def test_message_carries_the_epoch_of_its_writer(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.shard.epoch = 2
    broadcast.run(buy(ALICE, 101, 1))

    first, second = broadcast.audience.received["a"]
    assert [first["epoch"], second["epoch"]] == [1, 2]
    assert second["previous_sequence"] == first["sequence"]


def test_each_shard_is_followed_by_a_feed_of_its_own(broadcast: Broadcast) -> None:
    other = Shard(number=7, tenant=2)
    broadcast.audience.listen("a", BOOK)
    opened: list[int] = []

    def open_feed(shard: int) -> ShardFeed:
        opened.append(shard)
        return ShardFeed(
            broadcast.definitions,
            broadcast.audience,
            broadcast.audience,
            encode_message,
            lambda: broadcast.now_ms,
        )

    feeds = Feeds(open_feed)
    records = [shard.run(buy(ALICE, 100, 1)) for shard in (broadcast.shard, other)]
    published = feeds.publish([*records, *records])
    feeds.publish([broadcast.shard.run(buy(ALICE, 101, 1)), other.run()])

    assert opened == [0, 7]
    assert published.unreadable == 0
    first, second = broadcast.audience.received["a"]
    assert second["previous_sequence"] == first["sequence"]


def test_connection_ends_with_its_session(broadcast: Broadcast) -> None:
    broadcast.audience.listen("short", BOOK, ALICES_ORDERS, until_s=10)
    broadcast.audience.listen("long", BOOK)
    broadcast.now_ms = 9_999
    broadcast.run(buy(ALICE, 100, 1))
    assert broadcast.audience.closed == {}

    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    record = broadcast.shard.run(buy(ALICE, 101, 1))
    published = broadcast.feeds.publish([record])

    assert published.ended == 1
    assert broadcast.audience.closed == {"short": [token_expired()]}
    assert len(broadcast.audience.heard("short")) == 2
    assert len(broadcast.audience.heard("long")) == 2

    # Its rows may stay for a while; it is not closed a second time.
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    assert broadcast.feeds.publish([broadcast.shard.run(buy(ALICE, 102, 1))]).ended == 0
    assert len(broadcast.audience.heard("short")) == 2


def test_many_sessions_that_end_at_once_do_not_hold_the_others_up(broadcast: Broadcast) -> None:
    for number in range(CLOSED_PER_LOOKUP_MAX + 30):
        broadcast.audience.listen(f"short-{number}", BOOK, until_s=10)
    broadcast.audience.listen("long", BOOK)
    broadcast.now_ms = 10_000
    ended = []
    for price in range(100, 103):
        ended.append(broadcast.feeds.publish([broadcast.shard.run(buy(ALICE, price, 1))]).ended)
        broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    assert ended == [CLOSED_PER_LOOKUP_MAX, 30, 0]
    assert set(broadcast.audience.received) == {"long"}
    assert len(broadcast.audience.closed) == CLOSED_PER_LOOKUP_MAX + 30


def test_connection_that_is_gone_is_forgotten_and_no_longer_tried(broadcast: Broadcast) -> None:
    broadcast.audience.listen("gone", BOOK)
    broadcast.audience.listen("here", BOOK)
    broadcast.audience.gone.add("gone")

    broadcast.run(buy(ALICE, 100, 1))
    broadcast.run(buy(ALICE, 101, 1))

    assert broadcast.audience.forgotten == [("t1-1", "gone")]
    assert len(broadcast.audience.heard("here")) == 2


def test_connection_that_is_too_slow_is_told_and_sent_nothing_more(broadcast: Broadcast) -> None:
    broadcast.audience.listen("slow", BOOK, TRADES)
    broadcast.audience.listen("here", BOOK)
    broadcast.audience.slow.add("slow")

    published = broadcast.feeds.publish([broadcast.shard.run(buy(ALICE, 100, 1))])
    broadcast.audience.slow.clear()
    # Its rows are read again, also where it announces itself, while it is being closed.
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 101, 1))
    broadcast.audience.listen("slow", BOOK)
    broadcast.run(buy(ALICE, 101, 1))

    assert (published.ended, published.too_slow) == (0, 1)
    assert broadcast.audience.closed == {"slow": [too_slow()]}
    assert len(broadcast.audience.heard("here")) == 3
    assert broadcast.audience.heard("slow") == []
    # The gateway has not reported its end: it may be there still, and is tried again.
    broadcast.now_ms += ENDING_MS
    last = broadcast.run(buy(ALICE, 102, 1))
    assert broadcast.audience.heard("slow")[-1] == (BOOK, last.last_sequence)


def test_unreadable_record_is_passed_over(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    bad = broadcast.shard.run(buy(ALICE, 100, 1))
    good = broadcast.shard.run(buy(ALICE, 101, 1))

    published = broadcast.feeds.publish([replace(bad, body=b""), good])

    assert published.unreadable == 1
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", good.last_sequence)]


def test_market_defined_a_moment_ago_is_known(broadcast: Broadcast) -> None:
    started = broadcast.new_process()
    broadcast.audience.listen("a", BOOK)
    started.publish([broadcast.shard.run(buy(ALICE, 100, 1))])
    assert len(broadcast.audience.heard("a")) == 1
