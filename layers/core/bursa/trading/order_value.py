"""What an order may trade at most, as far as that is known before it is sent. Pure.

A limit order trades at its price or better, so a buy is worth that price and a sell that price or
the market's, whichever is higher. A market order is worth the market's price: the highest of the
last one, the reference price and, of a buy, the price of the level of asks at which its quantity
ends; of a sell, the best bid. A stop-market buy is worth what the engine holds for it, a band above
its trigger, and a trailing one's trigger is its trail above the market's price. What orders find in
the book when they come to it may differ.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market
from bursa.trading.commands import AmendOrder, OrderChange, PlaceOrder, ReplaceOrder
from bursa.trading.orders import (
    MARKETABLE,
    STOPS,
    TRAILING,
    Conditions,
    OrderType,
    OrderView,
    Side,
)
from wire import layout as w

# A buy's price follows its trigger.
_STOP_MARKETS = STOPS & MARKETABLE


class OneOf(NamedTuple):
    """Orders in one market of which one at most will trade, as of a pair of a list."""

    orders: tuple[PlaceOrder, ...]

    @property
    def market(self) -> Market:
        """The market of all."""
        return self.orders[0].market


# What makes an account trade more than it would without.
TradingCommand: TypeAlias = PlaceOrder | ReplaceOrder | AmendOrder | OneOf
# Called once a request is charged and found to be new, with its name; raises what it is refused by.
Allow: TypeAlias = Callable[[str, Sequence[TradingCommand]], None]


def allow_all(_name: str, _commands: Sequence[TradingCommand]) -> None:
    """Allow any."""


def market_of(command: TradingCommand) -> Market:
    """Return the market that a command is about."""
    return command.order.market if isinstance(command, AmendOrder) else command.market


class MarketPrices(NamedTuple):
    """What a market's prices are, in ticks; 0 and nothing for what there is not.

    ``bids`` and ``asks`` are levels, prices and lots, best first.
    """

    last: int = 0
    reference: int = 0
    bids: Sequence[tuple[int, int]] = ()
    asks: Sequence[tuple[int, int]] = ()

    def of(self, side: Side, lots: int) -> int:
        """Return the highest price that an order of so many lots may trade at now."""
        reached = self.bids[0][0] if side is Side.SELL and self.bids else 0
        for price, quantity in self.asks if side is Side.BUY else ():
            reached = price
            lots -= quantity
            if lots <= 0:
                break
        return max(self.last, self.reference, reached)


def added_value(command: TradingCommand, prices: MarketPrices) -> Units | None:
    """Return how much more a command may trade than what is open already, in quote units.

    Parameters
    ----------
    prices
        Of the market.

    Returns
    -------
    Units or None
        0 for one that makes an order no larger; None where there is no price to value it by.

    """
    if isinstance(command, OneOf):
        values = [added_value(order, prices) for order in command.orders]
        known = [value for value in values if value is not None]
        return max(known) if len(known) == len(values) else None
    if isinstance(command, PlaceOrder):
        quote_amount = command.conditions.quote_amount
        if quote_amount:
            return quote_amount
        valued = _Valued(command.side, command.type, command.price, command.conditions)
        return _value(valued, command.market, command.quantity, prices)
    order = command.order
    if isinstance(command, AmendOrder) and makes_smaller(command):
        return Units(0)
    lots, valued, change = _lots_after(command, order), _valued(order), command.change
    if order.type in _STOP_MARKETS and (change.trigger_price or change.trail):
        # The price of a buy follows its trigger, whatever it was before.
        valued = valued._replace(price=Ticks(0))
    before = _value(valued, order.market, order.remaining_quantity, prices)
    conditions = valued.conditions._replace(
        trigger_price=change.trigger_price or valued.conditions.trigger_price,
        trail=change.trail or valued.conditions.trail,
    )
    price = change.price or valued.price
    if order.conditions.limit_offset and change.trail:
        price = Ticks(0)
    changed = valued._replace(price=price, conditions=conditions)
    after = _value(changed, order.market, lots, prices)
    if before is None or after is None:
        return None
    return Units(max(0, after - before))


def is_limit_buy(command: TradingCommand) -> bool:
    """Return whether a command is about a buy that is worth its own limit, whatever the market."""
    if isinstance(command, OneOf):
        return all(map(is_limit_buy, command.orders))
    if isinstance(command, PlaceOrder):
        return command.side is Side.BUY and bool(command.price or command.conditions.quote_amount)
    return command.order.side is Side.BUY and command.order.type is OrderType.LIMIT


def makes_smaller(command: AmendOrder) -> bool:
    """Return whether a change takes from an order's quantity and nothing else."""
    quantity, order = command.change.quantity, command.order
    return command.change == OrderChange(quantity=quantity) and (
        order.quantity is not None and 0 < quantity <= order.quantity
    )


def open_value(order: OrderView, prices: MarketPrices) -> Units | None:
    """Return what an open order may trade yet, in quote units; None without a price."""
    return _value(_valued(order), order.market, order.remaining_quantity, prices)


def _lots_after(command: ReplaceOrder | AmendOrder, order: OrderView) -> Lots:
    """Return what may still be traded after a change."""
    quantity = command.change.quantity
    if not quantity:
        return order.remaining_quantity
    filled = order.filled_quantity if isinstance(command, AmendOrder) else 0
    return Lots(max(0, quantity - filled))


class _Valued(NamedTuple):
    side: Side
    type: OrderType
    price: Ticks
    conditions: Conditions


def _valued(order: OrderView) -> _Valued:
    return _Valued(order.side, order.type, order.price or Ticks(0), order.conditions)


def _value(valued: _Valued, market: Market, lots: Lots, prices: MarketPrices) -> Units | None:
    now = prices.of(valued.side, lots)
    price = _bought_at(valued, market, now) if valued.side is Side.BUY else _sold_at(valued, now)
    return market.units.notional(Ticks(price), lots) if price else None


def _sold_at(valued: _Valued, now: int) -> int:
    conditions = valued.conditions
    return max(valued.price or conditions.trigger_price, conditions.activation_price, now)


def _bought_at(valued: _Valued, market: Market, now: int) -> int:
    if valued.price:
        return valued.price
    conditions = valued.conditions
    trigger = conditions.trigger_price or now
    if valued.type in TRAILING:
        start = max(now, conditions.activation_price)
        ppm = -(-start * conditions.trail_ppm // w.PPM)
        trigger = Ticks(start + conditions.trail_ticks + ppm) if start else Ticks(0)
    if valued.type in _STOP_MARKETS:
        band_ppm = market.market_collar_ppm or market.collar_ppm or w.PPM
        trigger += trigger * band_ppm // w.PPM
    return min(market.max_price, trigger + conditions.limit_offset) if valued.type in STOPS else now
