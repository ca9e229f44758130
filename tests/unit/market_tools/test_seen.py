"""What a client shows of a market is what the messages have said."""

import io
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from scripts.market.measures import Course, is_equal
from scripts.market.screen import MarketView, draw
from scripts.market.seen import BookView, OwnView, TapeView

Message = dict[str, Any]


def book(**data: Any) -> Message:
    return {
        "type": "snapshot",
        "sequence": 9,
        "time_ms": 1_000,
        "data": {"bids": [], "asks": []},
    } | {"data": {"bids": [], "asks": []} | data}


def order(sequence: int, status: str, **more: Any) -> Message:
    fields = {"order_id": "7", "market": "BTC-USDT", "side": "buy", "type": "limit"}
    amounts = {"price": "10", "remaining_quantity": "2", "client_order_id": None}
    return fields | amounts | {"sequence": sequence, "status": status} | more


def orders(kind: str, sequence: int, *rows: Message) -> Message:
    return {"type": kind, "sequence": sequence, "data": list(rows)}


def test_a_book_has_the_levels_that_are_left() -> None:
    view = BookView()
    view.apply(book(bids=[["10", "1"], ["9.5", "2"]], asks=[["11", "3"]]))
    view.apply(book(bids=[["10.0", "0"]], asks=[["12", "1"]]) | {"type": "update"})
    assert view.best_bids(5) == [(Decimal("9.5"), Decimal(2))]
    assert view.best_asks(1) == [(Decimal(11), Decimal(3))]
    assert (view.mid(), view.spread()) == (Decimal("10.25"), Decimal("1.5"))
    assert is_equal(view, {"bids": [["9.50", "2"]], "asks": [["12", "1"], ["11", "3"]]})
    assert not is_equal(view, {"bids": [], "asks": [["12", "1"], ["11", "3"]]})


def test_depth_is_what_waits_within_a_percent() -> None:
    view = BookView()
    view.apply(book(bids=[["99.5", "2"], ["90", "100"]], asks=[["100.5", "1"]]))
    assert view.depth() == Decimal("99.5") * 2 + Decimal("100.5")
    assert BookView().depth() == 0


def test_a_trade_is_shown_once() -> None:
    rows = [
        {"trade_id": str(n), "time_ms": n, "side": "buy", "price": "1", "quantity": "1"}
        for n in (3, 2)
    ]
    tape = TapeView()
    assert [one.trade_id for one in tape.apply({"type": "snapshot", "data": rows})] == ["2", "3"]
    assert tape.apply({"data": rows}) == []


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        ([orders("snapshot", 5, order(5, "open"))], {"7"}),
        ([orders("snapshot", 5, order(5, "open")), orders("update", 6, order(6, "filled"))], set()),
        # Oldest first in one update; and an entry that is not newer is ignored.
        ([orders("update", 6, order(5, "open"), order(6, "cancelled"))], set()),
        (
            [orders("update", 6, order(6, "cancelled")), orders("update", 7, order(5, "open"))],
            set(),
        ),
        ([orders("update", 8, order(8, "open")), orders("snapshot", 6)], {"7"}),
        ([orders("update", 5, order(5, "open")), orders("snapshot", 6)], set()),
    ],
)
def test_an_order_is_as_its_newest_state(messages: list[Message], left: set[str]) -> None:
    view = OwnView()
    for message in messages:
        view.apply_orders(message)
    assert set(view.orders) == left


def test_an_update_that_leaves_a_field_out_does_not_take_it_away() -> None:
    view = OwnView()
    view.apply_orders(orders("snapshot", 5, order(5, "open", client_order_id="mine")))
    view.apply_orders(orders("update", 6, order(6, "partially_filled")))
    assert view.orders["7"]["client_order_id"] == "mine"
    assert view.orders["7"]["status"] == "partially_filled"


def test_the_newest_balance_counts() -> None:
    view = OwnView()
    for sequence, available in ((5, "1"), (7, "2"), (6, "3")):
        row = {"asset": "BTC", "available": available, "held": "0", "sequence": sequence}
        view.apply_balances({"data": [row]})
    assert view.balances["BTC"]["available"] == "2"


def test_a_course_has_no_sample_of_half_a_book() -> None:
    course, view = Course("BTC-USDT"), BookView()
    course.look(view, Decimal(1), 0.5)
    view.apply(book(bids=[["99", "1"]], asks=[["101", "1"]]))
    course.look(view, Decimal(100), 1.0)
    assert [(one.mid, one.spread_bp) for one in course.samples] == [(100.0, 200.0)]


def test_the_screen_shows_book_trades_and_own_orders() -> None:
    view = MarketView("BTC-USDT", "alice@demo.example")
    view.apply("book:BTC-USDT", book(bids=[["99", "1"]], asks=[["101", "2.5"]]))
    trade = {"trade_id": "3", "time_ms": 0, "side": "sell", "price": "99.5", "quantity": "0.7"}
    view.apply("trades:BTC-USDT", {"data": [trade]})
    view.apply("orders", orders("snapshot", 5, order(5, "open")))
    balance = {"asset": "USDT", "available": "12.5", "held": "20", "sequence": 4}
    view.apply("balances", {"data": [balance]})
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(draw(view, 3, now_ms=1_500))
    text = console.export_text()
    for shown in ("101", "2.5", "99.5", "0.7", "1 open orders", "12.5", "+ 20 held", "waiting"):
        assert shown in text
