"""One run of a simulated market: agents that act, and connections that follow what comes of it."""

import argparse
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from requests import ConnectionError as CannotConnect

from scripts.client import Client, Deployment, Json, ToolError
from scripts.market.agents import Agent, Maker, Run, Taker
from scripts.market.connection import Connection
from scripts.market.measures import Course, Found, is_equal
from scripts.market.prices import PriceWalk
from scripts.market.quotes import Rules, Shape
from scripts.market.seen import OPEN, BookView, TapeView

SAMPLED_EVERY_S: Final = 0.5
IN_STEP_S: Final = 20.0
BOOK_LEVELS: Final = 500
REQUOTE_EVERY_S: Final = 0.5
# A quote is worth so many times what a taker usually asks for.
QUOTED: Final = 3


class Asked(NamedTuple):
    """A market of the command line, and where its price begins if it has none yet."""

    market: str
    price: Decimal | None


@dataclass(slots=True)
class Stage:
    """One market of a run: its agents, and what is seen of it."""

    run: Run
    maker: Maker
    agents: list[Agent]
    course: Course
    book: BookView = field(default_factory=BookView)
    tape: TapeView = field(default_factory=TapeView)
    is_begun: bool = False
    book_is_equal: bool | None = None

    def apply(self, channel: str, message: Json) -> None:
        """Apply what came on one of the market's channels."""
        if channel.startswith("book:"):
            self.book.apply(message)
            return
        new = self.tape.apply(message)
        if message["type"] != "snapshot" or self.is_begun:
            self.course.prints += new
        self.is_begun = True

    def found(self) -> Found:
        """Return what the run has shown."""
        tally = self.run.tally
        return Found(
            self.course, tally.orders, tally.cancels, tally.sent, tally.refused, self.book_is_equal
        )


class Simulation:
    """Markets, their agents, and the connections that follow them."""

    def __init__(self, deployment: Deployment, arguments: argparse.Namespace) -> None:
        if len(deployment.users) < 2:  # noqa: PLR2004 - one makes, another takes
            raise ToolError("Name a tenant with two demo users: one makes, the other takes.")
        self._sign_in_maker = partial(Client, deployment, deployment.users[0])
        self._sign_in_taker = partial(Client, deployment, deployment.users[1])
        self._arguments = arguments
        self._client = self._sign_in_taker()
        self._stopped = threading.Event()
        self.started_ms = 0
        self.lock = threading.Lock()
        self.stages = {
            asked.market: self._stage(index, asked) for index, asked in enumerate(arguments.markets)
        }
        channels = [f"{kind}:{name}" for name in self.stages for kind in ("book", "trades")]
        self.connections = [
            Connection(self._sign_in_taker, channels, self._apply),
            Connection(self._sign_in_maker, ["orders"], self._apply_own),
        ]
        self._failed: list[BaseException] = []

    def play(self, progress: Callable[[float, int], None]) -> None:
        """Let the agents act for as long as asked for; ends early, and whole, by Ctrl-C."""
        with self._following():
            self.started_ms = time.time_ns() // 1_000_000
            started = time.monotonic()
            for stage in self.stages.values():
                stage.run.started = started
                for agent in stage.agents:
                    agent.start()
            try:
                with suppress(KeyboardInterrupt):
                    self._sample(started + self._arguments.seconds, progress)
            finally:
                self._end_agents()
            self._compare()

    def _stage(self, index: int, asked: Asked) -> Stage:
        options, name = self._arguments, asked.market
        rows = {row["market"]: row for row in self._client.call("GET", "/markets")["items"]}
        if name not in rows:
            raise ToolError(f"There is no market {name}; there are: {', '.join(rows)}.")
        rules, seed = Rules.of(rows[name]), options.seed * 1_000 + index
        walk = PriceWalk(self._start_price(asked), options.volatility, seed)
        worth = Decimal(repr(options.worth))
        run = Run(rules, walk, f"sim-{secrets.token_hex(4)}", self._stopped)
        shape = Shape(worth=QUOTED * worth)
        maker = Maker("maker", run, self._sign_in_maker(), lambda: REQUOTE_EVERY_S, shape)
        agents: list[Agent] = [maker]
        for number in range(options.takers):
            rng = random.Random(seed * 1_000 + number)  # noqa: S311 - a flow, not a secret
            next_in_s = _chance(rng, options.rate / options.takers)
            client = self._sign_in_taker()
            agents.append(Taker(f"taker-{number}", run, client, next_in_s, worth, rng))
        return Stage(run, maker, agents, Course(name))

    def _start_price(self, asked: Asked) -> Decimal:
        """Return where a market's price begins: where it is, or as the command line says."""
        ticker = self._client.call("GET", f"/markets/{asked.market}/ticker")
        known = ticker["last_price"] or ticker["best_bid"] or ticker["best_ask"]
        price = Decimal(known) if known else asked.price
        if price is None:
            raise ToolError(
                f"{asked.market} has no price yet; say where it begins: {asked.market}=60000."
            )
        return price

    def _apply(self, channel: str, message: Json) -> None:
        with self.lock:
            self.stages[channel.partition(":")[2]].apply(channel, message)

    def _apply_own(self, _channel: str, message: Json) -> None:
        for order in message["data"]:
            stage, name = self.stages.get(order["market"]), order.get("client_order_id")
            if stage is None or not name:
                continue
            if order["status"] not in OPEN:
                stage.maker.forget(name)
            elif 2 * Decimal(order["remaining_quantity"]) < Decimal(order["quantity"]):
                stage.maker.wear(name)

    @contextmanager
    def _following(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._follow, args=(one,), daemon=True)
            for one in self.connections
        ]
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + IN_STEP_S
            while not all(one.is_in_step() for one in self.connections):
                self._raise_failure()
                if time.monotonic() > deadline:
                    raise ToolError("No snapshot came over the WebSocket: `make status`.")
                time.sleep(0.05)
            yield
        finally:
            for one in self.connections:
                one.stop()
            for thread in threads:
                thread.join(timeout=5)

    def _follow(self, connection: Connection) -> None:
        try:
            connection.run()
        except (ToolError, CannotConnect) as error:
            self._failed.append(error)

    def _raise_failure(self) -> None:
        if self._failed:
            raise ToolError(str(self._failed[0]))

    def _sample(self, end: float, progress: Callable[[float, int], None]) -> None:
        while time.monotonic() < end:
            self._raise_failure()
            with self.lock:
                for stage in self.stages.values():
                    at_s = stage.run.elapsed_s()
                    stage.course.look(stage.book, stage.run.walk.at(at_s), at_s)
                trades = sum(len(stage.course.prints) for stage in self.stages.values())
            progress(self._arguments.seconds - (end - time.monotonic()), trades)
            time.sleep(min(SAMPLED_EVERY_S, max(0.0, end - time.monotonic())))

    def _end_agents(self) -> None:
        self._stopped.set()
        for stage in self.stages.values():
            for agent in stage.agents:
                agent.join(timeout=60)

    def _compare(self) -> None:
        """Compare each followed book with the one of REST, then take the quotes back."""
        for stage in self.stages.values():
            stage.book_is_equal = self._equals_rest(stage)
            stage.maker.withdraw()

    def _equals_rest(self, stage: Stage) -> bool | None:
        """Return whether they are equal at one sequence; None if they never got there."""
        deadline = time.monotonic() + IN_STEP_S
        path = f"/markets/{stage.course.market}/book"
        while time.monotonic() < deadline:
            book = self._client.call("GET", path, params={"depth": BOOK_LEVELS})
            with self.lock:
                if book["sequence"] == stage.book.sequence:
                    return is_equal(stage.book, book)
            time.sleep(0.6)
        return None


def _chance(rng: random.Random, rate: float) -> Callable[[], float]:
    """Return what draws the time until the next of independent events, so many a second."""
    return lambda: rng.expovariate(rate)
