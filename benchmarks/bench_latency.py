"""How long one order takes: to its response, and to its owner's WebSocket.

    make bench-latency [ARGS="--orders 500 --json"]

One user places single limit orders, one after the other, far from the market, and cancels them all
at the end. The clock starts before the request leaves and stops when the response, or the message
on the channel ``orders`` that names the order, is there; both on the client's own monotonic clock.
"""

import argparse
import json
import secrets
import sys
import threading
import time
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.progress import track
from rich.table import Table
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from scripts.client import OUTPUTS, ApiError, Client, Deployment, Json, ToolError

QUIET_S = 5.0
FAR_PRICE = "1.00"
QUANTITY = "2"


class Listener(threading.Thread):
    """Notes when each order first shows up on the channel."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(daemon=True)
        self.socket = socket
        self.seen: dict[str, float] = {}

    def run(self) -> None:
        """Read until the connection closes."""
        try:
            for frame in self.socket:
                arrived = time.perf_counter()
                message = json.loads(frame)
                if message.get("channel") != "orders" or "data" not in message:
                    continue
                for order in message["data"]:
                    self.seen.setdefault(str(order.get("client_order_id")), arrived)
        except ConnectionClosed:
            return


def measure(client: Client, market: str, orders: int, console: Console) -> Json:
    """Place the orders and return both latencies in milliseconds."""
    url = client.websocket_url()
    run = secrets.token_hex(4)
    sent: dict[str, float] = {}
    answered: list[float] = []
    with connect(url) as socket:
        socket.send(json.dumps({"op": "subscribe", "channels": ["orders"]}))
        socket.recv(timeout=QUIET_S)
        listener = Listener(socket)
        listener.start()
        # The feed looks for new subscribers about once a second.
        time.sleep(2)
        for number in track(range(orders), "placing", console=console):
            name = f"{run}-{number}"
            sent[name] = time.perf_counter()
            client.call(
                "POST",
                "/orders",
                json={
                    "market": market,
                    "side": "buy",
                    "type": "limit",
                    "price": FAR_PRICE,
                    "quantity": QUANTITY,
                    "client_order_id": name,
                },
            )
            answered.append(time.perf_counter() - sent[name])
        deadline = time.monotonic() + QUIET_S
        while len(listener.seen) < orders and time.monotonic() < deadline:
            time.sleep(0.05)
    client.call("DELETE", "/orders", params={"market": market})
    pushed = [listener.seen[name] - at for name, at in sent.items() if name in listener.seen]
    return {
        "orders": orders,
        "response_ms": percentiles(answered),
        "websocket_ms": percentiles(pushed),
        "websocket_messages": len(pushed),
    }


def percentiles(seconds: list[float]) -> Json:
    """Return the median, the 99th percentile and the extremes in milliseconds."""
    if len(seconds) < 2:
        raise ToolError("Too few orders came back to say anything; is the worker running?")
    cuts = quantiles(seconds, n=100, method="inclusive")
    found = {"min": min(seconds), "p50": cuts[49], "p99": cuts[98], "max": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in found.items()}


def main() -> int:
    """Run the benchmark; 1 with one sentence when it can't."""
    parser = argparse.ArgumentParser(prog="bench-latency", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--market", default="BTC-USDT")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        deployment = Deployment.read(arguments.outputs)
        client = Client(deployment, deployment.user())
        found = measure(client, arguments.market, arguments.orders, console)
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    if arguments.json:
        print(json.dumps(found))
        return 0
    table = Table("ms", "min", "p50", "p99", "max", title=f"{found['orders']} single orders")
    for title, key in (
        ("order to response", "response_ms"),
        ("order to WebSocket", "websocket_ms"),
    ):
        table.add_row(title, *(str(value) for value in found[key].values()))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
