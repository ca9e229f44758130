"""What a client knows of a market and of its own orders, from the messages of its channels. Pure.

Prices, quantities and amounts are exact decimals, as the API writes them.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from scripts.client import Json

TRADES_KEPT: Final = 200
_ONE_PERCENT: Final = Decimal("0.01")
OPEN: Final = frozenset({"open", "partially_filled", "pending_trigger", "pending_entry"})


class Level(NamedTuple):
    """A price and the quantity that waits there."""

    price: Decimal
    quantity: Decimal


class Print(NamedTuple):
    """A public trade; ``side`` is the taker's."""

    trade_id: str
    time_ms: int
    side: str
    price: Decimal
    quantity: Decimal


@dataclass(slots=True)
class BookView:
    """One market's book: the quantity at each price, of both sides."""

    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    sequence: int = 0
    time_ms: int = 0

    def apply(self, message: Json) -> None:
        """Apply a snapshot or an update of the channel."""
        if message["type"] == "snapshot" and message.get("part", 1) == 1:
            self.bids.clear()
            self.asks.clear()
        for side, levels in ((self.bids, "bids"), (self.asks, "asks")):
            for price, quantity in message["data"][levels]:
                if Decimal(quantity):
                    side[Decimal(price)] = Decimal(quantity)
                else:
                    side.pop(Decimal(price), None)
        self.sequence, self.time_ms = message["sequence"], message["time_ms"]

    def best_bids(self, count: int) -> list[Level]:
        """Return the highest bids, best first."""
        return [Level(price, self.bids[price]) for price in sorted(self.bids, reverse=True)[:count]]

    def best_asks(self, count: int) -> list[Level]:
        """Return the lowest asks, best first."""
        return [Level(price, self.asks[price]) for price in sorted(self.asks)[:count]]

    def mid(self) -> Decimal | None:
        """Return the middle between the best prices; None while a side is empty."""
        if not self.bids or not self.asks:
            return None
        return (max(self.bids) + min(self.asks)) / 2

    def spread(self) -> Decimal | None:
        """Return the distance between the best prices; None while a side is empty."""
        if not self.bids or not self.asks:
            return None
        return min(self.asks) - max(self.bids)

    def depth(self) -> Decimal:
        """Return what waits within one percent of the middle on both sides, in the quote asset."""
        mid = self.mid()
        if mid is None:
            return Decimal(0)
        low, high = mid * (1 - _ONE_PERCENT), mid * (1 + _ONE_PERCENT)
        near = [*self.bids.items(), *self.asks.items()]
        return sum((price * size for price, size in near if low <= price <= high), Decimal(0))


@dataclass(slots=True)
class TapeView:
    """One market's public trades, newest last, each once."""

    prints: deque[Print] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    # Of the trades that are kept; a snapshot has fewer than those.
    _ids: deque[str] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))

    def apply(self, message: Json) -> list[Print]:
        """Apply a snapshot or an update; return the trades that are new, oldest first."""
        new = []
        # A snapshot is newest first, an update oldest first.
        rows = message["data"]
        for row in reversed(rows) if message.get("type") == "snapshot" else rows:
            if row["trade_id"] in self._ids:
                continue
            self._ids.append(row["trade_id"])
            price, quantity = Decimal(row["price"]), Decimal(row["quantity"])
            new.append(Print(row["trade_id"], row["time_ms"], row["side"], price, quantity))
        self.prints.extend(new)
        return new


@dataclass(slots=True)
class OwnView:
    """An account's open orders by id, and its balances by asset."""

    orders: dict[str, Json] = field(default_factory=dict)
    balances: dict[str, Json] = field(default_factory=dict)
    _closed: dict[str, int] = field(default_factory=dict)

    def apply_orders(self, message: Json) -> None:
        """Apply a snapshot or an update; of each order the newest state counts."""
        if message["type"] == "snapshot" and message.get("part", 1) == 1:
            # What is newer than the snapshot stays: its update came before.
            newer = message["sequence"]
            self.orders = {
                name: order for name, order in self.orders.items() if order["sequence"] > newer
            }
        for row in message["data"]:
            order_id, sequence = row["order_id"], row["sequence"]
            known = self.orders.get(order_id)
            if sequence <= max(known["sequence"] if known else 0, self._closed.get(order_id, 0)):
                continue
            if row["status"] in OPEN:
                # An update leaves out what its command did not state.
                kept = {name: value for name, value in row.items() if value is not None}
                self.orders[order_id] = {**row, **(known or {}), **kept}
            else:
                self.orders.pop(order_id, None)
                self._closed[order_id] = sequence

    def apply_balances(self, message: Json) -> None:
        """Apply a snapshot or an update; of each asset the newest state counts."""
        for row in message["data"]:
            known = self.balances.get(row["asset"])
            if known is None or row["sequence"] >= known["sequence"]:
                self.balances[row["asset"]] = row
