"""Every event has the shape that docs/events.json says."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bursa.dialects.events.asyncapi import EVENTS, events_document
from bursa.dialects.events.presentation import detail_of, write_fact
from bursa.facts import kinds
from bursa.facts.bus_eventbridge import EventBridgeFacts
from bursa.facts.facts import Fact, MarketFact
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from scripts.openapi import render
from tests.doubles.facts import Told
from tests.doubles.ids import IDS, PUBLIC_IDS
from tests.doubles.shard import ALICE, BOB, BTC, buy, sell
from wire import codec
from wire import layout as w

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = events_document("1")


def validate(kind: str, detail: dict[str, Any]) -> None:
    message = DOCUMENT["components"]["messages"][kind]
    jsonschema.validate(detail, message["payload"] | {"components": DOCUMENT["components"]})


@pytest.fixture(scope="module")
def told() -> Told:
    """All kinds of facts, each as it is meant."""
    told = Told()
    told.shard.run(buy(ALICE, 100, 10), buy(ALICE, 90, 5, order_type=w.TYPE_LIMIT))
    told.shard.run(sell(BOB, 100, 4))
    told.shard.run(sell(BOB, 0, 6, order_type=w.TYPE_MARKET))
    told.shard.run(codec.encode_cancel_all(ALICE))
    told.shard.run(
        codec.encode_funds(w.COMMAND_DEBIT, BOB, BTC, 7),
        codec.encode_set_market_state(1, w.STATE_CANCEL_ONLY),
    )
    told.project()
    return told


def of_kind(told: Told, kind: str) -> list[dict[str, Any]]:
    pairs = zip(told.bus.kinds, told.bus.details, strict=True)
    return [detail for one, detail in pairs if one == kind]


def test_the_document_is_the_one_that_is_committed() -> None:
    path = ROOT / "docs" / "events.json"
    assert path.read_text() == render(path)


def test_every_kind_is_described_and_has_its_shape(told: Told) -> None:
    assert set(kinds.KINDS) <= set(EVENTS)
    assert set(told.bus.kinds) == set(kinds.KINDS)
    for kind, detail in zip(told.bus.kinds, told.bus.details, strict=True):
        validate(kind, detail)
        assert detail["id"].startswith(f"{kind}/")


def test_ids_are_different_for_different_facts(told: Told) -> None:
    assert len(set(told.bus.ids())) == len(told.bus.details)


def test_an_order_that_traded_is_done_once(told: Told) -> None:
    done = of_kind(told, "order.done")
    assert [(one["account"], one["filled_quantity"], one["status"]) for one in done] == [
        ("t1-1", "0.0000001", "filled"),
        ("t1-2", "0.00000004", "filled"),
        ("t1-2", "0.00000006", "filled"),
    ]
    (unfilled,) = of_kind(told, "order.unfilled")
    assert (unfilled["status"], unfilled["filled_quantity"]) == ("cancelled", "0")
    assert {one["market"] for one in done} == {"BTC-USDT"}


def test_a_trade_names_both_sides(told: Told) -> None:
    first, second = of_kind(told, "trade.executed")
    assert first["trade_id"] != second["trade_id"]
    assert (first["side"], first["quantity"]) == ("sell", "0.00000004")
    assert first["maker"]["account"] == "t1-1"
    assert first["taker"]["account"] == "t1-2"
    assert first["maker"]["order_id"] == of_kind(told, "order.done")[0]["order_id"]


def test_money_that_moved_is_told_by_account(told: Told) -> None:
    assert [
        (one["account"], one["kind"], one["direction"], one["asset"])
        for one in of_kind(told, "transfer.made")
    ] == [
        ("t1-1", "credit", "in", "USDT"),
        ("t1-2", "credit", "in", "BTC"),
        ("t1-2", "debit", "out", "BTC"),
    ]


def test_states_of_a_market_follow_each_other(told: Told) -> None:
    assert [one["status"] for one in of_kind(told, "market.state")] == ["open", "cancel_only"]


def test_no_id_tells_a_number_of_the_shard(told: Told) -> None:
    last = told.shard.records[-1].last_sequence
    for detail in told.bus.details:
        parts = detail["id"].split("/")[1:]
        assert not {str(number) for number in range(1, last + 1)} & set(parts[1:])


# --- EventBridge ----------------------------------------------------------------------------------


class Takes:
    """EventBridge, which refuses entries as it is told."""

    def __init__(self, *refused: int) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refused = list(refused)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Entries)
        refused = self._refused.pop(0) if self._refused else 0
        outcomes = [
            {"ErrorCode": "ThrottlingException"} if at < refused else {"EventId": str(at)}
            for at in range(len(Entries))
        ]
        return {"FailedEntryCount": refused, "Entries": outcomes}


def facts(count: int) -> list[Fact]:
    body = MarketFact("BTC-USDT", "trading")
    return [Fact("market.state", TenantId(1), number, 1_000, body) for number in range(count)]


def bus(client: Takes) -> EventBridgeFacts:
    return EventBridgeFacts(client, "bursa", lambda fact: write_fact(fact, PUBLIC_IDS))


def test_ten_facts_go_in_a_call() -> None:
    client = Takes()
    assert bus(client).put(facts(25)) == 25
    assert sorted(len(call) for call in client.calls) == [5, 10, 10]
    entry = client.calls[0][0]
    assert (entry["EventBusName"], entry["Source"]) == ("bursa", "bursa.exchange")
    assert (entry["DetailType"], entry["Time"]) == ("market.state", 1.0)
    assert json.loads(entry["Detail"]) == detail_of(facts(1)[0], PUBLIC_IDS)
    assert IDS.fact(0) in entry["Detail"]


def test_what_was_not_taken_is_sent_again_alone() -> None:
    client = Takes(3, 1)
    assert bus(client).put(facts(10)) == 10
    assert [len(call) for call in client.calls] == [10, 3, 1]


def test_what_is_never_taken_is_an_error() -> None:
    with pytest.raises(Unavailable) as refused:
        bus(Takes(1, 1, 1)).put(facts(2))
    assert refused.value.code == "bus_unavailable"


def test_nothing_is_no_call() -> None:
    client = Takes()
    assert bus(client).put([]) == 0
    assert client.calls == []
