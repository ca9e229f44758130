"""What a million accepted orders cost: measured units times list prices.

What is assumed and not measured is a constant here, and named in docs/cost.md.
"""

from collections.abc import Mapping
from typing import NamedTuple

from scripts.cost.deployment import architecture, load, memory_gb

MILLION = 1_000_000
GB = 10**9
# Of a warm call, as measured locally (docs/performance.md), rounded up; AWS may differ.
EDGE_S = 0.100
PROJECTOR_S_PER_RECORD = 0.100
FEEDS_S_PER_BATCH = 0.050
AUTHORIZER_S = 0.020
# A verdict is kept for ten seconds: of so many requests of a busy client one asks the authorizer.
REQUESTS_PER_VERDICT = 10
# The edge looks for its reply about three times, consistently: a unit for each 4 KB.
REPLY_LOOKS = 3
REPLY_BYTES_PER_ORDER = 300
READ_UNIT_BYTES = 4_096
# Access log, Lambda's own lines and ours, of a request and of a stream's batch.
LOG_BYTES_PER_CALL = 1_500
# X-Ray's default: 5 % of requests, beside the first of each second.
TRACED_SHARE = 0.05
RESPONSE_BYTES = 1_000
# A send; receive and delete take ten messages at a time.
QUEUE_REQUESTS_PER_MESSAGE = 1.2
LINES = (
    "journal",
    "replies",
    "read models",
    "queue",
    "REST API",
    "functions",
    "logs, traces, traffic",
)


class Case(NamedTuple):
    """One way to send orders, as measured.

    Attributes
    ----------
    orders_per_request, requests_per_record
        How they are sent, and how many requests the worker has put into a record.
    orders
        Accepted, of which the rest is a sum.
    requests, records, stream_batches, commands
        How many there were; the stream hands ten records to a function together when there is much
        to do.
    writes, reads
        Units of DynamoDB by table; indexes as ``orders indexes``.

    """

    orders_per_request: int
    requests_per_record: int
    orders: int
    requests: int
    records: int
    stream_batches: int
    commands: int
    writes: Mapping[str, int]
    reads: Mapping[str, int]

    @property
    def name(self) -> str:
        """Return how the orders are sent, in words."""
        if self.requests_per_record == 1:
            return "one a request, alone in its record"
        if self.orders_per_request == 1:
            return "one a request, while others wait"
        return f"{self.orders_per_request} a request"


def cases() -> list[Case]:
    """Return what was measured."""
    return [Case(**one) for one in load("units.json")["cases"]]


def book_units(kind: str) -> Mapping[str, float]:
    """Return write units of one write of a book, by how many commands it holds."""
    found: Mapping[str, float] = load("units.json")["book units a write"][kind]
    return found


def prices() -> Mapping[str, float]:
    """Return the price list."""
    found: Mapping[str, float] = load("prices.json")["prices"]
    return found


def dollars(case: Case, *, deep: bool = False) -> dict[str, float]:
    """Return the price of a million accepted orders by what it is paid for."""
    price = prices()
    batches = case.stream_batches
    write, read = price["dynamodb write unit"], price["dynamodb read unit"]
    looks = REPLY_LOOKS * -(-case.orders_per_request * REPLY_BYTES_PER_ORDER // READ_UNIT_BYTES)
    models = {name: units for name, units in case.writes.items() if name not in _OTHER}
    read_models = sum(models.values()) * write + sum(case.reads.values()) * read
    if deep:
        commands = case.commands / batches
        read_models += batches * (_units("deep", commands) - _units("quiet", commands)) * write
    spent = {
        "journal": case.writes["journal"] * write,
        "replies": case.writes["replies"] * write + case.requests * looks * read,
        "read models": read_models,
        "queue": case.requests * QUEUE_REQUESTS_PER_MESSAGE * price["queue request"],
        "REST API": case.requests * price["rest request"],
        "functions": _functions(case, batches),
        "logs, traces, traffic": (case.requests + 2 * batches) * LOG_BYTES_PER_CALL / GB
        * price["log GB"]
        + case.requests * TRACED_SHARE * price["trace"]
        + case.requests * RESPONSE_BYTES / GB * price["traffic GB"],
    }  # fmt: skip
    return {line: spent[line] * MILLION / case.orders for line in LINES}


_OTHER = ("journal", "replies")


def _units(kind: str, commands: float) -> float:
    """Return write units of one write of a book with about so many commands."""
    known = book_units(kind)
    nearest = min(known, key=lambda name: abs(int(name) - commands))
    return known[nearest]


def _functions(case: Case, batches: int) -> float:
    price = prices()
    verdicts = case.requests / REQUESTS_PER_VERDICT
    gb_seconds = (
        case.requests * EDGE_S * memory_gb("TradingApi")
        + verdicts * AUTHORIZER_S * memory_gb("Authorizer")
        + case.records * PROJECTOR_S_PER_RECORD * memory_gb("Projector")
        + batches * FEEDS_S_PER_BATCH * memory_gb("Feeds")
    )
    calls = case.requests + verdicts + 2 * batches
    return (
        calls * price["lambda request"] + gb_seconds * price[f"lambda GB second {architecture()}"]
    )


def journal_units_per_command(case: Case) -> float:
    """Return write units of the journal for one command."""
    return case.writes["journal"] / case.commands


def table() -> list[list[str]]:
    """Return the table of docs/cost.md, its head first."""
    rows = [["orders come", "book", *LINES, "total"]]
    for case in cases():
        for deep in (False, True):
            spent = dollars(case, deep=deep)
            total = sum(spent.values())
            figures = [f"{value:.2f}" for value in (*spent.values(), total)]
            rows.append([case.name, "deep" if deep else "quiet", *figures])
    return rows


def units_table() -> list[list[str]]:
    """Return what was measured for one accepted order, its head first."""
    rows: list[list[str]] = [
        ["orders come", "commands a record", "journal", "a command", "replies", "read models"]
    ]
    for case in cases():
        models = sum(units for name, units in case.writes.items() if name not in _OTHER)
        rows.append(
            [
                case.name,
                f"{case.commands / case.records:.0f}",
                f"{case.writes['journal'] / case.orders:.3f}",
                f"{journal_units_per_command(case):.3f}",
                f"{case.writes['replies'] / case.orders:.3f}",
                f"{models / case.orders:.2f}",
            ]
        )
    return rows
