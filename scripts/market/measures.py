"""What a simulated market was like: samples while it runs, figures at its end. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median, quantiles
from typing import NamedTuple

from scripts.client import Json
from scripts.market.agents import Sent
from scripts.market.seen import BookView, Print

_BASIS_POINTS = 10_000


class Sample(NamedTuple):
    """A market at a moment: seconds after the start, prices, spread in basis points, depth."""

    at_s: float
    mid: float
    fair: float
    spread_bp: float
    depth: float


@dataclass(slots=True)
class Course:
    """What was seen of one market, over its WebSocket channels."""

    market: str
    samples: list[Sample] = field(default_factory=list)
    prints: list[Print] = field(default_factory=list)

    def look(self, book: BookView, fair: Decimal, at_s: float) -> None:
        """Take a sample; none while a side of the book is empty."""
        mid, spread = book.mid(), book.spread()
        if mid is None or spread is None:
            return
        basis_points = float(spread / mid * _BASIS_POINTS)
        self.samples.append(
            Sample(at_s, float(mid), float(fair), basis_points, float(book.depth()))
        )


@dataclass(slots=True)
class Found:
    """One market's course, and what its agents sent."""

    course: Course
    orders: int
    cancels: int
    sent: Sequence[Sent]
    refused: Counter[str]
    book_is_equal: bool | None

    def summary(self) -> Json:
        """Return the figures, ready for JSON; null for what there was nothing of."""
        prints, samples = self.course.prints, self.course.samples
        volume = sum((one.quantity for one in prints), Decimal(0))
        return {
            "market": self.course.market,
            "orders": self.orders,
            "cancels": self.cancels,
            "refused": dict(self.refused),
            "trades": len(prints),
            "volume": f"{volume.normalize():f}",
            "first_price": f"{prints[0].price:f}" if prints else None,
            "last_price": f"{prints[-1].price:f}" if prints else None,
            "spread_bp": _median([one.spread_bp for one in samples]),
            "depth_within_1_percent": _median([one.depth for one in samples]),
            "response_ms": {
                kind: _percentiles([one.took_ms for one in self.sent if one.kind == kind])
                for kind in sorted({one.kind for one in self.sent})
            },
            "feed_equals_book": self.book_is_equal,
        }


def is_equal(view: BookView, book: Json) -> bool:
    """Return whether a followed book has the levels that REST shows."""
    for known, side in ((view.bids, "bids"), (view.asks, "asks")):
        if known != {Decimal(price): Decimal(quantity) for price, quantity in book[side]}:
            return False
    return True


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 2) if values else None


def _percentiles(values: list[float]) -> Json:
    if len(values) < 2:  # noqa: PLR2004 - quantiles need two points
        return {"count": len(values), "p50": None, "p99": None}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"count": len(values), "p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}
