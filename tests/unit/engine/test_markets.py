"""Market states, auctions, collars and the circuit breaker."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    FEES,
    MARKET,
    OTHER_TENANT,
    SELL,
    STRANGER,
    Desk,
    drawing,
)
from wire import layout as w
from wire.codec import encode_set_account, encode_set_market_limits, encode_set_market_state

PLAIN: dict[str, Any] = {}
POST_ONLY = {"post_only": True}
IMMEDIATE = {"time_in_force": w.TIF_IOC}


@pytest.mark.parametrize(
    ("state", "options", "reason"),
    [
        (w.STATE_OPEN, PLAIN, "accepted"),
        (w.STATE_POST_ONLY, PLAIN, "market_post_only"),
        (w.STATE_POST_ONLY, POST_ONLY, "accepted"),
        (w.STATE_CANCEL_ONLY, PLAIN, "market_cancel_only"),
        (w.STATE_HALTED, PLAIN, "market_halted"),
        (w.STATE_AUCTION, PLAIN, "accepted"),
        (w.STATE_AUCTION, IMMEDIATE, "market_in_auction"),
        (w.STATE_AUCTION, POST_ONLY, "market_in_auction"),
    ],
)
def test_what_a_state_takes(desk: Desk, state: int, options: dict[str, Any], reason: str) -> None:
    resting = desk.place(BOB, BUY, 90, 5)
    desk.state(state)
    assert desk.rejection(ALICE, BUY, 100, 1, **options) == reason
    shrunk = desk.change(BOB, resting, quantity=4)
    assert shrunk == ("market_halted" if state == w.STATE_HALTED else "accepted")
    assert desk.cancel(BOB, resting) == "accepted"


def test_a_halt_keeps_resting_orders(desk: Desk) -> None:
    order = desk.place(ALICE, BUY, 90, 5)
    desk.state(w.STATE_HALTED)
    desk.state(w.STATE_OPEN)
    assert desk.queue(BUY) == [(order, 5)]


@pytest.mark.parametrize(
    ("bids", "asks", "reference", "price", "quantity"),
    [
        ([(102, 10)], [(98, 4)], 0, 98, 4),
        ([(102, 10), (100, 10)], [(98, 10), (101, 10)], 0, 98, 10),
        ([(102, 10), (100, 5)], [(98, 10), (101, 5)], 0, 101, 10),
        ([(105, 10)], [(95, 10)], 101, 101, 10),
        ([(105, 10)], [(95, 10)], 90, 95, 10),
        ([(100, 5)], [(101, 5)], 100, 0, 0),
    ],
    ids=["most", "balance", "imbalance", "reference inside", "reference below", "no overlap"],
)
def test_auction_price(
    desk: Desk,
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
    reference: int,
    price: int,
    quantity: int,
) -> None:
    desk.state(w.STATE_AUCTION, reference=reference)
    for side, orders in ((BUY, bids), (SELL, asks)):
        for limit, lots in orders:
            desk.place(ALICE if side == BUY else BOB, side, limit, lots)
            assert desk.trades == []
    assert desk.engine.has_auction
    desk.time(1)
    indicated = [
        (event.indicative_price, event.indicative_quantity) for event in desk.market_states
    ]
    traded_quantity = min(quantity, sum(lots for _, lots in bids))
    best = _most(bids, asks)
    assert traded_quantity == best
    if best:
        ((indicative_price, indicative_quantity),) = indicated
        assert indicative_quantity == best
        desk.state(w.STATE_OPEN)
        assert {trade[2] for trade in desk.trades} == {indicative_price}
        assert sum(trade[3] for trade in desk.trades) == best
        if reference:
            assert indicative_price == price
    else:
        assert indicated == []
        desk.state(w.STATE_OPEN)
        assert desk.trades == []


def _most(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int:
    """Return the most that any one price would trade."""
    return max(
        min(
            sum(lots for limit, lots in bids if limit >= price),
            sum(lots for limit, lots in asks if limit <= price),
        )
        for price in range(90, 111)
    )


def test_uncross_pays_all_at_one_price_and_triggers_stops(desk: Desk) -> None:
    stop = desk.place(CAROL, BUY, 0, 1, order_type=w.TYPE_STOP_MARKET, trigger_price=100)
    desk.state(w.STATE_AUCTION, reference=100)
    bid = desk.place(ALICE, BUY, 105, 3)
    ask = desk.place(BOB, SELL, 95, 3)
    later = desk.place(BOB, SELL, 106, 1)
    assert desk.book == drawing("""
              bid | price | ask
        ----------+-------+--------
                  |   106 | d 1 bob
        b 3 alice |   105 |
                  |    95 | c 3 bob
    """)
    desk.state(w.STATE_OPEN)
    assert desk.trades == [(bid, ask, 100, 3), (later, stop, 106, 1)]


def test_collar_refuses_prices_too_far_on_the_costly_side(desk: Desk) -> None:
    desk.limits(collar_ppm=100_000)
    desk.state(w.STATE_OPEN, reference=100)
    assert desk.rejection(ALICE, BUY, 111, 1) == "price_outside_collar"
    assert desk.rejection(ALICE, SELL, 89, 1) == "price_outside_collar"
    assert desk.rejection(ALICE, BUY, 50, 1) == "accepted"
    assert desk.rejection(ALICE, SELL, 200, 1) == "accepted"


def test_freezing_an_account_closes_its_orders_and_stops(desk: Desk) -> None:
    stop = {"order_type": w.TYPE_STOP_LIMIT, "trigger_price": 110}
    orders = [
        desk.place(ALICE, BUY, 90, 5),
        desk.place(ALICE, SELL, 120, 5, display_quantity=1),
        desk.place(ALICE, BUY, 110, 5, **stop),
    ]
    other = desk.place(BOB, SELL, 115, 1)
    assert desk.send(encode_set_account(ALICE, state=w.ACCOUNT_STATE_FROZEN)) == "accepted"
    assert desk.ended == dict.fromkeys(orders, "account_frozen")
    assert {desk.engine.balance(ALICE, asset)[1] for asset in (1, 2)} == {0}
    assert desk.rejection(ALICE, BUY, 120, 1) == "account_frozen"
    # Nobody trades with it any more, and no trade triggers its stop.
    assert desk.place(CAROL, BUY, 120, 1)
    assert {maker for maker, *_ in desk.trades} == {other}
    # Frozen again, or active again: there is nothing left to close.
    for state in (w.ACCOUNT_STATE_FROZEN, w.ACCOUNT_STATE_ACTIVE):
        desk.send(encode_set_account(ALICE, state=state))
        assert desk.ended == {}
    assert desk.rejection(ALICE, BUY, 90, 1) == "accepted"


SETTINGS = {
    "limits": lambda account: encode_set_market_limits(MARKET, min_notional=7, account=account),
    "state": lambda account: encode_set_market_state(MARKET, w.STATE_HALTED, account=account),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("account", [STRANGER, w.account_number(OTHER_TENANT, 0)])
def test_a_markets_settings_are_not_another_tenants(
    desk: Desk, setting: Callable[[int], bytes], account: int
) -> None:
    assert desk.send(setting(account)) == "wrong_tenant"
    assert len(desk.events) == 1
    assert desk.rejection(ALICE, BUY, 1, 1) == "accepted"


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("account", [0, FEES])
def test_they_are_its_own_tenants_or_the_operators(
    desk: Desk, setting: Callable[[int], bytes], account: int
) -> None:
    assert desk.send(setting(account)) == "accepted"
    assert desk.result.account == account
    assert desk.rejection(ALICE, BUY, 1, 1) != "accepted"
