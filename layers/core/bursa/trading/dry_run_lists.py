"""What would become of a list of orders that is not sent; the rules are the engine's.

They are those of `engine.reference.lists`: each order by itself, then the money, then what the two
of a pair must not do. What is not known is as in `dry_run_rules`. Pure.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from bursa.kernel.amounts import Lots, Units
from bursa.kernel.markets import MarketState
from bursa.trading.dry_run_book import after_trade, spend
from bursa.trading.dry_run_rules import (
    Assessment,
    KnownOrder,
    MarketView,
    order_assets,
    reserve_amount,
)
from bursa.trading.order_lists import PlaceList
from bursa.trading.orders import STOPS
from wire import layout as w

# What is about a market or an account, whichever order it was found with.
_OF_NO_ORDER: Final = frozenset(
    {
        w.REASON_MARKET_HALTED,
        w.REASON_MARKET_CANCEL_ONLY,
        w.REASON_MARKET_POST_ONLY,
        w.REASON_UNKNOWN_MARKET,
        w.REASON_WRONG_TENANT,
    }
)


class ListAssessment(NamedTuple):
    """What would become of a list.

    Attributes
    ----------
    reason
        Why the engine would reject it, or REASON_ACCEPTED.
    position
        Which of its orders that is about, in the order of `PlaceList.orders`; None for the list.
    orders
        What would become of each. Of a pair the second holds what it needs beyond the first. Exits
        hold nothing, and wait, until their entry has ended: None where it would at once, and what
        they would do then is not told.

    """

    reason: int
    position: int | None
    orders: tuple[Assessment | None, ...]


def assess_list(
    wanted: PlaceList, view: MarketView, balances: Mapping[str, int], now_ms: int
) -> ListAssessment:
    """Return what would become of a list; ``balances`` is what is available of each asset."""
    known = [KnownOrder.of(order, view) for order in wanted.orders]
    rejections = [one.rejection(now_ms) for one in known]
    found = [
        _assessed(one, reason, balances, is_paid=wanted.entry is None or position == w.STAGED_MAX)
        for position, (one, reason) in enumerate(zip(known, rejections, strict=True))
    ]
    # All are checked by themselves before any is for its money.
    first = _first(rejections) or _first([one.reason for one in found])
    if first is None and wanted.entry is None:
        for position, one in enumerate(known):
            if _executes(one):
                found[position] = found[position]._replace(reason=w.REASON_LIST_WOULD_EXECUTE)
        first = _first([one.reason for one in found])
    if first is not None:
        reason, at = first
        return ListAssessment(reason, None if reason in _OF_NO_ORDER else at, tuple(found))
    if wanted.entry is None:
        return ListAssessment(w.REASON_ACCEPTED, None, _paired(found[0], found[1]))
    exits = _exits(known, found, balances)
    return ListAssessment(w.REASON_ACCEPTED, None, (*exits, found[-1]))


def _first(reasons: list[int]) -> tuple[int, int] | None:
    return next(((reason, at) for at, reason in enumerate(reasons) if reason), None)


def _assessed(
    known: KnownOrder, reason: int, balances: Mapping[str, int], *, is_paid: bool
) -> Assessment:
    """Return what would become of an order; an exit is not paid for before its entry."""
    pays, receives = order_assets(known.order)
    available = balances.get(pays, 0)
    if is_paid:
        return known.assessed(reason, available)
    waits = Assessment(reason, pays, receives, Units(0), Units(available))
    if reason:
        return waits._replace(nearest=known.nearest(reason, available))
    return known.left_waiting(waits, known.order.quantity)._replace(held=Units(0))


def _executes(known: KnownOrder) -> bool:
    """Return whether an order of a pair would trade or trigger at once, not wait."""
    if known.order.type in STOPS:
        return not known.waits_for_trigger()
    return known.crosses()


def _paired(first: Assessment, second: Assessment) -> tuple[Assessment, Assessment]:
    """Return two orders of which one at most will trade: funds are held once, the larger need."""
    return first, second._replace(held=Units(max(0, second.held - first.held)))


def _exits(
    known: list[KnownOrder], found: list[Assessment], balances: Mapping[str, int]
) -> tuple[Assessment | None, ...]:
    """Return what would become of the exits of an entry that is accepted."""
    *exits, entry = found
    if entry.waits:
        # They wait for it; but what the breaker makes of it is not known.
        return (None, None) if known[-1].meets_breaker() else tuple(exits)
    ended = [one._replace(waits=Lots(0), waiting_fee=Units(0)) for one in exits]
    if entry.taking is None:
        return tuple(ended)
    if known[-1].meets_breaker():
        return (None, None)
    market, view = known[-1].order.market, after_trade(known[-1], entry.taking)
    available = spend(balances, known[-1], entry)
    pays = exits[0].pays
    unit = max(reserve_amount(market, one.order.side, one.price, 1) for one in known[:-1])
    # A fee may have been taken from what the entry brought.
    lots = min(entry.taking.lots, available.get(pays, 0) // unit)
    placed = []
    for one, exit_order in zip(known[:-1], exits, strict=True):
        later = one._replace(view=view)
        price = one.order.conditions.trigger_price or one.price
        if not lots or price * lots * market.units.tick_units < market.min_notional:
            return tuple(ended)
        placed.append(later.left_waiting(exit_order, lots))
    if any(_executes_at_once(one._replace(view=view)) for one in known[:-1]):
        return (None, None)
    return _paired(*placed)


def _executes_at_once(known: KnownOrder) -> bool:
    """Return whether an exit has nothing to wait for once its entry has ended."""
    if known.order.type in STOPS:
        return not known.waits_for_trigger()
    return known.view.state in {MarketState.OPEN, MarketState.AUCTION} and known.crosses()
