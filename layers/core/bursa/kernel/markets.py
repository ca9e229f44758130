"""What a market trades and in which steps; conversions between decimals and the engine.

A price is counted in ticks and a quantity in lots. A lot is ``lot_units`` ledger units of the base
asset; one lot at a price of one tick costs ``tick_units`` ledger units of the quote asset. So the
tick as clients see it, in quote per whole base unit, is

    tick_size = (tick_units / 10**quote_scale) / (lot_units / 10**base_scale)

Every conversion is exact or refused: nothing is ever rounded, there is no floating point.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from bursa.kernel.amounts import Lots, Ticks, Units, format_units, parse_decimal, parse_units
from bursa.kernel.errors import InvalidInput, Refused

# A tick with more decimal places than this can't be written as a decimal string.
PRICE_SCALE_MAX = 36


class MarketState(StrEnum):
    """Which orders a market takes; the wire's words."""

    OPEN = "open"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    AUCTION = "auction"


@dataclass(frozen=True, slots=True)
class MarketUnits:
    """A market's units: enough to write its prices, quantities and amounts as decimals.

    Attributes
    ----------
    symbol, base, quote
        Its name such as ``BTC-USDT``, and the symbols of what is traded and what it is paid in.
    base_scale, quote_scale
        Decimal places of the two assets' ledger units.
    lot_units, tick_units
        See the module's text.
    price_scale, tick_price_units
        Derived: one tick is ``tick_price_units * 10 ** -price_scale``.

    Raises
    ------
    InvalidInput
        ``invalid_tick_size``: a tick is not a finite decimal.

    """

    symbol: str
    base: str
    quote: str
    base_scale: int
    quote_scale: int
    lot_units: int
    tick_units: int
    price_scale: int = field(init=False)
    tick_price_units: int = field(init=False)

    def __post_init__(self) -> None:
        tick = Fraction(
            self.tick_units * 10**self.base_scale, self.lot_units * 10**self.quote_scale
        )
        for scale in range(PRICE_SCALE_MAX + 1):
            units = tick * 10**scale
            if units.denominator == 1:
                object.__setattr__(self, "price_scale", scale)
                object.__setattr__(self, "tick_price_units", units.numerator)
                return
        raise InvalidInput("invalid_tick_size", f"A tick of {tick} is not a finite decimal.")

    @property
    def tick_size(self) -> str:
        """The price step as a decimal string."""
        return self.price_text(Ticks(1))

    @property
    def lot_size(self) -> str:
        """The quantity step as a decimal string."""
        return self.quantity_text(Lots(1))

    def price_ticks(self, text: str, field: str = "price") -> Ticks:
        """Read a price as ticks.

        Raises
        ------
        InvalidInput
            What `parse_decimal` raises, or ``<field>_off_tick``.

        """
        digits, places = parse_decimal(text, field)
        ticks: int
        ticks, rest = divmod(digits * 10**self.price_scale, self.tick_price_units * 10**places)
        if rest:
            raise InvalidInput(
                f"{field}_off_tick",
                f"Send {field} as a multiple of {self.tick_size}, the tick of {self.symbol}: "
                f"{_nearest(self.price_text(Ticks(one)) for one in (ticks, ticks + 1) if one)}.",
                field=field,
            )
        return Ticks(ticks)

    def quantity_lots(self, text: str, field: str = "quantity") -> Lots:
        """Read a quantity of the base asset as lots.

        Raises
        ------
        InvalidInput
            What `parse_decimal` raises, or ``<field>_off_lot``.

        """
        digits, places = parse_decimal(text, field)
        lots: int
        lots, rest = divmod(digits * 10**self.base_scale, self.lot_units * 10**places)
        if rest:
            raise InvalidInput(
                f"{field}_off_lot",
                f"Send {field} as a multiple of {self.lot_size}, the lot of {self.symbol}: "
                f"{_nearest(self.quantity_text(Lots(one)) for one in (lots, lots + 1) if one)}.",
                field=field,
            )
        return Lots(lots)

    def quote_units(self, text: str, field: str = "quote_amount") -> Units:
        """Read a positive amount of the quote asset as its ledger units.

        Raises
        ------
        InvalidInput
            What `parse_decimal` or `parse_units` raises.

        """
        parse_decimal(text, field)
        return parse_units(text, self.quote_scale, field)

    def notional(self, ticks: Ticks, lots: Lots) -> Units:
        """Return the value of an order in quote units."""
        return Units(ticks * lots * self.tick_units)

    def price_text(self, ticks: Ticks) -> str:
        """Write a price as the shortest exact decimal string."""
        return format_units(ticks * self.tick_price_units, self.price_scale)

    def quantity_text(self, lots: Lots) -> str:
        """Write a quantity of the base asset."""
        return format_units(lots * self.lot_units, self.base_scale)

    def quote_text(self, units: Units) -> str:
        """Write an amount of the quote asset."""
        return format_units(units, self.quote_scale)

    def amount_text(self, units: Units, asset: str) -> str:
        """Write an amount of the base or the quote asset, such as a fee."""
        return format_units(units, self.base_scale if asset == self.base else self.quote_scale)


class Asset(NamedTuple):
    """An asset: its word in the engine, its name, and the decimal places of its ledger unit."""

    number: int
    symbol: str
    scale: int


@dataclass(frozen=True, slots=True)
class Market:
    """A market as intake needs to know it.

    Attributes
    ----------
    number
        Its word in the engine.
    units
        What it trades and in which steps.
    state
        Which orders it takes now.
    min_notional
        Least value of an order in quote units; 0 for none.
    max_price, max_quantity
        In ticks and lots: the market's own limit or else the engine's.
    maker_ppm, taker_ppm
        Fees of the tier that accounts have by default, in parts per million; negative is a rebate.
    collar_ppm, market_collar_ppm, breaker_ppm
        How far from the reference price orders may be and trade (docs/api.md); 0 for no such limit.
    auction_ms
        How long an auction that the breaker starts lasts at most.

    """

    number: int
    units: MarketUnits
    state: MarketState
    min_notional: Units
    max_price: Ticks
    max_quantity: Lots
    maker_ppm: int = 0
    taker_ppm: int = 0
    collar_ppm: int = 0
    market_collar_ppm: int = 0
    breaker_ppm: int = 0
    auction_ms: int = 0

    @property
    def symbol(self) -> str:
        """Its name, such as ``BTC-USDT``."""
        return self.units.symbol

    def price_ticks(self, text: str, field: str = "price") -> Ticks:
        """Read a price within the market's limits; also raises ``<field>_too_large``."""
        ticks = self.units.price_ticks(text, field)
        if ticks > self.max_price:
            limit = self.units.price_text(self.max_price)
            raise InvalidInput(
                f"{field}_too_large", f"Send a {field} of at most {limit}.", field=field
            )
        return ticks

    def quantity_lots(self, text: str, field: str = "quantity") -> Lots:
        """Read a quantity within the market's limits; also raises ``<field>_too_large``."""
        lots = self.units.quantity_lots(text, field)
        if lots > self.max_quantity:
            limit = self.units.quantity_text(self.max_quantity)
            raise InvalidInput(
                f"{field}_too_large", f"Send a {field} of at most {limit}.", field=field
            )
        return lots

    def require_notional(self, value: Units, field: str) -> None:
        """Refuse an order worth too little; raises `Refused` ``notional_too_small``."""
        if value < self.min_notional:
            least = self.units.quote_text(self.min_notional)
            raise Refused(
                "notional_too_small",
                f"Send an order worth at least {least} {self.units.quote}.",
                field=field,
            )


def _nearest(steps: Iterable[str]) -> str:
    return " or ".join(steps)
