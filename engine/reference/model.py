"""What the reference engine remembers, as plain objects.

Field names and units are the words of ``wire.layout``.
"""

from dataclasses import dataclass, field

from wire import layout as w


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A command is refused; raised before anything has changed."""

    def __init__(self, reason: int) -> None:
        super().__init__(w.REASON_NAMES[reason])
        self.reason = reason


@dataclass
class Asset:
    """A tenant's asset; ``supply`` is deposits minus withdrawals."""

    number: int
    tenant: int
    scale: int
    symbol_high: int
    symbol_low: int
    supply: int = 0


@dataclass
class Balance:
    """What an account has of an asset."""

    account: int
    asset: int
    available: int = 0
    held: int = 0


@dataclass
class Account:
    """An account's settings and what hangs on it."""

    number: int
    tier: int = 0
    stp_group: int = 0
    state: int = w.ACCOUNT_STATE_ACTIVE
    deadline_ms: int = 0
    orders: "dict[int, Order]" = field(default_factory=dict)
    holds: "dict[int, Hold]" = field(default_factory=dict)

    @property
    def tenant(self) -> int:
        """The tenant it belongs to."""
        return w.account_tenant(self.number)


@dataclass
class Hold:
    """Funds set aside for a withdrawal."""

    hold_id: int
    asset: int
    amount: int


@dataclass
class Limits:
    """A market's limits as configured; 0 = no such limit."""

    min_notional: int = 0
    max_quantity: int = 0
    max_price: int = 0
    collar_ppm: int = 0
    market_collar_ppm: int = 0
    breaker_ppm: int = 0
    reference_interval_ms: int = 0

    def words(self) -> list[int]:
        """Return them in the layout's order."""
        return [
            self.min_notional,
            self.max_quantity,
            self.max_price,
            self.collar_ppm,
            self.market_collar_ppm,
            self.breaker_ppm,
            self.reference_interval_ms,
        ]


@dataclass
class Order:
    """An order, open or being decided."""

    order_id: int
    account: Account
    market: "Market"
    terms: int
    price: int
    quantity: int
    remaining: int
    id_high: int = 0
    id_low: int = 0
    filled_quote: int = 0
    visible: int = 0
    trigger_price: int = 0
    display_quantity: int = 0
    expire_ms: int = 0
    quote_amount: int = 0
    budget: int = 0
    is_open: bool = False

    @property
    def side(self) -> int:
        """SIDE_BUY or SIDE_SELL."""
        return w.flags_side(self.terms)

    @property
    def is_buy(self) -> bool:
        """Whether it gives the quote asset."""
        return self.side == w.SIDE_BUY

    @property
    def order_type(self) -> int:
        """A TYPE_ constant."""
        return w.flags_type(self.terms)

    @property
    def is_pending(self) -> bool:
        """Whether it is a stop that has not fired."""
        return self.order_type in STOPS and not w.flags_triggered(self.terms)

    @property
    def reserve(self) -> int:
        """What its account must hold for it while it is open."""
        if self.is_buy:
            return self.price * self.remaining * self.market.tick_units
        return self.remaining * self.market.lot_units

    @property
    def reserve_asset(self) -> int:
        """The asset that it gives."""
        return self.market.quote if self.is_buy else self.market.base

    def set_status(self, status: int, close_reason: int = w.CLOSE_NONE) -> None:
        """Write status and close reason into the terms."""
        low = self.terms & ((1 << w.STATUS_SHIFT) - 1)
        self.terms = low | status << w.STATUS_SHIFT | close_reason << w.CLOSE_SHIFT


STOPS = (w.TYPE_STOP_LIMIT, w.TYPE_STOP_MARKET)
MARKETABLE = (w.TYPE_MARKET, w.TYPE_STOP_MARKET)
IMMEDIATE = (w.TIF_IOC, w.TIF_FOK)


@dataclass
class Side:
    """One side of a book: price -> orders, first in front; ``sign`` +1 where more is better."""

    sign: int
    levels: dict[int, list[Order]] = field(default_factory=dict)

    def best_price(self) -> int | None:
        """Return the price to trade at first, None when empty."""
        if not self.levels:
            return None
        return self.sign * max(self.sign * price for price in self.levels)

    def prices(self) -> list[int]:
        """Return the prices, best first."""
        return sorted(self.levels, key=lambda price: -self.sign * price)

    def add(self, key: int, order: Order) -> None:
        """Put an order at the back of its level."""
        self.levels.setdefault(key, []).append(order)

    def remove(self, key: int, order: Order) -> None:
        """Take an order out of its level."""
        level = self.levels[key]
        level[:] = [other for other in level if other is not order]
        if not level:
            del self.levels[key]


@dataclass
class Market:
    """A market: its definition, limits, state and book."""

    number: int
    tenant: int
    base: int
    quote: int
    lot_units: int
    tick_units: int
    state: int
    symbol_high: int
    symbol_low: int
    limits: Limits = field(default_factory=Limits)
    last_price: int = 0
    reference_price: int = 0
    reference_until_ms: int = 0
    indicative_price: int = 0
    indicative_quantity: int = 0
    bids: Side = field(default_factory=lambda: Side(+1))
    asks: Side = field(default_factory=lambda: Side(-1))
    # A buy stop fires when the price has risen to its trigger, so the lowest comes first.
    buy_stops: Side = field(default_factory=lambda: Side(-1))
    sell_stops: Side = field(default_factory=lambda: Side(+1))

    @property
    def max_price(self) -> int:
        """The highest price an order may have."""
        bound = min(w.PRICE_MAX, w.AMOUNT_MAX // self.tick_units)
        return min(bound, self.limits.max_price or bound)

    @property
    def max_quantity(self) -> int:
        """The largest quantity an order may have."""
        bound = min(w.QUANTITY_MAX, w.AMOUNT_MAX // self.lot_units)
        return min(bound, self.limits.max_quantity or bound)

    @classmethod
    def of_words(cls, words: list[int]) -> "Market":
        """Return a market by its definition's words."""
        number, tenant, base, quote, lot_units, tick_units, state, high, low = words
        return cls(number, tenant, base, quote, lot_units, tick_units, state, high, low)

    def side(self, side: int) -> Side:
        """Return the bids or the asks."""
        return self.bids if side == w.SIDE_BUY else self.asks

    def stops(self, side: int) -> Side:
        """Return the pending stops of a side."""
        return self.buy_stops if side == w.SIDE_BUY else self.sell_stops

    def opposite(self, side: int) -> Side:
        """Return the side that an order of this side trades with."""
        return self.asks if side == w.SIDE_BUY else self.bids

    def place_of(self, order: Order) -> tuple[Side, int]:
        """Return the side an open order stands in, and its level's key."""
        if order.is_pending:
            return self.stops(order.side), order.trigger_price
        return self.side(order.side), order.price


@dataclass(slots=True)
class Taken:
    """What an order being matched, and the fee account with it, pays and gets in its trades."""

    pays: int = 0
    gets: int = 0
    fees_paid: int = 0
    fees_got: int = 0
