"""The enumerations of an order are the wire's, word for word."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from bursa.kernel.markets import MarketState
from bursa.read_models import rows
from bursa.trading.orders import (
    OPEN_STATUSES,
    CloseReason,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from wire import layout as w

API_PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
TABLES = {
    Side: w.SIDE_NAMES,
    OrderType: w.TYPE_NAMES,
    TimeInForce: w.TIF_NAMES,
    SelfTradePrevention: w.STP_NAMES,
    OrderStatus: w.STATUS_NAMES,
    CloseReason: w.CLOSE_NAMES,
}


@pytest.mark.parametrize(
    ("enumeration", "names"), TABLES.items(), ids=[one.__name__ for one in TABLES]
)
def test_members_are_those_of_the_wire(enumeration: type[IntEnum], names: dict[int, str]) -> None:
    assert {member.value: member.name.lower() for member in enumeration} == names


@pytest.mark.parametrize("enumeration", TABLES, ids=lambda one: one.__name__)
def test_a_word_is_its_member_and_nothing_else_is(enumeration: type[Side]) -> None:
    for member in enumeration:
        assert enumeration.from_word(member.word) is member
    with pytest.raises(KeyError):
        enumeration.from_word("no such word")


def test_states_of_a_market_are_those_of_the_wire() -> None:
    assert [state.value for state in MarketState] == list(w.MARKET_STATE_NAMES.values())


def test_an_order_is_open_exactly_in_the_statuses_that_the_read_model_indexes() -> None:
    assert {status.value for status in OPEN_STATUSES} == rows.OPEN_STATUSES


def words_in_table(title: str) -> list[str]:
    """Return the first column of the table under this title in the description of the API."""
    table = API_PAGE.read_text().partition(f"\n| {title} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_the_documentation_lists_every_status_and_close_reason() -> None:
    closed = [reason.word for reason in CloseReason if reason is not CloseReason.NONE]
    assert words_in_table("status | meaning") == [status.word for status in OrderStatus]
    assert words_in_table("close reason") == closed
