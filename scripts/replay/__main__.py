"""Play recorded order flow through the running exchange, as an ordinary user would.

One account plays every trader: its orders are in one queue group, so the exchange carries them out
in the file's order. Each request has up to fifty operations; the next is sent after its response.
What is not decided is sent again under its own name, and a replay that was stopped goes on where it
was when the same command is given again.
"""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.client import OUTPUTS, ApiError, Client, Deployment, Json, ToolError
from scripts.replay.flow import Operation, PlaceOrder, read_flow, read_tape
from scripts.replay.log import ReplayLog
from scripts.replay.repeats import Repeats
from scripts.replay.report import Tally, print_summary

OPERATIONS_PER_REQUEST = 50
IN_STEP_S = 60.0
# A response about the exchange's health may be this old.
HEALTH_KEPT_S = 1.0
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[trades]} trades"),
    TimeRemainingColumn(),
)
EXAMPLES = """examples:
  make replay FILE=orders.csv.xz TAPE=trades.csv.xz
  make replay FILE=orders.csv ARGS="--market ETH-USDT --rows 5000 --json"
"""


class Replay:
    """One run: turns the operations of a file into batch requests, and counts the responses."""

    def __init__(self, client: Client, market: str, log: ReplayLog, repeats: Repeats) -> None:
        self.client = client
        self.market = market
        self.log = log
        self.tally = Tally()
        self._repeats = repeats

    def clear(self) -> None:
        """Cancel the orders that an earlier replay left, and wait until the read models show it."""
        self.client.call("DELETE", "/orders", params={"market": self.market})
        deadline = time.monotonic() + IN_STEP_S
        time.sleep(HEALTH_KEPT_S)
        while self.client.call("GET", "/health")["status"] != "ok":
            if time.monotonic() > deadline:
                raise ToolError("The read models stay behind the journal; see the projector's log.")
            time.sleep(0.1)

    def go_on(self, pieces: list[list[Operation]]) -> int:
        """Count what an earlier run has left; returns how many requests that are.

        It is worth nothing when the exchange does not know its orders any more.
        """
        if not self.log.resume() or not self._knows_last_order(pieces):
            # A client order id is used once for good; a name of its own lets a file play twice.
            self.log.begin(secrets.token_hex(4))
            return 0
        for piece, line in zip(pieces, self.log.decided, strict=False):
            self._count(piece, line)
        return len(self.log.decided)

    def send(self, index: int, operations: list[Operation]) -> None:
        """Send one request until it is decided, and count its results."""
        body = {"operations": [self._body(operation) for operation in operations]}
        started = time.perf_counter()
        response = self._repeats.post("/orders/batch", body, f"{self.log.run}-{index}")
        elapsed_s = time.perf_counter() - started
        line = {"s": elapsed_s, "results": [_shortened(result) for result in response["results"]]}
        self.log.add(line)
        self._count(operations, line)

    def _knows_last_order(self, pieces: list[list[Operation]]) -> bool:
        decided = [operation for piece in pieces[: len(self.log.decided)] for operation in piece]
        results = [result for line in self.log.decided for result in line["results"]]
        placed = [
            operation.order
            for operation, result in zip(decided, results, strict=False)
            if isinstance(operation, PlaceOrder) and "error" not in result
        ]
        if not placed:
            return False
        path = f"/orders/by-client-id/{self._client_order_id(placed[-1])}"
        return self.client.send("GET", path).ok

    def _client_order_id(self, order: str) -> str:
        return f"{self.log.run}-{order}"

    def _body(self, operation: Operation) -> Json:
        client_order_id = self._client_order_id(operation.order)
        if isinstance(operation, PlaceOrder):
            return {
                "op": "place",
                "market": self.market,
                "side": operation.side,
                "type": "limit",
                "price": operation.price,
                "quantity": operation.quantity,
                # One account plays every trader, so its orders have to trade with each other.
                "self_trade_prevention": "none",
                "client_order_id": client_order_id,
            }
        return {"op": "cancel", "client_order_id": client_order_id}

    def _count(self, operations: list[Operation], line: Json) -> None:
        self.tally.requests += 1
        self.tally.seconds += line["s"]
        self.tally.latencies_ms.extend([line["s"] * 1000] * len(operations))
        for operation, result in zip(operations, line["results"], strict=True):
            self._count_one(operation, result)

    def _count_one(self, operation: Operation, result: Json) -> None:
        tally, error = self.tally, result.get("error")
        if not isinstance(operation, PlaceOrder):
            tally.cancels += 1
            tally.cancels_too_late += error is not None
            return
        tally.orders += 1
        if error is not None:
            tally.orders_refused[error] += 1
            return
        tally.prints.extend((Decimal(price), Decimal(lots)) for price, lots in result["fills"])


def _shortened(result: Json) -> Json:
    """Return what of a result is counted."""
    if result.get("error") is not None:
        return {"error": result["error"]["code"]}
    fills = result["order"].get("fills", [])
    return {"fills": [(fill["price"], fill["quantity"]) for fill in fills]}


def batched(operations: list[Operation], size: int) -> Iterator[list[Operation]]:
    """Cut a list into pieces of at most ``size``."""
    for start in range(0, len(operations), size):
        yield operations[start : start + size]


def replay(arguments: argparse.Namespace, console: Console) -> Json:
    """Play a file and return the summary."""
    operations = list(read_flow(arguments.file))[: arguments.rows]
    pieces = list(batched(operations, arguments.batch))
    tape = read_tape(arguments.tape) if arguments.tape else None
    deployment = Deployment.read(arguments.outputs)
    client = Client(deployment, deployment.user(arguments.user))
    log = _log(arguments, deployment, client.user.account)
    with Progress(*COLUMNS, console=console) as progress:
        task = progress.add_task("replaying", total=len(operations), trades=0)

        def waiting(why: str) -> None:
            progress.update(task, description=f"waiting: {why}" if why else "replaying")

        run = Replay(client, arguments.market, log, Repeats(client, waiting))
        done = run.go_on(pieces)
        if done:
            console.print(f"Going on after {done:,} requests, where the last run stopped.")
        else:
            run.clear()
            _warn_of_other_orders(client, arguments.market, console)
        progress.update(task, advance=sum(map(len, pieces[:done])))
        try:
            for index, piece in enumerate(pieces[done:], start=done):
                run.send(index, piece)
                progress.update(task, advance=len(piece), trades=len(run.tally.prints))
        finally:
            log.close()
    log.finish()
    return run.tally.summary(tape)


def _log(arguments: argparse.Namespace, deployment: Deployment, account: str) -> ReplayLog:
    size = arguments.file.stat().st_size
    return ReplayLog.of(
        arguments.outputs.parent / "replays",
        file=arguments.file.resolve(),
        size=size,
        rows=arguments.rows,
        batch=arguments.batch,
        market=arguments.market,
        account=account,
        exchange=deployment.rest_url,
    )


def _warn_of_other_orders(client: Client, market: str, console: Console) -> None:
    book = client.call("GET", f"/markets/{market}/book", params={"depth": 1})
    if book["bids"] or book["asks"]:
        console.print(
            f"[yellow]There are other orders in {market} and they will trade too, so the"
            " result can't equal the recording.[/yellow]"
        )


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="replay",
        description="Play recorded order flow through the running exchange's public API.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="recorded orders, .csv or .csv.xz")
    parser.add_argument("--tape", type=Path, help="published trades to compare with")
    parser.add_argument("--market", default="BTC-USDT")
    parser.add_argument("--user", help="e-mail of the demo user to play as (default: the first)")
    parser.add_argument("--rows", type=int, help="play only this many operations")
    parser.add_argument("--batch", type=int, default=OPERATIONS_PER_REQUEST)
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the tool; returns the exit status."""
    arguments = parse_arguments(sys.argv[1:])
    console = Console(stderr=True)
    try:
        found = replay(arguments, console)
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on from here.")
        return 130
    if arguments.json:
        print(json.dumps(found))
    else:
        print_summary(Console(), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
