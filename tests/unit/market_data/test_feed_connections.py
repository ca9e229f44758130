"""Connections that end: with their session, because they are gone, or too slow."""

from bursa.dialects.native.feed_messages import token_expired, too_slow
from bursa.market_data.feed import CLOSED_PER_LOOKUP_MAX, ENDING_MS
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from tests.doubles.broadcast import Broadcast
from tests.doubles.shard import ALICE, buy
from tests.unit.market_data.test_feed import ALICES_ORDERS, BOOK, TRADES


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
    assert broadcast.audience.heard("slow")[-1] == (BOOK, last.time_ms)
