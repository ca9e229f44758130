"""What would become of the operations of a batch that is not sent, each after those before it.

Money, the market's book and the orders that are changed are carried from one to the next. What
can't be told so, such as an order that would meet one of the account's own, ends the telling: it
and those after it are `NotTold`. Pure.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from bursa.kernel.amounts import Units
from bursa.kernel.markets import Market, MarketState
from bursa.trading.commands import (
    AmendOrder,
    Batch,
    CancelOrder,
    Operation,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.dry_run_book import after_trade, spend, with_lots
from bursa.trading.dry_run_changes import OpenOrder, assess_change
from bursa.trading.dry_run_rules import (
    OTHER_SIDE,
    Assessment,
    KnownOrder,
    MarketView,
    Taking,
    assess,
    order_assets,
)
from bursa.trading.orders import OPEN_STATUSES, OrderStatus, OrderType, OrderView, TimeInForce
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected
from wire import layout as w

_CHANGES: Final = (AmendOrder, ReplaceOrder)
_IN_BOOK: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


class NotTold(StrEnum):
    """Why it is not told what would become of an operation."""

    AFTER_ANOTHER = "after_another"
    OWN_ORDER = "own_order"
    PRICE_PROTECTION = "price_protection"
    REPEATED_ID = "repeated_id"


class Assessed(NamedTuple):
    """What would become of an order, by a market as it would be then."""

    order: PlaceOrder
    assessment: Assessment
    view: MarketView


class Cancelled(NamedTuple):
    """An order that would be cancelled, and what would be available again of an asset.

    ``amount`` is None of an order of a list: the others end too, or not.
    """

    market: Market
    asset: str
    amount: Units | None


Told: TypeAlias = Assessed | Cancelled | OrderAlreadyClosed | OrderRejected | NotTold


class Reads(NamedTuple):
    """What is known before a batch.

    Attributes
    ----------
    view
        Reads a market.
    find
        Finds an order that is to be cancelled; None where there is none.
    balances
        What is available of each asset; None of an account that has never had any.
    now_ms
        The time.

    """

    view: Callable[[Market], MarketView]
    find: Callable[[CancelOrder], OrderView | None]
    balances: Mapping[str, int] | None
    now_ms: int


def assess_batch(batch: Batch, reads: Reads) -> tuple[Told, ...]:
    """Return what would become of each operation, in order."""
    scene = _Scene(reads, batch)
    return tuple(scene.tell(operation) for operation in batch.operations)


class _Scene:
    """What is known after the operations so far."""

    def __init__(self, reads: Reads, batch: Batch) -> None:
        self._reads = reads
        self._balances = reads.balances
        self._markets: dict[int, MarketView] = {}
        changed = [one.order for one in batch.operations if isinstance(one, _CHANGES)]
        # By order id, or for those that are placed here by client order id; None is closed.
        self._orders: dict[int | str, OpenOrder | None] = {}
        for order in changed:
            self._order(order.order_id, order)
        self._names: set[str] = set()
        # Prices at which the account has, or may still have, orders in a book.
        self._own = {
            (order.market.number, order.side, order.price or 0)
            for order in changed
            if order.status in _IN_BOOK
        }
        self._is_over = False

    def tell(self, operation: Operation) -> Told:
        """Return what would become of the next operation."""
        if self._is_over:
            return NotTold.AFTER_ANOTHER
        match operation:
            case CancelOrder():
                return self._cancel(operation)
            case PlaceOrder():
                return self._named(operation.client_order_id) or self._place(operation)
            case change:
                new_name = change.client_order_id if isinstance(change, ReplaceOrder) else None
                return self._named(new_name) or self._change(change)

    def _named(self, name: str | None) -> NotTold | None:
        """Note a new order's name; an order of one that was before it is never placed."""
        if name is None:
            return None
        if name in self._names:
            return NotTold.REPEATED_ID
        self._names.add(name)
        return None

    def _place(self, order: PlaceOrder) -> Told:
        view = self._view(order.market)
        told = assess(order, view, self._available(order), self._reads.now_ms)
        known = KnownOrder.of(order, view)
        if why := self._untold(known, told):
            return self._end(why)
        if told.reason == w.REASON_ACCEPTED:
            waits = OpenOrder.of_new(known, told)
            self._orders[self._key(order.client_order_id)] = waits
            self._apply(known, told, waits)
        return Assessed(order, told, view)

    def _change(self, change: AmendOrder | ReplaceOrder) -> Told:
        number, replaces = change.order.order_id, isinstance(change, ReplaceOrder)
        order = self._order(number, change.order)
        if order is None:
            return OrderAlreadyClosed(number)
        view = self._view(order.stated.market)
        available = self._available(order.stated)
        told, after, keeps_place = assess_change(
            order, change.change, view, available, replaces=replaces
        )
        known = after.arriving(view)
        if not keeps_place and (why := self._untold(known, told, order)):
            return self._end(why)
        if told.reason == w.REASON_ACCEPTED:
            self._take_out(order, after if keeps_place else None)
            known = known._replace(view=self._view(order.stated.market))
            rest = after.left(known, told)
            self._orders[number] = None
            key = self._key(change.client_order_id) if isinstance(change, ReplaceOrder) else number
            self._orders[key] = rest
            self._apply(known, told, rest, freed=order.reserve, is_in_book=keeps_place)
        return Assessed(known.order, told, view)

    def _cancel(self, cancel: CancelOrder) -> Told:
        name = cancel.client_order_id
        if name is not None and name in self._orders:
            key: int | str = name
            order = self._orders[name]
        else:
            found = self._reads.find(cancel)
            if found is None:
                return OrderRejected(w.REASON_UNKNOWN_ORDER)
            key = found.order_id
            order = self._order(key, found)
        if order is None:
            return OrderRejected(w.REASON_UNKNOWN_ORDER)
        asset = order_assets(order.stated)[0]
        if order.is_listed:
            self._is_over = True
            return Cancelled(order.stated.market, asset, None)
        self._take_out(order, None)
        self._orders[key] = None
        balances = dict(self._balances or {})
        balances[asset] = balances.get(asset, 0) + order.reserve
        self._balances = balances
        return Cancelled(order.stated.market, asset, Units(order.reserve))

    # --- what is carried on -----------------------------------------------------------------------

    def _view(self, market: Market) -> MarketView:
        if market.number not in self._markets:
            self._markets[market.number] = self._reads.view(market)
        return self._markets[market.number]

    def _available(self, order: PlaceOrder) -> int | None:
        if self._balances is None:
            return None
        return self._balances.get(order_assets(order)[0], 0)

    def _order(self, number: int, read: OrderView) -> OpenOrder | None:
        """Return an order as it is by now; None for one that is closed."""
        if number not in self._orders:
            is_open = read.status in OPEN_STATUSES
            self._orders[number] = OpenOrder.of(read) if is_open else None
        return self._orders[number]

    def _key(self, name: str | None) -> str:
        """Return what a new order is known by here; no name has a number sign."""
        return name or f"#{len(self._orders)}"

    def _end(self, why: NotTold) -> NotTold:
        self._is_over = True
        return why

    def _untold(
        self, known: KnownOrder, told: Assessment, changed: OpenOrder | None = None
    ) -> NotTold | None:
        """Return why it can't be told what would become of an order; None where it can.

        ``changed`` is what it was before, where it is no new one.
        """
        # What a market buy costs depends on what it would meet.
        is_market_buy = known.order.type is OrderType.MARKET and known.is_buy
        by_money = told.reason == w.REASON_INSUFFICIENT_BALANCE and is_market_buy
        if told.reason != w.REASON_ACCEPTED and not by_money:
            return None
        if self._meets_own(known, told.taking, measures_all=by_money):
            return NotTold.OWN_ORDER
        if told.reason != w.REASON_ACCEPTED:
            return None
        if told.taking and self._triggers_own(known, told.taking, changed):
            return NotTold.OWN_ORDER
        return NotTold.PRICE_PROTECTION if known.meets_breaker() else None

    def _meets_own(self, known: KnownOrder, taking: Taking | None, *, measures_all: bool) -> bool:
        """Return whether an order may meet, or cross, one of its own account's."""
        if known.waits_for_trigger():
            return False
        fills_none = known.order.time_in_force is TimeInForce.FOK and taking is None
        in_book = known.view.state is MarketState.OPEN and not measures_all and not fills_none
        furthest = taking.worst_price if in_book and taking else known.limit_price()
        market, side = known.order.market.number, OTHER_SIDE[known.order.side]
        return any(
            not known.is_worse(price, furthest)
            for number, one, price in self._own
            if (number, one) == (market, side)
        )

    def _take_out(self, order: OpenOrder, left: OpenOrder | None) -> None:
        """Take an order out of its book, or what is more of it than is left."""
        if order.waits_for_trigger:
            return
        stated, market = order.stated, order.stated.market
        less = order.remaining - (left.remaining if left else 0)
        shown = stated.conditions.display_quantity
        if shown:
            # How much of it shows now is not known, so neither is what its level has without it.
            self._own.add((market.number, stated.side, stated.price))
            less = min(less, shown)
        view = with_lots(self._view(market), stated.side, stated.price, -less)
        self._markets[market.number] = view

    def _apply(
        self,
        known: KnownOrder,
        told: Assessment,
        rest: OpenOrder | None,
        *,
        freed: int = 0,
        is_in_book: bool = False,
    ) -> None:
        """Carry on what an accepted order, or change, does."""
        market, side = known.order.market, known.order.side
        self._balances = spend(self._balances or {}, known, told, freed)
        view = known.view
        if told.taking:
            view = after_trade(known, told.taking)
        if rest is not None and not rest.waits_for_trigger:
            if not is_in_book:
                lots = min(
                    rest.stated.conditions.display_quantity or rest.remaining, rest.remaining
                )
                view = with_lots(view, side, rest.stated.price, lots)
            self._own.add((market.number, side, rest.stated.price))
        self._markets[market.number] = view

    def _triggers_own(self, known: KnownOrder, taking: Taking, changed: OpenOrder | None) -> bool:
        """Return whether a trade would trigger a stop that is known to wait."""
        market = known.order.market.number
        return any(
            stop.arriving(known.view._replace(last_price=price)).has_reached()
            for stop in self._orders.values()
            if stop and stop is not changed and stop.waits_for_trigger
            if stop.stated.market.number == market
            for price in (known.best, taking.worst_price)
        )
