"""A trading desk for tests: one tenant, one market, three rich accounts, commands as methods.

One lot is 10 base units and a tick times a lot is 1 quote unit, so a buy of 5 at 100 costs 500.
Orders are called a, b, c … in the order in which they were accepted, and a test can draw the book:

          bid | price | ask
    ----------+-------+----------
              |   101 | b 2 carol
    a 5 alice |   100 |
"""

import inspect
from typing import Any

from rich.text import Text

from scripts.book_drawing import book_table, plain_text
from wire import layout as w
from wire.codec import (
    decode_events,
    encode_advance_time,
    encode_cancel,
    encode_cancel_all,
    encode_change,
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_place,
    encode_set_market_limits,
    encode_set_market_state,
    encode_set_tenant_limits,
)
from wire.events import Balance, Event, Level, Market, Order, Result, Trade

TENANT, OTHER_TENANT, MARKET, BASE, QUOTE = 1, 2, 1, 1, 2
FEES, ALICE, BOB, CAROL = (w.account_number(TENANT, index) for index in range(4))
STRANGER = w.account_number(OTHER_TENANT, 1)
BUY, SELL = w.SIDE_BUY, w.SIDE_SELL
RICH = 1_000_000
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol"}


def drawing(text: str) -> str:
    """Return a book as drawn in a test, without what the indentation of the test adds."""
    return "\n".join(line.rstrip() for line in inspect.cleandoc(text).split("\n"))


class Desk:
    """Sends commands and keeps the outcome."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.events: list[Event] = []
        self.names: dict[int, str] = {}
        self.send(encode_define_asset(BASE, TENANT, 8, "BTC"))
        self.send(encode_define_asset(QUOTE, TENANT, 6, "USDT"))
        self.send(encode_define_asset(3, OTHER_TENANT, 6, "USDT"))
        self.send(
            encode_define_market(
                MARKET, TENANT, BASE, QUOTE, lot_units=10, tick_units=1, symbol="BTC-USDT"
            )
        )
        for account in (ALICE, BOB, CAROL):
            self.send(encode_funds(w.COMMAND_CREDIT, account, BASE, RICH))
            self.send(encode_funds(w.COMMAND_CREDIT, account, QUOTE, RICH))

    @classmethod
    def of_engine(cls, engine: Any) -> "Desk":
        """Return a desk at an engine that has been set up."""
        desk = cls.__new__(cls)
        desk.engine, desk.events, desk.names = engine, [], {}
        return desk

    def send(self, command: bytes) -> str:
        """Apply one command; return the name of its reason."""
        self.events = list(decode_events(self.engine.apply(command)))
        self.engine.check()
        for order in self.of(Order):
            if order.order_id not in self.names:
                self.names[order.order_id] = chr(ord("a") + len(self.names))
        return w.REASON_NAMES[self.result.reason]

    @property
    def result(self) -> Result:
        result = self.events[0]
        assert isinstance(result, Result)
        return result

    def of(self, kind: type) -> list[Any]:
        """Return the last command's events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def trades(self) -> list[tuple[int, int, int, int]]:
        """(maker, taker, price, quantity) of the last command's trades."""
        return [(t.maker_order, t.taker_order, t.price, t.quantity) for t in self.of(Trade)]

    @property
    def ended(self) -> dict[int, str]:
        """Order id -> why it closed, in the last command."""
        return {o.order_id: w.CLOSE_NAMES[o.close_reason] for o in self.of(Order) if o.close_reason}

    @property
    def levels(self) -> list[tuple[int, int, int]]:
        """(side, price, displayed) as stated by the last command."""
        return [(event.side, event.price, event.quantity) for event in self.of(Level)]

    @property
    def balances(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(account, asset) -> (available, held) as stated by the last command."""
        return {(b.account, b.asset): (b.available, b.held) for b in self.of(Balance)}

    @property
    def market_states(self) -> list[Market]:
        return self.of(Market)

    # --- commands ---------------------------------------------------------------------------------

    def place(
        self, account: int, side: int, price: int = 0, quantity: int = 0, **options: Any
    ) -> int:
        """Place an order; return its id, or 0 when it was rejected."""
        self.send(encode_place(account, MARKET, side, price, quantity, **options))
        return self.result.order_id

    def rejection(
        self, account: int, side: int, price: int = 0, quantity: int = 0, **options: Any
    ) -> str:
        """Place an order; return the name of the reason."""
        self.place(account, side, price, quantity, **options)
        return w.REASON_NAMES[self.result.reason]

    def cancel(self, account: int, order_id: int = 0, **more: Any) -> str:
        return self.send(encode_cancel(account, order_id, **more))

    def cancel_all(self, account: int, **more: Any) -> str:
        return self.send(encode_cancel_all(account, **more))

    def change(self, account: int, order_id: int, **more: Any) -> str:
        return self.send(encode_change(account, order_id, **more))

    def state(self, state: int, reference: int = 0) -> str:
        return self.send(encode_set_market_state(MARKET, state, reference))

    def limits(self, **limits: int) -> str:
        return self.send(encode_set_market_limits(MARKET, **limits))

    def tenant_limits(self, tenant: int = TENANT, **limits: int) -> str:
        return self.send(encode_set_tenant_limits(tenant, **limits))

    def time(self, time_ms: int) -> str:
        return self.send(encode_advance_time(time_ms))

    def funds(self, kind: int, account: int, asset: int, amount: int, **more: Any) -> str:
        return self.send(encode_funds(kind, account, asset, amount, **more))

    # --- the book ---------------------------------------------------------------------------------

    @property
    def book(self) -> str:
        """The book, drawn: name, remaining lots and account of each order, in its place."""

        def label(order_id: int, lots: int) -> Text:
            account = NAMES[self.engine.order(order_id).account]
            return Text(f"{self.names[order_id]} {lots} {account}")

        return plain_text(book_table(self.engine, MARKET, label))

    def queue(self, side: int) -> list[tuple[int, int]]:
        """(order id, remaining) of a side in the order they would trade."""
        queue: list[tuple[int, int]] = self.engine.resting(MARKET, side)
        return queue
