"""Makers and takers: each a thread with a session of its own, until the run ends."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

import requests

from scripts.client import ApiError, Client, Json
from scripts.market.prices import PriceWalk
from scripts.market.quotes import Quote, Rules, Shape, ladder, requote, taking

OPERATIONS_MAX: Final = 50
# A price that has moved by less keeps the quotes where they are.
TOLERANCE: Final = Decimal("0.0003")
BACK_OFF_S: Final = 1.0
TOO_MANY: Final = 429


class Sent(NamedTuple):
    """A request: when it was sent after the start, how long it took, and what it was."""

    at_s: float
    took_ms: float
    kind: str


@dataclass(slots=True)
class Tally:
    """What all agents of a run have sent, and what became of it."""

    orders: int = 0
    cancels: int = 0
    sent: list[Sent] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class Run:
    """What the agents of one market share."""

    rules: Rules
    walk: PriceWalk
    name: str
    stopped: threading.Event
    tally: Tally = field(default_factory=Tally)
    started: float = 0.0

    def elapsed_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started


class Agent(threading.Thread):
    """Sends requests at its rate; a refusal is counted, and the next is another try."""

    def __init__(self, name: str, run: Run, client: Client, next_in_s: Callable[[], float]) -> None:
        super().__init__(name=name, daemon=True)
        self.market = run
        self.client = client
        self._next_in_s = next_in_s
        self._count = 0

    def run(self) -> None:
        """Act until the run is over."""
        due = time.monotonic()
        while not self.market.stopped.is_set():
            try:
                self.act()
            except ApiError as error:
                self._note(str(error.code))
                # A server that is busy says when to come again.
                self.market.stopped.wait(BACK_OFF_S if error.status == TOO_MANY else 0.1)
            except requests.RequestException:
                self._note("no_response")
                self.market.stopped.wait(BACK_OFF_S)
            due = max(due + self._next_in_s(), time.monotonic() - 1)
            self.market.stopped.wait(max(0.0, due - time.monotonic()))

    def act(self) -> None:
        """Send one request."""
        raise NotImplementedError

    def order_id(self) -> str:
        """Return a client order id that no other order has."""
        self._count += 1
        return f"{self.market.name}-{self.name}-{self._count}"

    def post(self, path: str, body: Json, kind: str) -> Json:
        """Send a request and note how long it took."""
        at_s, began = self.market.elapsed_s(), time.perf_counter()
        response = self.client.call("POST", path, json=body)
        sent = Sent(at_s, (time.perf_counter() - began) * 1_000, kind)
        with self.market.tally.lock:
            self.market.tally.sent.append(sent)
        return response

    def _note(self, code: str) -> None:
        with self.market.tally.lock:
            self.market.tally.refused[code] += 1


class Maker(Agent):
    """Keeps quotes around the fair price, and moves them when it moves."""

    def __init__(
        self, name: str, run: Run, client: Client, next_in_s: Callable[[], float], shape: Shape
    ) -> None:
        super().__init__(name, run, client, next_in_s)
        self._shape = shape
        self._quotes: dict[str, Quote] = {}
        self._worn: set[str] = set()

    def act(self) -> None:
        """Move the quotes that are too far from where they should be."""
        fair = self.market.walk.at(self.market.elapsed_s())
        wanted = ladder(self.market.rules, fair, self._shape)
        worn = self._worn & self._quotes.keys()
        kept = {name: quote for name, quote in self._quotes.copy().items() if name not in worn}
        cancels, places = requote(kept, wanted, TOLERANCE)
        cancels += sorted(worn)
        new = {self.order_id(): place for place in places}
        operations: list[Json] = [{"op": "cancel", "client_order_id": name} for name in cancels]
        operations += [self._place_operation(name, *place) for name, place in new.items()]
        if not operations:
            return
        # Noted before it is sent: without a response it may be in the book all the same.
        for name, (side, price, _) in new.items():
            self._quotes[name] = Quote(name, side, price)
        results: list[Json] = []
        for first in range(0, len(operations), OPERATIONS_MAX):
            body = {"operations": operations[first : first + OPERATIONS_MAX]}
            results += self.post("/orders/batch", body, "requote")["results"]
        self._take(results, cancels, list(new))

    def _place_operation(self, name: str, side: str, price: Decimal, quantity: Decimal) -> Json:
        return {
            "op": "place",
            "market": self.market.rules.market,
            "side": side,
            "type": "limit",
            "post_only": True,
            "price": f"{price:f}",
            "quantity": f"{quantity:f}",
            "client_order_id": name,
        }

    def _take(self, results: list[Json], cancels: list[str], new: list[str]) -> None:
        # Whether a cancel came in time or too late, the order is not open any more.
        for name in cancels:
            self.forget(name)
        for result, name in zip(results[len(cancels) :], new, strict=True):
            if result.get("error") is not None:
                self.forget(name)
                self._note(result["error"]["code"])
        with self.market.tally.lock:
            self.market.tally.orders += len(new)
            self.market.tally.cancels += len(cancels)

    def forget(self, client_order_id: str) -> None:
        """Note that an order is not open any more; another thread may call it, and repeat it."""
        self._quotes.pop(client_order_id, None)
        self._worn.discard(client_order_id)

    def wear(self, client_order_id: str) -> None:
        """Note that most of an order is filled, so that it is replaced; as `forget`."""
        self._worn.add(client_order_id)

    def withdraw(self) -> None:
        """Cancel all quotes; call it when the thread has ended."""
        names = list(self._quotes)
        for first in range(0, len(names), OPERATIONS_MAX):
            cancels = names[first : first + OPERATIONS_MAX]
            operations = [{"op": "cancel", "client_order_id": name} for name in cancels]
            self.client.call("POST", "/orders/batch", json={"operations": operations})


class Taker(Agent):
    """Buys or sells what is there, a random amount at random times."""

    def __init__(  # noqa: PLR0917 - an agent and its own chance
        self,
        name: str,
        run: Run,
        client: Client,
        next_in_s: Callable[[], float],
        worth: Decimal,
        rng: random.Random,
    ) -> None:
        super().__init__(name, run, client, next_in_s)
        self._worth = worth
        self._random = rng

    def act(self) -> None:
        """Send one order."""
        fair = self.market.walk.at(self.market.elapsed_s())
        order = taking(self.market.rules, fair, self._worth, self._random)
        with self.market.tally.lock:
            self.market.tally.orders += 1
        self.post("/orders", order | {"client_order_id": self.order_id()}, "take")
