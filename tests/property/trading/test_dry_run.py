"""What a dry run says of an order is what the engine does with it in the same state."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, event, given, settings

from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId
from bursa.trading.command_words import encode_place
from bursa.trading.commands import PlaceOrder
from bursa.trading.dry_run_rules import Assessment, assess
from bursa.trading.orders import OrderType, Side, TimeInForce
from tests.doubles.shard import BTC, USDT
from tests.property.trading.dry_run_scenes import (
    CAROL,
    Scene,
    is_well_formed,
    order_of,
    orders,
    scenes,
    staged,
)
from wire import codec
from wire import events as e
from wire import layout as w

OTHER = CommandId(1, 2)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scene=scenes(), drawn=orders())
def test_the_engine_does_what_the_dry_run_says(scene: Scene, drawn: dict[str, Any]) -> None:
    shard, market, view, _ = staged(scene)
    order = order_of(market, drawn)
    if not is_well_formed(order):
        return
    pays = USDT if order.side is Side.BUY else BTC
    available, held_before = shard.engine.balance(CAROL, pays)
    known = available if scene.base or scene.quote else None
    said = assess(order, view, known, shard.time_ms)

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
        shard, market, view, _ = staged(scene)
        order = PlaceOrder(market, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Ticks(100), Lots(10))
        said: Assessment = assess(order, view, quote, shard.time_ms)
        assert (said.needed, said.held) == (Units(1_000), Units(1_000 if quote == 1_000 else 0))
        reason = w.REASON_ACCEPTED if quote == 1_000 else w.REASON_INSUFFICIENT_BALANCE
        assert said.reason == reason
