"""Whatever becomes of an order, no message says that it lacks something that it has.

An event after an order's first does not repeat its conditions, nor how it began. What is made of
such an event, an update of the feed or a cancel's response, is compared with the order's whole row.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.dialects.native.feed_messages import order_data
from bursa.dialects.native.order_presentation import (
    ORDER_FIELDS,
    present_order,
    present_order_state,
)
from bursa.dialects.native.responses import Order
from bursa.intake.outcomes import CommandOutcome, read_outcomes
from bursa.journal.record import decode_record
from bursa.kernel.markets import Market
from bursa.market_data.channel_changes import channel_changes
from bursa.market_data.messages import AccountOrders, OrderChange
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import Definitions, fold
from bursa.read_models.rows import OrderRow
from bursa.trading.orders import Conditions, OrderView, order_from_event, order_from_row
from tests.doubles.ids import IDS
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, NOON_MS, Shard, buy, sell
from wire import codec
from wire import layout as w

# Behind the opening are money and an ask, each in a record of its own that begins with its time.
ORDER = 14
LATER_MS = NOON_MS + 3_600_000

KINDS = {
    "limit": buy(ALICE, 100, 10),
    "iceberg": buy(ALICE, 100, 10, display_quantity=3),
    "until-a-time": buy(ALICE, 100, 10, time_in_force=w.TIF_GTD, expire_ms=LATER_MS),
    "decremented": buy(ALICE, 100, 10, stp=w.STP_DECREMENT),
    "stop-limit": buy(ALICE, 110, 10, order_type=w.TYPE_STOP_LIMIT, trigger_price=105),
    "stop-market": buy(ALICE, 0, 10, order_type=w.TYPE_STOP_MARKET, trigger_price=105),
    "trailing-stop-market": buy(
        ALICE, 0, 10, order_type=w.TYPE_TRAILING_STOP_MARKET, trail=5, activation_price=90
    ),
    "by-quote-amount": buy(ALICE, 0, 0, order_type=w.TYPE_MARKET, quote_amount=1_000),
}
KINDS["of-a-list"] = codec.encode_list(KINDS["limit"], KINDS["stop-limit"])
FATES = {
    "cancelled": [codec.encode_cancel(ALICE, ORDER)],
    "cancelled-with-all": [codec.encode_cancel_all(ALICE)],
    "amended-and-cancelled": [
        codec.encode_change(ALICE, ORDER, quantity=7),
        codec.encode_cancel(ALICE, ORDER),
    ],
    "replaced": [codec.encode_change(ALICE, ORDER, replace=True, price=99)],
    "traded-and-cancelled": [sell(BOB, 100, 4), codec.encode_cancel(ALICE, ORDER)],
    "met-by-its-own-account": [
        sell(ALICE, 100, 10, stp=w.STP_DECREMENT),
        codec.encode_cancel(ALICE, ORDER),
    ],
    "triggered-and-cancelled": [
        sell(BOB, 106, 2),
        buy(ALICE, 106, 2),
        codec.encode_cancel(ALICE, ORDER),
    ],
}


class Witness:
    """A shard that takes a command or list at a time, and compares all said of its orders."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.definitions = Definitions()
        self.rows: dict[int, dict[str, Any]] = {}
        self.market = self._market()
        self.run(codec.encode_funds(w.COMMAND_CREDIT, ALICE, BTC, 10**6))
        self.run(sell(BOB, 120, 1))

    def _market(self) -> Market:
        self.definitions = fold(self.shard.plain(), self.definitions).definitions
        return market_from_row(self.definitions.markets[BTC_USDT])

    def run(self, command: bytes) -> None:
        each = range(0, len(command), w.COMMAND_BYTES)
        commands = [command[at : at + w.COMMAND_BYTES] for at in each]
        record = decode_record(self.shard.run(*commands))
        changes = fold([record], self.definitions)
        for change in channel_changes(changes):
            if isinstance(change.facts, AccountOrders):
                for order in change.facts.orders:
                    self._compare_update(order)
        for account in (ALICE, BOB):
            for outcome in read_outcomes(record.events, account):
                self._compare_response(outcome)

    def _compare_update(self, change: OrderChange) -> None:
        order_id = int(str(change.values["order_id"]))
        self.rows.setdefault(order_id, {}).update(change.values, sequence=change.sequence)
        whole = present_order(self._view(order_id), IDS)
        update = order_data(change.market, change.values, change.sequence, (), IDS)
        del update["fills"]
        if whole["quote_amount"] is not None:
            # How much was bought, where the whole order says what was to be spent.
            assert update.pop("quantity") in {None, whole["filled_quantity"]}
        assert update.items() <= {**whole}.items()

    def _compare_response(self, outcome: CommandOutcome) -> None:
        event = outcome.order
        if event is None or not outcome.result.accepted:
            return
        whole = {**present_order(self._view(event.order_id), IDS)}
        stated = outcome.conditions.get(event.order_id), outcome.trails.get(event.order_id)
        conditions = Conditions.of(*stated)
        view = order_from_event(event, conditions, outcome.result.time_ms, self.market)
        response = {**present_order_state(view, IDS)}
        if outcome.result.command_kind == w.COMMAND_PLACE:
            # What the event does not say is the request's: the id and the time.
            response = {**present_order(view, IDS)} | {
                name: whole[name] for name in ("client_order_id", "created_at_ms")
            }
        assert response.items() <= whole.items()

    def _view(self, order_id: int) -> OrderView:
        return order_from_row(OrderRow(**self.rows[order_id]), self.market)


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_of_every_kind_of_order(kind: bytes, fate: list[bytes]) -> None:
    witness = Witness()
    for command in (kind, *fate):
        witness.run(command)

    assert ORDER in witness.rows


accounts = st.sampled_from([ALICE, BOB])
order_ids = st.integers(ORDER, ORDER + 40)
commands = st.one_of(
    st.sampled_from(list(KINDS.values())),
    st.builds(buy, accounts, st.integers(95, 110), st.integers(1, 20)),
    st.builds(sell, st.just(BOB), st.integers(95, 110), st.integers(1, 20)),
    st.builds(codec.encode_cancel, accounts, order_ids),
    st.builds(
        lambda order_id, quantity: codec.encode_change(ALICE, order_id, quantity=quantity),
        order_ids,
        st.integers(1, 20),
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(commands, min_size=3, max_size=20))
def test_of_every_history(history: list[bytes]) -> None:
    witness = Witness()
    for command in history:
        witness.run(command)


def test_the_table_has_the_fields_of_the_documented_shape_in_their_order() -> None:
    assert [field.name for field in ORDER_FIELDS] == list(Order.__annotations__)


def test_every_field_is_made_of_one_of_the_row() -> None:
    assert {field.column for field in ORDER_FIELDS} <= set(OrderRow.__struct_fields__)
