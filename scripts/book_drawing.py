"""An order book as a table: bids to the left of the prices, asks to the right.

Orders of a level are drawn in the order in which they trade. An iceberg's level says how much
of it is shown.
"""

from collections.abc import Callable
from io import StringIO
from itertools import groupby
from typing import Protocol

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from wire import layout as w
from wire.events import Order

WIDTH = 120  # of plain text; a terminal has its own


class OpenBook(Protocol):
    """What a drawing asks an engine for."""

    def book(
        self, market: int, depth: int = 0
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), each (price, displayed lots), best first."""
        ...

    def resting(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's orders as (order id, remaining lots) in the order they would trade."""
        ...

    def order(self, order_id: int) -> Order | None:
        """Return an open order's state, or None."""
        ...


def empty_table(*columns: str) -> Table:
    """Return a table without rows; a column whose name ends with ">" is aligned to the right."""
    table = Table(box=box.ASCII, show_edge=False, pad_edge=False)
    for column in columns:
        justify = "right" if column.endswith(">") else "left"
        table.add_column(column.removesuffix(">"), justify=justify)  # type: ignore[arg-type]
    return table


def book_table(
    engine: OpenBook,
    market: int,
    label: Callable[[int, int], Text],
    *,
    price_text: Callable[[int], str] = str,
    quantity_text: Callable[[int], str] = str,
) -> Table:
    """Return a market's book as a table, the highest price on top.

    Parameters
    ----------
    label
        Takes an order's id and remaining lots, returns what is drawn for it.
    price_text, quantity_text
        Take ticks and lots, return what is written.
    """
    table = empty_table("bid>", "price>", "ask")
    bids, asks = (
        _levels(engine, market, side, label, quantity_text) for side in (w.SIDE_BUY, w.SIDE_SELL)
    )
    for price in sorted({*bids, *asks}, reverse=True):
        table.add_row(bids.get(price), price_text(price), asks.get(price))
    return table


def _levels(
    engine: OpenBook,
    market: int,
    side: int,
    label: Callable[[int, int], Text],
    quantity_text: Callable[[int], str],
) -> dict[int, Text]:
    """Return price -> what is drawn for the orders of a level."""
    displayed = dict(engine.book(market)[side - w.SIDE_BUY])
    levels: dict[int, Text] = {}
    for price, queue in groupby(engine.resting(market, side), lambda row: _price(engine, row[0])):
        orders = list(queue)
        levels[price] = Text(", ").join(label(*order) for order in orders)
        if displayed[price] != sum(lots for _, lots in orders):
            levels[price].append(f" ({quantity_text(displayed[price])} shown)")
    return levels


def _price(engine: OpenBook, order_id: int) -> int:
    order = engine.order(order_id)
    assert order is not None, "an order that rests is open"  # noqa: S101 - the engine's promise
    return order.price


def plain_text(drawing: RenderableType) -> str:
    """Return a drawing as lines without colours or spaces at their ends."""
    file = StringIO()
    Console(file=file, width=WIDTH, color_system=None).print(drawing)
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip("\n").split("\n"))
