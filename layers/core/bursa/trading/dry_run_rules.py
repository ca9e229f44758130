"""What would become of an order that is not sent: refused, or reserved, charged and traded at once.

The rules are the engine's, in its order (`engine.reference.place`), on what the read models know of
the market and the account; property tests hold both against each other. What they do not know is
taken as if it were not there: hidden parts of icebergs, which of the book's orders are the
account's own, how many orders it may have open, whether it is frozen. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market, MarketState
from bursa.trading.commands import PlaceOrder
from bursa.trading.orders import CAN_REST, MARKETABLE, STOPS, OrderType, Side, TimeInForce
from wire import layout as w

_TAKE_PROFITS = frozenset({OrderType.TAKE_PROFIT_LIMIT, OrderType.TAKE_PROFIT_MARKET})
_STOP_MARKETS = STOPS & MARKETABLE
_REFUSED_STATES = {
    MarketState.HALTED: w.REASON_MARKET_HALTED,
    MarketState.CANCEL_ONLY: w.REASON_MARKET_CANCEL_ONLY,
}

OTHER_SIDE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}

_Level = tuple[int, int]  # price in ticks, lots


class MarketView(NamedTuple):
    """What the read models know of a market.

    Attributes
    ----------
    reference_price, last_price
        Ticks; 0 where there is none.
    bids, asks
        Levels as the book shows them, best first; as many as an order is measured against.
    time_ms
        When what is in it was committed; 0 before anything was.

    """

    state: MarketState
    reference_price: int
    last_price: int
    bids: Sequence[_Level]
    asks: Sequence[_Level]
    time_ms: int = 0


class Taking(NamedTuple):
    """What an order would trade at once, all of it as the taker.

    ``fee`` is in the asset that it receives.
    """

    lots: Lots
    quote_units: Units
    worst_price: Ticks
    fee: Units


class Assessment(NamedTuple):
    """What would become of an order.

    Attributes
    ----------
    reason
        Why the engine would reject it, or REASON_ACCEPTED.
    pays, receives
        Assets.
    needed, available
        What must be available, and what is, in the asset that it pays.
    held
        What would be held for what of it waits.
    taking
        What it would trade at once; None for nothing.
    waits
        What of it would wait: in the book, or for its trigger.
    waiting_fee
        What that is charged at most at its own price; None where it has none yet.
    nearest
        The value with which that rule would not refuse it; None where there is none, or it is not
        about one value.

    """

    reason: int
    pays: str
    receives: str
    needed: Units
    available: Units
    held: Units = Units(0)
    taking: Taking | None = None
    waits: Lots = Lots(0)
    waiting_fee: Units | None = Units(0)
    nearest: "Nearest | None" = None


class Nearest(NamedTuple):
    """The nearest value that a rule lets pass.

    Attributes
    ----------
    field
        ``price``, ``quantity`` or ``quote_amount``.
    value
        In ticks, lots or quote units.

    """

    field: str
    value: int


def assess(order: PlaceOrder, view: MarketView, available: int | None, now_ms: int) -> Assessment:
    """Return what would become of an order.

    ``available`` is in the asset that it pays; None of an account that has never had any.
    """
    known = KnownOrder.of(order, view)
    return known.assessed(known.rejection(now_ms), available)


def reserve_amount(market: Market, side: Side, price: int, lots: int) -> int:
    """Return what must be held to trade so many lots at a price, in the asset that is paid."""
    return price * market.units.tick_units * lots if side is Side.BUY else market_base(market, lots)


def market_base(market: Market, lots: int) -> int:
    """Return how many base units so many lots are."""
    return market.units.lot_units * lots


def fee_due(amount: int, ppm: int) -> int:
    """Return a fee in the asset of the amount, rounded up to a whole unit."""
    return (amount * ppm + w.PPM - 1) // w.PPM


def order_assets(order: PlaceOrder) -> tuple[str, str]:
    """Return the assets that an order pays, and receives."""
    units = order.market.units
    return (units.quote, units.base) if order.side is Side.BUY else (units.base, units.quote)


def market_bounds(market: Market) -> tuple[int, int]:
    """Return the highest price and the largest quantity that an order may have."""
    price = min(w.PRICE_MAX, w.AMOUNT_MAX // market.units.tick_units, market.max_price)
    lots = min(w.QUANTITY_MAX, w.AMOUNT_MAX // market.units.lot_units, market.max_quantity)
    return price, lots


def stated_price(order: PlaceOrder) -> int:
    """Return an order's price; a stop-market buy that names none gets the worst it may pay."""
    if order.type not in _STOP_MARKETS or order.side is not Side.BUY or order.price:
        return order.price
    trigger, ppm = order.conditions.trigger_price, order.market.market_collar_ppm or w.PPM
    return min(market_bounds(order.market)[0], trigger + trigger * ppm // w.PPM)


class KnownOrder(NamedTuple):
    """An order, its price, and what is known of its market.

    ``filled_quote`` is what an order that is changed has been filled for.
    """

    order: PlaceOrder
    view: MarketView
    price: int
    filled_quote: int = 0

    @classmethod
    def of(cls, order: PlaceOrder, view: MarketView) -> Self:
        """Return a new order, at the price that it would have."""
        return cls(order, view, stated_price(order))

    def assessed(self, reason: int, available: int | None, freed: int = 0) -> Assessment:
        """Return what would become of it, unless it is rejected before its money is looked at.

        ``freed`` is held for an order that it replaces.
        """
        pays, receives = order_assets(self.order)
        needed, spendable = self.needed(), (available or 0) + freed
        if reason == w.REASON_ACCEPTED and (available is None or needed > spendable):
            reason = w.REASON_INSUFFICIENT_BALANCE
        assessment = Assessment(reason, pays, receives, Units(needed), Units(spendable))
        if reason != w.REASON_ACCEPTED:
            return assessment._replace(nearest=self.nearest(reason, spendable))
        return self.accepted(assessment)

    # --- what it is held against ------------------------------------------------------------------

    @property
    def is_buy(self) -> bool:
        """Whether it buys."""
        return self.order.side is Side.BUY

    @property
    def opposite(self) -> Sequence[_Level]:
        """The levels that it would trade with."""
        return self.view.asks if self.is_buy else self.view.bids

    @property
    def best(self) -> int:
        """The best price that it could trade at; 0 for none."""
        return self.opposite[0][0] if self.opposite else 0

    def is_worse(self, price: int, limit: int) -> bool:
        """Whether a price is worse for it than a limit."""
        return price > limit if self.is_buy else price < limit

    def has_reached(self) -> bool:
        """Whether the last price has reached its trigger."""
        last, trigger = self.view.last_price, self.order.conditions.trigger_price
        rises = self.is_buy != (self.order.type in _TAKE_PROFITS)
        return last > 0 and (trigger <= last if rises else trigger >= last)

    def crosses(self) -> bool:
        """Whether its price would trade at once."""
        return bool(self.best) and not self.is_worse(self.best, self.price)

    def waits_for_trigger(self) -> bool:
        """Whether it is a stop that would wait."""
        is_triggered = self.view.state is MarketState.OPEN and self.has_reached()
        return self.order.type in STOPS and not is_triggered

    def limit_price(self) -> int:
        """Return the worst price at which it may trade."""
        if self.order.type not in MARKETABLE:
            return self.price
        market, ppm = self.order.market, self.order.market.market_collar_ppm
        collar = market_bounds(market)[0] if self.is_buy else 1
        anchor = self.view.reference_price or self.best
        if anchor and ppm:
            band = anchor * ppm // w.PPM
            collar = min(collar, anchor + band) if self.is_buy else max(collar, anchor - band)
        if not self.price:
            return collar
        return min(self.price, collar) if self.is_buy else max(self.price, collar)

    def levels(self) -> Iterator[_Level]:
        """Yield the levels within its limit that it is measured against."""
        limit = self.limit_price()
        for price, lots in self.opposite[: w.MEASURED_MAX]:
            if self.is_worse(price, limit):
                return
            yield price, lots

    # --- why it would be rejected -----------------------------------------------------------------

    def rejection(self, now_ms: int) -> int:
        """Return why it would be rejected but for its account's money; REASON_ACCEPTED if not."""
        return (
            self.rejected_by_state()
            or self._rejected_by_conditions(now_ms)
            or self._rejected_by_numbers()
            or self.rejected_by_worth()
        )

    def _rejected_by_conditions(self, now_ms: int) -> int:
        order = self.order
        if order.type in STOPS and order.conditions.trigger_price > market_bounds(order.market)[0]:
            return w.REASON_INVALID_TRIGGER_PRICE
        if order.time_in_force is TimeInForce.GTD and order.conditions.expire_ms <= now_ms:
            return w.REASON_INVALID_EXPIRE_TIME
        return w.REASON_ACCEPTED

    def _rejected_by_numbers(self) -> int:
        order = self.order
        price_bound, lots_bound = market_bounds(order.market)
        if order.price > price_bound:
            return w.REASON_PRICE_OUT_OF_RANGE
        if not order.conditions.quote_amount and not 0 < order.quantity <= lots_bound:
            return w.REASON_QUANTITY_OUT_OF_RANGE
        shown = order.conditions.display_quantity
        if shown and not shown <= order.quantity <= shown * w.ICEBERG_SLICES_MAX:
            return w.REASON_INVALID_DISPLAY_QUANTITY
        return w.REASON_ACCEPTED

    def rejected_by_state(self) -> int:
        """Return why its market's state does not take it."""
        order, state = self.order, self.view.state
        if state is MarketState.POST_ONLY and not order.post_only:
            return w.REASON_MARKET_POST_ONLY
        waits = order.type is OrderType.LIMIT and order.time_in_force in CAN_REST
        may_wait = order.type in STOPS or (waits and not order.post_only)
        if state is MarketState.AUCTION and not may_wait:
            return w.REASON_MARKET_IN_AUCTION
        return _REFUSED_STATES.get(state, w.REASON_ACCEPTED)

    def rejected_by_value(self) -> int:
        """Return why it is worth too little, or too much."""
        order, market = self.order, self.order.market
        quote_amount, lot_value = (
            order.conditions.quote_amount,
            order.quantity * market.units.tick_units,
        )
        value = quote_amount or self._value_price() * lot_value
        if value and value < market.min_notional:
            return w.REASON_NOTIONAL_TOO_SMALL
        if max(value, self.price * lot_value + self.filled_quote) > w.AMOUNT_MAX:
            return w.REASON_NOTIONAL_TOO_LARGE
        return w.REASON_ACCEPTED

    def rejected_by_worth(self) -> int:
        """Return why its value, or its price where it would trade, is refused."""
        if reason := self.rejected_by_value():
            return reason
        order = self.order
        if order.type in MARKETABLE:
            return w.REASON_ACCEPTED
        if self.waits_for_trigger():
            return self._beyond_collar(order.conditions.trigger_price)
        if reason := self._beyond_collar(self.view.reference_price):
            return reason
        return w.REASON_POST_ONLY_WOULD_CROSS if order.post_only and self.crosses() else 0

    def _value_price(self) -> int:
        if self.order.type in STOPS and not self.has_reached():
            return self.order.conditions.trigger_price
        return self.best if self.order.type in MARKETABLE else self.price

    def _beyond_collar(self, reference: int) -> int:
        ppm = self.order.market.collar_ppm
        too_far = self.price - reference if self.is_buy else reference - self.price
        if ppm and reference and too_far > reference * ppm // w.PPM:
            return w.REASON_PRICE_OUTSIDE_COLLAR
        return w.REASON_ACCEPTED

    def nearest(self, reason: int, available: int) -> Nearest | None:
        """Return the nearest value that a rule lets pass; None where there is none."""
        price_bound, lots_bound = market_bounds(self.order.market)
        found: Nearest | None = None
        match reason:
            case w.REASON_PRICE_OUTSIDE_COLLAR:
                found = Nearest("price", self._collar_price())
            case w.REASON_POST_ONLY_WOULD_CROSS:
                found = Nearest("price", self.best - 1 if self.is_buy else self.best + 1)
            case w.REASON_PRICE_OUT_OF_RANGE:
                found = Nearest("price", price_bound)
            case w.REASON_QUANTITY_OUT_OF_RANGE:
                found = Nearest("quantity", lots_bound)
            case w.REASON_NOTIONAL_TOO_SMALL:
                found = self._least()
            case w.REASON_INSUFFICIENT_BALANCE:
                found = self._affordable(available)
        return found if found and found.value > 0 else None

    def _collar_price(self) -> int:
        waits, trigger = self.waits_for_trigger(), self.order.conditions.trigger_price
        reference = trigger if waits else self.view.reference_price
        band = reference * self.order.market.collar_ppm // w.PPM
        return reference + band if self.is_buy else reference - band

    def _least(self) -> Nearest:
        """Return the least that it may be worth, as what it is given by."""
        market = self.order.market
        if self.order.conditions.quote_amount:
            return Nearest("quote_amount", market.min_notional)
        lot_value = self._value_price() * market.units.tick_units
        return Nearest("quantity", -(-market.min_notional // lot_value))

    def _affordable(self, available: int) -> Nearest | None:
        """Return the most that it may be for its money; None where that depends on the book."""
        order = self.order
        if order.conditions.quote_amount:
            return Nearest("quote_amount", available)
        if order.type is OrderType.MARKET and self.is_buy:
            return None
        return Nearest(
            "quantity", available // reserve_amount(order.market, order.side, self.price, 1)
        )

    # --- what it would cost -----------------------------------------------------------------------

    def needed(self) -> int:
        """Return what its account must have available."""
        order = self.order
        if order.type is not OrderType.MARKET or not self.is_buy:
            return reserve_amount(order.market, order.side, self.price, order.quantity)
        if order.conditions.quote_amount:
            return order.conditions.quote_amount
        units, need, amount = order.market.units, int(order.quantity), 0
        for price, lots in self.levels():
            met = min(need, lots)
            amount += met * price * units.tick_units
            need -= met
        if len(self.opposite) > w.MEASURED_MAX and need:
            amount += need * self.limit_price() * units.tick_units
        return amount

    def accepted(self, assessment: Assessment) -> Assessment:
        """Return the assessment with what it would trade, and what would be held after that."""
        order, waits_for_trigger = self.order, self.waits_for_trigger()
        taking = None
        if self.view.state is MarketState.OPEN and not waits_for_trigger:
            taking = self._taking()
        remaining = order.quantity - (taking.lots if taking else 0)
        if order.time_in_force not in CAN_REST and not waits_for_trigger:
            remaining = 0
        return self.left_waiting(assessment._replace(taking=taking), remaining)

    def left_waiting(self, assessment: Assessment, lots: int) -> Assessment:
        """Return the assessment with what would be held and charged for so many lots that wait."""
        order, market = self.order, self.order.market
        fee: int | None = None
        if order.type not in STOPS:
            ppm = max(market.maker_ppm, market.taker_ppm, 0)
            received = reserve_amount(market, OTHER_SIDE[order.side], self.price, lots)
            fee = fee_due(received, ppm)
        return assessment._replace(
            held=Units(reserve_amount(market, order.side, self.price, lots)),
            waits=Lots(lots),
            waiting_fee=None if fee is None else Units(fee),
        )

    def meets_breaker(self) -> bool:
        """Whether it would go on to trade where the breaker stops it."""
        is_open = self.view.state is MarketState.OPEN and not self.waits_for_trigger()
        return is_open and self._sweep().is_stopped

    def _taking(self) -> Taking | None:
        """Return what it would trade with the book, as far as the breaker lets it."""
        order, sweep = self.order, self._sweep()
        if order.time_in_force is TimeInForce.FOK and sweep.lots < order.quantity:
            return None
        if not sweep.lots:
            return None
        received = market_base(order.market, sweep.lots) if self.is_buy else sweep.quote_units
        fee = fee_due(received, order.market.taker_ppm)
        return Taking(Lots(sweep.lots), Units(sweep.quote_units), Ticks(sweep.price), Units(fee))

    def _sweep(self) -> "_Sweep":
        order, units = self.order, self.order.market.units
        lots = amount = worst = 0
        for price, offered in self.levels():
            wanted = order.quantity - lots
            if order.conditions.quote_amount:
                left = order.conditions.quote_amount - amount
                wanted = Lots(left // (price * units.tick_units))
            met = min(wanted, offered)
            if not met:
                break
            if self._trips_breaker(price):
                return _Sweep(lots, amount, worst, is_stopped=True)
            lots, amount, worst = lots + met, amount + met * price * units.tick_units, price
        return _Sweep(lots, amount, worst)

    def _trips_breaker(self, price: int) -> bool:
        reference, ppm = self.view.reference_price, self.order.market.breaker_ppm
        return bool(reference and ppm and abs(price - reference) > reference * ppm // w.PPM)


class _Sweep(NamedTuple):
    """What an order trades with the levels of a book, and whether the breaker stops it."""

    lots: int
    quote_units: int
    price: int
    is_stopped: bool = False
