"""Orders of every type and time in force, and how they change."""

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
    RICH,
    SELL,
    Desk,
    drawing,
)
from wire import layout as w
from wire.events import Order, OrderConditions

IOC, FOK, GTD = w.TIF_IOC, w.TIF_FOK, w.TIF_GTD
MARKETABLE = {"order_type": w.TYPE_MARKET}


def test_price_then_time_decides_who_trades(desk: Desk) -> None:
    second = desk.place(ALICE, SELL, 101, 5)
    first = desk.place(BOB, SELL, 100, 5)
    third = desk.place(ALICE, SELL, 101, 5)
    assert desk.book == drawing("""
        bid | price | ask
        ----+-------+---------------------
            |   101 | a 5 alice, c 5 alice
            |   100 | b 5 bob
    """)
    taker = desk.place(CAROL, BUY, 101, 12)
    assert desk.trades == [
        (first, taker, 100, 5),
        (second, taker, 101, 5),
        (third, taker, 101, 2),
    ]
    assert desk.book == drawing("""
        bid | price | ask
        ----+-------+----------
            |   101 | c 3 alice
    """)
    assert desk.queue(SELL) == [(third, 3)]
    assert desk.levels == [(SELL, 100, 0), (SELL, 101, 3)]


def test_a_better_price_is_given_back_at_once(desk: Desk) -> None:
    desk.place(ALICE, SELL, 90, 5)
    desk.place(BOB, BUY, 100, 8)
    assert desk.book == drawing("""
            bid | price | ask
        --------+-------+----
        b 3 bob |   100 |
    """)
    spent, held = 5 * 90, 3 * 100
    assert desk.balances[BOB, QUOTE] == (RICH - spent - held, held)
    assert desk.balances[BOB, BASE] == (RICH + 50, 0)
    assert desk.balances[ALICE, QUOTE] == (RICH + spent, 0)


@pytest.mark.parametrize(
    ("quantity", "traded", "ended"),
    [(5, 5, "filled"), (9, 5, "unfilled_remainder")],
    ids=["filled", "rest cancelled"],
)
def test_immediate_or_cancel_never_rests(
    desk: Desk, quantity: int, traded: int, ended: str
) -> None:
    desk.place(ALICE, SELL, 100, 5)
    order = desk.place(BOB, BUY, 100, quantity, time_in_force=IOC)
    assert (desk.result.filled_quantity, desk.ended[order]) == (traded, ended)
    assert desk.queue(BUY) == []


@pytest.mark.parametrize(("quantity", "ended"), [(10, "filled"), (11, "fill_or_kill_unfilled")])
def test_fill_or_kill_is_all_or_nothing(desk: Desk, quantity: int, ended: str) -> None:
    desk.place(ALICE, SELL, 100, 6, display_quantity=1)
    desk.place(ALICE, SELL, 101, 4)
    order = desk.place(BOB, BUY, 101, quantity, time_in_force=FOK)
    assert desk.ended[order] == ended
    assert desk.result.filled_quantity == (10 if ended == "filled" else 0)


def test_fill_or_kill_looks_past_its_own_orders(desk: Desk) -> None:
    desk.place(BOB, SELL, 100, 5)
    desk.place(ALICE, SELL, 100, 5)
    killed = desk.place(BOB, BUY, 100, 6, time_in_force=FOK, stp=w.STP_CANCEL_MAKER)
    assert desk.ended == {killed: "fill_or_kill_unfilled"}
    taker = desk.place(BOB, BUY, 100, 5, time_in_force=FOK, stp=w.STP_CANCEL_MAKER)
    assert desk.ended[taker] == "filled"


def test_good_till_date_ends_when_time_reaches_it(desk: Desk) -> None:
    late = desk.place(ALICE, BUY, 90, 1, time_in_force=GTD, expire_ms=30)
    soon = desk.place(ALICE, BUY, 95, 1, time_in_force=GTD, expire_ms=20)
    desk.time(19)
    assert desk.ended == {}
    desk.time(40)
    assert list(desk.ended.items()) == [(soon, "expired"), (late, "expired")]
    assert desk.engine.balance(ALICE, QUOTE) == (RICH, 0)
    assert (
        desk.rejection(ALICE, BUY, 90, 1, time_in_force=GTD, expire_ms=40) == "invalid_expire_time"
    )


def test_post_only_is_refused_when_it_would_take(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 5)
    assert desk.rejection(BOB, BUY, 100, 1, post_only=True) == "post_only_would_cross"
    assert desk.rejection(BOB, BUY, 99, 1, post_only=True) == "accepted"


def test_market_order_takes_what_is_there_and_ends(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 5)
    order = desk.place(BOB, BUY, 0, 7, **MARKETABLE)
    assert desk.result.filled_quantity == 5
    assert desk.ended[order] == "unfilled_remainder"


@pytest.mark.parametrize("how", ["place", "amend", "replace"])
def test_what_a_command_filled_is_its_own_order_not_the_stops_that_it_fires(
    desk: Desk, how: str
) -> None:
    desk.place(ALICE, SELL, 100, 4)
    desk.place(ALICE, SELL, 101, 3)
    desk.place(ALICE, SELL, 102, 9)
    stop = desk.place(
        CAROL, BUY, 0, 4, order_type=w.TYPE_STOP_MARKET, time_in_force=IOC, trigger_price=101
    )
    # An amended order has been filled before; that is not counted again.
    order = desk.place(BOB, BUY, 100, 6)
    assert (desk.result.filled_quantity, desk.result.filled_quote) == (4, 400)
    if how == "place":
        order = desk.place(BOB, BUY, 102, 8)
    else:
        total = 8 if how == "replace" else 4 + 8
        desk.change(BOB, order, price=102, quantity=total, replace=how == "replace")
        order = desk.result.order_id
    assert desk.ended[stop] == "filled"
    assert {taker for _, taker, _, _ in desk.trades} == {order, stop}
    assert (desk.result.filled_quantity, desk.result.filled_quote) == (8, 3 * 101 + 5 * 102)


def test_market_buy_by_quote_spends_no_more_than_said(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 5)
    desk.place(ALICE, SELL, 110, 5)
    order = desk.place(BOB, BUY, 0, 0, quote_amount=725, **MARKETABLE)
    assert (desk.result.filled_quantity, desk.result.filled_quote) == (7, 720)
    assert desk.ended[order] == "filled"
    assert desk.balances[BOB, QUOTE] == (RICH - 720, 0)


def test_market_buy_is_refused_when_what_it_meets_costs_too_much(desk: Desk) -> None:
    desk.place(ALICE, SELL, 50_000, 30)
    assert desk.rejection(BOB, BUY, 0, 21, **MARKETABLE) == "insufficient_balance"
    assert desk.rejection(BOB, BUY, 0, 20, **MARKETABLE) == "accepted"


def test_market_order_stops_at_its_collar(desk: Desk) -> None:
    desk.limits(market_collar_ppm=50_000)
    desk.state(w.STATE_OPEN, reference=100)
    for price in (100, 105, 106):
        desk.place(ALICE, SELL, price, 1)
    order = desk.place(BOB, BUY, 0, 3, **MARKETABLE)
    assert [trade[2] for trade in desk.trades] == [100, 105]
    assert desk.ended[order] == "price_protection"


def test_iceberg_shows_a_part_and_loses_its_place_when_refilled(desk: Desk) -> None:
    iceberg = desk.place(ALICE, SELL, 100, 9, display_quantity=4)
    plain = desk.place(BOB, SELL, 100, 3)
    assert desk.book == drawing("""
        bid | price | ask
        ----+-------+-----------------------------
            |   100 | a 9 alice, b 3 bob (7 shown)
    """)
    assert desk.engine.book(MARKET)[1] == [(100, 7)]
    taker = desk.place(CAROL, BUY, 100, 8)
    assert desk.trades == [
        (iceberg, taker, 100, 4),
        (plain, taker, 100, 3),
        (iceberg, taker, 100, 1),
    ]
    assert desk.book == drawing("""
        bid | price | ask
        ----+-------+--------------------
            |   100 | a 4 alice (3 shown)
    """)
    assert desk.engine.book(MARKET)[1] == [(100, 3)]
    assert desk.queue(SELL) == [(iceberg, 4)]


def test_iceberg_with_a_new_slice_waits_behind_the_others(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 9, display_quantity=4)
    desk.place(BOB, SELL, 100, 3)
    desk.place(CAROL, BUY, 100, 4)
    assert desk.book == drawing("""
        bid | price | ask
        ----+-------+-----------------------------
            |   100 | b 3 bob, a 5 alice (7 shown)
    """)


def test_stops_fire_in_the_batch_of_the_trade_by_price_then_time(desk: Desk) -> None:
    stop = {"order_type": w.TYPE_STOP_MARKET, "trigger_price": 0}
    high = desk.place(BOB, BUY, 0, 1, **{**stop, "trigger_price": 102})
    low = desk.place(BOB, BUY, 0, 1, **{**stop, "trigger_price": 101})
    low_later = desk.place(BOB, BUY, 0, 1, **{**stop, "trigger_price": 101})
    out_of_reach = desk.place(BOB, BUY, 0, 1, **{**stop, "trigger_price": 104})
    makers = [desk.place(ALICE, SELL, price, 1) for price in (102, 102, 103, 103)]
    taker = desk.place(CAROL, BUY, 102, 1)
    assert desk.trades == [
        (makers[0], taker, 102, 1),
        (makers[1], low, 102, 1),
        (makers[2], low_later, 103, 1),
        (makers[3], high, 103, 1),
    ]
    assert desk.engine.stops(MARKET, BUY) == [(out_of_reach, 1)]


def test_stop_limit_rests_at_its_price_once_triggered(desk: Desk) -> None:
    stop = desk.place(BOB, SELL, 95, 2, order_type=w.TYPE_STOP_LIMIT, trigger_price=98)
    (conditions,) = desk.of(OrderConditions)
    assert conditions.trigger_price == 98
    assert desk.engine.order(stop).status == w.STATUS_PENDING_TRIGGER
    desk.place(ALICE, BUY, 98, 1)
    desk.place(CAROL, SELL, 98, 1)
    assert desk.queue(SELL) == [(stop, 2)]
    assert desk.engine.balance(BOB, BASE) == (RICH - 20, 20)


def test_a_stop_that_is_already_reached_fires_at_once(desk: Desk) -> None:
    desk.place(ALICE, SELL, 100, 1)
    desk.place(CAROL, BUY, 100, 1)
    maker = desk.place(ALICE, SELL, 101, 1)
    stop = desk.place(BOB, BUY, 0, 1, order_type=w.TYPE_STOP_MARKET, trigger_price=99)
    assert desk.trades == [(maker, stop, 101, 1)]


# --- cancel, amend, replace -----------------------------------------------------------------------


def test_cancel_gives_back_what_was_held(desk: Desk) -> None:
    order = desk.place(ALICE, BUY, 100, 5)
    assert desk.balances[ALICE, QUOTE] == (RICH - 500, 500)
    assert desk.cancel(BOB, order) == "unknown_order"
    assert desk.cancel(ALICE, order) == "accepted"
    assert desk.balances[ALICE, QUOTE] == (RICH, 0)
    assert desk.cancel(ALICE, order) == "unknown_order"


def test_cancel_by_the_id_that_placed_it(desk: Desk) -> None:
    order = desk.place(ALICE, BUY, 100, 5, command_id=(7, 8))
    assert desk.cancel(BOB, target=(7, 8)) == "unknown_order"
    assert desk.cancel(ALICE, target=(7, 8)) == "accepted"
    assert desk.result.order_id == order


def test_cancel_all_takes_a_side_oldest_first(desk: Desk) -> None:
    bids = [desk.place(ALICE, BUY, price, 1) for price in (90, 95)]
    ask = desk.place(ALICE, SELL, 100, 1)
    desk.cancel_all(ALICE, side=BUY)
    assert (list(desk.ended), desk.result.detail) == (bids, 2)
    desk.cancel_all(ALICE)
    assert list(desk.ended) == [ask]


LESS = """
                       bid | price | ask
        -------------------+-------+----
        a 3 alice, b 5 bob |   100 |
"""
MORE = """
                       bid | price | ask
        -------------------+-------+----
        b 5 bob, a 6 alice |   100 |
"""
LOWER = """
              bid | price | ask
        ----------+-------+----
          b 5 bob |   100 |
        a 5 alice |    99 |
"""


@pytest.mark.parametrize(
    ("change", "book"),
    [
        ({"quantity": 3}, LESS),
        ({"quantity": 6}, MORE),
        ({"price": 100, "quantity": 3}, LESS),
        ({"price": 99}, LOWER),
    ],
    ids=["less", "more", "less, price named", "other price"],
)
def test_amend_keeps_priority_only_for_less_of_the_same(
    desk: Desk, change: dict[str, int], book: str
) -> None:
    amended = desk.place(ALICE, BUY, 100, 5)
    desk.place(BOB, BUY, 100, 5)
    assert desk.change(ALICE, amended, **change) == "accepted"
    assert desk.book == drawing(book)


def test_amend_that_crosses_trades(desk: Desk) -> None:
    maker = desk.place(ALICE, SELL, 100, 5)
    order = desk.place(BOB, BUY, 90, 8)
    desk.change(BOB, order, price=100)
    assert desk.trades == [(maker, order, 100, 5)]
    assert desk.book == drawing("""
            bid | price | ask
        --------+-------+----
        b 3 bob |   100 |
    """)


def test_replace_opens_a_new_order_at_the_back(desk: Desk) -> None:
    old = desk.place(ALICE, BUY, 100, 5, command_id=(1, 1))
    other = desk.place(BOB, BUY, 100, 5)
    desk.change(ALICE, old, replace=True, quantity=3, command_id=(1, 2))
    new = desk.result.order_id
    assert desk.ended == {old: "replaced"}
    assert desk.queue(BUY) == [(other, 5), (new, 3)]
    assert desk.book == drawing("""
                       bid | price | ask
        -------------------+-------+----
        b 5 bob, c 3 alice |   100 |
    """)
    assert desk.cancel(ALICE, target=(1, 1)) == "unknown_order"
    assert desk.cancel(ALICE, target=(1, 2)) == "accepted"


@pytest.mark.parametrize("replace", [False, True], ids=["amend", "replace"])
def test_a_refused_change_leaves_the_order(desk: Desk, replace: bool) -> None:
    order = desk.place(ALICE, BUY, 100, 5)
    refused = desk.change(ALICE, order, replace=replace, price=RICH)
    assert refused == "insufficient_balance"
    assert desk.queue(BUY) == [(order, 5)]
    assert desk.of(Order) == []


# --- self-trade prevention ------------------------------------------------------------------------


BEFORE = """
        bid | price | ask
        ----+-------+-------------------
            |   101 | c 2 bob
            |   100 | a 1 bob, b 5 alice
"""
TRADES_WITH_ITSELF = """
        bid | price | ask
        ----+-------+----------
            |   101 | c 2 bob
            |   100 | b 2 alice
"""
TAKER_CANCELLED = """
        bid | price | ask
        ----+-------+----------
            |   101 | c 2 bob
            |   100 | b 5 alice
"""
MAKER_CANCELLED = """
              bid | price | ask
        ----------+-------+----
        d 3 alice |   101 |
"""
BOTH_CANCELLED = """
        bid | price | ask
        ----+-------+--------
            |   101 | c 2 bob
"""
DECREMENTED = """
              bid | price | ask
        ----------+-------+----
        d 1 alice |   101 |
"""


@pytest.mark.parametrize(
    ("mode", "quantity", "after"),
    [
        (w.STP_NONE, 4, TRADES_WITH_ITSELF),
        (w.STP_CANCEL_TAKER, 8, TAKER_CANCELLED),
        (w.STP_CANCEL_MAKER, 6, MAKER_CANCELLED),
        (w.STP_CANCEL_BOTH, 8, BOTH_CANCELLED),
        (w.STP_DECREMENT, 9, DECREMENTED),
    ],
    ids=["none", "taker", "maker", "both", "decrement"],
)
def test_self_trade_prevention(desk: Desk, mode: int, quantity: int, after: str) -> None:
    desk.place(BOB, SELL, 100, 1)
    desk.place(ALICE, SELL, 100, 5)
    desk.place(BOB, SELL, 101, 2)
    assert desk.book == drawing(BEFORE)
    desk.place(ALICE, BUY, 101, quantity, stp=mode)
    assert desk.book == drawing(after)


OWN_AND_OTHER = [
    # mode, own ask first, whether 500 are enough for a market buy of 10, and what it buys
    (w.STP_DECREMENT, True, True, 5),
    (w.STP_DECREMENT, False, True, 5),
    (w.STP_CANCEL_MAKER, True, True, 5),
    (w.STP_CANCEL_TAKER, False, True, 5),
    (w.STP_CANCEL_TAKER, True, True, 0),
    (w.STP_CANCEL_BOTH, False, True, 5),
    (w.STP_NONE, True, False, 0),
]


@pytest.mark.parametrize(("mode", "own_first", "enough", "bought"), OWN_AND_OTHER)
def test_a_market_buy_need_not_pay_for_orders_of_its_own(
    desk: Desk, mode: int, own_first: bool, enough: bool, bought: int
) -> None:
    for account in (BOB, ALICE) if own_first else (ALICE, BOB):
        desk.place(account, SELL, 100, 5)
    desk.funds(w.COMMAND_DEBIT, BOB, QUOTE, RICH - 500)
    reason = desk.rejection(BOB, BUY, 0, 10, stp=mode, **MARKETABLE)
    assert reason == ("accepted" if enough else "insufficient_balance")
    assert sum(lots for *_, lots in desk.trades) == bought
    desk.funds(w.COMMAND_DEBIT, BOB, QUOTE, 1)
    # One unit less is not enough for what others offer.
    again = Desk(type(desk.engine)())
    for account in (BOB, ALICE) if own_first else (ALICE, BOB):
        again.place(account, SELL, 100, 5)
    again.funds(w.COMMAND_DEBIT, BOB, QUOTE, RICH - 499)
    expected = "accepted" if enough and not bought else "insufficient_balance"
    assert again.rejection(BOB, BUY, 0, 10, stp=mode, **MARKETABLE) == expected


@pytest.mark.parametrize("maker_left", [True, False], ids=["of the maker", "of the taker"])
def test_decrement_leaves_no_dust(desk: Desk, maker_left: bool) -> None:
    desk.limits(min_notional=1_000)
    more, less = (21, 20) if maker_left else (20, 21)
    maker = desk.place(ALICE, SELL, 100, more)
    taker = desk.place(ALICE, BUY, 100, less, stp=w.STP_DECREMENT)
    assert desk.ended == dict.fromkeys((maker, taker), "self_trade_prevention")
    assert desk.queue(BUY) == desk.queue(SELL) == []
    assert desk.engine.balance(ALICE, QUOTE) == (RICH, 0)


def test_decrement_leaves_what_is_worth_enough(desk: Desk) -> None:
    desk.limits(min_notional=1_000)
    maker = desk.place(ALICE, SELL, 100, 30)
    desk.place(ALICE, BUY, 100, 20, stp=w.STP_DECREMENT)
    assert desk.queue(SELL) == [(maker, 10)]
    taker = desk.place(ALICE, BUY, 100, 20, stp=w.STP_DECREMENT)
    assert desk.queue(BUY) == [(taker, 10)]
    # What never waits may go on, however little is left.
    desk.cancel_all(ALICE)
    desk.place(ALICE, SELL, 100, 20)
    desk.place(BOB, SELL, 100, 20)
    desk.place(ALICE, BUY, 0, 21, stp=w.STP_DECREMENT, **MARKETABLE)
    assert [lots for *_, lots in desk.trades] == [1]


NEVER_WAITS: dict[str, dict[str, Any]] = {
    "immediate or cancel": {"price": 100, "time_in_force": IOC},
    "fill or kill": {"price": 100, "time_in_force": FOK},
    "market": {"price": 0, **MARKETABLE},
    "meets nothing": {"price": 1, "time_in_force": IOC},
    "stop that is triggered at once": {
        "price": 0, "order_type": w.TYPE_STOP_MARKET, "time_in_force": IOC, "trigger_price": 90,
    },
}  # fmt: skip
WAITS: dict[str, dict[str, Any]] = {
    "good till cancelled": {"price": 100},
    "stop": {
        "price": 0, "order_type": w.TYPE_STOP_MARKET, "time_in_force": IOC, "trigger_price": 101,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "options", [*NEVER_WAITS.values(), *WAITS.values()], ids=[*NEVER_WAITS, *WAITS]
)
def test_an_order_that_never_waits_needs_no_room(
    desk_with: Callable[..., Desk], options: dict[str, Any]
) -> None:
    desk = desk_with(orders=2)
    desk.place(ALICE, SELL, 100, 1)
    desk.place(BOB, BUY, 100, 1)
    for _ in range(2):
        desk.place(ALICE, SELL, 100, 2)
    rejected = options in WAITS.values()
    reason = desk.rejection(BOB, BUY, quantity=2, **options)
    assert reason == ("capacity_exhausted" if rejected else "accepted")
    assert len(desk.queue(SELL)) == (2 if rejected or options["price"] == 1 else 1)
