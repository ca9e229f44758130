"""Every message that is sent has the shape that docs/asyncapi.json says."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bursa.dialects.native.asyncapi import asyncapi_document
from scripts.openapi import render
from tests.doubles.broadcast import Broadcast
from tests.doubles.shard import ALICE, BOB, BTC_USDT, buy, sell
from tests.unit.market_data.test_subscriptions import Desk
from wire import codec
from wire import layout as w

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = asyncapi_document("1")
CHANNELS = (
    *("book:BTC-USDT", "book:BTC-USDT:20", "trades:BTC-USDT", "ticker:BTC-USDT", "markets"),
    *("candles:BTC-USDT:1m", "orders", "fills", "balances"),
)


def validate(message: dict[str, Any]) -> None:
    kind = "missed" if message["type"] == "missed" else message["channel"].partition(":")[0]
    reference = {"$ref": f"#/components/schemas/{kind}_message"}
    jsonschema.validate(message, reference | {"components": DOCUMENT["components"]})


def test_the_document_is_the_one_that_is_committed() -> None:
    path = ROOT / "docs" / "asyncapi.json"
    assert path.read_text() == render(path)


def test_every_channel_that_there_is_is_described() -> None:
    described = {one["address"].partition(":")[0] for one in DOCUMENT["channels"].values()}
    assert described == {name.partition(":")[0] for name in CHANNELS}


def test_updates_have_their_shapes(broadcast: Broadcast) -> None:
    stored = [name + ("" if ":" in name else ":") for name in CHANNELS]
    private = {f"{one}:": f"{one}:t1-1" for one in ("orders", "fills", "balances")}
    broadcast.audience.listen("a", *(private.get(name, name) for name in stored))
    broadcast.run(buy(ALICE, 100, 10), buy(ALICE, 90, 5), client_order_ids={0: "mine"})
    broadcast.run(sell(BOB, 100, 4))
    broadcast.run(codec.encode_set_market_state(BTC_USDT, w.STATE_AUCTION))
    broadcast.run(buy(ALICE, 120, 1), sell(BOB, 110, 1))
    broadcast.run(*(buy(ALICE, 10 + number, 1) for number in range(2_001)))

    messages = broadcast.audience.received["a"]
    for message in messages:
        validate(message)
    assert {message["channel"] for message in messages} == set(CHANNELS)
    assert "missed" in {message["type"] for message in messages}


def test_snapshots_have_their_shapes() -> None:
    desk = Desk()
    _, *snapshots = desk.ask({"op": "subscribe", "channels": list(CHANNELS)})
    for message in snapshots:
        validate(message)
    assert [message["channel"] for message in snapshots] == list(CHANNELS)


@pytest.mark.parametrize("fault", [{"data": None}, {"sequence": "1"}, {"more": 1}])
def test_another_shape_is_not_described(broadcast: Broadcast, fault: dict[str, Any]) -> None:
    broadcast.audience.listen("a", "trades:BTC-USDT")
    broadcast.run(buy(ALICE, 100, 1), sell(BOB, 100, 1))
    (message,) = broadcast.audience.received["a"]
    validate(message)
    with pytest.raises(jsonschema.ValidationError):
        validate(json.loads(json.dumps(message)) | fault)
