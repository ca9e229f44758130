"""What would become of a change of an open order that is not sent; the rules are the engine's.

They are those of `engine.reference.changes`, in its order; what is not known is as in
`dry_run_rules`. Pure.
"""

from dataclasses import replace
from typing import NamedTuple, Self

from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.markets import MarketState
from bursa.trading.commands import OrderChange, PlaceOrder
from bursa.trading.dry_run_rules import (
    Assessment,
    KnownOrder,
    MarketView,
    market_bounds,
    reserve_amount,
    stated_price,
)
from bursa.trading.orders import MARKETABLE, STOPS, OrderStatus, OrderType, OrderView, Side
from wire import layout as w

# Their quantities are of what is left of an order; a client's has what is filled, too.
_OF_REMAINING = frozenset({w.REASON_INSUFFICIENT_BALANCE, w.REASON_NOTIONAL_TOO_SMALL})


class OpenOrder(NamedTuple):
    """An order that waits, in a book or for its trigger.

    Attributes
    ----------
    stated
        As it is now, at the price that is held for; its quantity is all of it.
    remaining
        Lots.
    filled_quote
        What it has been filled for.
    waits_for_trigger
        Whether it is a stop that has not triggered.
    is_listed
        Whether it belongs to a list.

    """

    stated: PlaceOrder
    remaining: int
    filled_quote: int = 0
    waits_for_trigger: bool = False
    is_listed: bool = False

    @classmethod
    def of(cls, order: OrderView) -> Self:
        """Return an order as its account sees it."""
        stated = PlaceOrder(
            order.market,
            order.side,
            order.type,
            order.time_in_force,
            order.price or Ticks(0),
            Lots(order.filled_quantity + order.remaining_quantity),
            order.conditions,
            order.post_only,
            order.self_trade_prevention,
            order.client_order_id,
        )
        return cls(
            stated,
            order.remaining_quantity,
            order.filled_quote,
            order.status is OrderStatus.PENDING_TRIGGER,
            order.list_id > 0,
        )

    @classmethod
    def of_new(cls, known: KnownOrder, told: Assessment) -> Self | None:
        """Return what waits of a new order that would be accepted; None for nothing."""
        if not told.waits:
            return None
        taken = told.taking
        return cls(
            replace(known.order, price=Ticks(known.price)),
            told.waits,
            taken.quote_units if taken else 0,
            known.waits_for_trigger(),
        )

    def left(self, known: KnownOrder, told: Assessment) -> Self | None:
        """Return what waits of it after a change that would be accepted; None for nothing."""
        if not told.waits:
            return None
        quote = told.taking.quote_units if told.taking else 0
        return self._replace(
            remaining=told.waits,
            filled_quote=self.filled_quote + quote,
            waits_for_trigger=self.waits_for_trigger and known.waits_for_trigger(),
        )

    @property
    def filled(self) -> int:
        """Lots that are filled."""
        return self.stated.quantity - self.remaining

    @property
    def reserve(self) -> int:
        """What is held for it, in the asset that it pays."""
        stated = self.stated
        return reserve_amount(stated.market, stated.side, stated.price, self.remaining)

    def arriving(self, view: MarketView) -> KnownOrder:
        """Return it as an order that arrives now; a stop that has triggered is a limit order."""
        stated = replace(self.stated, quantity=Lots(self.remaining))
        if stated.type in STOPS and not self.waits_for_trigger:
            stated = replace(stated, type=OrderType.LIMIT)
        return KnownOrder(stated, view, stated.price, self.filled_quote)

    def changed(self, change: OrderChange, *, replaces: bool) -> "OpenOrder":
        """Return what a change makes of it; 0 leaves a value as it is."""
        filled = 0 if replaces else self.filled
        quantity = change.quantity or filled + self.remaining
        conditions = self.stated.conditions._replace(
            trigger_price=change.trigger_price or self.stated.conditions.trigger_price,
            display_quantity=change.display_quantity or self.stated.conditions.display_quantity,
        )
        stated = replace(self.stated, quantity=Lots(quantity), conditions=conditions)
        price = change.price or stated.price
        follows = stated.type in STOPS & MARKETABLE and stated.side is Side.BUY
        if change.trigger_price and not change.price and follows:
            # What it may pay at most is made of its trigger price.
            price = Ticks(stated_price(replace(stated, price=Ticks(0))))
        return self._replace(
            stated=replace(stated, price=price),
            remaining=quantity - filled,
            filled_quote=0 if replaces else self.filled_quote,
        )


class AssessedChange(NamedTuple):
    """What would become of a change.

    Attributes
    ----------
    after
        The order as it would be.
    keeps_place
        Whether it would stay where it is, with less of the same or nothing.

    """

    assessment: Assessment
    after: OpenOrder
    keeps_place: bool


def assess_change(
    order: OpenOrder,
    change: OrderChange,
    view: MarketView,
    available: int | None,
    *,
    replaces: bool = False,
) -> AssessedChange:
    """Return what would become of a change of an order that does not trail.

    What is held for the order is available for what it becomes. ``replaces`` is for an order in its
    stead.
    """
    after = order.changed(change, replaces=replaces)
    known = after.arriving(view)
    shrinks = not replaces and _only_shrinks(order, after)
    reason = _rejection(order, after, change, known, shrinks=shrinks, replaces=replaces)
    # It has its price already; with what it holds, less of the same is always paid for.
    assessment = known.assessed(reason, available, freed=order.reserve)
    if assessment.reason == w.REASON_ACCEPTED and order.is_listed:
        assessment = assessment._replace(reason=w.REASON_ORDER_IN_LIST)
    elif assessment.reason == w.REASON_ACCEPTED and shrinks:
        kept = assessment._replace(taking=None)
        assessment = known.left_waiting(kept, max(0, after.remaining))
    nearest = assessment.nearest
    if nearest and nearest.field == "quantity" and assessment.reason in _OF_REMAINING:
        filled = after.stated.quantity - after.remaining
        assessment = assessment._replace(nearest=nearest._replace(value=nearest.value + filled))
    return AssessedChange(assessment, after, shrinks)


def _says_more(order: OpenOrder, after: OpenOrder) -> bool:
    """Return whether a change is about more than the quantity."""
    before, then = order.stated, after.stated
    return before.price != then.price or before.conditions != then.conditions


def _only_shrinks(order: OpenOrder, after: OpenOrder) -> bool:
    if after.remaining <= 0:
        return True
    return not _says_more(order, after) and after.remaining < order.remaining


def _rejection(  # noqa: PLR0911 - one for each rule, in the engine's order
    order: OpenOrder,
    after: OpenOrder,
    change: OrderChange,
    known: KnownOrder,
    *,
    shrinks: bool,
    replaces: bool,
) -> int:
    """Return why a change would be rejected but for its account's money and its list."""
    if not shrinks:
        # A stop that has triggered is still one to an auction.
        if reason := known._replace(order=after.stated).rejected_by_state():
            return reason
    elif known.view.state is MarketState.HALTED:
        return w.REASON_MARKET_HALTED
    if reason := _rejected_numbers(order, after, change):
        return reason
    if not replaces:
        if order.remaining == after.remaining and not _says_more(order, after):
            return w.REASON_NOTHING_TO_CHANGE
        if after.remaining <= 0:
            return w.REASON_ACCEPTED
    if shrinks:
        return known._replace(filled_quote=0).rejected_by_value()
    return known.rejected_by_worth()


def _rejected_numbers(order: OpenOrder, after: OpenOrder, change: OrderChange) -> int:
    stated = after.stated
    price_bound, lots_bound = market_bounds(stated.market)
    if not _has_trigger(order, after, change, price_bound):
        return w.REASON_INVALID_TRIGGER_PRICE
    lowest = 0 if stated.type in MARKETABLE else 1
    if not lowest <= stated.price <= price_bound:
        return w.REASON_PRICE_OUT_OF_RANGE
    if not 0 < stated.quantity <= lots_bound:
        return w.REASON_QUANTITY_OUT_OF_RANGE
    if not _has_display(order, after, change):
        return w.REASON_INVALID_DISPLAY_QUANTITY
    return w.REASON_ACCEPTED


def _has_trigger(order: OpenOrder, after: OpenOrder, change: OrderChange, bound: int) -> bool:
    """Return whether an order may have its trigger price, and nothing else that it waits for."""
    if change.trail:
        return False
    if order.waits_for_trigger:
        return 0 < after.stated.conditions.trigger_price <= bound
    return not change.trigger_price


def _has_display(order: OpenOrder, after: OpenOrder, change: OrderChange) -> bool:
    """Return whether an order may show what it would."""
    shown = after.stated.conditions.display_quantity
    if change.display_quantity:
        was_iceberg = order.stated.conditions.display_quantity > 0
        if not was_iceberg or not 0 < shown <= after.remaining:
            return False
    return not 0 < shown * w.ICEBERG_SLICES_MAX < after.remaining
