"""How much more a command may trade than what is open already."""

import dataclasses
from typing import Any

import pytest

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.trading.commands import AmendOrder, OrderChange, PlaceOrder, ReplaceOrder
from bursa.trading.order_value import (
    MarketPrices,
    OneOf,
    TradingCommand,
    added_value,
    is_limit_buy,
    market_of,
)
from bursa.trading.orders import (
    NO_CONDITIONS,
    CloseReason,
    Conditions,
    OrderStatus,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from wire import layout as w

MARKET = Market(
    1,
    MarketUnits("BTC-USDT", "BTC", "USDT", 8, 10, lot_units=1, tick_units=1),
    MarketState.OPEN,
    Units(0),
    Ticks(10**9),
    Lots(10**9),
)


def order(side: Side, kind: OrderType, price: int, lots: int, **conditions: int) -> PlaceOrder:
    given: Any = conditions
    return PlaceOrder(
        MARKET,
        side,
        kind,
        TimeInForce.GTC,
        Ticks(price),
        Lots(lots),
        NO_CONDITIONS._replace(**given),
    )


def open_order(side: Side, price: int, lots: int, filled: int = 0) -> OrderView:
    return OrderView(
        7,
        MARKET,
        side,
        OrderType.LIMIT,
        TimeInForce.GTC,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.NONE,
        price=Ticks(price),
        quantity=Lots(lots),
        conditions=Conditions(Units(0), Ticks(0), Lots(0), 0),
        filled_quantity=Lots(filled),
        remaining_quantity=Lots(lots - filled),
        filled_quote=Units(0),
        status=OrderStatus.OPEN,
        close_reason=CloseReason.NONE,
        updated_at_ms=0,
        sequence=7,
    )


BUY, SELL = Side.BUY, Side.SELL
TRAIL, TRAIL_LIMIT = OrderType.TRAILING_STOP_MARKET, OrderType.TRAILING_STOP_LIMIT
LIMIT, MARKET_ORDER, STOP = OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET
PLACED = {
    "a buy at its price": (order(BUY, LIMIT, 100, 5), 120, 500),
    "a buy above the market": (order(BUY, LIMIT, 200, 5), 120, 1_000),
    "a sale above the market": (order(SELL, LIMIT, 150, 5), 120, 750),
    "a sale below the market": (order(SELL, LIMIT, 50, 5), 120, 600),
    "a sale before the first trade": (order(SELL, LIMIT, 50, 5), None, 250),
    "a market order": (order(BUY, MARKET_ORDER, 0, 5), 120, 600),
    "a market order before the first trade": (order(BUY, MARKET_ORDER, 0, 5), None, None),
    "so much of the quote": (order(BUY, MARKET_ORDER, 0, 0, quote_amount=77), None, 77),
    "a stop to buy": (order(BUY, STOP, 0, 5, trigger_price=130), 120, 1_300),
    "a trailing stop to buy": (order(BUY, TRAIL, 0, 5, trail=1_000), 120, 11_200),
    "one by parts": (order(BUY, TRAIL, 0, 5, trail=w.TRAIL_PPM + 500_000), 120, 1_800),
    "one that begins lower": (order(BUY, TRAIL, 0, 5, trail=30, activation_price=90), 120, 1_500),
    "one with an offset": (order(BUY, TRAIL_LIMIT, 0, 5, trail=30, limit_offset=7), 120, 785),
    "one to sell": (order(SELL, TRAIL, 0, 5, trail=30, activation_price=150), 120, 750),
    "one without a price": (order(BUY, TRAIL, 0, 5, trail=30), None, None),
    "a stop to sell": (order(SELL, STOP, 0, 5, trigger_price=90), 120, 600),
}
RESTING = open_order(BUY, 100, 10, filled=4)
TRAILS = dataclasses.replace(
    open_order(BUY, 300, 10), type=TRAIL, conditions=NO_CONDITIONS._replace(trail=30)
)
SALE = open_order(SELL, 100, 10)
CHANGED = {
    "less": (AmendOrder(RESTING, OrderChange(quantity=Lots(5))), None, 0),
    "more": (AmendOrder(RESTING, OrderChange(quantity=Lots(15))), None, 500),
    "dearer": (AmendOrder(RESTING, OrderChange(price=Ticks(110))), None, 60),
    "cheaper": (AmendOrder(RESTING, OrderChange(price=Ticks(90))), None, 0),
    "dearer and less": (AmendOrder(RESTING, OrderChange(Ticks(200), Lots(6))), None, 0),
    "shown otherwise": (AmendOrder(RESTING, OrderChange(display_quantity=Lots(1))), None, 0),
    "a sale for less": (AmendOrder(SALE, OrderChange(price=Ticks(50))), 120, 0),
    "a sale for more": (AmendOrder(SALE, OrderChange(price=Ticks(150))), 120, 300),
    "a longer trail": (AmendOrder(TRAILS, OrderChange(trail=1_000)), 120, 19_400),
    "a shorter trail": (AmendOrder(TRAILS, OrderChange(trail=20)), 120, 0),
    "replaced by as much": (ReplaceOrder(RESTING, OrderChange()), None, 0),
    "replaced by more": (ReplaceOrder(RESTING, OrderChange(quantity=Lots(10))), None, 400),
    "replaced at a price": (ReplaceOrder(RESTING, OrderChange(price=Ticks(101))), None, 6),
}


@pytest.mark.parametrize(
    ("command", "last_price", "value"),
    [*PLACED.values(), *CHANGED.values()],
    ids=[*PLACED, *CHANGED],
)
def test_a_command_may_add_so_much(
    command: TradingCommand, last_price: int | None, value: int | None
) -> None:
    assert market_of(command) == MARKET
    assert added_value(command, MarketPrices(last_price or 0)) == value


DEAR, CHEAP = order(BUY, OrderType.LIMIT, 110, 10), order(BUY, OrderType.LIMIT, 90, 10)
WITHOUT_PRICE = order(BUY, MARKET_ORDER, 0, 10)


@pytest.mark.parametrize(
    ("orders", "value", "limits_alone"),
    [
        ((DEAR, CHEAP), 1_100, True),
        ((CHEAP, DEAR), 1_100, True),
        ((DEAR, WITHOUT_PRICE), None, False),
    ],
)
def test_of_orders_that_end_each_other_the_larger_counts(
    orders: tuple[PlaceOrder, ...], value: int | None, limits_alone: bool
) -> None:
    command = OneOf(orders)
    assert market_of(command) == MARKET
    assert added_value(command, MarketPrices(0)) == value
    assert is_limit_buy(command) is limits_alone


LOW = MarketPrices(10, 0, bids=((90, 1), (80, 100)), asks=((100, 1), (200, 3), (900, 5)))


@pytest.mark.parametrize(
    ("side", "lots", "prices", "value"),
    [
        (BUY, 1, LOW, 100),
        (BUY, 4, LOW, 800),
        (BUY, 5, LOW, 4_500),
        (BUY, 50, LOW, 45_000),
        (SELL, 5, LOW, 450),
        (SELL, 5, LOW._replace(bids=(), reference=95), 475),
        (BUY, 1, LOW._replace(reference=105), 105),
    ],
)
def test_a_market_order_is_worth_what_the_book_asks_after_a_low_print(
    side: Side, lots: int, prices: MarketPrices, value: int
) -> None:
    assert added_value(order(side, MARKET_ORDER, 0, lots), prices) == value
