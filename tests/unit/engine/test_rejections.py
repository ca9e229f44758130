"""Every reason has a row, and of several that apply the smallest is given."""

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
    QUOTE,
    SELL,
    STRANGER,
    TENANT,
    Desk,
)
from wire import layout as w
from wire.codec import (
    encode,
    encode_cancel_all_after,
    encode_define_asset,
    encode_define_market,
    encode_reject,
    encode_set_account,
    encode_set_fee_tier,
    encode_set_market_limits,
    encode_set_market_state,
    encode_set_tenant_limits,
)
from wire.events import CONDITIONS, TRAIL

NOBODY = w.account_number(TENANT, 77)
STOP = {"order_type": w.TYPE_STOP_LIMIT}


def _market(desk: Desk, **words: int) -> str:
    options = {"base": BASE, "quote": QUOTE, "lot_units": 1, "tick_units": 1, **words}
    return desk.send(encode_define_market(options.pop("market", 5), TENANT, symbol="X", **options))


def _in_state(state: int, **options: Any) -> Callable[[Desk], str]:
    def act(desk: Desk) -> str:
        desk.state(state)
        return desk.rejection(ALICE, BUY, 100, 1, **options)

    return act


def _twice(desk: Desk) -> str:
    desk.place(ALICE, BUY, 100, 1, command_id=(1, 1))
    return desk.rejection(ALICE, BUY, 100, 1, command_id=(1, 1))


def _frozen(desk: Desk) -> str:
    desk.send(encode_set_account(ALICE, state=w.ACCOUNT_STATE_FROZEN))
    return desk.rejection(ALICE, BUY, 100, 1)


def _hold_twice(desk: Desk) -> str:
    desk.funds(w.COMMAND_HOLD, ALICE, BASE, 1, hold_id=1)
    return desk.funds(w.COMMAND_HOLD, ALICE, BASE, 1, hold_id=1)


def _no_change(desk: Desk) -> str:
    return desk.change(ALICE, desk.place(ALICE, BUY, 100, 5), quantity=5)


def _small(desk: Desk) -> str:
    desk.limits(min_notional=101)
    return desk.rejection(ALICE, BUY, 100, 1)


def _collar(desk: Desk) -> str:
    desk.limits(collar_ppm=1000)
    desk.state(w.STATE_OPEN, reference=100)
    return desk.rejection(ALICE, BUY, 101, 1)


def _crossing(desk: Desk) -> str:
    desk.place(BOB, SELL, 100, 1)
    return desk.rejection(ALICE, BUY, 100, 1, post_only=True)


def _iceberg(display: int, quantity: int) -> Callable[[Desk], str]:
    return lambda desk: desk.rejection(ALICE, BUY, 1, quantity, display_quantity=display)


REFUSALS: dict[str, list[Callable[[Desk], str]]] = {
    "malformed_command": [
        lambda desk: desk.send(encode(99)),
        lambda desk: desk.send(encode(w.COMMAND_CANCEL, ALICE, 1, 0, 0, 5)),
        lambda desk: desk.send(encode(w.COMMAND_ADVANCE_TIME, time_ms=-1)),
        lambda desk: desk.send(encode(w.COMMAND_CREDIT, -5, BASE, 1)),
        lambda desk: desk.send(encode(w.COMMAND_PLACE, ALICE, MARKET, 1 << w.FLAGS_BITS)),
    ],
    "duplicate_command": [_twice],
    "unknown_tenant": [
        lambda desk: desk.send(encode_define_asset(9, 0, 2, "X")),
        lambda desk: desk.send(encode_set_fee_tier(9, 0, 0, 0)),
        lambda desk: desk.send(encode_set_tenant_limits(9)),
        lambda desk: desk.send(encode_set_account(w.account_number(9, 1))),
    ],
    "unknown_account": [
        lambda desk: desk.rejection(5, BUY, 100, 1),
        lambda desk: desk.send(encode_cancel_all_after(NOBODY, 5)),
    ],
    "unknown_asset": [
        lambda desk: desk.funds(w.COMMAND_CREDIT, ALICE, 9, 1),
        lambda desk: _market(desk, base=9),
    ],
    "unknown_market": [
        lambda desk: desk.cancel_all(ALICE, market=9),
        lambda desk: desk.send(encode_set_market_state(9, w.STATE_OPEN)),
        lambda desk: desk.send(encode_set_market_limits(9)),
    ],
    "wrong_tenant": [
        lambda desk: desk.rejection(STRANGER, BUY, 100, 1),
        lambda desk: _market(desk, base=3),
    ],
    "unknown_order": [lambda desk: desk.cancel(ALICE, 3), lambda desk: desk.change(ALICE, -3)],
    "unknown_hold": [lambda desk: desk.funds(w.COMMAND_RELEASE, ALICE, BASE, 1, hold_id=5)],
    "already_defined": [
        lambda desk: desk.send(encode_define_asset(BASE, TENANT, 8, "BTC")),
        lambda desk: _market(desk, market=MARKET),
    ],
    "hold_exists": [_hold_twice],
    "account_frozen": [_frozen],
    "invalid_setting": [
        lambda desk: _market(desk, quote=BASE),
        lambda desk: _market(desk, lot_units=0),
        lambda desk: desk.send(encode_define_asset(9, TENANT, 19, "X")),
        lambda desk: desk.state(6),
        lambda desk: desk.limits(collar_ppm=-1),
        lambda desk: desk.tenant_limits(orders_per_market=-1),
        lambda desk: desk.tenant_limits(orders=w.TENANT_LIMIT_MAX + 1),
        lambda desk: desk.tenant_limits(holds=-1),
        lambda desk: desk.limits(collar_ppm=w.COLLAR_PPM_MAX + 1),
        lambda desk: desk.send(encode_set_fee_tier(TENANT, 16, 0, 0)),
        lambda desk: desk.send(encode_set_account(ALICE, state=2)),
        lambda desk: desk.send(encode_cancel_all_after(ALICE, w.TIMEOUT_MS_MAX + 1)),
    ],
    "fees_below_rebate": [lambda desk: desk.send(encode_set_fee_tier(TENANT, 0, -1, 0))],
    "market_halted": [_in_state(w.STATE_HALTED)],
    "market_cancel_only": [_in_state(w.STATE_CANCEL_ONLY)],
    "market_post_only": [_in_state(w.STATE_POST_ONLY)],
    "market_in_auction": [_in_state(w.STATE_AUCTION, time_in_force=w.TIF_IOC)],
    "invalid_side": [
        lambda desk: desk.rejection(ALICE, 0, 100, 1),
        lambda desk: desk.rejection(ALICE, 3, 100, 1),
        lambda desk: desk.cancel_all(ALICE, side=3),
    ],
    "invalid_order_type": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, order_type=0),
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, order_type=w.TYPE_LAST + 1),
    ],
    "invalid_time_in_force": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, time_in_force=0),
        lambda desk: desk.rejection(
            ALICE, BUY, 0, 1, order_type=w.TYPE_MARKET, time_in_force=w.TIF_GTC
        ),
    ],
    "invalid_self_trade_prevention": [lambda desk: desk.rejection(ALICE, BUY, 100, 1, stp=5)],
    "invalid_post_only": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, post_only=True, time_in_force=w.TIF_IOC)
    ],
    "invalid_trigger_price": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, **STOP),
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, trigger_price=5),
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, trigger_price=w.PRICE_MAX + 1, **STOP),
    ],
    "invalid_expire_time": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, time_in_force=w.TIF_GTD),
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, expire_ms=5),
    ],
    "invalid_quote_amount": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 1, quote_amount=5),
        lambda desk: desk.rejection(ALICE, SELL, 0, 0, order_type=w.TYPE_MARKET, quote_amount=5),
        lambda desk: desk.rejection(ALICE, BUY, 0, 0, order_type=w.TYPE_MARKET, quote_amount=-5),
    ],
    "price_out_of_range": [
        lambda desk: desk.rejection(ALICE, BUY, 0, 1),
        lambda desk: desk.rejection(ALICE, BUY, -1, 1),
        lambda desk: desk.rejection(ALICE, BUY, 5, 1, order_type=w.TYPE_MARKET),
    ],
    "quantity_out_of_range": [
        lambda desk: desk.rejection(ALICE, BUY, 100, 0),
        lambda desk: desk.rejection(ALICE, BUY, 100, -1),
    ],
    "invalid_display_quantity": [_iceberg(-1, 5), _iceberg(6, 5), _iceberg(1, 1001)],
    "amount_out_of_range": [lambda desk: desk.funds(w.COMMAND_CREDIT, ALICE, BASE, 0)],
    "nothing_to_change": [
        _no_change,
        lambda desk: desk.funds(w.COMMAND_TRANSFER, ALICE, BASE, 1, to_account=ALICE),
    ],
    "notional_too_small": [_small],
    "notional_too_large": [lambda desk: desk.rejection(ALICE, BUY, 1 << 32, 1 << 32)],
    "price_outside_collar": [_collar],
    "post_only_would_cross": [_crossing],
    "insufficient_balance": [
        lambda desk: desk.rejection(ALICE, BUY, 1_000_001, 1),
        lambda desk: desk.rejection(ALICE, SELL, 100, 100_001),
        lambda desk: desk.rejection(NOBODY, SELL, 0, 1, order_type=w.TYPE_MARKET),
    ],
    "supply_limit": [lambda desk: desk.funds(w.COMMAND_CREDIT, ALICE, BASE, w.AMOUNT_MAX)],
}
ROWS = [(name, act) for name, acts in REFUSALS.items() for act in acts]


@pytest.mark.parametrize(
    ("reason", "act"), ROWS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ROWS)]
)
def test_refusal(desk: Desk, reason: str, act: Callable[[Desk], str]) -> None:
    assert act(desk) == reason
    # A refusal is itself an event, and the only one.
    assert len(desk.events) == 1


def test_every_reason_has_a_row() -> None:
    elsewhere = {
        "accepted",
        "command_too_old",  # test_identity
        "command_from_future",  # test_identity
        "too_many_orders",  # test_room
        "too_many_holds",  # test_room
        "capacity_exhausted",  # test_capacity below
        "internal_error",  # test_safety
        "invalid_list",  # test_lists
        "list_would_execute",  # test_lists
        "order_in_list",  # test_lists
    }
    assert set(REFUSALS) | elsewhere == set(w.REASON_NAMES.values())


def test_of_several_reasons_the_smallest_is_given(desk: Desk) -> None:
    desk.limits(collar_ppm=1000, min_notional=50)
    desk.state(w.STATE_HALTED, reference=100)
    words = {
        "market": 9,
        "side": 3,
        "price": -1,
        "quantity": 0,
        "order_type": w.TYPE_LAST + 1,
        "time_in_force": 0,
        "stp": 7,
        "post_only": True,
        "trigger_price": 5,
        "expire_ms": 5,
        "quote_amount": 5,
        "display_quantity": 9,
    }
    cures: list[tuple[str, dict[str, Any], Callable[[], object] | None]] = [
        ("unknown_market", {"market": MARKET}, None),
        ("market_halted", {}, lambda: desk.state(w.STATE_OPEN)),
        ("invalid_side", {"side": BUY}, None),
        ("invalid_order_type", {"order_type": w.TYPE_LIMIT}, None),
        ("invalid_time_in_force", {"time_in_force": w.TIF_IOC}, None),
        ("invalid_self_trade_prevention", {"stp": 0}, None),
        ("invalid_post_only", {"time_in_force": w.TIF_GTC}, None),
        ("invalid_trigger_price", {"trigger_price": 0}, None),
        ("invalid_expire_time", {"expire_ms": 0}, None),
        ("invalid_quote_amount", {"quote_amount": 0}, None),
        ("price_out_of_range", {"price": 10_000_000}, None),
        ("quantity_out_of_range", {"quantity": 5}, None),
        ("invalid_display_quantity", {"display_quantity": 0}, None),
        ("price_outside_collar", {}, desk.limits),
        ("insufficient_balance", {"price": 5}, None),
    ]
    seen = []
    for reason, cure, act in cures:
        seen.append((_place(desk, words), reason))
        words.update(cure)
        if act:
            act()
    assert seen == [(reason, reason) for _, reason in seen]
    assert _place(desk, words) == "accepted"
    numbers = {name: number for number, name in w.REASON_NAMES.items()}
    order = [numbers[reason] for _, reason in seen]
    assert order == sorted(order)


def _place(desk: Desk, words: dict[str, Any]) -> str:
    body = dict(words)
    options = w.pack_flags(
        body["side"],
        body["order_type"],
        body["time_in_force"],
        post_only=body["post_only"],
        stp=body["stp"],
    )
    numbers = [body.get(name, 0) for name in ("price", "quantity", *CONDITIONS, *TRAIL[:2])]
    return desk.send(encode(w.COMMAND_PLACE, ALICE, body["market"], options, *numbers))


def test_capacity(desk_with: Callable[..., Desk]) -> None:
    desk = desk_with(orders=2, accounts=4, holds=1)
    desk.place(ALICE, BUY, 90, 1)
    desk.place(ALICE, BUY, 91, 1)
    assert desk.rejection(BOB, BUY, 92, 1) == "capacity_exhausted"
    assert desk.change(ALICE, desk.queue(BUY)[0][0], replace=True, price=93) == "accepted"
    desk.funds(w.COMMAND_HOLD, ALICE, BASE, 1, hold_id=1)
    assert desk.funds(w.COMMAND_HOLD, BOB, BASE, 1, hold_id=1) == "capacity_exhausted"
    assert desk.funds(w.COMMAND_CREDIT, NOBODY, BASE, 1) == "capacity_exhausted"
    assert desk.funds(w.COMMAND_CREDIT, CAROL, BASE, 1) == "accepted"


def test_a_reject_has_its_own_reason(desk: Desk) -> None:
    for reason, name in w.REASON_NAMES.items():
        if reason != w.REASON_ACCEPTED:
            assert desk.send(encode_reject(ALICE, reason)) == name
