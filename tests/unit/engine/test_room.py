"""How many orders and holds there may be: of an account in a market, of a tenant."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import (
    ALICE,
    BASE,
    BOB,
    BUY,
    CAROL,
    MARKET,
    OTHER_TENANT,
    QUOTE,
    SELL,
    STRANGER,
    TENANT,
    Desk,
)
from wire import layout as w
from wire.codec import (
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_place,
    encode_set_account,
)
from wire.events import TenantLimits

TOO_MANY, FULL = "too_many_orders", "capacity_exhausted"
STOP: dict[str, Any] = {"order_type": w.TYPE_STOP_LIMIT, "trigger_price": 200}
IOC: dict[str, Any] = {"time_in_force": w.TIF_IOC}
MARKET_ORDER: dict[str, Any] = {"order_type": w.TYPE_MARKET, "time_in_force": w.TIF_IOC}
SECOND_MARKET, STRANGERS_MARKET = 2, 3


def fill_up(desk: Desk, count: int = 3, account: int = ALICE) -> list[int]:
    """Place as many buys as an account may have in the market; return their ids."""
    desk.tenant_limits(orders_per_market=count)
    orders = [desk.place(account, BUY, 90 - index, 5) for index in range(count)]
    assert all(orders)
    return orders


def rejection(desk: Desk, account: int, market: int, price: int = 50) -> str:
    """Place a buy in any market; return the name of the reason."""
    return desk.send(encode_place(account, market, BUY, price, 1))


def two_more_markets(desk: Desk) -> None:
    """Open a market of the same assets, and one of another tenant, whose account is rich."""
    desk.send(
        encode_define_market(
            SECOND_MARKET, TENANT, BASE, QUOTE, lot_units=1, tick_units=1, symbol="X-Y"
        )
    )
    desk.send(encode_define_asset(4, OTHER_TENANT, 8, "BTC"))
    desk.send(
        encode_define_market(
            STRANGERS_MARKET, OTHER_TENANT, 4, 3, lot_units=1, tick_units=1, symbol="BTC-USDT"
        )
    )
    desk.send(encode_funds(w.COMMAND_CREDIT, STRANGER, 3, 1_000_000))


# --- orders of an account in a market -------------------------------------------------------------


def test_without_the_command_there_is_no_limit(desk: Desk) -> None:
    assert all(desk.place(ALICE, BUY, 1 + index, 1) for index in range(300))


def test_setting_limits_is_an_event(desk: Desk) -> None:
    assert desk.tenant_limits(orders_per_market=3, orders=7, holds=2) == "accepted"
    assert desk.of(TenantLimits) == [TenantLimits(desk.result.sequence, TENANT, 3, 7, 2)]


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_the_last_that_fits_is_accepted_and_no_more(desk: Desk, limit: int) -> None:
    fill_up(desk, limit)
    assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY
    assert len(desk.events) == 1


NEEDS_ROOM: dict[str, dict[str, Any]] = {
    "limit": {"side": BUY, "price": 50},
    "on the other side": {"side": SELL, "price": 150},
    "one that would trade": {"side": BUY, "price": 100},
    "post-only": {"side": BUY, "price": 50, "post_only": True},
    "good till a date": {
        "side": BUY, "price": 50, "time_in_force": w.TIF_GTD, "expire_ms": 1_000,
    },
    "iceberg": {"side": BUY, "price": 50, "display_quantity": 1},
    "stop": {"side": BUY, "price": 200, **STOP},
    "stop of a market order": {
        "side": BUY, "price": 0, "trigger_price": 200, **IOC, "order_type": w.TYPE_STOP_MARKET,
    },
}  # fmt: skip
NEEDS_NONE: dict[str, dict[str, Any]] = {
    "immediate or cancel": {"side": BUY, "price": 100, **IOC},
    "immediate or cancel that meets nothing": {"side": BUY, "price": 1, **IOC},
    "fill or kill": {"side": BUY, "price": 100, "time_in_force": w.TIF_FOK},
    "market": {"side": BUY, "price": 0, **MARKET_ORDER},
    "stop that is triggered at once": {
        "side": BUY, "price": 0, "trigger_price": 90, **IOC, "order_type": w.TYPE_STOP_MARKET,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "options", [*NEEDS_ROOM.values(), *NEEDS_NONE.values()], ids=[*NEEDS_ROOM, *NEEDS_NONE]
)
def test_an_order_counts_if_it_may_wait(desk: Desk, options: dict[str, Any]) -> None:
    desk.place(BOB, SELL, 100, 9)
    desk.place(ALICE, BUY, 100, 1)
    fill_up(desk)
    expected = TOO_MANY if options in NEEDS_ROOM.values() else "accepted"
    assert desk.rejection(ALICE, quantity=2, **options) == expected
    # With one less open all of them fit.
    desk.cancel(ALICE, next(one for one, _ in desk.queue(BUY)))
    assert desk.rejection(ALICE, quantity=2, **options) == "accepted"


@pytest.mark.parametrize("options", NEEDS_ROOM.values(), ids=NEEDS_ROOM)
def test_each_counts_once(desk: Desk, options: dict[str, Any]) -> None:
    if options["price"] == 100:
        options = options | {"price": 99}
    desk.place(BOB, SELL, 100, 1)
    desk.place(ALICE, BUY, 100, 1)
    desk.tenant_limits(orders_per_market=3)
    for _ in range(3):
        assert desk.rejection(ALICE, quantity=5, **options) == "accepted"
    assert desk.rejection(ALICE, quantity=5, **options) == TOO_MANY


def _amend(desk: Desk, order: int) -> None:
    assert desk.change(ALICE, order, price=95) == "accepted"


def _replace(desk: Desk, order: int) -> None:
    assert desk.change(ALICE, order, replace=True, price=95) == "accepted"


def _shrink(desk: Desk, order: int) -> None:
    assert desk.change(ALICE, order, quantity=2) == "accepted"


def _fill_in_part(desk: Desk, _: int) -> None:
    assert desk.place(BOB, SELL, 90, 2)


STAYS = {
    "amended": _amend,
    "replaced": _replace,
    "smaller": _shrink,
    "partly filled": _fill_in_part,
}


@pytest.mark.parametrize("act", STAYS.values(), ids=STAYS)
def test_a_changed_order_still_counts_once(desk: Desk, act: Callable[[Desk, int], None]) -> None:
    act(desk, fill_up(desk)[0])
    assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY


def _cancel(desk: Desk, order: int) -> None:
    desk.cancel(ALICE, order)


def _cancel_all(desk: Desk, _: int) -> None:
    desk.cancel_all(ALICE)


def _fill(desk: Desk, _: int) -> None:
    assert desk.place(BOB, SELL, 90, 5)


def _end_as_filled(desk: Desk, order: int) -> None:
    _fill_in_part(desk, order)
    assert desk.change(ALICE, order, quantity=2) == "accepted"


def _prevent(desk: Desk, _: int) -> None:
    assert desk.place(ALICE, SELL, 90, 1, stp=w.STP_CANCEL_MAKER, **IOC)


def _freeze(desk: Desk, _: int) -> None:
    desk.send(encode_set_account(ALICE, state=w.ACCOUNT_STATE_FROZEN))
    desk.send(encode_set_account(ALICE))


FREES = {
    "cancelled": _cancel,
    "all cancelled": _cancel_all,
    "filled": _fill,
    "amended to what is filled": _end_as_filled,
    "self-trade prevented": _prevent,
    "account frozen": _freeze,
}


@pytest.mark.parametrize("act", FREES.values(), ids=FREES)
def test_an_order_that_ends_gives_its_room_back(
    desk: Desk, act: Callable[[Desk, int], None]
) -> None:
    act(desk, fill_up(desk)[0])
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"


def test_expired_and_triggered_orders_give_their_room_back(desk: Desk) -> None:
    desk.tenant_limits(orders_per_market=2)
    assert desk.place(ALICE, BUY, 80, 1, time_in_force=w.TIF_GTD, expire_ms=5)
    assert desk.place(
        ALICE, SELL, 0, 1, trigger_price=90, **IOC | {"order_type": w.TYPE_STOP_MARKET}
    )
    assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY
    desk.time(5)
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"
    assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY
    desk.place(CAROL, BUY, 90, 1)
    desk.place(BOB, SELL, 90, 1)
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"


def test_nobody_else_is_affected(desk: Desk) -> None:
    two_more_markets(desk)
    fill_up(desk)
    assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY
    for account, market in ((BOB, MARKET), (ALICE, SECOND_MARKET), (STRANGER, STRANGERS_MARKET)):
        for _ in range(3):
            assert rejection(desk, account, market) == "accepted"
    assert rejection(desk, BOB, MARKET) == TOO_MANY
    assert rejection(desk, ALICE, SECOND_MARKET) == TOO_MANY
    assert rejection(desk, STRANGER, STRANGERS_MARKET) == "accepted"


def test_a_market_defined_later_has_the_limit_too(desk: Desk) -> None:
    desk.tenant_limits(orders_per_market=1)
    two_more_markets(desk)
    assert rejection(desk, ALICE, SECOND_MARKET) == "accepted"
    assert rejection(desk, ALICE, SECOND_MARKET) == TOO_MANY


def test_a_lower_limit_leaves_what_is_open(desk: Desk) -> None:
    orders = fill_up(desk)
    desk.tenant_limits(orders_per_market=1)
    assert len(desk.queue(BUY)) == 3
    for order in orders:
        assert desk.rejection(ALICE, BUY, 50, 1) == TOO_MANY
        assert desk.cancel(ALICE, order) == "accepted"
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"


def test_limits_can_be_lifted(desk: Desk) -> None:
    fill_up(desk)
    desk.tenant_limits()
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"


# --- orders of a tenant ---------------------------------------------------------------------------


def test_a_tenant_has_its_share_of_the_order_slots(desk: Desk) -> None:
    two_more_markets(desk)
    desk.tenant_limits(orders=4)
    assert desk.place(ALICE, BUY, 50, 1)
    assert desk.place(ALICE, BUY, 200, 1, **STOP)
    assert desk.place(BOB, SELL, 150, 1)
    assert rejection(desk, BOB, SECOND_MARKET) == "accepted"
    for account, market in ((ALICE, MARKET), (BOB, MARKET), (ALICE, SECOND_MARKET)):
        assert rejection(desk, account, market) == FULL
    assert desk.rejection(BOB, SELL, 50, 1, **IOC) == "accepted"
    assert rejection(desk, ALICE, MARKET) == "accepted"
    assert rejection(desk, ALICE, MARKET) == FULL
    for _ in range(9):
        assert rejection(desk, STRANGER, STRANGERS_MARKET) == "accepted"
    desk.tenant_limits(OTHER_TENANT, orders=9)
    assert rejection(desk, STRANGER, STRANGERS_MARKET) == FULL
    desk.tenant_limits(orders=5)
    assert rejection(desk, ALICE, MARKET) == "accepted"


# --- holds ----------------------------------------------------------------------------------------


def test_an_account_has_so_many_holds(desk: Desk) -> None:
    desk.tenant_limits(holds=2)

    def hold(account: int, hold_id: int) -> str:
        return desk.funds(w.COMMAND_HOLD, account, BASE, 5, hold_id=hold_id)

    assert [hold(ALICE, number) for number in (1, 2, 3)] == ["accepted"] * 2 + ["too_many_holds"]
    assert hold(BOB, 1) == "accepted"
    desk.funds(w.COMMAND_CAPTURE, ALICE, BASE, 2, hold_id=1)
    assert hold(ALICE, 3) == "too_many_holds"
    desk.funds(w.COMMAND_CAPTURE, ALICE, BASE, 3, hold_id=1)
    assert hold(ALICE, 3) == "accepted"
    desk.funds(w.COMMAND_RELEASE, ALICE, BASE, 0, hold_id=3)
    assert [hold(ALICE, number) for number in (4, 5)] == ["accepted", "too_many_holds"]
    desk.tenant_limits()
    assert hold(ALICE, 5) == "accepted"


# --- restart --------------------------------------------------------------------------------------


def test_limits_and_counts_survive_a_restart(desk: Desk) -> None:
    two_more_markets(desk)
    fill_up(desk)
    desk.tenant_limits(orders_per_market=3, orders=5, holds=1)
    desk.funds(w.COMMAND_HOLD, ALICE, BASE, 5, hold_id=1)
    assert rejection(desk, BOB, SECOND_MARKET) == "accepted"
    restored = Desk.of_engine(type(desk.engine).restore(desk.engine.checkpoint()))
    assert restored.engine.checkpoint() == desk.engine.checkpoint()
    for one in (desk, restored):
        assert one.rejection(ALICE, BUY, 50, 1) == TOO_MANY
        assert one.funds(w.COMMAND_HOLD, ALICE, BASE, 5, hold_id=2) == "too_many_holds"
        assert rejection(one, BOB, SECOND_MARKET) == "accepted"
        assert rejection(one, BOB, SECOND_MARKET) == FULL
        assert one.cancel_all(ALICE) == "accepted"
        assert [one.rejection(ALICE, BUY, 50, 1) for _ in range(4)] == ["accepted"] * 3 + [TOO_MANY]
