"""What putting facts on the bus adds to the projector's time.

    python -m benchmarks.bench_facts
    python -m benchmarks.bench_facts --records 200 --commands 50 --latency-ms 5

The projector's own code writes through botocore to a stand-in for AWS, a process of its own on
loopback that takes as long for each response as it is told, and keeps nothing. So what is measured
is the projector's processor time and the calls that it waits for; tables in AWS may be slower or
faster. Each choice of kinds follows the same journal, in turn, several times; the medians count.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Any

from bursa.aws.clients import dynamodb_client, facts_client
from bursa.aws.table_writer import TableWriter
from bursa.dialects.events.presentation import write_fact
from bursa.facts import kinds
from bursa.facts.background import Thread
from bursa.facts.bus_eventbridge import EventBridgeFacts
from bursa.facts.position_dynamodb import PositionTable
from bursa.facts.publisher import Publisher
from bursa.journal.record import EncodedRecord
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import ReadModelSettings
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.fold import Definitions
from bursa.read_models.projector import Projector
from tests.doubles.ids import PUBLIC_IDS
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records

TABLES = ReadModelSettings("orders", "fills", "balances", "markets", "trades", "progress")
DEFAULT = "order.done,transfer.made,market.state"
CHOICES = {"none": "", "the default": DEFAULT, "all": ",".join(kinds.KINDS)}


class Service(BaseHTTPRequestHandler):
    """DynamoDB and EventBridge without a memory."""

    protocol_version = "HTTP/1.1"
    # Or the client waits for the rest of what was sent in two pieces.
    disable_nagle_algorithm = True
    wbufsize = -1
    latency_s = 0.005

    def do_POST(self) -> None:
        """Respond as after a write that had its effect, or with nothing found."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        response: dict[str, Any] = {}
        if operation == "Query":
            response = {"Items": [], "Count": 0}
        elif operation == "BatchWriteItem":
            response = {"UnprocessedItems": {}}
        elif operation == "PutEvents":
            entries = json.loads(body)["Entries"]
            response = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in entries]}
        time.sleep(self.latency_s)
        text = json.dumps(response).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep no log."""


class Counted:
    """Counts facts, and fails where one could not be put."""

    def __init__(self) -> None:
        self.facts = 0

    def put(self, facts: int) -> None:
        """Count facts that were put."""
        self.facts += facts

    @staticmethod
    def failed(error: Exception) -> None:
        """Fail."""
        raise error


def serve(ready: Any, latency_ms: float) -> None:  # noqa: ANN401 - the end of a pipe
    """Serve until the process is ended; send the port first."""
    Service.latency_s = latency_ms / 1_000
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    ready.send(server.server_port)
    server.serve_forever()


def journal(records: int, commands: int) -> Shard:
    """Return a journal of which one order in ten takes, and half of the others are cancelled."""
    shard = Shard()
    for number in range(records):
        batch = []
        for position in range(commands):
            price = 90 + (number + position) % 8
            if position % 10 == 0:
                batch.append(sell(BOB, 90, 1))
            else:
                batch.append(buy(ALICE, price, 1))
        shard.run(*batch)
    return shard


def batches(shard: Shard, size: int) -> Iterator[list[EncodedRecord]]:
    """Yield the records as the stream would bring them."""
    for start in range(0, len(shard.records), size):
        yield shard.records[start : start + size]


def follow(shard: Shard, chosen: str, size: int) -> tuple[float, float, int]:
    """Follow the journal; return the time, the processor time in seconds, and how many facts."""
    client = dynamodb_client()
    counted = Counted()
    facts = None
    if chosen:
        facts = Publisher(
            shard,
            Definitions,
            EventBridgeFacts(facts_client(), "bursa", partial(write_fact, ids=PUBLIC_IDS)),
            PositionTable(client, "progress", 0),
            kinds.read_kinds(chosen),
            SystemClock(),
            counted,
            Thread(),
        )
    tables = ReadModelTables(client, TABLES, 0, TableWriter(client))
    projector = Projector(0, shard, tables, _raise, facts=facts)
    began, began_cpu = time.perf_counter(), time.process_time()
    for batch in batches(shard, size):
        projector.project(stream_records(batch))
    return time.perf_counter() - began, time.process_time() - began_cpu, counted.facts


def _raise(error: Exception) -> None:
    raise error


def main() -> None:
    """Print a line for each choice of kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--commands", type=int, default=20, help="of each record")
    parser.add_argument("--batch", type=int, default=10, help="records of a batch of the stream")
    parser.add_argument("--latency-ms", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    here, there = multiprocessing.Pipe()
    service = multiprocessing.Process(target=serve, args=(there, arguments.latency_ms), daemon=True)
    service.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{here.recv()}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    shard = journal(arguments.records, arguments.commands)
    times: dict[str, list[tuple[float, float, int]]] = {name: [] for name in CHOICES}
    for _ in range(arguments.rounds):
        for name, chosen in CHOICES.items():
            times[name].append(follow(shard, chosen, arguments.batch))
    calls = -(-len(shard.records) // arguments.batch)
    print("kinds put    ms a batch   processor ms   facts a batch")
    for name, rounds in times.items():
        wall, cpu = (median(one[at] for one in rounds) / calls * 1_000 for at in (0, 1))
        print(f"{name:<12} {wall:10.1f} {cpu:14.1f} {rounds[0][2] / calls:15.1f}")
    service.terminate()


if __name__ == "__main__":
    main()
