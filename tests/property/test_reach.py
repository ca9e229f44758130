"""The random commands reach everything: a property proved on what never happens is worth nothing.

Of each command kind one is accepted, each reason rejects one, each way for an order to close
occurs, in every state of a market, and so does each of the rarer turns of ``happenings``.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from engine.core import place
from engine.core.engine import Engine as InterpretedEngine
from engine.reference import Engine
from tests.property.random_commands import CAPACITY, command, world
from wire import layout as w
from wire.codec import Command, decode_commands
from wire.events import Event, Market, Order, OrderConditions, Result, Trade, decode_events

HISTORIES, LENGTH = 160, 250
NEVER_ACCEPTED = w.COMMAND_REJECT  # it is the journal of a rejection
PREVENTIONS = (w.STP_CANCEL_TAKER, w.STP_CANCEL_MAKER, w.STP_CANCEL_BOTH, w.STP_DECREMENT)
CHANGES = (w.COMMAND_AMEND, w.COMMAND_REPLACE)
Seen = Counter[tuple[str, object]]


def happenings(decoded: Command, events: list[Event]) -> Iterator[tuple[str, object]]:
    """Yield what one command made happen, by subject."""
    result = events[0]
    assert isinstance(result, Result)
    kind = result.command_kind
    yield ("accepted" if result.accepted else "rejected", kind)
    yield ("reason", result.reason)
    trades = [event for event in events if isinstance(event, Trade)]
    orders = [event for event in events if isinstance(event, Order)]
    yield from (("closed", order.close_reason) for order in orders if order.close_reason)
    yield from (("traded by", kind) for _ in trades)
    yield from (("traded in the market", trade.market) for trade in trades)
    yield from (("rebate", 1) for trade in trades if trade.maker_fee < 0)
    makers = Counter(trade.maker_order for trade in trades)
    yield from (("iceberg traded twice in a command", 1) for count in makers.values() if count > 1)
    yield from (
        ("traded with itself", 1) for trade in trades if trade.maker_account == trade.taker_account
    )
    if kind in (w.COMMAND_SET_MARKET_STATE, w.COMMAND_ADVANCE_TIME):
        yield from (("prevented in an uncross by", kind) for one in orders if _prevents(one))
    yield from _prevented(decoded, orders)
    yield from _stops(orders)
    for event in events:
        if isinstance(event, Market):
            yield ("state", event.state)
            if event.indicative_price:
                yield ("indicative price", 1)
            if event.state == w.STATE_AUCTION and kind in (w.COMMAND_PLACE, *CHANGES):
                yield ("auction started by", kind)
                yield from (("stop waits again", 1) for one in orders if _waits_again(one, result))
            if event.state == w.STATE_OPEN and kind == w.COMMAND_ADVANCE_TIME:
                yield ("auction ended by time, trades", bool(trades))
        if isinstance(event, OrderConditions) and event.quote_amount and trades:
            yield ("traded by quote amount", 1)


def _waits_again(order: Order, result: Result) -> bool:
    return order.status == w.STATUS_PENDING_TRIGGER and order.order_id != result.order_id


def _prevents(order: Order) -> bool:
    return order.close_reason == w.CLOSE_SELF_TRADE_PREVENTION


def _prevented(decoded: Command, orders: list[Order]) -> Iterator[tuple[str, object]]:
    """Yield self-trade preventions of a PLACE, by mode; and those that only the group explains."""
    if decoded.kind != w.COMMAND_PLACE:
        return
    flags = decoded.body[w.PLACE_FLAGS - w.PLACE_MARKET]
    for order in orders:
        if _prevents(order):
            yield ("prevented by mode", w.flags_stp(flags))
            if order.account != decoded.account:
                yield ("prevented by group", 1)


def _stops(orders: list[Order]) -> Iterator[tuple[str, object]]:
    triggered = {order.order_id: order for order in orders if w.flags_triggered(order.flags)}
    yield from (("stop triggered", order.order_type) for order in triggered.values())
    if len(triggered) > 1:
        yield ("several stops triggered by one command", 1)
    for order in orders:
        if order.order_type in w.types_in(w.STOP_TYPES) and (
            order.close_reason and order.order_id not in triggered
        ):
            yield ("stop closed while pending", order.close_reason)


def shares_until(engine: Engine) -> list[int]:
    """Return until when each account's rejections count, and those of the accounts there aren't."""
    accounts = engine.state.accounts.values()
    return [engine.state.rejections_ms, *(account.rejections_ms for account in accounts)]


def taken_one_by_one(engine: Engine) -> set[int]:
    """Return the markets whose stops are taken one by one, because one has been stopped."""
    markets = engine.state.markets.values()
    return {one.number for one in markets if one.one_by_one_until_ms > engine.time_ms}


def last_decided(events: list[Event]) -> list[Event]:
    """Return the last result and what its command caused: those before staged orders of a list."""
    starts = [at for at, event in enumerate(events) if isinstance(event, Result)]
    return events[starts[-1] :]


def reached(seed: int) -> Seen:
    """Count what happens in some histories as long as those of the long run."""
    draw = random.Random(seed)
    seen: Seen = Counter()
    for _ in range(HISTORIES):
        engine = Engine(**CAPACITY)
        engine.apply(world())
        for _ in range(LENGTH):
            one = command(draw.getrandbits(160), engine)
            for market in engine.state.markets.values():
                seen["commands while in state", market.state] += 1
            # Of a list the last command decides.
            *_, decoded = decode_commands(one)
            horizon_ms, identity = engine.state.horizon_ms, (decoded.id_high, decoded.id_low)
            one_by_one = taken_one_by_one(engine)
            forgotten = identity in engine.state.placed and identity not in engine.state.remembered
            events = list(decode_events(engine.apply(one)))
            seen.update(happenings(decoded, last_decided(events)))
            seen["accepted", w.COMMAND_STAGE] += len(events) > len(last_decided(events))
            *_, result = (event for event in events if isinstance(event, Result))
            duplicate = result.reason == w.REASON_DUPLICATE_COMMAND
            seen["repeat of an open order", "forgotten"] += forgotten and duplicate
            seen["ids forgotten", 1] += engine.state.horizon_ms != horizon_ms
            stopped = taken_one_by_one(engine) - one_by_one
            seen["a stop is stopped", 1] += bool(stopped)
            triggered = {
                event.market
                for event in events
                if isinstance(event, Order) and w.flags_triggered(event.flags)
            }
            seen["another triggers after it", 1] += bool(triggered & one_by_one)
            seen["the breaker pauses", 1] += bool(engine.paused_markets)
            seen["trades that confirm nothing yet", 1] += any(
                market.unconfirmed_value for market in engine.state.markets.values()
            )
            waits = any(time_ms > engine.time_ms for time_ms in shares_until(engine))
            seen["share of rejections", "taken"] += waits
            seen["full", "orders"] += len(engine.state.orders) == engine.state.capacity.orders
            seen["full", "accounts"] += len(engine.state.accounts) == engine.state.capacity.accounts
            seen["full", "balances"] += len(engine.state.balances) == engine.state.capacity.balances
            seen["full", "holds"] += engine.state.hold_count == engine.state.capacity.holds
    return seen


EVERYTHING: dict[str, set[Any]] = {
    "accepted": set(w.COMMAND_NAMES) - {NEVER_ACCEPTED},
    "rejected": set(w.COMMAND_NAMES),
    "reason": set(w.REASON_NAMES),
    "closed": set(w.CLOSE_NAMES) - {w.CLOSE_NONE},
    "state": set(w.MARKET_STATE_NAMES),
    "commands while in state": set(w.MARKET_STATE_NAMES),
    "traded by": {w.COMMAND_PLACE, *CHANGES, w.COMMAND_SET_MARKET_STATE},
    "traded in the market": {1, 2, 3, 4},
    "prevented by mode": set(PREVENTIONS),
    "prevented by group": {1},
    "stop triggered": set(w.types_in(w.STOP_TYPES)),
    "several stops triggered by one command": {1},
    "stop closed while pending": {
        w.CLOSE_CANCELLED_BY_USER,
        w.CLOSE_COUNTDOWN_ELAPSED,
        w.CLOSE_EXPIRED,
    },
    "iceberg traded twice in a command": {1},
    "traded by quote amount": {1},
    "rebate": {1},
    "traded with itself": {1},
    "prevented in an uncross by": {w.COMMAND_SET_MARKET_STATE},
    "auction started by": {w.COMMAND_PLACE},
    "stop waits again": {1},
    "a stop is stopped": {1},
    "another triggers after it": {1},
    "the breaker pauses": {1},
    "trades that confirm nothing yet": {1},
    "auction ended by time, trades": {True, False},
    "indicative price": {1},
    "ids forgotten": {1},
    "repeat of an open order": {"forgotten"},
    "share of rejections": {"taken"},
    "full": {"orders", "accounts", "balances", "holds"},
}


@pytest.fixture(scope="module")
def seen() -> Seen:
    return reached(seed=6)


@pytest.mark.parametrize("subject", EVERYTHING)
def test_everything_happens(seen: Seen, subject: str) -> None:
    missing = {one for one in EVERYTHING[subject] if not seen[subject, one]}
    assert not missing


WAYS_OF_ORDERS = ("place_plain_limit", "place_general")


def test_both_ways_of_an_order_are_taken_to_every_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast core has two ways to place; each rejects for each of its reasons, and accepts."""
    ends: Seen = Counter()

    def counted(way: str) -> Any:
        decided = getattr(place, way)

        def decide(*arguments: Any) -> int:
            reason: int = decided(*arguments)
            ends[way, reason] += 1
            return reason

        return decide

    for way in (*WAYS_OF_ORDERS, "rest_plain_limit"):
        monkeypatch.setattr(place, way, counted(way))
    draw = random.Random(3)
    for _ in range(HISTORIES):
        reference, engine = Engine(**CAPACITY), InterpretedEngine(**CAPACITY)
        assert engine.apply(world()) == reference.apply(world())
        for _ in range(LENGTH):
            one = command(draw.getrandbits(160), reference)
            assert engine.apply(one) == reference.apply(one)
    worth = {
        w.REASON_ACCEPTED,
        w.REASON_NOTIONAL_TOO_SMALL,
        w.REASON_NOTIONAL_TOO_LARGE,
        w.REASON_PRICE_OUTSIDE_COLLAR,
        w.REASON_INSUFFICIENT_BALANCE,
        w.REASON_TOO_MANY_ORDERS,
        w.REASON_CAPACITY_EXHAUSTED,
    }
    assert not {(way, end) for way in WAYS_OF_ORDERS for end in worth} - set(ends)
    assert 0 < ends["rest_plain_limit", 0] < ends["place_plain_limit", w.REASON_ACCEPTED]
