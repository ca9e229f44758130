"""In a thin market with collars both engines agree, and none ends a stop that has waited."""

import random

import pytest

from tests.unit.engine.desk import ALICE, BOB, BUY, CAROL, MARKET, SELL, Desk
from tests.unit.engine.engines import ENGINES
from wire import layout as w
from wire.events import Order

STOPS = (
    (w.TYPE_STOP_LIMIT, w.TIF_GTC),
    (w.TYPE_STOP_MARKET, w.TIF_IOC),
    (w.TYPE_TAKE_PROFIT_LIMIT, w.TIF_GTC),
    (w.TYPE_TAKE_PROFIT_MARKET, w.TIF_IOC),
)


def act(desk: Desk, draw: random.Random) -> None:
    """Send one command: a stop, an order, a cancellation of all, or time that passes."""
    account, side = draw.choice((ALICE, BOB, CAROL)), draw.choice((BUY, SELL))
    kind, price, lots = draw.random(), draw.randint(88, 112), draw.randint(1, 5)
    if kind < 0.3:
        order_type, tif = draw.choice(STOPS)
        own = 0 if w.MARKETABLE_TYPES >> order_type & 1 else price
        trigger = draw.randint(94, 106)
        desk.place(
            account,
            side,
            own,
            lots,
            order_type=order_type,
            time_in_force=tif,
            trigger_price=trigger,
        )
    elif kind < 0.9:
        desk.place(account, side, price, lots)
    elif kind < 0.95:
        desk.cancel_all(account)
    else:
        desk.time(desk.engine.time_ms + draw.randint(1, 20_000))


@pytest.mark.parametrize("seed", range(8))
def test_both_agree_and_no_collar_ends_a_stop_that_waited(seed: int) -> None:
    desks = [Desk(make()) for make in ENGINES.values()]
    for desk in desks:
        desk.place(CAROL, SELL, 100, 1)
        desk.place(BOB, BUY, 100, 1)
        desk.limits(
            collar_ppm=90_000,
            market_collar_ppm=20_000,
            breaker_ppm=80_000,
            reference_interval_ms=60_000,
            auction_ms=10_000,
        )
        desk.state(w.STATE_OPEN, reference=100)
    draws = [random.Random(seed) for _ in desks]
    again = set()
    for _ in range(300):
        for desk, draw in zip(desks, draws, strict=True):
            act(desk, draw)
        first = desks[0]
        assert all(desk.events == first.events for desk in desks)
        for order in first.of(Order):
            if order.order_id != first.result.order_id:
                assert order.close_reason != w.CLOSE_PRICE_PROTECTION
                if order.status == w.STATUS_PENDING_TRIGGER and first.engine.stops(
                    MARKET, order.side
                ):
                    again.add(order.order_type)
    assert again
