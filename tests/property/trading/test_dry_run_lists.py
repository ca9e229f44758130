"""What a dry run says of a list is what the engine does with it in the same state."""

from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId
from bursa.trading.command_words import encode_list
from bursa.trading.dry_run_lists import assess_list
from bursa.trading.order_lists import PlaceList, check_list
from bursa.trading.orders import STOPS, Conditions, OrderType, Side, TimeInForce
from tests.doubles.shard import BTC, USDT
from tests.property.trading.dry_run_scenes import (
    CAROL,
    Scene,
    is_well_formed,
    lots,
    order_of,
    prices,
    rich_scenes,
    staged,
)
from wire import codec
from wire import events as e
from wire import layout as w

PROFITS = (OrderType.LIMIT, OrderType.TAKE_PROFIT_LIMIT, OrderType.TAKE_PROFIT_MARKET)
LOSSES = (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
ENTRIES = (OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LIMIT)
TERMS = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the orders of a list as they should be, and its numbers wrong only by chance."""
    side, quantity = draw(st.sampled_from(Side)), Lots(draw(lots))

    def one(side: Side, order_type: OrderType, near: int) -> dict[str, Any]:
        is_market = order_type.name.endswith("MARKET")
        price, trigger = (near + draw(st.integers(-5, 5)) for _ in range(2))
        return {
            "side": side,
            "type": order_type,
            "time_in_force": TimeInForce.IOC if is_market else TimeInForce.GTC,
            "price": Ticks(0 if is_market else price),
            "quantity": quantity,
            "conditions": Conditions(
                trigger_price=Ticks(trigger if order_type in STOPS else 0),
            ),
        }

    up, down = (106, 94) if side is Side.SELL else (94, 106)
    pair = [one(side, draw(st.sampled_from(PROFITS)), up)]
    pair.append(one(side, draw(st.sampled_from(LOSSES)), down))
    pair = pair if draw(st.booleans()) else pair[::-1]
    if draw(st.booleans()):
        return pair
    other = Side.BUY if side is Side.SELL else Side.SELL
    entry = one(other, draw(st.sampled_from(ENTRIES)), draw(prices))
    if entry["type"] is OrderType.LIMIT:
        entry["time_in_force"] = draw(st.sampled_from(TERMS))
    return [*pair, entry]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scene=rich_scenes(), drawn=lists())
def test_the_engine_does_what_the_dry_run_says(scene: Scene, drawn: list[dict[str, Any]]) -> None:
    shard, market, view, _ = staged(scene)
    first, second, *rest = (order_of(market, one) for one in drawn)
    wanted = PlaceList((first, second), rest[0] if rest else None)
    if not all(map(is_well_formed, wanted.orders)):
        return
    try:
        check_list(wanted)
    except BursaError:
        return
    before = {asset: shard.engine.balance(CAROL, asset) for asset in (BTC, USDT)}
    balances = {"BTC": before[BTC][0], "USDT": before[USDT][0]}
    said = assess_list(wanted, view, balances, shard.time_ms)

    headers = [
        CommandHeader(CommandId(1, at + 1), shard.time_ms, Actor(ActorKind.USER, 1))
        for at in range(len(wanted.orders))
    ]
    commands = encode_list(wanted.orders, AccountId.from_number(CAROL), headers)
    events = list(codec.decode_events(shard.engine.apply(b"".join(commands))))
    reason = [one for one in events if isinstance(one, e.Result)][-1].reason
    assert w.REASON_NAMES[said.reason] == w.REASON_NAMES[reason]
    event(w.REASON_NAMES[reason])
    if reason != w.REASON_ACCEPTED:
        # The engine rejects nothing for what the order that is named would not be rejected for.
        if said.position is not None:
            event(f"{wanted.fields[said.position]}: {w.REASON_NAMES[reason]}")
            named = said.orders[said.position]
            assert named is not None
            assert named.reason == reason
        return
    trades = [one for one in events if isinstance(one, e.Trade)]
    told = [one for one in said.orders if one is not None]
    traded = next((one.taking for one in told if one.taking), None)
    if len(told) < len(said.orders):
        event("exits are not told")
        return
    assert (traded.lots if traded else 0) == sum(one.quantity for one in trades)
    assert (traded.fee if traded else 0) == sum(one.taker_fee for one in trades)
    for asset, name in ((BTC, "BTC"), (USDT, "USDT")):
        held = shard.engine.balance(CAROL, asset)[1] - before[asset][1]
        assert sum(one.held for one in told if one.pays == name) == held, name
    if traded and wanted.entry and sum(one.held for one in told[:2]):
        event("exits are placed at once")
