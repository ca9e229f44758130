"""What a maker quotes and a taker takes, rounded to a market's rules. Pure."""

import random
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple, Self

from scripts.client import Json

# A taker's limit order pays at most so much more than the fair price.
SLIPPAGE: Final = Decimal("0.01")
SIZE_SPREAD: Final = 0.7
MARKET_ORDERS: Final = 0.7


class Rules(NamedTuple):
    """What a market asks of an order; see `GET /v1/markets`."""

    market: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    least: Decimal

    @classmethod
    def of(cls, row: Json) -> Self:
        """Read a market's row."""
        return cls(
            row["market"],
            row["base"],
            row["quote"],
            Decimal(row["tick_size"]),
            Decimal(row["lot_size"]),
            Decimal(row["min_notional"]),
        )

    def price(self, price: Decimal, side: str) -> Decimal:
        """Return the next price that may be quoted, away from the middle; a tick at least."""
        rounding = ROUND_FLOOR if side == "buy" else ROUND_CEILING
        ticks = (price / self.tick).to_integral_value(rounding)
        return max(ticks, Decimal(1)) * self.tick

    def quantity(self, worth: Decimal, price: Decimal) -> Decimal:
        """Return the least number of lots that is worth so much, and as much as is asked for."""
        lots = max(worth, self.least) / price / self.lot
        return max(lots.to_integral_value(ROUND_CEILING), Decimal(1)) * self.lot


class Shape(NamedTuple):
    """How a maker quotes: levels a side, and distances as parts of the fair price."""

    levels: int = 8
    half_spread: Decimal = Decimal("0.0005")
    between: Decimal = Decimal("0.0004")
    worth: Decimal = Decimal(1_000)


def ladder(rules: Rules, fair: Decimal, shape: Shape) -> dict[tuple[str, Decimal], Decimal]:
    """Return what a maker wants in the book: quantities by side and price, more further out."""
    wanted: dict[tuple[str, Decimal], Decimal] = {}
    for level in range(shape.levels):
        away = shape.half_spread + level * shape.between
        for side, price in (("buy", fair * (1 - away)), ("sell", fair * (1 + away))):
            rounded = rules.price(price, side)
            worth = shape.worth * (1 + Decimal(level) / 2)
            wanted.setdefault((side, rounded), rules.quantity(worth, rounded))
    return wanted


class Quote(NamedTuple):
    """An own order in the book."""

    client_order_id: str
    side: str
    price: Decimal


def requote(
    have: Mapping[str, Quote], wanted: Mapping[tuple[str, Decimal], Decimal], tolerance: Decimal
) -> tuple[list[str], list[tuple[str, Decimal, Decimal]]]:
    """Return which own orders to cancel, and what to place: side, price, quantity.

    An order that is within the tolerance of a wanted price stays, so that a price that hardly moves
    costs nothing.
    """
    left = dict(wanted)
    cancels = []
    for name, quote in have.items():
        near = [
            key
            for key in left
            if key[0] == quote.side and abs(key[1] - quote.price) <= tolerance * quote.price
        ]
        if near:
            del left[min(near, key=lambda key: abs(key[1] - quote.price))]
        else:
            cancels.append(name)
    return cancels, [(side, price, quantity) for (side, price), quantity in left.items()]


def taking(rules: Rules, fair: Decimal, worth: Decimal, rng: random.Random) -> Json:
    """Return a taker's order, without an id: mostly a market order, else one that can't wait."""
    side = rng.choice(("buy", "sell"))
    size = worth * Decimal(repr(rng.lognormvariate(0.0, SIZE_SPREAD)))
    quantity = rules.quantity(size, fair)
    body = {"market": rules.market, "side": side, "quantity": f"{quantity:f}"}
    if rng.random() < MARKET_ORDERS:
        return body | {"type": "market"}
    worst = fair * (1 + SLIPPAGE if side == "buy" else 1 - SLIPPAGE)
    # Rounded to the far side, so that a coarse tick does not keep it from trading.
    price = rules.price(worst, "sell" if side == "buy" else "buy")
    return body | {"type": "limit", "time_in_force": "ioc", "price": f"{price:f}"}
