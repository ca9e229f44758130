"""Whatever comes: no stop waits whose price has been confirmed, unless it is stopped.

The breaker and the collar stop them; neither ends one that has waited.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.reference import Engine
from engine.reference.model import Market
from tests.property.random_commands import CAPACITY, command, world
from wire import layout as w
from wire.events import Order, Result, Trade, decode_events

WORDS = st.lists(st.integers(min_value=0, max_value=(1 << 160) - 1), min_size=60, max_size=120)
RELAXED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def reached(market: Market) -> list[int]:
    """Return the stops that wait although the confirmed price has reached their triggers."""
    price = market.confirmed_price
    return [
        order.order_id
        for side in (w.SIDE_BUY, w.SIDE_SELL)
        for trigger, level in market.stops(side).levels.items()
        for order in level
        if price and (trigger <= price if side == w.SIDE_BUY else trigger >= price)
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED, derandomize=True)
@given(WORDS)
def test_no_stop_waits_that_is_reached(words: list[int]) -> None:
    engine = Engine(**CAPACITY)
    engine.apply(world())
    for word in words:
        engine.apply(command(word, engine))
        for market in engine.state.markets.values():
            trades = market.state == w.STATE_OPEN and not market.one_by_one_until_ms
            assert not (trades and reached(market))


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED, derandomize=True)
@given(WORDS)
def test_no_stop_ends_where_the_market_stops_it(words: list[int]) -> None:
    """One that arrives, or that a command changes, may."""
    engine = Engine(**CAPACITY)
    engine.apply(world())
    for word in words:
        events = list(decode_events(engine.apply(command(word, engine))))
        arrived = {event.order_id for event in events if isinstance(event, Result)}
        for order in events:
            if isinstance(order, Order) and order.close_reason == w.CLOSE_PRICE_PROTECTION:
                assert order.order_id in arrived


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED, derandomize=True)
@given(WORDS)
def test_a_confirmed_price_has_been_traded_at_or_is_between(words: list[int]) -> None:
    engine = Engine(**CAPACITY)
    engine.apply(world())
    traded: dict[int, set[int]] = {number: set() for number in range(5)}
    for word in words:
        for event in decode_events(engine.apply(command(word, engine))):
            if isinstance(event, Trade):
                traded[event.market].add(event.price)
        for number, market in engine.state.markets.items():
            if market.confirmed_price:
                assert min(traded[number]) <= market.confirmed_price <= max(traded[number])
