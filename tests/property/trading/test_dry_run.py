"""What a dry run says of an order is what the engine does with it in the same state."""

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bursa.intake.submission import CommandHeader
from bursa.kernel import keys
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId
from bursa.kernel.markets import Market
from bursa.market_data.quoted_markets import view_of
from bursa.read_models.definitions import market_from_row
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import MarketRow, from_attributes
from bursa.trading.command_words import encode_place
from bursa.trading.commands import PlaceOrder
from bursa.trading.dry_run import Assessment, assess
from bursa.trading.order_checks import check_combination
from bursa.trading.orders import (
    TRAILING,
    Conditions,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from tests.doubles.shard import BTC, BTC_USDT, USDT, Shard, buy, sell, stream_records
from wire import codec
from wire import events as e
from wire import layout as w

BIDDER, ASKER, CAROL = (w.account_number(1, index) for index in (1, 2, 3))
OTHER = CommandId(1, 2)
MAKER_PPM, TAKER_PPM = 1_000, 2_000

prices = st.integers(90, 110)
lots = st.integers(1, 60)


class Scene(NamedTuple):
    """A market with a book, its limits, and what the account has."""

    resting: list[tuple[Side, int, int]]
    reference: int
    state: int
    limits: dict[str, int]
    base: int
    quote: int


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    reference = draw(st.sampled_from([0, 95, 100, 105]))
    limits = {"min_notional": draw(st.sampled_from([0, 5, 500]))}
    if reference:
        limits |= {
            "collar_ppm": draw(st.sampled_from([0, 50_000])),
            "market_collar_ppm": draw(st.sampled_from([0, 20_000, 100_000])),
            "max_quantity": draw(st.sampled_from([0, 40])),
            "max_price": draw(st.sampled_from([0, 108])),
        }
    return Scene(
        draw(st.lists(st.tuples(st.sampled_from(Side), prices, lots), max_size=8)),
        reference,
        draw(st.sampled_from([w.STATE_OPEN] * 6 + sorted(w.MARKET_STATE_NAMES))),
        limits,
        draw(st.integers(0, 80)),
        draw(st.sampled_from([0, 500, 3_000, 5_000, 100_000])),
    )


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    order_type = draw(st.sampled_from(sorted(set(OrderType) - TRAILING)))
    side = draw(st.sampled_from(Side))
    conditions: dict[str, Any] = {}
    stop = order_type.name.startswith(("STOP", "TAKE"))
    if stop:
        conditions["trigger_price"] = draw(prices)
    by_amount = order_type is OrderType.MARKET and side is Side.BUY and draw(st.booleans())
    if by_amount:
        conditions["quote_amount"] = draw(st.integers(1, 5_000))
    marketable = order_type.name.endswith("MARKET")
    priced = order_type is not OrderType.MARKET and (not marketable or draw(st.booleans()))
    tif = draw(st.sampled_from([TimeInForce.IOC, TimeInForce.FOK] if marketable else TimeInForce))
    if tif is TimeInForce.GTD:
        conditions["expire_ms"] = draw(st.sampled_from([1, w.TIME_MS_MAX]))
    return {
        "side": side,
        "type": order_type,
        "time_in_force": tif,
        "price": Ticks(draw(prices) if priced else 0),
        "quantity": Lots(0 if by_amount else draw(lots)),
        "conditions": Conditions(**conditions),
        "post_only": not marketable and draw(st.booleans()),
    }


def is_well_formed(order: PlaceOrder) -> bool:
    """Return whether REST would send it."""
    amounts = {"price": order.price, "quantity": order.quantity, **order.conditions._asdict()}
    given_names = {name for name, amount in amounts.items() if amount}
    try:
        check_combination(
            order.side, order.type, order.time_in_force, post_only=order.post_only,
            given=given_names,
        )  # fmt: skip
    except BursaError:
        return False
    return True


def staged(scene: Scene) -> tuple[Shard, Market, Any]:
    """Return the exchange in a scene, and its market and book as the read models have them."""
    shard = Shard()
    shard.run(
        *(
            codec.encode_funds(w.COMMAND_CREDIT, CAROL, asset, amount)
            for asset, amount in ((BTC, scene.base), (USDT, scene.quote))
            if amount
        ),
        codec.encode_set_market_limits(BTC_USDT),
        *(
            buy(BIDDER, price, quantity) if side is Side.BUY else sell(ASKER, price, quantity)
            for side, price, quantity in scene.resting
        ),
        codec.encode_set_market_limits(BTC_USDT, **scene.limits),
        codec.encode_set_market_state(BTC_USDT, scene.state, scene.reference),
    )
    tables = MemoryTables(0)
    Projector(0, shard, tables, print).project(stream_records(shard.records))
    item = tables.items[Table.MARKETS]["t1", keys.market("BTC-USDT")]
    market = market_from_row(from_attributes(MarketRow, item), MAKER_PPM, TAKER_PPM)
    book = tables.book("t1", "BTC-USDT")
    return shard, market, None if book is None else book.to_row()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scene=scenes(), drawn=orders())
def test_the_engine_does_what_the_dry_run_says(scene: Scene, drawn: dict[str, Any]) -> None:
    shard, market, book_row = staged(scene)
    order = PlaceOrder(market, self_trade_prevention=SelfTradePrevention.CANCEL_MAKER, **drawn)
    if not is_well_formed(order):
        return
    pays = USDT if order.side is Side.BUY else BTC
    available, held_before = shard.engine.balance(CAROL, pays)
    known = available if scene.base or scene.quote else None
    said = assess(order, view_of(book_row, market), known, shard.time_ms)

    header = CommandHeader(CommandId(1, 1), shard.time_ms, Actor(ActorKind.USER, 1))
    command = encode_place(order, AccountId.from_number(CAROL), header)
    events = list(codec.decode_events(shard.engine.apply(command)))
    result = events[0]
    assert isinstance(result, e.Result)
    said_name, name = w.REASON_NAMES[said.reason], w.REASON_NAMES[result.reason]
    assert said_name == name, f"{said_name} is said, {name} it is"
    event(w.REASON_NAMES[result.reason])
    if said.nearest is not None:
        event("a nearest value")
        field, value = said.nearest
        changes: dict[str, Any] = {field: value}
        if field == "quote_amount":
            changes = {"conditions": order.conditions._replace(quote_amount=Units(value))}
        other = replace(order, **changes)
        again = encode_place(other, AccountId.from_number(CAROL), header._replace(command_id=OTHER))
        of_nearest = next(iter(codec.decode_events(shard.engine.apply(again))))
        assert isinstance(of_nearest, e.Result)
        assert of_nearest.reason != result.reason, said.nearest
    if result.reason != w.REASON_ACCEPTED:
        return
    trades = [one for one in events if isinstance(one, e.Trade)]
    _, held = shard.engine.balance(CAROL, pays)
    assert said.held == held - held_before
    assert (said.taking.lots if said.taking else 0) == sum(one.quantity for one in trades)
    if said.taking:
        event("trades at once")
        assert said.taking.quote_units == sum(one.quote_amount for one in trades)
        assert said.taking.fee == sum(one.taker_fee for one in trades)
        assert said.taking.worst_price == trades[-1].price
        assert said.taking.quote_units + said.held <= said.needed or order.side is Side.SELL


def test_money_that_is_just_enough_is_enough_and_one_less_is_not() -> None:
    """The boundary is where what is said to be needed is."""
    for quote in (999, 1_000):
        scene = Scene([], 0, w.STATE_OPEN, {}, 0, quote)
        shard, market, row = staged(scene)
        order = PlaceOrder(market, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Ticks(100), Lots(10))
        said: Assessment = assess(order, view_of(row, market), quote, shard.time_ms)
        assert (said.needed, said.held) == (Units(1_000), Units(1_000 if quote == 1_000 else 0))
        reason = w.REASON_ACCEPTED if quote == 1_000 else w.REASON_INSUFFICIENT_BALANCE
        assert said.reason == reason
