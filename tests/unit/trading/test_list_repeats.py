"""Lists of orders that come again: an equal one gets the first outcome, another one a conflict."""

from typing import Any

import moto.sqs.models
import pytest

from bursa.accounts.dynamodb import OrdersTable
from bursa.trading.list_decisions import ListDecisions
from tests.doubles.exchange import ALICE, BOB, WorkingClock
from tests.unit.conftest import Send
from tests.unit.trading.test_order_lists import (
    BRACKET,
    OCO,
    PROFIT,
    SELL,
    STOP,
    named,
    place,
    with_order,
)


@pytest.fixture
def no_deduplication(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeat comes later than the five minutes in which the queue drops it by itself."""
    monkeypatch.setattr(moto.sqs.models, "DEDUPLICATION_TIME_IN_SECONDS", 0)


@pytest.mark.usefixtures("no_deduplication")
@pytest.mark.parametrize("wanted", [OCO, BRACKET], ids=["oco", "bracket"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["ids", "ids-and-key"])
def test_the_same_list_is_placed_once(
    send: Send, wanted: dict[str, Any], headers: dict[str, str]
) -> None:
    account = ALICE if "entry" in wanted else BOB
    first = place(send, named(wanted, "a", "b", "c"), account=account, headers=headers)
    second = place(send, named(wanted, "a", "b", "c"), account=account, headers=headers)

    assert first.status == 201
    assert (second.status, second.body) == (201, first.body)
    found = send("GET", "/orders", account=account).body["items"]
    assert len(found) == len(first.body["orders"])


@pytest.mark.usefixtures("no_deduplication")
def test_a_key_alone_names_a_list_too(send: Send) -> None:
    first = place(send, OCO, headers={"Idempotency-Key": "k"})
    second = place(send, OCO, headers={"Idempotency-Key": "k"})
    other = place(send, with_order(0, price="23000"), headers={"Idempotency-Key": "k"})

    assert (second.status, second.body) == (201, first.body)
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")


@pytest.mark.usefixtures("no_deduplication")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(named(with_order(0, price="23000"), "a", "b"), id="another-price"),
        pytest.param(named(with_order(1, trigger_price="17950"), "a", "b"), id="another-trigger"),
        pytest.param(named(OCO, "a", "c"), id="another-last"),
        pytest.param(named(OCO, "c", "b"), id="another-first"),
        pytest.param(named(OCO | {"orders": [STOP, PROFIT]}, "b", "a"), id="another-order"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "not-yet-known"])
def test_another_list_under_the_same_ids_is_a_conflict(
    send: Send, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], is_known: bool
) -> None:
    first = place(send, named(OCO, "a", "b"))
    if not is_known:
        _forget_one_look(monkeypatch)

    response = place(send, other)

    assert (response.status, response.body["code"]) == (409, "client_order_id_reused")
    items = send("GET", "/orders", account=BOB).body["items"]
    assert {order["list_id"] for order in items} == {first.body["list_id"]}
    assert [order["status"] for order in items] == ["pending_trigger", "open"]


def _forget_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first look at client order ids find nothing, as a table's older answer does."""
    looks: list[int] = []
    known_ids = ListDecisions.known_ids

    def older(self: ListDecisions, *of: Any) -> Any:
        looks.append(1)
        return {} if len(looks) == 1 else known_ids(self, *of)

    monkeypatch.setattr(ListDecisions, "known_ids", older)


@pytest.mark.usefixtures("no_deduplication")
@pytest.mark.parametrize("late", ["a", "b"])
def test_a_row_that_is_late_makes_no_conflict(
    send: Send, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    first = place(send, named(OCO, "a", "b"))
    by_client_ids = OrdersTable.by_client_ids

    def without_late(self: OrdersTable, *of: Any, **more: Any) -> Any:
        found = by_client_ids(self, *of, **more)
        return {name: row for name, row in found.items() if name != late}

    monkeypatch.setattr(OrdersTable, "by_client_ids", without_late)

    again = place(send, named(OCO, "a", "b"))
    assert (again.status, again.body) == (201, first.body)
    other = place(send, named(OCO, *("cb" if late == "a" else "ac")))
    assert (other.status, other.body["code"]) == (409, "client_order_id_reused")


@pytest.mark.usefixtures("no_deduplication")
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "not-yet-known"])
def test_a_list_that_was_rejected_stays_rejected(
    send: Send, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    wanted = named(OCO | {"orders": [SELL | {"price": "22000", "quantity": "101"}] * 2}, "a", "b")
    wanted["orders"][1] |= {"type": "stop_limit", "trigger_price": "18000", "price": "17900"}
    first = place(send, wanted)
    if not is_known:
        _forget_one_look(monkeypatch)

    second = place(send, wanted)

    assert (first.status, first.body["code"]) == (422, "insufficient_balance")
    assert (second.status, second.body["code"]) == (422, "insufficient_balance")
    for name in ("a", "b"):
        asked = send("GET", f"/orders/by-client-id/{name}", account=BOB)
        assert (asked.status, asked.body["code"]) == (422, "insufficient_balance")
        plain = send("POST", "/orders", PROFIT | {"client_order_id": name}, account=BOB)
        assert (plain.status, plain.body["code"]) == (409, "client_order_id_reused")


def test_a_plain_orders_id_is_no_lists(send: Send) -> None:
    send("POST", "/orders", PROFIT | {"client_order_id": "a"}, account=BOB)

    response = place(send, named(OCO, "a", "b"))

    assert (response.status, response.body["code"]) == (409, "client_order_id_reused")
    assert response.body["field"] == "orders[0].client_order_id"


def test_its_ids_are_each_accounts_own(send: Send) -> None:
    first = place(send, named(BRACKET, "a", "b", "c"), account=ALICE)
    second = place(send, named(OCO, "a", "b"), account=BOB)

    assert (first.status, second.status) == (201, 201)


def test_who_does_not_wait_asks_by_the_last_orders_id(send: Send, clock: WorkingClock) -> None:
    pending = place(send, named(OCO, "a", "b"), headers={"Prefer": "respond-async"})

    assert pending.status == 202
    assert pending.body["client_order_id"] == "b"
    clock.sleep_ms(50)
    order = send("GET", pending.body["location"].removeprefix("/v1"), account=BOB).body
    assert send("GET", f"/order-lists/{order['list_id']}", account=BOB).body["status"] == "open"
