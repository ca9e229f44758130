"""What listeners receive, and that nothing falls between a snapshot and the first update."""

from dataclasses import replace
from zlib import crc32

import pytest

from bursa.journal.record import EncodedRecord, JournalRecord, decode_record
from bursa.market_data import feed
from bursa.market_data.feed import (
    RECORDS_KEPT_MS,
    Feeds,
    ShardFeed,
)
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from tests.doubles.broadcast import Broadcast
from tests.doubles.ids import IDS, encode_for_clients
from tests.doubles.shard import ALICE, BOB, BTC_USDT, Shard, buy, sell
from wire import codec
from wire import layout as w

BOOK, TRADES = "book:BTC-USDT", "trades:BTC-USDT"
ALICES_ORDERS, BOBS_ORDERS = "orders:t1-1", "orders:t1-2"
ALICES_BALANCES = "balances:t1-1"


def test_book_update_states_levels(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    placed = broadcast.run(buy(ALICE, 23_512, 150), buy(ALICE, 23_500, 1), sell(BOB, 23_600, 5))
    broadcast.run(sell(BOB, 23_512, 150))

    first, second = broadcast.audience.received["a"]
    assert first == {
        "type": "update",
        "channel": "book:BTC-USDT",
        "sequence": placed.time_ms,
        "previous_sequence": placed.time_ms - 1,
        "epoch": 1,
        "time_ms": placed.time_ms,
        "data": {
            # Asks first, then bids: price and quantity without the point and leading zeros.
            "checksum": crc32(b"236523512152351"),
            "bids": [["235.12", "0.0000015"], ["235", "0.00000001"]],
            "asks": [["236", "0.00000005"]],
        },
    }
    checksum = crc32(b"23652351")
    assert second["data"] == {"checksum": checksum, "bids": [["235.12", "0"]], "asks": []}


def test_a_book_says_what_its_auction_would_trade(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    tick = codec.encode_advance_time(broadcast.shard.time_ms)
    broadcast.run(codec.encode_set_market_state(BTC_USDT, w.STATE_AUCTION))
    broadcast.run(buy(ALICE, 23_512, 150), sell(BOB, 23_500, 100), tick)
    broadcast.run(buy(ALICE, 23_400, 10), tick)
    broadcast.run(codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN))

    began, crossed, deeper, ended = [one["data"] for one in broadcast.audience.received["a"]]
    none = {"indicative_price": None, "indicative_quantity": "0"}
    assert began == {
        "status": "auction",
        "auction": none,
        "checksum": 0,
        "bids": [],
        "asks": [],
    }
    assert crossed["auction"] == {"indicative_price": "235", "indicative_quantity": "0.000001"}
    # What has not changed is not told again.
    assert deeper.keys() == {"checksum", "bids", "asks"}
    assert (deeper["bids"], deeper["asks"]) == ([["234", "0.0000001"]], [])
    assert (ended["status"], ended["auction"]) == ("open", None)


def test_trades_name_the_takers_side(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", TRADES)
    broadcast.run(buy(ALICE, 100, 10))
    broadcast.run(sell(BOB, 100, 4), sell(BOB, 100, 1))

    (message,) = broadcast.audience.received["a"]
    assert [(t["trade_id"], t["price"], t["quantity"], t["side"]) for t in message["data"]] == [
        (IDS.trade(1), "1", "0.00000004", "sell"),
        (IDS.trade(2), "1", "0.00000001", "sell"),
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
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", record.time_ms)]


def test_records_out_of_order_in_a_batch_are_sent_in_order(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    records = [broadcast.shard.run(buy(ALICE, price, 1)) for price in (100, 101, 102)]
    broadcast.feeds.publish(reversed(records))
    (update,) = broadcast.audience.received["a"]
    assert update["sequence"] == records[-1].time_ms
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
        assert updates[name]["previous_sequence"] == before.time_ms
        assert updates[name]["sequence"] == records[-1].time_ms


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
    held = broadcast.run(buy(ALICE, 101, 1))
    unseen = [broadcast.run(buy(ALICE, price, 1)) for price in (102, 103)]
    broadcast.audience.listen("late", BOOK, since=held.last_sequence, moment=held.time_ms)
    assert broadcast.audience.heard("late") == []

    seen = broadcast.run(buy(ALICE, 104, 1))

    assert [sequence for _, sequence in broadcast.audience.heard("late")] == [
        unseen[-1].time_ms,
        seen.time_ms,
    ]
    assert broadcast.audience.received["late"][0]["previous_sequence"] <= held.time_ms


def test_listeners_are_read_once_a_second_and_what_is_announced_once(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    for price in range(100, 110):
        broadcast.run(buy(ALICE, price, 1))
    assert broadcast.audience.lookups == 1
    broadcast.audience.listen("b", BOOK)
    heard = broadcast.run(buy(ALICE, 110, 1))
    broadcast.run()
    assert (broadcast.audience.lookups, broadcast.audience.looked_up) == (1, 1)
    assert broadcast.audience.heard("b")[-1] == (BOOK, heard.time_ms)
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
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", second.time_ms)]


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
    broadcast.run()
    broadcast.audience.listen("a", BOOK)
    broadcast.now_ms += SUBSCRIBERS_FRESH_MS
    broadcast.run(buy(ALICE, 101, 1))

    (message,) = broadcast.audience.received["a"]
    assert unheard.time_ms <= message["previous_sequence"] < message["sequence"]


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
            broadcast.state,
            broadcast.audience,
            broadcast.audience,
            encode_for_clients,
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


def test_unreadable_record_is_passed_over(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", BOOK)
    bad = broadcast.shard.run(buy(ALICE, 100, 1))
    good = broadcast.shard.run(buy(ALICE, 101, 1))

    published = broadcast.feeds.publish([replace(bad, body=b""), good])

    assert published.unreadable == 1
    assert broadcast.audience.heard("a") == [("book:BTC-USDT", good.time_ms)]


def test_market_defined_a_moment_ago_is_known(broadcast: Broadcast) -> None:
    started = broadcast.new_process()
    broadcast.audience.listen("a", BOOK)
    started.publish([broadcast.shard.run(buy(ALICE, 100, 1))])
    assert len(broadcast.audience.heard("a")) == 1
