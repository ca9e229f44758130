"""The things of an exchange, as plain objects; ``state`` holds them.

Field names and units are the words of ``wire.layout``: prices in ticks, quantities in lots, amounts
in ledger units of their asset. Nothing here changes anything but its own fields.
"""

from dataclasses import astuple, dataclass, field

from wire import layout as w

Command = list[int]

STOPS = w.types_in(w.STOP_TYPES)
MARKETABLE = w.types_in(w.MARKETABLE_TYPES)
STOP_MARKETS = w.types_in(w.STOP_MARKET_TYPES)
TRAILING = w.types_in(w.TRAILING_TYPES)
CAN_REST = (w.TIF_GTC, w.TIF_GTD)


class Rejected(Exception):  # noqa: N818 - a rejection is an outcome, not an error
    """A command is rejected; raised before anything has changed.

    Attributes
    ----------
    reason
        A REASON_ constant.
    subject
        What the result names all the same: of a duplicate, the outcome of the first delivery.
    """

    def __init__(self, reason: int, subject: int = 0) -> None:
        super().__init__(w.REASON_NAMES[reason])
        self.reason = reason
        self.subject = subject


# --- assets, accounts and money -------------------------------------------------------------------


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
    """What an account has of an asset: free to use, and held for orders and holds."""

    account: int
    asset: int
    available: int = 0
    held: int = 0


@dataclass
class Hold:
    """Funds held for a withdrawal until it is released or captured."""

    hold_id: int
    asset: int
    amount: int


@dataclass
class Account:
    """An account's settings, open orders and holds; ``deadline_ms`` is its dead-man switch's.

    ``rejections_ms`` is the time at which none of its rejections counts any more (``take_share``).
    """

    number: int
    tier: int = 0
    stp_group: int = 0
    state: int = w.ACCOUNT_STATE_ACTIVE
    deadline_ms: int = 0
    rejections_ms: int = 0
    orders: "dict[int, Order]" = field(default_factory=dict)
    holds: "dict[int, Hold]" = field(default_factory=dict)

    @property
    def tenant(self) -> int:
        """The tenant it belongs to."""
        return w.account_tenant(self.number)


@dataclass
class TakerTotals:
    """The totals of one sweep's trades: for the taker, and for the fee account.

    ``taker_debit`` and ``maker_fees`` are in the asset that the taker pays in; ``taker_credit``, of
    which ``taker_fee`` is taken, and ``maker_rebates`` in the one that it receives. The window's
    are the lots and quote units of the trades that count for the reference price.
    """

    taker_debit: int = 0
    taker_credit: int = 0
    taker_fee: int = 0
    maker_fees: int = 0
    maker_rebates: int = 0
    window_quantity: int = 0
    window_value: int = 0


@dataclass
class TenantLimits:
    """What the accounts of a tenant may take up; 0 = as much as there is."""

    orders_per_market: int = 0
    orders: int = 0
    holds: int = 0


# --- orders ---------------------------------------------------------------------------------------


@dataclass
class Conditions:
    """What an order waits for or is limited by, in the order of its words; 0 for no such thing."""

    trigger_price: int = 0
    display_quantity: int = 0
    expire_ms: int = 0
    quote_amount: int = 0
    trail: int = 0
    limit_offset: int = 0
    activation_price: int = 0

    def words(self) -> tuple[int, ...]:
        """Return them as their two events and a checkpoint have them."""
        return astuple(self)


@dataclass
class Order:
    """An order, open or being decided.

    ``flags`` packs side, type, time in force, self-trade prevention, status and close reason as
    events have them. ``budget`` is what is left of the quote amount of a market buy; ``extreme``
    the best confirmed price since a trailing stop began to trail, 0 before (``trailing``).

    ``list_id`` is that of the list it belongs to, the id of the list's last order; 0 for none.
    ``other`` is the one that it cancels and that cancels it, as long as both wait; ``exit`` is, of
    an entry, the first of its exits, whose ``other`` is the second.
    """

    order_id: int
    account: Account
    market: "Market"
    flags: int
    price: int
    quantity: int
    remaining: int
    id_high: int = 0
    id_low: int = 0
    filled_quote: int = 0
    visible: int = 0
    conditions: Conditions = field(default_factory=Conditions)
    budget: int = 0
    extreme: int = 0
    list_id: int = 0
    other: "Order | None" = None
    exit: "Order | None" = None

    @property
    def command_id(self) -> tuple[int, int]:
        """The id of the command that placed it; (0, 0) for none."""
        return self.id_high, self.id_low

    @property
    def side(self) -> int:
        """SIDE_BUY or SIDE_SELL."""
        return w.flags_side(self.flags)

    @property
    def is_buy(self) -> bool:
        """Whether it pays in the quote asset."""
        return self.side == w.SIDE_BUY

    @property
    def order_type(self) -> int:
        """A TYPE_ constant."""
        return w.flags_type(self.flags)

    @property
    def time_in_force(self) -> int:
        """A TIF_ constant."""
        return w.flags_time_in_force(self.flags)

    @property
    def is_pending(self) -> bool:
        """Whether it is a stop that has not been triggered."""
        return self.order_type in STOPS and not w.flags_triggered(self.flags)

    @property
    def is_trailing(self) -> bool:
        """Whether it is a trailing stop, whatever has become of it."""
        return self.order_type in TRAILING

    @property
    def awaits_entry(self) -> bool:
        """Whether it waits, in no book, for the entry of its list."""
        return w.flags_status(self.flags) == w.STATUS_PENDING_ENTRY

    @property
    def trigger_side(self) -> int:
        """SIDE_BUY when a rise of the price triggers it, SIDE_SELL when a fall does."""
        return w.flags_trigger_side(self.flags)

    @property
    def pays_asset(self) -> int:
        """The asset that it pays in."""
        return self.market.quote if self.is_buy else self.market.base

    @property
    def receives_asset(self) -> int:
        """The asset that it receives."""
        return self.market.base if self.is_buy else self.market.quote


# --- markets and their books ----------------------------------------------------------------------


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
    least_value: int = 0
    auction_ms: int = 0

    @property
    def least_traded(self) -> int:
        """What counts, in quote units: less moves no reference, triggers nothing, halts nothing."""
        return self.least_value or 1

    @property
    def market_band_ppm(self) -> int:
        """How far market orders may trade: their own collar, or else that of limit orders."""
        return self.market_collar_ppm or self.collar_ppm


@dataclass
class Book:
    """The orders of one side: price -> its level, a queue of orders with the oldest in front.

    ``sign`` is +1 where the highest price comes first, -1 where the lowest does. The book is a
    plain dictionary that is sorted when it is looked at: what is right here is plain to see.
    """

    sign: int
    levels: dict[int, list[Order]] = field(default_factory=dict)

    def best_price(self) -> int | None:
        """Return the price to trade at first, None when the book is empty."""
        if not self.levels:
            return None
        return self.sign * max(self.sign * price for price in self.levels)

    def prices(self) -> list[int]:
        """Return the prices, best first."""
        return sorted(self.levels, key=lambda price: -self.sign * price)


@dataclass
class Market:
    """A market: its definition, limits, state and books."""

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
    # Lots and quote units traded since the reference was set.
    window_quantity: int = 0
    window_value: int = 0
    # When an auction that the breaker started ends; 0 for any other state.
    auction_until_ms: int = 0
    # When none of its auctions counts any more (``breaker.may_start_auction``).
    auctions_ms: int = 0
    # The last price that trades of the least value stand behind, and what has been traded since.
    confirmed_price: int = 0
    unconfirmed_quantity: int = 0
    unconfirmed_value: int = 0
    # Until when stops are taken one by one, because the breaker has stopped one; 0 for no such.
    one_by_one_until_ms: int = 0
    bids: Book = field(default_factory=lambda: Book(+1))
    asks: Book = field(default_factory=lambda: Book(-1))
    # A buy stop is triggered when the price has risen to its trigger, so the lowest comes first.
    # A take-profit to sell is, too, and waits among them.
    buy_stops: Book = field(default_factory=lambda: Book(-1))
    sell_stops: Book = field(default_factory=lambda: Book(+1))
    # Trailing stops wait for a sell's activation price to be risen to, or a buy's fallen to; then
    # they are here by their extremes, those in front that the price overtakes first.
    buy_activations: Book = field(default_factory=lambda: Book(+1))
    sell_activations: Book = field(default_factory=lambda: Book(-1))
    buys_by_ticks: Book = field(default_factory=lambda: Book(+1))
    sells_by_ticks: Book = field(default_factory=lambda: Book(-1))
    buys_by_ppm: Book = field(default_factory=lambda: Book(+1))
    sells_by_ppm: Book = field(default_factory=lambda: Book(-1))

    @property
    def price_bound(self) -> int:
        """The highest price that an order may have."""
        bound = min(w.PRICE_MAX, w.AMOUNT_MAX // self.tick_units)
        return min(bound, self.limits.max_price or bound)

    @property
    def quantity_bound(self) -> int:
        """The largest quantity that an order may have."""
        bound = min(w.QUANTITY_MAX, w.AMOUNT_MAX // self.lot_units)
        return min(bound, self.limits.max_quantity or bound)

    @property
    def books(self) -> tuple[Book, ...]:
        """Bids, asks, buy stops, sell stops; and the trailing stops', buys before sells."""
        return (
            *(self.bids, self.asks, self.buy_stops, self.sell_stops),
            *(self.buy_activations, self.sell_activations),
            *(self.buys_by_ticks, self.sells_by_ticks, self.buys_by_ppm, self.sells_by_ppm),
        )

    @classmethod
    def of_words(cls, words: list[int]) -> "Market":
        """Return a market by the words of its definition."""
        number, tenant, base, quote, lot_units, tick_units, state, high, low = words
        return cls(number, tenant, base, quote, lot_units, tick_units, state, high, low)

    def book(self, side: int) -> Book:
        """Return the bids or the asks."""
        return self.bids if side == w.SIDE_BUY else self.asks

    def opposite(self, side: int) -> Book:
        """Return the book that an order of this side trades with."""
        return self.asks if side == w.SIDE_BUY else self.bids

    def stops(self, side: int) -> Book:
        """Return the pending stops of a side, and the other side's take-profits."""
        return self.buy_stops if side == w.SIDE_BUY else self.sell_stops

    def activations(self, side: int) -> Book:
        """Return the trailing stops of a side that wait for their activation price."""
        return self.buy_activations if side == w.SIDE_BUY else self.sell_activations

    def trailing(self, side: int) -> tuple[Book, Book]:
        """Return the orders of a side that trail by ticks, and by ppm."""
        if side == w.SIDE_BUY:
            return self.buys_by_ticks, self.buys_by_ppm
        return self.sells_by_ticks, self.sells_by_ppm

    def trailing_book(self, side: int, trail: int) -> Book:
        """Return the book in which orders of a side with this trail are."""
        return self.trailing(side)[trail > w.TRAIL_PPM]
