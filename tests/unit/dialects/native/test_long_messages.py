"""What a socket can't carry in one message, or a client not follow."""

import json
from typing import Any

import pytest

from bursa.dialects.native.feed_messages import MESSAGE_BYTES_MAX, encode_parts
from bursa.market_data.channel_changes import CHANGES_MAX
from tests.doubles.broadcast import Broadcast
from tests.doubles.shard import ALICE, BOB, buy, sell
from wire import codec

FEEDS = ("book:BTC-USDT", "trades:BTC-USDT", "orders:t1-1", "balances:t1-1")
API_GATEWAY_BYTES_MAX = 128 * 1024


HEADER = {"type": "update", "channel": "orders", "sequence": 7, "previous_sequence": 4}


def order(number: int, fills: int = 0) -> dict[str, Any]:
    return {
        "order_id": str(number),
        "status": "filled",
        "fills": [{"trade_id": str(n), "price": "1" * 300} for n in range(fills)],
    }


def parts(bodies: list[bytes]) -> list[dict[str, Any]]:
    assert all(len(body) <= MESSAGE_BYTES_MAX < API_GATEWAY_BYTES_MAX for body in bodies)
    read = [json.loads(body) for body in bodies]
    if len(read) > 1:
        assert [(m["part"], m["parts"]) for m in read] == [
            (number, len(read)) for number in range(1, len(read) + 1)
        ]
    assert all(one | HEADER == one for one in read)
    return read


def test_what_fits_is_one_message_that_names_no_parts() -> None:
    (body,) = encode_parts(HEADER, [order(1)])
    assert json.loads(body) == HEADER | {"data": [order(1)]}


@pytest.mark.parametrize("count", [2_500, 20_000])
def test_a_long_list_is_cut_between_its_entries(count: int) -> None:
    data = [order(number) for number in range(count)]
    read = parts(encode_parts(HEADER, data))
    assert len(read) > 1
    assert [entry for one in read for entry in one["data"]] == data


def test_a_long_book_is_cut_between_its_levels() -> None:
    levels = {side: [[f"{n}.25", "0.00000001"] for n in range(4_000)] for side in ("bids", "asks")}
    read = parts(encode_parts(HEADER, levels))
    assert len(read) > 1
    for side, expected in levels.items():
        assert [level for one in read for level in one["data"][side]] == expected


def test_an_order_with_very_many_fills_is_said_several_times() -> None:
    data = [order(1, fills=1_500), order(2)]
    read = parts(encode_parts(HEADER, data))
    said = [entry for one in read for entry in one["data"]]
    assert [fill for entry in said if entry["order_id"] == "1" for fill in entry["fills"]] == (
        data[0]["fills"]
    )
    assert all(entry["status"] == "filled" for entry in said)
    assert said[-1] == order(2)


def listening(count: int) -> Broadcast:
    """Open a shard with so many orders at as many prices, and one who listens to everything."""
    broadcast = Broadcast()
    broadcast.audience.listen("a", *FEEDS)
    broadcast.run(*(buy(ALICE, 1_000 + number, 10) for number in range(count)))
    broadcast.audience.received.clear()
    return broadcast


def told(broadcast: Broadcast) -> dict[str, list[dict[str, Any]]]:
    heard: dict[str, list[dict[str, Any]]] = {}
    for one in broadcast.audience.received.get("a", []):
        heard.setdefault(one["channel"].partition(":")[0], []).append(one)
    broadcast.audience.received.clear()
    return heard


def test_a_cancel_of_many_is_sent_in_parts() -> None:
    broadcast = listening(1_000)
    broadcast.run(codec.encode_cancel_all(ALICE, 0))
    heard = told(broadcast)

    assert len(heard["orders"]) > 1
    assert {entry["status"] for one in heard["orders"] for entry in one["data"]} == {"cancelled"}
    assert sum(len(one["data"]) for one in heard["orders"]) == 1_000
    assert {one["type"] for feed in heard.values() for one in feed} == {"update"}


def test_too_many_changes_are_a_hint_to_subscribe_again() -> None:
    broadcast = listening(CHANGES_MAX + 1)
    record = broadcast.run(sell(BOB, 1, 10**6))
    heard = told(broadcast)

    for feed, changes in (
        ("book", CHANGES_MAX + 2),
        ("trades", CHANGES_MAX + 1),
        ("orders", 2 * CHANGES_MAX + 2),
    ):
        (one,) = heard[feed]
        assert one["type"] == "missed"
        assert (one["sequence"], one["changes"]) == (record.time_ms, changes)
    assert [one["type"] for one in heard["balances"]] == ["update"]


def test_exactly_as_many_changes_as_allowed_are_sent() -> None:
    broadcast = listening(CHANGES_MAX)
    broadcast.run(codec.encode_cancel_all(ALICE, 0))
    heard = told(broadcast)
    assert sum(len(one["data"]["bids"]) for one in heard["book"]) == CHANGES_MAX
    assert sum(len(one["data"]) for one in heard["orders"]) == CHANGES_MAX
