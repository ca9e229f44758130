"""What a tenant lists: assets, markets and their price protection, and whether a market can be.

Amounts are decimal strings, as whoever lists writes them.
"""

from dataclasses import dataclass
from fractions import Fraction

from bursa.kernel.amounts import parse_decimal
from bursa.kernel.errors import InvalidInput
from wire import layout


@dataclass(frozen=True, slots=True)
class AssetListing:
    """An asset to trade; one ledger unit is ``10 ** -scale``."""

    symbol: str
    scale: int


@dataclass(frozen=True, slots=True)
class PriceProtection:
    """How far from its reference price a market trades; 0 for no such limit (docs/engine.md).

    Around nothing it would hold nothing, so a market that has any of the first three also has an
    opening price.

    Attributes
    ----------
    collar_ppm
        A limit order's price, on its costly side; further away it is rejected.
    market_collar_ppm
        How far a market order trades; the rest of it ends.
    breaker_ppm
        A trade further away starts an auction instead.
    reference_interval_ms, least_orders
        The reference is the average of so long, and of trades worth so many of the least orders;
        less starts no auction and triggers no stop either.
    auction_ms
        How long an auction lasts at most.

    """

    collar_ppm: int = 200_000
    market_collar_ppm: int = 50_000
    breaker_ppm: int = 100_000
    reference_interval_ms: int = 60_000
    least_orders: int = 100
    auction_ms: int = 120_000

    @property
    def needs_reference(self) -> bool:
        """Whether it is around a reference price."""
        return bool(self.collar_ppm or self.market_collar_ppm or self.breaker_ppm)


@dataclass(frozen=True, slots=True)
class MarketListing:
    """A market to open; sizes, prices and the least value of an order are decimal strings.

    Its protection is around the opening price from the first order on, so that whoever trades
    first does not choose the price. It takes orders once that is set.
    """

    base: str
    quote: str
    tick_size: str
    lot_size: str
    min_notional: str
    protection: PriceProtection = PriceProtection()
    opening_price: str = ""

    @property
    def symbol(self) -> str:
        """Its name, such as ``BTC-USDT``."""
        return f"{self.base}-{self.quote}"


@dataclass(frozen=True, slots=True)
class OpenLimits:
    """How much of what all share a tenant and its accounts may take up; 0 = as much as there is.

    Attributes
    ----------
    orders_per_market
        Open orders and stops of an account in one market.
    orders
        Open orders and stops of the tenant; half of the engine's room unless set.
    holds
        Holds of an account.

    """

    orders_per_market: int = 200
    orders: int = 1 << 19
    holds: int = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """What a tenant trades, and the fees of its default tier in parts per million."""

    assets: tuple[AssetListing, ...]
    markets: tuple[MarketListing, ...]
    maker_ppm: int
    taker_ppm: int
    open_limits: OpenLimits = OpenLimits()


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money to credit; the amount is a decimal string."""

    asset: str
    amount: str


def market_steps(market: MarketListing, base_scale: int, quote_scale: int) -> tuple[int, int]:
    """Return a market's tick and lot size in the engine's units.

    Returns
    -------
    lot_units, tick_units
        Base units in one lot; quote units for one lot at a price of one tick (DESIGN D6).

    Raises
    ------
    InvalidInput
        ``invalid_lot_size`` or ``invalid_tick_size``: not a whole number of units.

    """
    lot = Fraction(*_ratio(market.lot_size, "lot_size"))
    tick = Fraction(*_ratio(market.tick_size, "tick_size"))
    lot_units = lot * 10**base_scale
    if lot_units.denominator != 1:
        raise InvalidInput(
            "invalid_lot_size",
            f"A lot of {market.symbol} must be a whole number of {market.base} units.",
            field="lot_size",
        )
    tick_units = tick * lot * 10**quote_scale
    if tick_units.denominator != 1:
        raise InvalidInput(
            "invalid_tick_size",
            f"Tick times lot of {market.symbol} must be a whole number of {market.quote} units.",
            field="tick_size",
        )
    return lot_units.numerator, tick_units.numerator


def check_opening(market: MarketListing) -> None:
    """Refuse a protected market without an opening price; raises `InvalidInput`.

    Its codes are ``opening_price_missing`` and ``invalid_opening_price``.
    """
    if market.opening_price:
        opening_ticks(market)
    elif market.protection.needs_reference:
        raise InvalidInput(
            "opening_price_missing",
            f"Name an opening price of {market.symbol}: its collars and its breaker are around "
            "that until it has traded. Or set all three to 0, and nothing holds its price.",
            field="opening_price",
        )


def opening_ticks(market: MarketListing) -> int:
    """Return a market's opening price in ticks; raises `InvalidInput` ``invalid_opening_price``."""
    price = Fraction(*_ratio(market.opening_price, "opening_price"))
    ticks = price / Fraction(*_ratio(market.tick_size, "tick_size"))
    if ticks.denominator != 1 or ticks.numerator > layout.PRICE_MAX:
        raise InvalidInput(
            "invalid_opening_price",
            f"The opening price of {market.symbol} must be a whole number of ticks.",
            field="opening_price",
        )
    return ticks.numerator


def _ratio(text: str, field: str) -> tuple[int, int]:
    digits, places = parse_decimal(text, field)
    return digits, 10**places
