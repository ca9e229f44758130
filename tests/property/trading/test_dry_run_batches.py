"""What a dry run says of changes and batches is what the engine does with them, one by one."""

from typing import Any, NamedTuple

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bursa.intake.names import order_command_id
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId
from bursa.trading.command_words import encode_operation
from bursa.trading.commands import (
    AmendOrder,
    Batch,
    CancelOrder,
    Operation,
    OrderChange,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.dry_run_batches import Assessed, Cancelled, NotTold, Reads, assess_batch
from bursa.trading.orders import OrderType
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected
from tests.doubles.shard import BTC, USDT, Shard, buy, sell
from tests.property.trading.dry_run_scenes import (
    CAROL,
    Scene,
    Staged,
    is_well_formed,
    lots,
    order_of,
    orders,
    prices,
    rich_scenes,
    staged,
)
from wire import codec
from wire import events as e
from wire import layout as w

CAROLS = AccountId.from_number(CAROL)
OTHERS = range(89, 112)  # where all others' orders are, and none of hers before
NAMES = ("a", "b", "c")
ASSETS = {"BTC": BTC, "USDT": USDT}


class Wanted(NamedTuple):
    """An operation as it is drawn: about one of Carol's orders, by its place among them."""

    kind: type[Operation]
    order: dict[str, Any]
    change: OrderChange
    target: int
    name: str | None


@st.composite
def own_orders(draw: st.DrawFn) -> list[bytes]:
    """Draw orders that Carol has before: far from where others trade, or stops."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        place, price = (buy, 84) if draw(st.booleans()) else (sell, 116)
        terms: dict[str, Any] = {"stp": w.STP_CANCEL_MAKER}
        price += draw(st.integers(-3, 3))
        if draw(st.booleans()):
            trigger = 130 if place is buy else 70
            terms |= {"order_type": w.TYPE_STOP_LIMIT, "trigger_price": trigger}
        quantity = draw(lots)
        if "trigger_price" not in terms and draw(st.booleans()):
            terms["display_quantity"] = max(1, quantity // 2)
        found.append(place(CAROL, price, quantity, **terms))
    return found


changes = st.builds(
    OrderChange,
    price=st.just(Ticks(0)) | prices.map(Ticks),
    quantity=st.just(Lots(0)) | lots.map(Lots),
    trigger_price=st.just(Ticks(0)) | st.just(Ticks(0)) | prices.map(Ticks),
    display_quantity=st.just(Lots(0)) | st.just(Lots(0)) | lots.map(Lots),
    trail=st.just(0),
)
operations = st.builds(
    Wanted,
    st.sampled_from((PlaceOrder, PlaceOrder, AmendOrder, ReplaceOrder, CancelOrder)),
    orders(),
    changes,
    st.integers(0, 2),
    st.none() | st.sampled_from(NAMES),
)


def operation_of(wanted: Wanted, scene: Staged) -> Operation | None:
    """Return the operation that is drawn; None for one that no client can send."""
    if wanted.kind is PlaceOrder:
        order = order_of(scene.market, wanted.order, wanted.name)
        return order if is_well_formed(order) else None
    if wanted.kind is CancelOrder and wanted.name is not None:
        return CancelOrder(client_order_id=wanted.name)
    if wanted.target >= len(scene.orders):
        return None
    target = scene.orders[wanted.target]
    if wanted.kind is CancelOrder:
        return CancelOrder(order_id=target.order_id)
    if wanted.kind is AmendOrder:
        return AmendOrder(target, wanted.change) if wanted.change != OrderChange() else None
    return ReplaceOrder(target, wanted.change, wanted.name)


def sent(operation: Operation, position: int, shard: Shard) -> list[e.Event]:
    """Return what the engine makes of an operation."""
    name = getattr(operation, "client_order_id", None)
    command_id = CommandId(1, position + 1)
    if name is not None and not isinstance(operation, CancelOrder):
        command_id = order_command_id(CAROLS, name)
    header = CommandHeader(command_id, shard.time_ms, Actor(ActorKind.USER, 1))
    return list(
        codec.decode_events(shard.engine.apply(encode_operation(operation, CAROLS, header)))
    )


def may_meet_one_that_is_not_named(told: Assessed) -> bool:
    """Return whether an order reaches where Carol has orders, which no operation need name."""
    found = told.assessment
    if found.reason == w.REASON_INSUFFICIENT_BALANCE:
        return told.order.type is OrderType.MARKET
    return found.taking is not None and found.taking.worst_price not in OTHERS


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scene=rich_scenes(), own=own_orders(), drawn=st.lists(operations, max_size=6))
def test_the_engine_does_what_the_dry_run_says(
    scene: Scene, own: list[bytes], drawn: list[Wanted]
) -> None:
    at = staged(scene, *own)
    found = [operation_of(one, at) for one in drawn]
    batch = Batch(tuple(one for one in found if one is not None))
    by_id = {order.order_id: order for order in at.orders}
    engine = at.shard.engine
    known = {name: engine.balance(CAROL, asset)[0] for name, asset in ASSETS.items()}
    said = assess_batch(
        batch,
        Reads(
            lambda _: at.view,
            lambda cancel: by_id.get(cancel.order_id or 0),
            known if scene.base or scene.quote else None,
            at.shard.time_ms,
        ),
    )
    for position, (operation, told) in enumerate(zip(batch.operations, said, strict=True)):
        before = {name: engine.balance(CAROL, asset) for name, asset in ASSETS.items()}
        events = sent(operation, position, at.shard)
        if isinstance(told, NotTold) and told is not NotTold.REPEATED_ID:
            event(f"not told: {told}")
            return
        if isinstance(told, Assessed) and may_meet_one_that_is_not_named(told):
            event("meets an order that no operation names")
            return
        result = events[0]
        assert isinstance(result, e.Result)
        kind = type(operation).__name__
        event(f"{kind}: {w.REASON_NAMES[result.reason]}")
        after = {name: engine.balance(CAROL, asset) for name, asset in ASSETS.items()}
        match told:
            case NotTold():
                assert result.reason == w.REASON_DUPLICATE_COMMAND
            case OrderAlreadyClosed() | OrderRejected():
                assert result.reason == w.REASON_UNKNOWN_ORDER
            case Cancelled():
                assert result.reason == w.REASON_ACCEPTED
                assert after[told.asset][0] - before[told.asset][0] == told.amount
            case Assessed():
                require_same(operation, told, events, before, after)


def require_same(
    operation: Operation,
    told: Assessed,
    events: list[e.Event],
    before: dict[str, tuple[int, int]],
    after: dict[str, tuple[int, int]],
) -> None:
    """Assert that the engine has done what was said."""
    result, found = events[0], told.assessment
    assert isinstance(result, e.Result)
    assert w.REASON_NAMES[found.reason] == w.REASON_NAMES[result.reason]
    freed = 0
    if isinstance(operation, AmendOrder | ReplaceOrder):
        freed = found.available - before[found.pays][0]
        assert 0 <= freed <= before[found.pays][1]
    else:
        assert found.available == before[found.pays][0]
    if found.reason != w.REASON_ACCEPTED:
        return
    trades = [one for one in events if isinstance(one, e.Trade)]
    assert found.held == after[found.pays][1] - before[found.pays][1] + freed
    assert (found.taking.lots if found.taking else 0) == sum(one.quantity for one in trades)
    assert (found.taking.fee if found.taking else 0) == sum(one.taker_fee for one in trades)
    if found.taking:
        event("trades at once")
        assert found.taking.worst_price == trades[-1].price
        assert found.taking.quote_units == sum(one.quote_amount for one in trades)
