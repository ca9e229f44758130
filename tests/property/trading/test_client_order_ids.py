"""Whatever is sent under one client order id, and however often it is delivered: one order has it.

Orders come alone, in batches, async and with keys, while the worker sleeps, works, delivers again
or loses replies, and while the read models are late. What a client is told is never taken back.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bursa.intake.names import order_command_id
from bursa.journal.record import decode_record
from bursa.kernel.identifiers import CommandId
from tests.doubles.exchange import ALICE, Exchange, WorkingClock
from tests.unit.conftest import Response, Send, opened, signed_in_request, started_trading_api
from tests.unit.trading.test_repeats import ASYNC, BUY, SELL, open_orders
from wire import layout as w
from wire.events import NOT_REMEMBERED, Result, decode_events

# Two that go live, and two that are refused; told by their quantities.
CONTENTS: tuple[dict[str, Any], ...] = (
    BUY | {"quantity": "0.1"},
    BUY | {"quantity": "0.2"},
    SELL | {"quantity": "0.3"},
    SELL | {"quantity": "0.4"},
)
LOTS = [10_000_000, 20_000_000, 30_000_000, 40_000_000]
WAYS = ("single", "async", "batch", "keyed")
SENDS = st.tuples(st.sampled_from(WAYS), st.integers(0, len(CONTENTS) - 1))
TURNS = ("work", "sleep", "again", "lose", "keep", "late", "catch up", "ask")
STEPS = st.lists(st.one_of(SENDS, st.sampled_from(TURNS)), min_size=2, max_size=9)


class World:
    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        module = started_trading_api(WorkingClock(exchange))
        self.send: Send = partial(signed_in_request, module)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as exchange:
        yield World(exchange)


class History:
    """What was sent under one client order id, and what was said of it."""

    def __init__(self, world: World, number: int) -> None:
        self.exchange, self.send = world.exchange, world.send
        self.client_order_id = f"one-{number}"
        self._keys = 0
        self._delivered = len(self.exchange.delivered)
        # Whether a client that waited was told what became of it: no GET may find nothing then.
        self.told = False

    def run(self, steps: list[Any]) -> None:
        for step in steps:
            if isinstance(step, tuple):
                self.place(*step)
            else:
                self.turn(step)

    def turn(self, turn: str) -> None:
        exchange = self.exchange
        if turn == "work":
            exchange.asleep = False
            exchange.work()
        elif turn == "again":
            for body in exchange.delivered[self._delivered :]:
                exchange.carry_out(body)
        elif turn == "ask":
            self.ask()
        elif turn == "catch up":
            exchange.project_after_ms = 0
            exchange.pass_time(1)
        exchange.asleep |= turn == "sleep"
        exchange.project &= turn != "late"
        exchange.lose_replies = (exchange.lose_replies or turn == "lose") and turn != "keep"

    def place(self, way: str, content: int) -> Response:
        order = CONTENTS[content] | {"client_order_id": self.client_order_id}
        response = self._send(way, order)
        code = response.body.get("code")
        if response.status == 201 or code == "insufficient_balance":
            assert self.winner() == content, f"told {response.status} {code} of another's order"
            self.told |= way == "single"
        elif code == "client_order_id_reused":
            assert self.winner() not in {None, content}, "told a conflict with itself"
        else:
            assert response.status == 202 or code == "order_not_ready", response
        return response

    def _send(self, way: str, order: dict[str, Any]) -> Response:
        self.exchange.time_ms += 1_000  # budgets are no matter here
        self._keys += 1
        if way == "batch":
            response = self.send("POST", "/orders/batch", {"operations": [{"op": "place"} | order]})
            if response.status != 200:
                return response
            (result,) = response.body["results"]
            placed = "order" in result
            return Response(201 if placed else 0, result["order" if placed else "error"], {})
        key = {"Idempotency-Key": f"{self.client_order_id}-{self._keys}"}
        headers = {"async": ASYNC, "keyed": key}.get(way, {})
        return self.send("POST", "/orders", order, headers=headers)

    def ask(self) -> Response:
        asked = self.send("GET", f"/orders/by-client-id/{self.client_order_id}")
        winner = self.winner()
        if asked.status == 200:
            assert winner is not None
            assert asked.body["quantity"] == CONTENTS[winner]["quantity"]
        elif asked.status == 422:
            assert winner in {2, 3}
        else:
            assert asked.status == 404
            assert not self.told or (asked.body["code"] == "not_known_yet" and winner in {0, 1})
        return asked

    def winner(self) -> int | None:
        """Return which content the engine has decided under the id, by the journal."""
        name = order_command_id(ALICE, self.client_order_id)
        found = None
        for encoded in self.exchange.records:
            record = decode_record(encoded)
            results = [one for one in decode_events(record.events) if isinstance(one, Result)]
            for position, result in enumerate(results):
                if CommandId(result.id_high, result.id_low) != name:
                    continue
                if result.reason not in NOT_REMEMBERED:
                    assert found is None, "two orders were decided under one id"
                    at = position * w.COMMAND_BYTES + w.PLACE_QUANTITY * w.WORD_BYTES
                    lots = int.from_bytes(record.commands[at : at + w.WORD_BYTES], "little")
                    found = LOTS.index(lots)
        return found

    def end(self) -> None:
        """Each is told what is true, by any way, once everything is decided and shown."""
        if self.winner() is None:
            self.place("single", 0)
        winner = self.winner()
        for way in WAYS:
            for content in range(len(CONTENTS)):
                response = self.place(way, content)
                assert response.status != 202
                assert response.body.get("code") != "order_not_ready"
        assert self.ask().status == (200 if winner in {0, 1} else 422)
        name = self.client_order_id
        mine = [one for one in open_orders(self.send) if one["client_order_id"] == name]
        live = [one["quantity"] for one in mine]
        assert live == ([CONTENTS[winner]["quantity"]] if winner in {0, 1} else [])
        self.send("DELETE", f"/orders/by-client-id/{name}")
        self.exchange.records[:-1] = []


numbers = iter(range(1_000_000))


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(steps=STEPS)
def test_one_order_has_the_id_and_everybody_is_told_the_truth(
    world: World, steps: list[Any]
) -> None:
    history = History(world, next(numbers))
    try:
        history.run(steps)
    finally:
        for turn in ("keep", "work", "catch up"):
            history.turn(turn)
    history.end()
