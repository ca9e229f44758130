"""Attempts of a client order id: the newest is found in few looks, and never the wrong one."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.dialects.binance.client_order_ids import FORM, ClientOrderIds, shown_id, stored_id
from bursa.dialects.binance.errors import BinanceError
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId
from bursa.trading.orders import OrderStatus
from bursa.trading.outcomes import OrderRejected
from bursa.trading.settle import NEVER_ACCEPTED
from tests.doubles.exchange import ALICE

ENDED = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)
Found = Any


class Orders:
    """An account's orders under ``mine``, each attempt with what became of it."""

    def __init__(self, attempts: list[Found]) -> None:
        self._by_id = {stored_id("mine", n): one for n, one in enumerate(attempts, start=1)}
        self.looks = 0
        self.paid = 0

    def order_by_client_id(self, _: AccountId, name: str, *, may_wait: bool) -> Found:
        self.looks += 1
        assert may_wait in {True, False}
        found = self._by_id.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    def pay(self, _: AccountId) -> None:
        self.paid += 1

    @property
    def ids(self) -> ClientOrderIds:
        return ClientOrderIds(self, self.pay)  # type: ignore[arg-type]


def order(status: OrderStatus, number: int) -> Found:
    return SimpleNamespace(status=status, order_id=number)


over = st.one_of(
    st.sampled_from(ENDED).map(lambda status: order(status, 0)), st.just(OrderRejected(1))
)


@given(st.lists(over, max_size=300))
def test_the_next_attempt_is_after_all_that_are_over(attempts: list[Found]) -> None:
    orders = Orders(attempts)
    assert orders.ids.free(ALICE, "mine") == stored_id("mine", len(attempts) + 1)
    assert orders.looks <= 3 + 4 * len(attempts).bit_length()
    assert orders.paid == max(0, orders.looks - 1)


@given(st.lists(over, max_size=100))
def test_an_attempt_that_is_open_is_a_duplicate(attempts: list[Found]) -> None:
    orders = Orders([*attempts, order(OrderStatus.OPEN, 7)])
    with pytest.raises(BinanceError, match=re.escape("Duplicate order sent.")):
        orders.ids.free(ALICE, "mine")
    newest = orders.ids.order(ALICE, "mine")
    assert newest is not None
    assert newest.order_id == 7


def test_an_attempt_that_is_not_readable_yet_is_a_duplicate() -> None:
    orders = Orders([OrderRejected(1), NotFound("not_known_yet", "")])
    with pytest.raises(BinanceError, match=re.escape("Duplicate order sent.")):
        orders.ids.free(ALICE, "mine")


@pytest.mark.parametrize("before", [[], [OrderRejected(1)]])
def test_an_id_that_was_settled_stays_used_up(before: list[Found]) -> None:
    """A request that comes in late must not be the order that a client was told will never be."""
    orders = Orders([*before, NEVER_ACCEPTED])
    with pytest.raises(BinanceError, match=re.escape("Duplicate order sent.")):
        orders.ids.free(ALICE, "mine")
    assert orders.ids.order(ALICE, "mine") is None


@given(st.from_regex(FORM, fullmatch=True), st.integers(min_value=1, max_value=10**9))
def test_a_client_sees_the_id_that_it_sent(client_order_id: str, attempt: int) -> None:
    stored = stored_id(client_order_id, attempt)
    assert shown_id(stored) == client_order_id
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", stored)


def test_an_order_of_another_wire_has_its_own_id() -> None:
    assert (shown_id(None), shown_id("a:b")) == ("", "a:b")
