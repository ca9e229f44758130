"""How a market looks in a terminal. Pure: from what is known to what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scripts.market.seen import BookView, Level, OwnView, TapeView

BAR_WIDTH: Final = 16
OWN_ORDERS_SHOWN: Final = 8
_COLOURS: Final = {"buy": "green", "sell": "red"}


@dataclass(slots=True)
class MarketView:
    """All that is shown of a market."""

    market: str
    user: str
    book: BookView = field(default_factory=BookView)
    tape: TapeView = field(default_factory=TapeView)
    own: OwnView = field(default_factory=OwnView)
    said: str = "connecting"
    is_in_step: bool = False
    resets: int = 0

    def apply(self, channel: str, message: dict[str, object]) -> None:
        """Apply a message that is in step to what it is about."""
        if channel.startswith("book:"):
            self.book.apply(message)
        elif channel.startswith("trades:"):
            self.tape.apply(message)
        elif channel == "orders":
            self.own.apply_orders(message)
        else:
            self.own.apply_balances(message)


def draw(view: MarketView, levels: int, now_ms: int) -> RenderableType:
    """Return the whole screen."""
    panels = [
        Panel(_book(view.book, levels), title="book", border_style="dim"),
        Panel(_tape(view.tape, 2 * levels + 1), title="trades", border_style="dim"),
        Panel(_own(view), title=escape(view.user), border_style="dim"),
    ]
    return Group(_head(view, now_ms), Columns(panels))


def _head(view: MarketView, now_ms: int) -> Text:
    step = ("in step", "green") if view.is_in_step else ("waiting for a snapshot", "yellow")
    age = f", {max(0, now_ms - view.book.time_ms) / 1_000:.1f} s old" if view.book.time_ms else ""
    return Text.assemble(
        (view.market, "bold"),
        "  ",
        step,
        f" at {view.book.sequence:,}{age}, missed {view.resets} times  ",
        (view.said, "dim"),
    )


def _book(book: BookView, levels: int) -> Table:
    asks, bids = book.best_asks(levels), book.best_bids(levels)
    most = max((level.quantity for level in (*asks, *bids)), default=Decimal(1))
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(width=BAR_WIDTH)
    for _ in range(levels - len(asks)):
        table.add_row("", "", "")
    for level in reversed(asks):
        table.add_row(*_level(level, most, "red"))
    spread = book.spread()
    table.add_row(Text("—" if spread is None else f"{spread:f}", "dim"), Text("spread", "dim"), "")
    for level in bids:
        table.add_row(*_level(level, most, "green"))
    for _ in range(levels - len(bids)):
        table.add_row("", "", "")
    return table


def _level(level: Level, most: Decimal, colour: str) -> tuple[Text, str, Text]:
    bar = "█" * max(1, round(BAR_WIDTH * level.quantity / most))
    return Text(f"{level.price:f}", colour), f"{level.quantity:f}", Text(bar, f"dim {colour}")


def _tape(tape: TapeView, rows: int) -> Table:
    table = Table.grid(padding=(0, 1))
    for one in list(tape.prints)[-rows:][::-1]:
        at = datetime.fromtimestamp(one.time_ms / 1_000, UTC)
        table.add_row(
            Text(f"{at:%H:%M:%S}", "dim"),
            Text(f"{one.price:f}", _COLOURS[one.side]),
            f"{one.quantity:f}",
        )
    if not tape.prints:
        table.add_row(Text("none yet", "dim"))
    return table


def _own(view: MarketView) -> Group:
    orders = Table.grid(padding=(0, 1))
    mine = [order for order in view.own.orders.values() if order["market"] == view.market]
    for order in sorted(mine, key=lambda one: one["sequence"], reverse=True)[:OWN_ORDERS_SHOWN]:
        orders.add_row(
            Text(str(order["side"]), _COLOURS[order["side"]]),
            str(order.get("price") or order["type"]),
            str(order["remaining_quantity"]),
            Text(str(order["status"]), "dim"),
        )
    more = len(mine) - OWN_ORDERS_SHOWN
    count = f"{len(mine)} open orders" + (f", {more} more than shown" if more > 0 else "")
    return Group(Text(count, "dim"), orders, _balances(view.own, view.market.split("-")))


def _balances(own: OwnView, assets: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for asset in assets:
        row = own.balances.get(asset)
        if row is not None:
            held = f"+ {row['held']} held" if Decimal(row["held"]) else ""
            table.add_row(Text(asset, "bold"), row["available"], Text(held, "dim"))
    return table
