"""What one account's flood does to another, on the running exchange, where both share its machine.

    make bench-flood [ARGS="--seconds 20 --json"]
    make bench-flood ARGS="--beside aurora"        # another tenant's user, on the same shard

Bob, or a user of the tenant that is named, places single orders, one after the other, and waits for
each response: first alone, then while Alice floods with single orders that don't wait, with batches
of fifty, and over a WebSocket. For this the demo tenant gets the budgets that other tenants have,
and its own ones back at the end; functions know of a change within a minute, which is waited for.

On a laptop the functions, the emulator and both clients share the processors, so the latency
says how much of them the refusals take. What the arrangement itself does is shown by `make
bench-neighbour`.
"""

import argparse
import json
import os
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import boto3
from rich.console import Console
from rich.table import Table
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from benchmarks.bench_latency import percentiles
from bursa.kernel.identifiers import AccountId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS
from scripts.client import OUTPUTS, ApiError, Client, Deployment, Json, ToolError

KNOWN_WITHIN_S = 61.0
BEGUN_WITHIN_S = 60.0
FAR_PRICE = "1.00"
SINGLE_FLOODS = 3
LATER = {"Prefer": "respond-async"}


@dataclass
class Flood:
    """What one user sends as fast as it can, and what it gets."""

    client: Callable[[], Client]
    market: str
    stop: threading.Event = field(default_factory=threading.Event)
    responses: Counter[str] = field(default_factory=Counter)
    admitted: int = 0
    # Who has had a response: the emulator starts more of each function for the first ones.
    begun: set[int] = field(default_factory=set)

    def wait_until_begun(self, senders: int) -> None:
        """Return once so many send and get responses, and forget those; raises `ToolError`."""
        deadline = time.monotonic() + BEGUN_WITHIN_S
        while len(self.begun) < senders:
            if time.monotonic() > deadline:
                raise ToolError("The flood got no responses for a minute; is the exchange up?")
            time.sleep(0.1)
        self.responses.clear()
        self.admitted = 0

    def singles(self) -> None:
        """Send single orders that don't wait."""
        self._post("/orders", order(self.market), 1)

    def batches(self) -> None:
        """Send batches of fifty."""
        one = {"op": "place", **order(self.market)}
        self._post("/orders/batch", {"operations": [one] * 50}, 50)

    def _post(self, path: str, body: Json, size: int) -> None:
        client = self.client()
        while not self.stop.is_set():
            response = client.send("POST", path, json=body, headers=LATER)
            self.begun.add(threading.get_ident())
            code = "" if response.ok else str(response.json().get("code"))
            self.responses[f"{response.status_code} {code}".strip()] += 1
            self.admitted += size if response.ok else 0

    def messages(self) -> None:
        """Send WebSocket messages, and connect again when it is closed."""
        client = self.client()
        while not self.stop.is_set():
            try:
                with connect(client.websocket_url()) as socket:
                    while not self.stop.is_set():
                        socket.send('{"op":"ping"}')
                        message = json.loads(socket.recv(timeout=5))
                        self.begun.add(threading.get_ident())
                        self.responses[f"WebSocket {message.get('code', message['type'])}"] += 1
            except (ApiError, TimeoutError, WebSocketException) as error:
                self.responses[f"WebSocket {type(error).__name__}"] += 1


def order(market: str) -> Json:
    """Make an order far from the market that leaves nothing behind."""
    plain = {"market": market, "side": "buy", "type": "limit", "price": FAR_PRICE}
    return plain | {"quantity": "10", "time_in_force": "ioc"}


def trade(client: Client, market: str, seconds: float) -> Json:
    """Place orders for so long; return how many were sent, what they got, and how soon."""
    latencies: list[float] = []
    responses: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        response = client.send(
            "POST", "/orders", json=order(market) | {"client_order_id": secrets.token_hex(8)}
        )
        latencies.append(time.perf_counter() - began)
        responses[str(response.status_code)] += 1
    return {"orders": len(latencies), "responses": dict(responses), "ms": percentiles(latencies)}


@contextmanager
def usual_budgets(outputs: Path, console: Console) -> Iterator[None]:
    """Have the demo tenant keep to the budgets of other tenants, for a while."""
    running = json.loads(outputs.read_text())
    client = boto3.client(
        "dynamodb",
        region_name=running["region"],
        endpoint_url=running.get("endpoint_url"),
        aws_access_key_id=running.get("access_key_id"),
        aws_secret_access_key=running.get("secret_access_key"),
    )
    directory = DirectoryTable(client, running["stack_outputs"]["DirectoryTable"])
    profile = directory.profile(AccountId.parse(running["users"][0]["account"]).tenant)
    if profile is None:
        raise ToolError("The demo tenant has no profile; is this its deployment?")
    directory.add_tenant(replace(profile, limits=DEFAULT_LIMITS))
    try:
        with console.status("Waiting until the functions know the budgets"):
            time.sleep(KNOWN_WITHIN_S)
        yield
    finally:
        directory.add_tenant(profile)


class Trading(NamedTuple):
    """Who trades beside the flood, and where."""

    client: Client
    market: str

    @classmethod
    def of(cls, outputs: Path, tenant: str, market: str) -> "Trading":
        """Sign in the second user of a demo tenant, for a market or its first.

        Raises `ToolError` when there is no such tenant.
        """
        deployment = Deployment.read(outputs, tenant)
        known = json.loads(outputs.read_text())["tenants"]
        markets = next(one["markets"] for one in known if tenant in ("", one["name"]))
        return cls(Client(deployment, deployment.users[1]), market or markets[0])


def measure(
    deployment: Deployment, market: str, trading: Trading, seconds: float, console: Console
) -> Json:
    """Trade alone and then beside the floods."""
    alice = deployment.users[0]
    with console.status("Trading alone"):
        calm = trade(*trading, seconds)
    flood = Flood(lambda: Client(deployment, alice), market)
    works = [flood.singles] * SINGLE_FLOODS + [flood.batches, flood.messages]
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    with console.status("Waiting until all of the flood is answered"):
        flood.wait_until_begun(len(threads))
    with console.status("Trading beside the flood"):
        flooded = trade(*trading, seconds)
    flood.stop.set()
    for thread in threads:
        thread.join(timeout=30)
    return {
        "seconds": seconds,
        "alone": calm,
        "flooded": flooded,
        "load": round(os.getloadavg()[0], 2),
        "p99_ratio": round(flooded["ms"]["p99"] / calm["ms"]["p99"], 2),
        "flood": {"responses": dict(flood.responses), "commands_admitted": flood.admitted},
    }


def show(found: Json) -> None:
    """Print the figures as tables."""
    table = Table("one order to its response, ms", "orders", "responses", "p50", "p99", "max")
    for title, key in (("alone", "alone"), ("beside the flood", "flooded")):
        side = found[key]
        told = ", ".join(f"{count} x {status}" for status, count in side["responses"].items())
        numbers = (str(side["ms"][name]) for name in ("p50", "p99", "max"))
        table.add_row(title, str(side["orders"]), told, *numbers)
    Console().print(table)
    ratio, load = found["p99_ratio"], found["load"]
    Console().print(f"p99 beside the flood: {ratio} of that alone; load at the end: {load}")
    responses = Table("the flood got", "times")
    for name, count in sorted(found["flood"]["responses"].items()):
        responses.add_row(name, str(count))
    responses.add_row("commands admitted", str(found["flood"]["commands_admitted"]))
    Console().print(responses)


def main() -> int:
    """Run the benchmark; 1 with one sentence when it can't."""
    parser = argparse.ArgumentParser(prog="bench-flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--market", default="BTC-USDT", help="that is flooded")
    parser.add_argument("--beside", default="", help="whose user trades: a tenant by its name")
    parser.add_argument("--beside-market", default="", help="where; the tenant's first")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        deployment = Deployment.read(arguments.outputs)
        with usual_budgets(arguments.outputs, console):
            trading = Trading.of(arguments.outputs, arguments.beside, arguments.beside_market)
            found = measure(deployment, arguments.market, trading, arguments.seconds, console)
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    if arguments.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
