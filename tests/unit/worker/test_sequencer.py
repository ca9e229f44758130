import random
import struct

import pytest

from bursa.intake.message import Delivery
from bursa.journal.record import RECORD_BYTES_MAX, decode_record
from bursa.journal.replica import Head, Replica
from tests.doubles.deliveries import Sender, asked_for
from tests.doubles.shard import ALICE, BOB, BTC_USDT, Shard, buy, sell
from tests.doubles.toy_engine import ToyEngine
from tests.unit.worker.fakes import NOW_MS, credit, delivery
from wire import codec
from wire import layout as w
from wire.events import Market
from worker.poison import EngineFault, Quarantine
from worker.results import result_offsets, result_reason
from worker.sequencer import InvariantBroken, Sequencer, between_lists


def sequencer_on(engine: ToyEngine, quarantine: Quarantine | None = None) -> Sequencer:
    rng = random.Random(1)
    return Sequencer(
        Replica(engine, Head()), 0, 3, lambda: rng.randbytes(16), quarantine or Quarantine()
    )


def reasons(events: bytes) -> list[int]:
    return [result_reason(events, at) for at in result_offsets(events)[:-1]]


def test_a_record_begins_with_the_time_and_holds_messages_in_order() -> None:
    sequencer = sequencer_on(ToyEngine())
    sequencer.take([delivery(credit(1), credit(2)), delivery(credit(3, number=3))], NOW_MS)
    (encoded,) = sequencer.seal()
    record = decode_record(encoded)

    assert (record.first_sequence, record.last_sequence, record.epoch) == (1, 4, 3)
    assert record.commands == codec.encode_advance_time(NOW_MS) + credit(1) + credit(2) + credit(
        3, number=3
    )
    assert record.client_order_ids == {2: "mine", 4: "mine"}
    assert record.time_ms == NOW_MS


def test_the_time_goes_on_while_a_record_stays_open() -> None:
    sequencer = sequencer_on(ToyEngine())
    for number, after_ms in enumerate((0, 999, 1_000, 1_500)):
        sequencer.take([delivery(credit(1, number=number))], NOW_MS + after_ms)
    (record,) = sequencer.seal()
    commands = codec.decode_commands(decode_record(record).commands)
    ticks = [one.time_ms - NOW_MS for one in commands if one.kind == w.COMMAND_ADVANCE_TIME]
    assert ticks == [0, 1_000]


@pytest.mark.parametrize("state", [w.STATE_AUCTION, w.STATE_OPEN])
def test_a_record_says_what_an_auction_would_trade_with_its_own_orders(state: int) -> None:
    """Nothing more need come in before it is known."""
    shard = Shard()
    shard.run(codec.encode_set_market_state(BTC_USDT, state))
    rng = random.Random(1)
    sequencer = Sequencer(
        Replica(shard.engine, Head.of(shard.records[-1])),
        0,
        3,
        lambda: rng.randbytes(16),
        Quarantine(),
    )
    now_ms = shard.time_ms + 10
    orders = [buy(ALICE, 23_512, 150), sell(BOB, 23_500, 100)]
    sequencer.take(list(Sender().deliveries(orders, now_ms)), now_ms)
    (encoded,) = sequencer.seal()

    record = decode_record(encoded)
    assert sequencer.rejected == []
    told = [one for one in codec.decode_events(record.events) if isinstance(one, Market)]
    expected = [(23_500, 100)] if state == w.STATE_AUCTION else []
    assert [(one.indicative_price, one.indicative_quantity) for one in told] == expected
    assert record.time_ms == now_ms


def test_records_are_chained() -> None:
    sequencer = sequencer_on(ToyEngine())
    sequencer.take([delivery(credit(1))], NOW_MS)
    (first,) = sequencer.seal()
    sequencer.take([delivery(credit(2, number=2))], NOW_MS)
    (second,) = sequencer.seal()

    assert second.previous_hash == first.hash
    assert (second.number, second.first_sequence) == (2, first.last_sequence + 1)


@pytest.mark.parametrize(
    ("clock_ms", "times"),
    [
        pytest.param([0, 0, 0], [0, 1, 2], id="within-one-millisecond"),
        pytest.param([0, 5, 5, 9], [0, 5, 6, 9], id="in-time-again"),
        pytest.param([0, -3_600_000, -3_600_000], [0, 1, 2], id="a-clock-that-goes-back"),
    ],
)
def test_each_record_has_a_time_of_its_own_and_its_engine_too(
    clock_ms: list[int], times: list[int]
) -> None:
    """Clients tell records apart by their times (docs/adr/0073)."""
    sequencer = sequencer_on(ToyEngine())
    told = []
    for number, after_ms in enumerate(clock_ms):
        sequencer.take([delivery(credit(1, number=number))], NOW_MS + after_ms)
        record = decode_record(sequencer.seal()[0])
        tick, *_ = codec.decode_commands(record.commands)
        assert tick.time_ms == record.time_ms
        told.append(record.time_ms - NOW_MS)
    assert told == times


def test_the_record_that_begins_an_epoch_is_later_than_all_before() -> None:
    sequencer = sequencer_on(ToyEngine())
    sequencer.take([delivery(credit(1))], NOW_MS)
    sequencer.seal()
    sequencer.announce("ab" * 16, NOW_MS - 1_000)
    (record,) = sequencer.seal()
    sequencer.tick(NOW_MS - 1_000)
    (after,) = sequencer.seal()
    assert [record.time_ms - NOW_MS, after.time_ms - NOW_MS] == [1, 2]


def test_an_acknowledgement_waits_for_its_last_command() -> None:
    sequencer = sequencer_on(ToyEngine())
    sequencer.take([delivery(credit(1), credit(2, number=2))], NOW_MS)

    assert sequencer.pop_acknowledgements(2) == []
    assert [one.last_sequence for one in sequencer.pop_acknowledgements(3)] == [3]


def test_a_reply_holds_its_own_messages_events() -> None:
    sequencer = sequencer_on(ToyEngine())
    sequencer.take(
        [
            delivery(credit(1, number=1), message_id="a" * 32),
            delivery(credit(2, number=2), credit(3, number=3), message_id="b" * 32, reply=True),
            delivery(credit(4, number=4), message_id="c" * 32, reply=True),
        ],
        NOW_MS,
    )
    silent, pair, single = sequencer.pop_acknowledgements(9)

    assert silent.reply is None
    assert pair.reply is not None
    assert single.reply is not None
    assert len(result_offsets(pair.reply.events)) - 1 == 2
    assert (pair.reply.last_sequence, single.reply.last_sequence) == (4, 5)
    assert not pair.reply.repeated


def test_a_reply_to_a_repeated_message_is_marked() -> None:
    sequencer = sequencer_on(ToyEngine())
    once = delivery(credit(1, number=1), message_id="a" * 32, reply=True)
    sequencer.take([once, once], NOW_MS)
    first, second = (one.reply for one in sequencer.pop_acknowledgements(9))

    assert first is not None
    assert second is not None
    assert (first.repeated, second.repeated) == (False, True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("not json", id="not JSON"),
        pytest.param('{"message_id":1}', id="wrong types"),
        pytest.param('{"message_id":"a","account":1,"commands":"AAAA"}', id="half a command"),
        pytest.param('{"message_id":"a","account":1,"commands":""}', id="no command"),
        pytest.param('{"message_id":"a","account":1' + "0" * 400 + ',"commands":""}', id="10^400"),
        pytest.param("[" * 100_000, id="deep nesting"),
        pytest.param(delivery(codec.encode_advance_time(9)).body, id="the worker's own command"),
    ],
)
def test_what_cant_be_read_becomes_one_rejection_and_the_group_continues(body: str) -> None:
    sequencer = sequencer_on(ToyEngine())
    poison = Delivery(body, "r", "t1-12", "ab" * 16)
    sequencer.take([poison, delivery(credit(1))], NOW_MS)
    record = decode_record(sequencer.seal()[0])

    rejected = record.commands[w.COMMAND_BYTES : 2 * w.COMMAND_BYTES]
    assert rejected[:8] == w.COMMAND_REJECT.to_bytes(8, "little")
    account_at = w.HEADER_ACCOUNT * w.WORD_BYTES
    assert rejected[account_at : account_at + 8] == (1 << 32 | 12).to_bytes(8, "little")
    assert reasons(record.events) == [0, w.REASON_MALFORMED_COMMAND, 0]
    assert len(sequencer.pop_acknowledgements(3)) == 2


def random_credit(rng: random.Random, high: int, low: int) -> bytes:
    body_words = w.COMMAND_LENGTH - w.HEADER_LENGTH
    body = [rng.getrandbits(62) for _ in range(body_words)]
    credit = codec.encode(
        w.COMMAND_CREDIT, 1 << 32 | 1, *body, command_id=(high, low), time_ms=NOW_MS
    )
    return asked_for(credit)


def test_a_record_closes_before_it_outgrows_its_size() -> None:
    sequencer = sequencer_on(ToyEngine())
    rng = random.Random(2)

    for number in range(400):
        wild = random_credit(rng, rng.getrandbits(60), number)
        sequencer.take([delivery(*[wild] * 3)], NOW_MS)
        if not sequencer.room:
            break
    stored = sequencer.seal()

    assert sum(len(record.body) for record in stored) > RECORD_BYTES_MAX * 0.2
    assert all(len(record.body) <= RECORD_BYTES_MAX for record in stored)


def test_what_is_too_large_all_the_same_is_split_between_commands() -> None:
    sequencer = sequencer_on(ToyEngine())
    rng = random.Random(2)
    wild = [random_credit(rng, 9, number) for number in range(1500)]
    for start in range(0, len(wild), 50):
        sequencer.take([delivery(*wild[start : start + 50])], NOW_MS)
    records = sequencer.seal()

    assert len(records) > 1
    assert all(len(record.body) <= RECORD_BYTES_MAX for record in records)
    replica = Replica(ToyEngine(), Head())
    for record in records:
        replica.follow(record)
    assert replica.head.last_sequence == 1501
    assert sum(len(decode_record(record).client_order_ids) for record in records) == 30


PLAIN = buy(ALICE, 90, 1)
LIST = codec.encode_list(PLAIN, PLAIN, PLAIN)


@pytest.mark.parametrize(
    ("commands", "half", "split"),
    [
        (PLAIN * 4, 2, 2),
        (LIST + PLAIN, 2, 3),
        (PLAIN + LIST, 2, 1),
        (PLAIN * 2 + LIST + PLAIN * 2, 3, 2),
        (LIST * 2, 3, 3),
        # One list alone has no other way.
        (LIST, 1, 1),
    ],
)
def test_a_list_is_not_split_over_records(commands: bytes, half: int, split: int) -> None:
    assert between_lists(commands, half) == split


LEVEL = w.EVENT_LEVEL << w.EVENT_KIND_SHIFT
MEGABYTES = b"".join(struct.pack("<2q", LEVEL | price, price) for price in range(1, 250_001))


class TalkativeEngine(ToyEngine):
    """Emits megabytes of events for a credit of 666."""

    def apply(self, commands: bytes) -> bytes:
        events = super().apply(commands)
        if commands == credit(666, number=666):
            events += MEGABYTES
        return events


def test_a_command_that_emits_megabytes_leaves_room_for_the_next() -> None:
    sequencer = sequencer_on(TalkativeEngine())
    for _ in range(20):
        sequencer.take([delivery(credit(666, number=666))], NOW_MS)
        assert sequencer.room == 0
        sequencer.seal()
        assert sequencer.room >= 1
    for number in range(60):
        sequencer.take([delivery(credit(1, number=number))], NOW_MS)
        sequencer.seal()
    assert sequencer.room > 50


def test_a_command_that_makes_the_engine_raise_is_found_and_rejected() -> None:
    quarantine = Quarantine()
    messages = [
        delivery(credit(1, number=1), message_id="a" * 32),
        delivery(credit(2, number=2), credit(13, number=3), message_id="b" * 32),
        delivery(credit(4, number=4), message_id="c" * 32),
    ]

    def attempt() -> Sequencer:
        engine = ToyEngine()
        engine.raise_on = {13}
        sequencer = sequencer_on(engine, quarantine)
        sequencer.take(messages, NOW_MS)
        return sequencer

    for _ in range(2):
        with pytest.raises(EngineFault):
            attempt()
    record = decode_record(attempt().seal()[0])

    assert reasons(record.events) == [0, 0, 0, w.REASON_INTERNAL_ERROR, 0]


def test_books_that_do_not_add_up_stop_everything() -> None:
    engine = ToyEngine()
    engine.breach_at = 2
    sequencer = sequencer_on(engine)

    with pytest.raises(InvariantBroken) as caught:
        sequencer.take([delivery(credit(1))], NOW_MS)
    assert caught.value.commands == credit(1)
    assert caught.value.first_sequence == 2
