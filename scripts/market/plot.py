"""A simulated market as a picture: price, spread, depth and latencies."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

from scripts.market.measures import Found

mpl.use("Agg")

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 10.0)
_COLOURS = {"buy": "tab:green", "sell": "tab:red"}


def draw(found: Sequence[Found], started_ms: int, path: Path) -> None:
    """Write a PNG with a column for each market."""
    width, height = _INCHES
    figure, axes = plt.subplots(
        4, len(found), figsize=(width * len(found), height), squeeze=False, sharex="col"
    )
    for column, one in enumerate(found):
        price, spread, depth, latency = (axes[row][column] for row in range(4))
        _price(price, one, started_ms)
        times = [sample.at_s for sample in one.course.samples]
        spread.plot(times, [sample.spread_bp for sample in one.course.samples], linewidth=1)
        spread.set_ylabel("spread, basis points")
        depth.plot(times, [sample.depth for sample in one.course.samples], linewidth=1)
        depth.set_ylabel("depth within 1 %, quote asset")
        _latencies(latency, one)
        for panel in (price, spread, depth, latency):
            panel.grid(alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _price(panel: "Axes", one: Found, started_ms: int) -> None:
    samples = one.course.samples
    times = [sample.at_s for sample in samples]
    panel.plot(times, [sample.fair for sample in samples], label="fair price", linewidth=1)
    panel.plot(times, [sample.mid for sample in samples], label="middle of the book", linewidth=1)
    for side, colour in _COLOURS.items():
        trades = [trade for trade in one.course.prints if trade.side == side]
        panel.scatter(
            [(trade.time_ms - started_ms) / 1_000 for trade in trades],
            [float(trade.price) for trade in trades],
            s=6,
            color=colour,
            label=f"taker {side}s",
        )
    panel.set_title(one.course.market)
    panel.set_ylabel("price, quote asset")
    panel.legend(fontsize="small")


def _latencies(panel: "Axes", one: Found) -> None:
    for kind in sorted({sent.kind for sent in one.sent}):
        of_kind = [sent for sent in one.sent if sent.kind == kind]
        panel.scatter(
            [sent.at_s for sent in of_kind], [sent.took_ms for sent in of_kind], s=6, label=kind
        )
    panel.set_yscale("log")
    panel.set_ylabel("response, ms")
    panel.set_xlabel("seconds after the start")
    if one.sent:
        panel.legend(fontsize="small")
