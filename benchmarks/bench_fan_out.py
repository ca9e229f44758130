"""How long an order takes to the WebSockets of many, and what a message costs the feed.

    make bench-fan-out [ARGS="--connections 1 100 500 --orders 40 --json"]

One user places limit orders far from the market, each at a price of its own, one after the other;
so many connections follow the market's book, without signing in or, with `--signed-in`, as the demo
users. The clock starts before the request leaves, and stops at each connection when the message
with the order's price is there; all on one machine's monotonic clock. The tenant's file must let
one address have so many connections (`visitor_connections`, `account_connections`).

Then, without an exchange: the processor time that the feed spends on a message, which is what
bounds it. A gateway that answers at once runs beside it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from benchmarks.bench_latency import percentiles
from bursa.kernel.clock import SystemClock
from bursa.market_data.sockets import Sockets, management_client
from scripts.client import OUTPUTS, ApiError, Client, Deployment, Json, ToolError, Visitor

FAR_TICKS = 100
QUIET_S = 3.0
BETWEEN_S = 0.4
HANDSHAKE_TRIES = 40
TOO_MANY = 429
LISTENERS = 500
ROUNDS = 4


@asynccontextmanager
async def opened(address: Callable[[], str]) -> AsyncIterator[ClientConnection]:
    """Open one connection; a 429 is waited out, as one address may open so many a second."""
    for _ in range(HANDSHAKE_TRIES):
        try:
            socket = await connect(await asyncio.to_thread(address), open_timeout=60)
        except InvalidStatus as refused:
            if refused.response.status_code != TOO_MANY:
                raise
            await asyncio.sleep(1)
            continue
        async with socket:
            yield socket
            return
    raise ToolError("No more connections are let in; raise the limits in the tenant's file.")


async def hear(socket: ClientConnection, channel: str, seen: dict[str, float]) -> None:
    """Note when each price first shows up among the bids."""
    async for frame in socket:
        arrived = time.perf_counter()
        message = json.loads(frame)
        if message.get("channel") == channel and message["type"] == "update":
            for price, quantity in message["data"]["bids"]:
                if quantity != "0":
                    seen.setdefault(price, arrived)


async def measure(
    clients: list[Client], market: str, connections: int, orders: int, *, signed_in: bool
) -> Json:
    """Return how many messages came, and how long they took, in milliseconds."""
    trader, channel = clients[0], f"book:{market}"
    await asyncio.to_thread(trader.call, "DELETE", "/orders", params={"market": market})
    visitor = Visitor(trader.deployment)
    seen: list[dict[str, float]] = [{} for _ in range(connections)]
    sent: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        began = time.perf_counter()
        for number in range(connections):
            who = clients[number % len(clients)] if signed_in else visitor
            socket = await stack.enter_async_context(opened(who.websocket_url))
            await socket.send(json.dumps({"op": "subscribe", "channels": [channel]}))
            while json.loads(await socket.recv())["type"] != "snapshot":
                pass
            task = asyncio.create_task(hear(socket, channel, seen[number]))
            stack.callback(task.cancel)
        opening_s = time.perf_counter() - began
        await asyncio.sleep(QUIET_S)
        for number in range(orders):
            price = f"{FAR_TICKS + number}"
            sent[price] = time.perf_counter()
            order = {"side": "buy", "type": "limit", "price": price, "quantity": "1"}
            await asyncio.to_thread(trader.call, "POST", "/orders", json=order | {"market": market})
            await asyncio.sleep(BETWEEN_S)
        await asyncio.sleep(QUIET_S)
    await asyncio.to_thread(trader.call, "DELETE", "/orders", params={"market": market})
    taken = [one[price] - at for one in seen for price, at in sent.items() if price in one]
    return {
        "connections": connections,
        "signed_in": signed_in,
        "opening_s": round(opening_s, 1),
        "orders": orders,
        "messages": len(taken),
        "of": orders * connections,
        "websocket_ms": percentiles(taken),
    }


class _Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""


def _serve(port: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    port.send(server.server_port)
    server.serve_forever()


def processor_time() -> Json:
    """Return what a message costs the feed of processor and wall time, in milliseconds."""
    ours, theirs = Pipe()
    gateway = Process(target=_serve, args=(theirs,), daemon=True)
    gateway.start()
    try:
        # Nothing is signed for anybody here.
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        os.environ |= dict.fromkeys(names, "none") | {"AWS_DEFAULT_REGION": "us-east-1"}
        client = management_client(f"http://127.0.0.1:{ours.recv()}/v1")
        sockets = Sockets(client, print, print, SystemClock(), call_ms_max=60_000)
        body = json.dumps({"type": "update", "data": "x" * 300}).encode()
        messages = {("t1", f"c{number}"): {"book": [body]} for number in range(LISTENERS)}
        sockets.send(messages)
        began, began_cpu = time.perf_counter(), time.process_time()
        for _ in range(ROUNDS):
            sockets.send(messages)
        wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    finally:
        gateway.terminate()
        gateway.join()
    count = ROUNDS * LISTENERS
    return {
        "messages": count,
        "processor_ms_each": round(cpu * 1_000 / count, 3),
        "wall_ms_each": round(wall * 1_000 / count, 3),
    }


async def run(arguments: argparse.Namespace) -> list[Json]:
    """Measure with each number of connections."""
    deployment = Deployment.read(arguments.outputs)
    clients = [Client(deployment, user) for user in deployment.users]
    return [
        await measure(
            clients, arguments.market, count, arguments.orders, signed_in=arguments.signed_in
        )
        for count in arguments.connections
    ]


def main() -> int:
    """Run the benchmark; 1 with one sentence when it can't."""
    parser = argparse.ArgumentParser(prog="bench-fan-out", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 100, 500])
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--market", default="BTC-USDT")
    parser.add_argument("--signed-in", action="store_true")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        found = asyncio.run(run(arguments)) if arguments.connections else []
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    each = processor_time()
    if arguments.json:
        print(json.dumps({"fan_out": found, "feed": each}))
        return 0
    table = Table("connections", "messages", "p50 ms", "p99 ms", "slowest ms", "opened in s")
    for one in found:
        ms = one["websocket_ms"]
        table.add_row(
            str(one["connections"]),
            f"{one['messages']} of {one['of']}",
            *(str(ms[name]) for name in ("p50", "p99", "max")),
            str(one["opening_s"]),
        )
    Console().print(table)
    print(f"A message costs the feed {each['processor_ms_each']} ms of a processor.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
