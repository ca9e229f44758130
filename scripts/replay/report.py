"""Results of a replay: counted as responses arrive, printed at the end."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from scripts.client import Json
from scripts.replay.flow import Print


@dataclass(slots=True)
class Tally:
    """Counts of one replay; latencies in milliseconds, one per operation."""

    orders: int = 0
    orders_refused: Counter[str] = field(default_factory=Counter)
    cancels: int = 0
    cancels_too_late: int = 0
    prints: list[Print] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    @property
    def volume(self) -> Decimal:
        """Quantity traded, in the base asset."""
        return sum((quantity for _, quantity in self.prints), Decimal(0))

    def summary(self, tape: list[Print] | None) -> Json:
        """Return all counts and percentiles, ready for JSON."""
        operations = self.orders + self.cancels
        found: Json = {
            "orders": self.orders,
            "orders_refused": dict(self.orders_refused),
            "cancels": self.cancels,
            "cancels_too_late": self.cancels_too_late,
            "trades": len(self.prints),
            "volume": f"{self.volume.normalize():f}",
            "requests": self.requests,
            "seconds": round(self.seconds, 2),
            "operations_per_s": round(operations / self.seconds, 1) if self.seconds else 0.0,
            "response_ms": _percentiles(self.latencies_ms),
        }
        if tape is not None:
            same = Counter(self.prints) & Counter(tape)
            found["tape_trades"] = len(tape)
            found["tape_trades_reproduced"] = same.total()
        return found


def _percentiles(values: list[float]) -> Json:
    if len(values) < 2:  # noqa: PLR2004 - quantiles need two points
        return {"p50": None, "p99": None}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def print_summary(console: Console, found: Json) -> None:
    """Print the summary as a table."""
    table = Table(title="Replay", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    refused = sum(found["orders_refused"].values())
    table.add_row("orders", f"{found['orders']:,}" + (f" ({refused} refused)" if refused else ""))
    table.add_row("cancels", f"{found['cancels']:,} ({found['cancels_too_late']:,} too late)")
    table.add_row("trades", f"{found['trades']:,}")
    table.add_row("volume", found["volume"])
    table.add_row("time", f"{found['seconds']} s in {found['requests']:,} requests")
    table.add_row("rate", f"{found['operations_per_s']:,} operations/s")
    latency = found["response_ms"]
    table.add_row("order to response", f"p50 {latency['p50']} ms, p99 {latency['p99']} ms")
    if "tape_trades" in found:
        same, all_trades = found["tape_trades_reproduced"], found["tape_trades"]
        table.add_row("on the tape, to the digit", f"{same:,} of {all_trades:,}")
    console.print(table)
    for code, count in found["orders_refused"].items():
        console.print(f"[yellow]refused[/yellow] {count:,} x {code}")
