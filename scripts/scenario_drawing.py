"""A scenario step by step: the command, its outcome, the book, and the balances of all users."""

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from scripts import scenario_words as words
from scripts.book_drawing import book_table, empty_table
from scripts.scenario_exchange import BOTH_SIDES, Exchange, Funds
from scripts.scenario_words import Number, Step, find_value
from wire import layout as w

OWN, TRADED, REJECTED = "bold cyan", "green", "red"


class StepDrawing:
    """Prints the steps of one scenario as they are run.

    Orders and money of the user whose step it is are marked with a star, and coloured where the
    console has colours.
    """

    def __init__(self, console: Console, scenario: Step) -> None:
        self.console = console
        self.trade_count = 0
        self.cancelled: dict[int, int] = {}
        self.before: Funds = {}
        self.opening: Funds = {}
        console.print(Text(str(scenario.get("name", "a scenario")), style="bold"))
        if "checks" in scenario:
            console.print(Text(str(scenario["checks"])))

    def start(self, exchange: Exchange) -> None:
        """Note the balances before the first step."""
        self.before = self.opening = exchange.funds()

    def draw(self, exchange: Exchange, index: int, step: Step) -> None:
        """Print one step that has just been run."""
        user = find_value(step, words.USER)
        own = "" if user is None else str(user)
        self.console.print()
        self.console.rule(Text(f"step {index}"), align="left", characters="-")
        self.console.print(Text(sentence(step), style="bold"))
        self._draw_outcome(exchange)
        for name, number in exchange.ledger.markets.items():
            if len(exchange.ledger.markets) > 1:
                self.console.print(Text(f"market {name}"))
            self._draw_book(exchange, number, own)
        self._draw_money(exchange, own)

    def _draw_outcome(self, exchange: Exchange) -> None:
        if exchange.reason:
            self.console.print(Text(f"rejected: {w.REASON_NAMES[exchange.reason]}", REJECTED))
        for trade in exchange.trades[self.trade_count :]:
            maker, taker, price, quantity = exchange.trade(trade)
            self.console.print(Text(f"trade: {maker} with {taker}, {quantity} at {price}", TRADED))
        self.trade_count = len(exchange.trades)
        for order_id, lots in exchange.cancelled.items():
            if order_id not in self.cancelled:
                name, quantity = exchange.row_of((order_id, lots))
                self.console.print(Text(f"cancelled: {name}, {quantity} unfilled"))
        self.cancelled = dict(exchange.cancelled)

    def _draw_book(self, exchange: Exchange, market: int, own: str) -> None:
        users = {account: user for user, account in exchange.ledger.users.items()}

        def label(order_id: int, lots: int) -> Text:
            order = exchange.engine.order(order_id)
            user = users.get(order.account, "") if order else ""
            parts = (*exchange.row_of((order_id, lots)), user)
            return _starred(" ".join(str(part) for part in parts if part != ""), user, own)

        def quantity_text(lots: int) -> str:
            return str(words.unscaled(lots, exchange.units.quantity))

        def price_text(ticks: int) -> str:
            return str(words.unscaled(ticks, exchange.units.price))

        table = book_table(
            exchange.engine, market, label, price_text=price_text, quantity_text=quantity_text
        )
        self.console.print(table if table.row_count else Text("the book is empty"))
        for side in BOTH_SIDES:
            for order_id, lots in exchange.engine.stops(market, side):
                at = price_text(exchange.trigger_prices.get(order_id, 0))
                stop = label(order_id, lots)
                self.console.print(Text(f"{w.SIDE_NAMES[side]} stop at {at}: ") + stop)
            for order_id, trigger in exchange.engine.trailing(market, side):
                waiting = exchange.engine.order(order_id)
                lots = waiting.remaining if waiting else 0
                kind = f"{w.SIDE_NAMES[side]} trailing stop, now at {price_text(trigger)}: "
                self.console.print(Text(kind) + label(order_id, lots))

    def _draw_money(self, exchange: Exchange, own: str) -> None:
        after = exchange.funds()
        table = empty_table("user", "asset", "available>", "then>", "held>", "then>")
        for user, assets in after.items():
            for asset, now in assets.items():
                before = self.before[user][asset]
                # A user without a deposit is given more than it can spend: only changes matter.
                opening = self.opening[user][asset]["available"]
                first = None if user in exchange.ledger.owners else opening
                changed = "" if before == now else OWN if user == own else TRADED
                table.add_row(
                    _starred(user or "nobody", user, own),
                    asset,
                    _amount(before["available"], first),
                    Text(_amount(now["available"], first), changed),
                    str(before["held"]),
                    Text(str(now["held"]), changed),
                )
        self.console.print()
        self.console.print(table)
        self.before = after


def sentence(step: Step) -> str:
    """Return a step as its operation and its other keys with their values."""
    more = (f"{key} {_word(value)}" for key, value in step.items() if key != "op")
    return ", ".join((str(step.get("op", "?")), *more))


def _word(value: Any) -> str:  # noqa: ANN401 - JSON is any
    return value if isinstance(value, str) else json.dumps(value, default=float)


def _starred(text: str, user: str, own: str) -> Text:
    return Text(f"{text}*", OWN) if user and user == own else Text(text)


def _amount(value: Number, first: Number | None) -> str:
    """Return an amount, or "rich" and what has been gained since the first."""
    if first is None:
        return str(value)
    gain = value - first
    return f"rich {gain:+}" if gain else "rich"
