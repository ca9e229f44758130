"""What a market's book and an account's money would be after an order that is not sent. Pure."""

from collections.abc import Mapping, Sequence

from bursa.trading.dry_run_rules import (
    OTHER_SIDE,
    Assessment,
    KnownOrder,
    MarketView,
    Taking,
    market_base,
)
from bursa.trading.orders import Side

_Levels = Sequence[tuple[int, int]]


def spend(
    balances: Mapping[str, int], known: KnownOrder, told: Assessment, freed: int = 0
) -> dict[str, int]:
    """Return what is available of each asset after an order that would be accepted.

    ``freed`` was held for an order that it replaces.
    """
    after = dict(balances)
    after[told.pays] = after.get(told.pays, 0) + freed - told.held
    if told.taking:
        base = market_base(known.order.market, told.taking.lots)
        paid, received = (told.taking.quote_units, base)[:: 1 if known.is_buy else -1]
        after[told.pays] -= paid
        after[told.receives] = after.get(told.receives, 0) + received - told.taking.fee
    return after


def after_trade(known: KnownOrder, taking: Taking) -> MarketView:
    """Return a market after an order has traded with the book."""
    left, rest = int(taking.lots), []
    for price, lots in known.opposite:
        met = min(left, lots)
        left -= met
        if lots > met:
            rest.append((price, lots - met))
    side = OTHER_SIDE[known.order.side]
    return with_levels(known.view, side, rest)._replace(last_price=taking.worst_price)


def with_levels(view: MarketView, side: Side, levels: _Levels) -> MarketView:
    """Return a market with other levels on a side."""
    return view._replace(bids=levels) if side is Side.BUY else view._replace(asks=levels)


def with_lots(view: MarketView, side: Side, price: int, lots: int) -> MarketView:
    """Return a market with so many lots more at a price, or less; best prices first."""
    levels = dict(view.bids if side is Side.BUY else view.asks)
    levels[price] = levels.get(price, 0) + lots
    kept = [(one, many) for one, many in levels.items() if many > 0]
    return with_levels(view, side, sorted(kept, reverse=side is Side.BUY))
