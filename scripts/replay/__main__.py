"""Play recorded order flow through the running exchange, as an ordinary user would.

One account plays every trader: its orders are in one queue group, so the exchange carries them out
in the file's order. Each request has up to fifty operations; the next is sent after its response.
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
from scripts.replay.report import Tally, print_summary

OPERATIONS_PER_REQUEST = 50
IN_STEP_S = 60.0
EXAMPLES = """examples:
  make replay FILE=orders.csv.xz TAPE=trades.csv.xz
  make replay FILE=orders.csv ARGS="--market ETH-USDT --rows 5000 --json"
"""


class Replay:
    """One run: turns the operations of a file into batch requests, and counts the responses."""

    def __init__(self, client: Client, market: str) -> None:
        self.client = client
        self.market = market
        # A client order id is used once for good; the run's own prefix lets a file play twice.
        self.run = secrets.token_hex(4)
        self.tally = Tally()

    def clear(self) -> None:
        """Cancel the orders that an earlier replay left, and wait until the read models show it."""
        self.client.call("DELETE", "/orders", params={"market": self.market})
        deadline = time.monotonic() + IN_STEP_S
        while self.client.call("GET", "/health")["lag_records"]:
            if time.monotonic() > deadline:
                raise ToolError("The read models stay behind the journal; see the projector's log.")
            time.sleep(0.1)

    def send(self, operations: list[Operation]) -> None:
        """Send one request and count its results."""
        body = {"operations": [self._body(operation) for operation in operations]}
        started = time.perf_counter()
        response = self.client.call("POST", "/orders/batch", json=body)
        elapsed_ms = (time.perf_counter() - started) * 1000
        if "results" not in response:
            raise ToolError("The exchange did not decide a batch in time; is its worker running?")
        self.tally.requests += 1
        self.tally.latencies_ms.extend([elapsed_ms] * len(operations))
        for operation, result in zip(operations, response["results"], strict=True):
            self._count(operation, result)

    def _body(self, operation: Operation) -> Json:
        client_order_id = f"{self.run}-{operation.order}"
        if isinstance(operation, PlaceOrder):
            return {
                "op": "place",
                "market": self.market,
                "side": operation.side,
                "type": "limit",
                "price": operation.price,
                "quantity": operation.quantity,
                "client_order_id": client_order_id,
            }
        return {"op": "cancel", "client_order_id": client_order_id}

    def _count(self, operation: Operation, result: Json) -> None:
        tally, error = self.tally, result.get("error")
        if not isinstance(operation, PlaceOrder):
            tally.cancels += 1
            tally.cancels_too_late += error is not None
            return
        tally.orders += 1
        if error is not None:
            tally.orders_refused[error["code"]] += 1
            return
        fills = result["order"]["fills"]
        tally.prints.extend((Decimal(fill["price"]), Decimal(fill["quantity"])) for fill in fills)


def batched(operations: list[Operation], size: int) -> Iterator[list[Operation]]:
    """Cut a list into pieces of at most ``size``."""
    for start in range(0, len(operations), size):
        yield operations[start : start + size]


def replay(arguments: argparse.Namespace, console: Console) -> Json:
    """Play a file and return the summary."""
    operations = list(read_flow(arguments.file))[: arguments.rows]
    tape = read_tape(arguments.tape) if arguments.tape else None
    deployment = Deployment.read(arguments.outputs)
    client = Client(deployment, deployment.user(arguments.user))
    run = Replay(client, arguments.market)
    run.clear()
    book = client.call("GET", f"/markets/{arguments.market}/book", params={"depth": 1})
    if book["bids"] or book["asks"]:
        console.print(
            f"[yellow]There are other orders in {arguments.market} and they will trade too, so the"
            " result can't equal the recording.[/yellow]"
        )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[trades]} trades"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("replaying", total=len(operations), trades=0)
        for piece in batched(operations, arguments.batch):
            run.send(piece)
            progress.update(task, advance=len(piece), trades=len(run.tally.prints))
    run.tally.seconds = time.perf_counter() - started
    return run.tally.summary(tape)


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
        console.print("Stopped; the operations sent so far have been carried out.")
        return 130
    if arguments.json:
        print(json.dumps(found))
    else:
        print_summary(Console(), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
