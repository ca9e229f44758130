"""Lists of orders: what is refused before it is sent, and what a repeat of any kind comes to."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import moto.sqs.models
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.trading.command_words import encode_list
from bursa.trading.commands import PlaceOrder
from bursa.trading.order_lists import PlaceList, check_list
from bursa.trading.orders import NO_CONDITIONS, OrderType, Side, TimeInForce
from tests.doubles.exchange import BOB, Exchange, WorkingClock
from tests.doubles.shard import ALICE, BTC, BTC_USDT, NOON_MS, Shard
from tests.unit.conftest import Send, opened, signed_in_request, started_trading_api
from tests.unit.trading.test_order_lists import OCO, named, with_order
from wire import codec
from wire import layout as w
from wire.events import Result, decode_events

MARKET = Market(
    BTC_USDT,
    MarketUnits("BTC-USDT", "BTC", "USDT", 8, 10, lot_units=1, tick_units=1),
    MarketState.OPEN,
    Units(5),
    Ticks(w.PRICE_MAX),
    Lots(w.QUANTITY_MAX),
)
WAITING = (
    OrderType.LIMIT,
    OrderType.STOP_LIMIT,
    OrderType.STOP_MARKET,
    OrderType.TAKE_PROFIT_LIMIT,
    OrderType.TAKE_PROFIT_MARKET,
)
TYPES = (*WAITING, OrderType.MARKET, OrderType.TRAILING_STOP_MARKET)


@st.composite
def orders(draw: st.DrawFn) -> PlaceOrder:
    kind = draw(st.sampled_from(TYPES))
    immediate = w.MARKETABLE_TYPES >> kind & 1
    conditions = NO_CONDITIONS._replace(expire_ms=draw(st.sampled_from((0, 0, 0, w.TIME_MS_MAX))))
    if w.TRAILING_TYPES >> kind & 1:
        conditions = conditions._replace(trail=5)
    elif w.STOP_TYPES >> kind & 1:
        conditions = conditions._replace(trigger_price=Ticks(draw(st.integers(85, 115))))
    lasts = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)
    time_in_force = TimeInForce.IOC if immediate else draw(st.sampled_from(lasts))
    if conditions.expire_ms and not immediate:
        time_in_force = TimeInForce.GTD
    return PlaceOrder(
        MARKET,
        draw(st.sampled_from((Side.SELL, Side.SELL, Side.SELL, Side.BUY))),
        kind,
        time_in_force,
        Ticks(0 if immediate else draw(st.integers(85, 115))),
        Lots(draw(st.sampled_from((10, 10, 10, 11)))),
        conditions,
        post_only=draw(st.sampled_from((False, False, False, True))),
    )


def decided(wanted: PlaceList) -> str:
    """Return what the engine says of a list, of an account that has enough of both assets."""
    shard = Shard()
    shard.run(codec.encode_funds(w.COMMAND_CREDIT, ALICE, BTC, 10**9))
    account = AccountId.from_number(ALICE)
    headers = [
        CommandHeader(CommandId(7, at + 1), NOON_MS, Actor(ActorKind.USER, 1))
        for at in range(len(wanted.orders))
    ]
    shard.run(*encode_list(wanted.orders, account, headers))
    results = [
        event for event in decode_events(shard.plain()[-1].events) if isinstance(event, Result)
    ]
    return w.REASON_NAMES[results[-1].reason]


@settings(max_examples=600, deadline=None)
@given(st.tuples(orders(), orders()), st.one_of(st.none(), orders()))
def test_what_is_no_list_is_refused_before_it_is_sent_and_nothing_else(
    pair: tuple[PlaceOrder, PlaceOrder], entry: PlaceOrder | None
) -> None:
    wanted = PlaceList(pair, entry)
    try:
        check_list(wanted)
    except BursaError:
        assert decided(wanted) != "accepted"
    else:
        assert decided(wanted) != "invalid_list"


# Two that go live, and one that is refused.
CONTENTS: tuple[dict[str, Any], ...] = (
    OCO,
    with_order(0, price="23000"),
    OCO | {"orders": [order | {"quantity": "101"} for order in OCO["orders"]]},
)
NAMES = ("ab", "ab", "ab", "ba", "bc")
SENDS = st.tuples(
    st.sampled_from(NAMES), st.sampled_from((0, 0, 1, 2)), st.sampled_from((False, False, True))
)
STEPS = st.lists(st.one_of(SENDS, st.sampled_from(("late", "catch up"))), min_size=5, max_size=9)


class World:
    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        module = started_trading_api(WorkingClock(exchange))
        self.send: Send = partial(signed_in_request, module)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """An exchange to which a repeat comes later than its queue drops it by itself."""
    with pytest.MonkeyPatch.context() as patch, opened() as exchange:
        patch.setattr(moto.sqs.models, "DEDUPLICATION_TIME_IN_SECONDS", 0)
        yield World(exchange)


_runs = iter(range(1_000_000))


@settings(
    max_examples=50,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_an_id_is_one_orders_and_a_list_is_whole(world: World, steps: list[Any]) -> None:
    exchange, send = world.exchange, world.send
    run = next(_runs)
    told: dict[tuple[str, int], str] = {}
    exchange.project = True
    exchange.time_ms += 60_000  # the account's budgets are full again
    for step in steps:
        if isinstance(step, str):
            exchange.project = step == "catch up"
            continue
        names, content, is_async = step
        wanted = named(CONTENTS[content], *(f"{name}-{run}" for name in names))
        headers = {"Prefer": "respond-async"} if is_async else {}
        response = send("POST", "/order-lists", wanted, account=BOB, headers=headers)
        assert response.status in {201, 202, 409, 422, 503}, response
        if (names, content) in told and not is_async:
            # What a client was told is never taken back; while rows are late it may have to wait.
            assert response.status == 201 or (response.status == 503 and not exchange.project)
        if response.status == 201:
            list_id = response.body["list_id"]
            assert told.setdefault((names, content), list_id) == list_id
    exchange.project = True
    exchange.work()
    exchange.commit([codec.encode_cancel(BOB.number, 999_999, command_id=(7, run + 1))])
    listed = send("GET", "/orders", account=BOB, query={"limit": "500"}).body["items"]
    mine = [one for one in listed if str(one["client_order_id"]).endswith(f"-{run}")]
    ids = [one["client_order_id"] for one in mine]
    assert len(set(ids)) == len(ids)
    lists = [one["list_id"] for one in mine]
    assert all(lists.count(one) == 2 for one in lists)
    assert set(told.values()) <= set(lists)
    for list_id in set(lists):
        send("DELETE", f"/order-lists/{list_id}", account=BOB)
