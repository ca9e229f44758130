"""Replies and responses to commands whose events are too many for an item or for the API."""

import random
import struct
import zlib
from typing import Any

import pytest

from bursa.intake.outcomes import LISTED_MAX, read_outcomes
from bursa.intake.reply import (
    PLAIN_BYTES_MAX,
    WHOLE_BYTES_MAX,
    ReplyError,
    own_events,
    pack_events,
    unpack_events,
)
from engine.core import Engine
from tests.doubles.exchange import ALICE, BOB, BTC, BTC_USDT, OPENING, Exchange
from tests.doubles.ids import IDS
from tests.unit.conftest import Send
from wire import codec
from wire import layout as w
from wire.codec import decode_events
from wire.events import Order, Result, Trade

ITEM_BYTES_MAX = 400 * 1024
WEALTH = 10**17


def desk() -> Engine:
    engine = Engine()
    engine.apply(b"".join(OPENING))
    engine.apply(codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, 2, WEALTH))
    engine.apply(codec.encode_funds(w.COMMAND_CREDIT, BOB.number, BTC, WEALTH))
    return engine


def buys(count: int, **terms: Any) -> bytes:
    rng = random.Random(1)
    return b"".join(
        codec.encode_place(
            ALICE.number,
            BTC_USDT,
            w.SIDE_BUY,
            20_000_00 + rng.randint(0, 5_000),
            10**5 + rng.randint(1, 10**5),
            **terms,
        )
        for _ in range(count)
    )


def cancel_all() -> bytes:
    return codec.encode_cancel_all(ALICE.number, 0)


def without_maker(trade: Trade) -> Trade:
    return trade._replace(maker_order=0, maker_account=0, maker_fee=0)


def sweep() -> bytes:
    """Sell into everything there is."""
    return codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 20_000_00, 10**12)


@pytest.mark.parametrize("count", [0, 1, 10, 1_000])
def test_of_what_fits_the_callers_events_come_back_as_they_were(count: int) -> None:
    engine = desk()
    engine.apply(buys(count))
    events = engine.apply(cancel_all())

    stored = pack_events(events)

    kept = unpack_events(stored)
    assert kept == own_events(events)
    assert read_outcomes(kept, ALICE.number) == read_outcomes(events, ALICE.number)
    assert (stored == kept) == (len(kept) <= PLAIN_BYTES_MAX)


@pytest.mark.parametrize("count", [4_000, 20_000])
def test_a_cancel_of_too_many_says_how_many_and_names_the_oldest(count: int) -> None:
    engine = desk()
    first = engine.sequence + 1
    engine.apply(buys(count))
    events = engine.apply(cancel_all())
    assert len(events) > WHOLE_BYTES_MAX

    stored = pack_events(events)
    (outcome,) = read_outcomes(unpack_events(stored), ALICE.number)

    assert len(stored) < ITEM_BYTES_MAX / 4
    assert outcome.result.detail == count
    assert sorted(outcome.orders) == list(range(first, first + LISTED_MAX))
    assert all(order.status == w.STATUS_CANCELLED for order in outcome.orders.values())


def test_a_sweep_keeps_its_order_and_the_first_trades() -> None:
    engine = desk()
    engine.apply(buys(5_000))
    events = engine.apply(sweep())
    (full,) = read_outcomes(events, BOB.number)

    (short,) = read_outcomes(unpack_events(pack_events(events)), BOB.number)

    assert short.order == full.order
    assert len(full.fills) == 5_000
    assert short.fills == [without_maker(fill) for fill in full.fills[:LISTED_MAX]]
    filled = sum(fill.quantity for fill in short.fills)
    quote = sum(fill.quote_amount for fill in short.fills)
    assert short.result == full.result._replace(filled_quantity=filled, filled_quote=quote)


def test_a_count_of_orders_is_taken_for_none_of_them() -> None:
    engine = desk()
    first = engine.sequence + 1
    engine.apply(buys(4_000))
    # As many as the id of the last of them.
    engine.apply(buys(first - 1))
    (outcome,) = read_outcomes(unpack_events(pack_events(engine.apply(cancel_all()))), ALICE.number)
    assert outcome.result.detail == first + 3_999
    assert sorted(outcome.orders) == list(range(first, first + LISTED_MAX))


@pytest.mark.parametrize("kind", [24, 56, -8, w.COMMAND_KIND_LAST + 1])
def test_a_command_of_no_kind_has_a_reply_that_can_be_read(kind: int) -> None:
    events = Engine().apply(struct.pack("<16q", kind, *bytes(15)))
    assert unpack_events(pack_events(events)) == own_events(events) == events


def test_no_result_begins_like_a_compressed_reply() -> None:
    kind_in_zlib = zlib.compress(b"")[0] & w.RESULT_COMMAND_MASK
    assert kind_in_zlib > w.COMMAND_KIND_LAST


def test_each_command_of_a_message_keeps_its_result_order_and_terms() -> None:
    engine = desk()
    engine.apply(buys(4_000))
    expiring = buys(1, expire_ms=1 << 40, time_in_force=w.TIF_GTD)
    commands = [expiring, cancel_all(), buys(1), cancel_all(), expiring]
    events = engine.apply(b"".join(commands))

    full = read_outcomes(events, ALICE.number)
    short = read_outcomes(unpack_events(pack_events(events)), ALICE.number)

    assert [one.result for one in short] == [one.result for one in full]
    assert [one.order for one in short] == [one.order for one in full]
    assert [one.conditions.get(one.result.order_id) for one in short] == [
        one.conditions.get(one.result.order_id) for one in full
    ]
    assert short[0].conditions
    assert sum(len(one.orders) for one in short) == LISTED_MAX + 3


@pytest.mark.parametrize("count", [1, 50, 5_000])
def test_no_other_accounts_facts_are_kept(count: int) -> None:
    """Of a short reply and a long one alike: the taker learns neither who it met nor of them."""
    engine = desk()
    engine.apply(buys(count))
    kept = list(decode_events(unpack_events(pack_events(engine.apply(sweep())))))

    assert {type(event) for event in kept} == {Result, Order, Trade}
    for event in kept:
        if isinstance(event, Trade):
            assert event == without_maker(event)
            assert event.taker_account == BOB.number
        else:
            assert isinstance(event, Result | Order)
            assert event.account == BOB.number


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(zlib.compress(bytes(5_000))[:-3], id="cut short"),
        pytest.param(zlib.compress(bytes(1 << 25)), id="too large"),
        pytest.param(b"\x78\x01rubbish", id="rubbish"),
        pytest.param(b"\x78", id="nothing but the beginning"),
    ],
)
def test_a_damaged_reply_is_reported(stored: bytes) -> None:
    with pytest.raises(ReplyError):
        unpack_events(stored)


def test_the_api_says_how_many_were_cancelled_and_lists_a_thousand(
    send: Send, exchange: Exchange
) -> None:
    exchange.project = False
    exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, 2, WEALTH)])
    _, first = exchange.commit([buys(5_000)])

    status, response, _ = send("DELETE", "/orders", headers={"Idempotency-Key": "all"})

    assert status == 200
    assert response["cancelled"] == 5_000
    assert response["order_ids"] == [IDS.order(first + n) for n in range(1_000)]
    assert send("DELETE", "/orders", headers={"Idempotency-Key": "all"}).body == response


def test_the_api_lists_the_first_thousand_fills_of_a_sweep(send: Send, exchange: Exchange) -> None:
    exchange.project = False
    exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, 2, WEALTH)])
    exchange.commit([buys(5_000)])
    order = {"market": "BTC-USDT", "side": "sell", "price": "20000", "quantity": "50"}

    status, response, _ = send("POST", "/orders", order, account=BOB)

    assert (status, len(response["fills"])) == (201, 1_000)
    assert float(response["filled_quantity"]) > 1_000 * 0.001
