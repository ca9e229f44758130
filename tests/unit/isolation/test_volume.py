"""What a tenant sees is the same whether its neighbour on the shard trades or not.

A tenant carries out a fixed session twice, at the same times by the exchange's clock; the second
time another tenant of the shard places orders between any two of its requests. All responses must
be equal, to the last number. Ids and cursors are opaque: which of them are equal must be the same,
not how they are written, so each is renamed by when it was seen first.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.unit.isolation.brands import (
    OURS,
    SHARED,
    THEIRS,
    Brands,
    Request,
    account,
    opened_brands,
)
from wire import codec
from wire import layout as w

START_MS = 1_795_300_000_000
STEP_MS = 60_000
# 32 characters and more are ids and cursors, 24 hexadecimal digits a digest of a public response.
OPAQUE = re.compile(r"[A-Za-z0-9_-]{32,}|\b[0-9a-f]{24}\b")
_THEIR_MARKET = 21


class Neighbour:
    """Another tenant, who places so many orders when it is its turn; half of them trade."""

    def __init__(self, brands: Brands, orders: int) -> None:
        self._brands = brands
        self._orders = orders

    def trade(self) -> None:
        orders = [
            codec.encode_place(
                account(THEIRS, 1 + number % 2).number,
                _THEIR_MARKET,
                w.SIDE_SELL if number % 2 else w.SIDE_BUY,
                10**6,
                10**4,
            )
            for number in range(self._orders)
        ]
        for start in range(0, len(orders), 50):
            self._brands.exchange.commit(orders[start : start + 50])


class Session:
    """A user's requests; keeps what the responses were."""

    def __init__(self, brands: Brands, neighbour: Neighbour) -> None:
        self._brands = brands
        self._neighbour = neighbour
        self._names: dict[str, str] = {}
        self.steps = 0
        self.seen: list[tuple[Any, ...]] = []

    def ask(self, path: str, method: str = "GET", body: Any = None, **more: Any) -> Any:
        """Send a request when it is due, after the neighbour had its turn; return the response."""
        index = more.pop("index", 1)
        self._neighbour.trade()
        self.steps += 1
        self._brands.exchange.time_ms = START_MS + self.steps * STEP_MS
        request = Request(path, method, body=body, **more)
        seen = self._brands.send(request, OURS, index)
        text = self._renamed(f"{path} {seen.body} {sorted(seen.headers.items())}")
        self.seen.append((seen.status, text, seen.calls))
        return json.loads(seen.body)

    def _renamed(self, text: str) -> str:
        return OPAQUE.sub(
            lambda match: self._names.setdefault(match[0], f"#{len(self._names)}"), text
        )


def order(side: str, price: str, **more: str) -> dict[str, Any]:
    return {"market": SHARED, "side": side, "type": "limit", "price": price, "quantity": "1"} | more


def session(brands: Brands, neighbour: Neighbour) -> list[tuple[Any, ...]]:
    """Do what a user can do about orders, and look at all of it."""
    user = Session(brands, neighbour)
    resting = user.ask("/orders", "POST", order("sell", "20000", client_order_id="mine"), index=2)
    bought = user.ask("/orders", "POST", order("buy", "20000"))
    user.ask("/orders", "POST", order("buy", "9000"), headers={"Prefer": "respond-async"})
    later = user.ask("/orders", "POST", order("buy", "10000"))
    user.ask(f"/orders/{later['order_id']}")
    user.ask("/orders/by-client-id/mine", index=2)
    user.ask(f"/orders/{later['order_id']}", "DELETE")
    user.ask(f"/orders/{later['order_id']}", "DELETE")
    user.ask(f"/orders/{resting['order_id']}", "DELETE", index=2)
    user.ask(
        "/orders/batch",
        "POST",
        {
            "operations": [
                {"op": "place"} | order("buy", "11000"),
                {"op": "cancel", "order_id": bought["order_id"]},
                {"op": "cancel", "order_id": later["order_id"]},
            ]
        },
    )
    reflected = {"min_sequence": str(later["sequence"])}
    for path in ("/orders", "/fills", "/balances"):
        page = user.ask(path, query=reflected | ({} if path == "/balances" else {"limit": "1"}))
        if page["next_cursor"]:
            user.ask(path, query={"limit": "1", "cursor": page["next_cursor"]})
    for part in ("", "/book", "/trades", "/ticker"):
        user.ask(f"/markets/{SHARED}{part}")
    # Until a time that is over: the newest candle is of the hour in which the test runs.
    ended = {"from_ms": str(START_MS), "to_ms": str(START_MS + 60 * STEP_MS)}
    user.ask(f"/markets/{SHARED}/candles", query={"interval": "1m"} | ended)
    for path in ("/markets", "/tenant", "/health"):
        user.ask(path)
    user.ask("/orders", query={"min_sequence": str(START_MS + user.steps * STEP_MS + 5)})
    user.ask("/orders", "DELETE")
    user.ask("/orders", "DELETE")
    user.ask("/orders", query={"status": "open"})
    return user.seen


@contextmanager
def started_brands() -> Iterator[Brands]:
    with opened_brands() as brands:
        yield brands


@pytest.fixture(scope="module")
def alone() -> list[tuple[Any, ...]]:
    with started_brands() as brands:
        return session(brands, Neighbour(brands, 0))


@pytest.mark.parametrize("orders", [1, 40])
def test_a_neighbours_orders_do_not_show(alone: list[tuple[Any, ...]], orders: int) -> None:
    """40 orders before each of some 30 requests are more than a thousand."""
    with started_brands() as brands:
        beside = session(brands, Neighbour(brands, orders))
        last = brands.exchange.records[-1].last_sequence
    assert last > orders * len(alone)
    for ours, theirs in zip(alone, beside, strict=True):
        assert theirs == ours
    assert {status for status, *_ in alone} >= {200, 201, 202, 404, 409}


def test_the_numbers_of_the_shard_are_nowhere(alone: list[tuple[Any, ...]]) -> None:
    """Every number of a response is a time, a setting, or counts what the tenant itself has."""
    numbers = {
        int(found)
        for _, text, _ in alone
        for found in re.findall(r'"(?:sequence|trade_id|order_id)": "?(\d+)\b', text)
    }
    assert numbers
    assert all(number >= START_MS - STEP_MS * 10**4 for number in numbers)
