"""Lists are found among an account's orders, once each, however these are paged."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from bursa.dialects.binance.order_list_routes import lists_among
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.trading.orders import (
    NO_CONDITIONS,
    CloseReason,
    OrderStatus,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

UNITS = MarketUnits("BTC-USDT", "BTC", "USDT", 8, 10, lot_units=1, tick_units=1)
MARKET = Market(1, UNITS, MarketState.OPEN, Units(0), Ticks(100), Lots(100))
SIZES = {"order": 1, "pair": 2, "bracket": 3}


def order_at(order_id: int, list_id: int, side: Side) -> OrderView:
    return OrderView(
        order_id,
        MARKET,
        side,
        OrderType.LIMIT,
        TimeInForce.GTC,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.NONE,
        price=None,
        quantity=Lots(1),
        conditions=NO_CONDITIONS,
        filled_quantity=Lots(0),
        remaining_quantity=Lots(1),
        filled_quote=Units(0),
        status=OrderStatus.OPEN,
        close_reason=CloseReason.NONE,
        updated_at_ms=0,
        sequence=order_id,
        created_at_ms=(list_id or order_id) * 10,
        list_id=list_id,
    )


def placed(kinds: list[str], gaps: list[int]) -> tuple[list[OrderView], list[int]]:
    """Return what was placed, the newest first, and the ids of the lists in it."""
    orders: list[OrderView] = []
    numbers: list[int] = []
    last = 0
    for kind, gap in zip(kinds, gaps, strict=False):
        first = last + gap
        last = first + SIZES[kind] - 1
        list_id = 0 if kind == "order" else last
        numbers += [list_id] if list_id else []
        for order_id in range(first, last + 1):
            is_entry = kind == "bracket" and order_id == last
            orders.append(order_at(order_id, list_id, Side.BUY if is_entry else Side.SELL))
    return orders[::-1], numbers[::-1]


def paged(orders: list[OrderView], size: int) -> Iterator[list[OrderView]]:
    for at in range(0, len(orders), size):
        yield orders[at : at + size]


@given(
    kinds=st.lists(st.sampled_from(sorted(SIZES)), max_size=12),
    gaps=st.lists(st.integers(1, 3), min_size=12, max_size=12),
    size=st.integers(1, 7),
    most=st.none() | st.integers(1, 4),
    start=st.integers(0, 40),
    end=st.none() | st.integers(0, 40),
)
def test_all_lists_of_a_range_are_found_once(
    kinds: list[str], gaps: list[int], size: int, most: int | None, start: int, end: int | None
) -> None:
    orders, numbers = placed(kinds, gaps)
    found = lists_among(
        paged(orders, size),
        lambda order: order.created_at_ms < start * 10,
        None if end is None else end * 10,
        most,
    )
    wanted = [one for one in numbers if one >= start and (end is None or one <= end)]
    assert [one.list_id for one in found] == wanted[:most]
    assert all(one.is_whole for one in found)
