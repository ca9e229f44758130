"""One account floods at ten times its budget while another tenant trades, on virtual time.

The edge is `edge_model`, the worker and the services are the simulator's, with or without faults.
Latencies are virtual: they say what the arrangement of queue, budgets and worker does to others,
not what a machine can do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from bursa.intake.message import CommandMessage, encode_message
from bursa.intake.queue_kinds import QueueKind
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits
from engine.core import Engine
from tests.doubles.deliveries import asked_for
from tests.simulation.edge_model import Answer, Edge
from tests.simulation.options import Options
from tests.simulation.services import QueuePort
from tests.simulation.socket_model import SocketEdge
from tests.simulation.socket_model import flood as flood_sockets
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.wire import EPOCH_MS, Machine
from tests.simulation.workload import ClientMessage
from tests.simulation.world import World
from wire import codec
from wire import layout as w
from worker.ports import Ports
from worker.settings import ShardSettings

ATTACKER = AccountId(TenantId(1), 66)
TRADERS = tuple(AccountId(TenantId(2), index) for index in range(1, 21))
NUMBERS = {TenantId(1): 1, TenantId(2): 2}
RECEIVE_LIMIT = 10
TURNS_MAX = 20_000_000
_STARTED_S = 2.0
_FUNDS = 1 << 50


class LongPollPort(QueuePort):
    """A receive that returns soon after there is something, as a long poll of SQS does."""

    idle_s = 0.005


class LargerEngines:
    """Room for everything that is sent in a run."""

    def new(self) -> Engine:
        return Engine(
            orders=1 << 14, accounts=1 << 8, balances=1 << 9, holds=1 << 6, remembered_ids=1 << 18
        )

    def restore(self, checkpoint: bytes) -> Engine:
        return Engine.restore(checkpoint)


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(values)[int(len(values) * 0.99)]


@dataclass
class Outcome:
    """What the two sides got."""

    traded: list[Answer] = field(default_factory=list)
    flooded: list[tuple[Answer, int]] = field(default_factory=list)
    cancelled: list[Answer] = field(default_factory=list)
    containers: int = 0
    looks: int = 0
    connected: int = 0
    feed_lags_s: list[float] = field(default_factory=list)
    messages_sent: int = 0

    def p99_ms(self) -> float:
        return p99([one.latency_s for one in self.traded]) * 1_000

    def p50_ms(self) -> float:
        latencies = sorted(one.latency_s for one in self.traded)
        return latencies[len(latencies) // 2] * 1_000

    def admitted(self) -> int:
        return sum(size for answer, size in self.flooded if answer.status < 300)

    def codes(self) -> set[str]:
        return {answer.code for answer, _ in self.flooded if answer.code}


class FloodWorld(World):
    """The simulator with the worker's real sizes and the edge before it."""

    def __init__(
        self,
        options: Options,
        *,
        socket_floods: int = 0,
        socket_limits: TenantLimits = DEFAULT_LIMITS,
        **edge: Any,
    ) -> None:
        super().__init__(options, LargerEngines())
        self._socket_floods = socket_floods
        self._socket_limits = socket_limits
        self._edge_options = edge

    def _settings(self) -> ShardSettings:
        return ShardSettings(
            shard=0,
            lease_ms=5_000,
            poll_ms=500,
            checkpoint_commands=1 << 30,
            checkpoint_s=1 << 20,
        )

    def _ports(self, machine: Machine) -> Ports:
        queues = {
            kind: LongPollPort(self.services, kind, self.wire, machine, RECEIVE_LIMIT)
            for kind in QueueKind
        }
        return replace(super()._ports(machine), queues=queues)

    def flood(
        self, seconds: float, floods: "tuple[Flood, ...]", loop_of: type[VirtualLoop] = VirtualLoop
    ) -> Outcome:
        """Run the traders for so many seconds, and the floods beside them."""
        loop = loop_of(TURNS_MAX)
        loop.set_exception_handler(self._on_loop_error)
        try:
            return loop.run_until_complete(self._flood(seconds, floods))
        finally:
            loop.run_until_complete(self._end_tasks())
            loop.close()
            if self.failures:
                raise self.failures[0]

    async def _flood(self, seconds: float, floods: "tuple[Flood, ...]") -> Outcome:
        outcome = Outcome()
        keeper = asyncio.create_task(self._keep_workers_running())
        for messages in opening():
            for message in messages:
                self.send(message)
            await asyncio.sleep(_STARTED_S)
        self._plan_trouble()
        sockets = SocketEdge(self.services.journal, self._socket_limits)
        following = asyncio.create_task(sockets.follow())
        for trader in TRADERS:
            await sockets.connect(trader, f"{trader}", '"orders","balances"')
        async with self._edge() as edge:
            running = [one(edge, seconds, outcome) for one in floods]
            running += [self._trade(edge, who, seconds, outcome) for who in TRADERS]
            if self._socket_floods:
                running.append(self._flood_sockets(sockets, seconds, outcome))
            await asyncio.gather(*running)
            outcome.containers = edge.started
            outcome.looks = edge.buckets.calls.total()
        outcome.feed_lags_s = sockets.lags_s[str(TRADERS[0].tenant)]
        outcome.messages_sent = sockets.sent
        following.cancel()
        keeper.cancel()
        return outcome

    async def _flood_sockets(self, sockets: SocketEdge, seconds: float, outcome: Outcome) -> None:
        outcome.connected = await flood_sockets(sockets, ATTACKER, seconds, self._socket_floods)

    @asynccontextmanager
    async def _edge(self) -> AsyncIterator[Edge]:
        edge = Edge(self.services, NUMBERS, **self._edge_options)
        try:
            yield edge
        finally:
            edge.pool.shutdown(wait=False)

    async def _trade(
        self, edge: Edge, account: AccountId, seconds: float, outcome: Outcome
    ) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(account.index / len(TRADERS))
        end = loop.time() + seconds
        async with asyncio.TaskGroup() as orders:
            while loop.time() < end:
                orders.create_task(self._order(edge, account, outcome))
                await asyncio.sleep(0.9 + 0.2 * self.rng.random())

    async def _order(self, edge: Edge, account: AccountId, outcome: Outcome) -> None:
        outcome.traded.append(await edge.send(account, "POST", "/orders", order(account.index)))


Flood = Callable[[Edge, float, Outcome], Coroutine[Any, Any, None]]


def order(index: int) -> dict[str, str]:
    """Make an order that leaves nothing in the book."""
    return {
        "market": "BTC-USDT",
        "side": "buy" if index % 2 else "sell",
        "type": "limit",
        "time_in_force": "ioc",
        "price": "100000",
        "quantity": "0.01",
    }


async def singles(edge: Edge, seconds: float, outcome: Outcome) -> None:
    """250 orders a second that don't wait: five times the budget."""
    await flood_at(edge, seconds, outcome, every_s=1 / 250, size=1, wait=False)


async def waiting_singles(edge: Edge, seconds: float, outcome: Outcome) -> None:
    """250 orders a second that wait for their replies."""
    await flood_at(edge, seconds, outcome, every_s=1 / 250, size=1, wait=True)


async def batches(edge: Edge, seconds: float, outcome: Outcome) -> None:
    """Five batches of fifty a second: another five times the budget."""
    await flood_at(edge, seconds, outcome, every_s=1 / 5, size=50, wait=False)


async def cancels(edge: Edge, seconds: float, outcome: Outcome) -> None:
    """Cancel everything once a second, as one does who wants out."""
    for _ in range(int(seconds)):
        outcome.cancelled.append(await edge.send(ATTACKER, "DELETE", "/orders", wait=False))
        await asyncio.sleep(1)


async def flood_at(
    edge: Edge, seconds: float, outcome: Outcome, *, every_s: float, size: int, wait: bool
) -> None:
    async def once() -> None:
        outcome.flooded.append((await edge.send(ATTACKER, "POST", path, body, wait=wait), size))

    body: object = order(1)
    path = "/orders"
    if size > 1:
        path, body = "/orders/batch", {"operations": [{"op": "place", **order(1)}] * size}
    async with asyncio.TaskGroup() as requests:
        for _ in range(int(seconds / every_s)):
            requests.create_task(once())
            await asyncio.sleep(every_s)


def opening() -> tuple[list[ClientMessage], list[ClientMessage]]:
    """Make the messages that list a market for each tenant, and those that then fund everybody."""
    ids = count(1)

    def named(kind: int, account: int, *parameters: int) -> bytes:
        name = (1 << 40, next(ids))
        return codec.encode(kind, account, *parameters, command_id=name, time_ms=EPOCH_MS)

    listings, credits_ = [], []
    for tenant, number in NUMBERS.items():
        base, quote = 2 * number - 1, 2 * number
        commands = [
            named(w.COMMAND_DEFINE_ASSET, 0, base, tenant.number, 8, *codec.pack_symbol("BTC")),
            named(w.COMMAND_DEFINE_ASSET, 0, quote, tenant.number, 2, *codec.pack_symbol("USDT")),
            named(
                w.COMMAND_DEFINE_MARKET,
                0,
                *(number, tenant.number, base, quote, 10, 1, w.STATE_OPEN),
                *codec.pack_symbol("BTC-USDT"),
            ),
            named(w.COMMAND_SET_FEE_TIER, 0, tenant.number, 0, 1_000, 2_000),
        ]
        listings.append(_message(tenant.fee_account, commands, next(ids)))
        for account in (ATTACKER, *TRADERS):
            if account.tenant == tenant:
                funds = [
                    named(w.COMMAND_CREDIT, account.number, asset, _FUNDS)
                    for asset in (base, quote)
                ]
                credits_.append(_message(account, funds, next(ids)))
    return listings, credits_


def _message(account: AccountId, commands: list[bytes], number: int) -> ClientMessage:
    data, name = b"".join(map(asked_for, commands)), f"{number:032x}"
    body = encode_message(CommandMessage(name, account.number, data))
    return ClientMessage(name, account.number, data, body, QueueKind.FUNDS)
