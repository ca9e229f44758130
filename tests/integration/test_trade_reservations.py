"""What was sent in the last seconds, on a real table: of several at once only what fits goes on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.compliance import trade_reservations_dynamodb
from bursa.compliance.trade_reservations_dynamodb import (
    WINDOW_MS,
    TradeReservationsTable,
)
from bursa.kernel.errors import TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId
from tests.doubles.tables import create_tables

ALICE, BOB = AccountId.parse("t1-1"), AccountId.parse("t1-2")
NOW_MS = 1_795_291_200_000


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_tables(client, ["budgets"])
        yield client


@pytest.fixture
def table(client: Any) -> TradeReservationsTable:
    return TradeReservationsTable(client, "budgets")


def test_what_fits_is_added_once_and_the_rest_is_not(table: TradeReservationsTable) -> None:
    # Room is what may be there already: a limit of 10 less what is asked for.
    assert table.reserve(ALICE, "one", 6, 4, NOW_MS) == (True, 6)
    assert table.reserve(ALICE, "two", 5, 5, NOW_MS) == (False, 6)
    assert table.reserve(ALICE, "one", 6, 4, NOW_MS) == (True, 6)
    assert table.reserve(ALICE, "three", 4, 6, NOW_MS) == (True, 10)
    assert table.reserve(BOB, "four", 10, 0, NOW_MS) == (True, 10)


def test_it_counts_until_the_end_of_the_next_window(
    table: TradeReservationsTable, client: Any
) -> None:
    table.reserve(ALICE, "one", 6, 4, NOW_MS)
    assert table.reserve(ALICE, "two", 6, 4, NOW_MS + WINDOW_MS) == (False, 6)
    assert table.reserve(ALICE, "one", 6, 4, NOW_MS + WINDOW_MS).is_reserved
    assert table.reserve(ALICE, "two", 6, 4, NOW_MS + 2 * WINDOW_MS) == (True, 6)
    for item in client.scan(TableName="budgets")["Items"]:
        assert int(item["expires_at"]["N"]) > NOW_MS // 1_000


def test_of_many_at_once_no_more_goes_on_than_fits(
    client: Any, table: TradeReservationsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, one_at_a_time = client.update_item, Lock()

    def update_item(**request: Any) -> Any:
        # The double would check the conditions of two writes before it writes either.
        with one_at_a_time:
            return write(**request)

    monkeypatch.setattr(client, "update_item", update_item)

    def reserve(number: int) -> bool:
        try:
            return table.reserve(ALICE, f"order {number}", 3, 7, NOW_MS - number % 2).is_reserved
        except Unavailable:
            return False

    with ThreadPoolExecutor(8) as pool:
        reserved = list(pool.map(reserve, range(24)))
    assert 1 <= sum(reserved) <= 3


@pytest.mark.parametrize("first", [0, 4])
def test_where_a_window_ends_no_more_goes_on_than_fits(
    client: Any, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """One request reads in the old window, another in the new one, before either has written."""
    table = TradeReservationsTable(client, "budgets")
    if first:
        assert table.reserve(ALICE, "first", first, 10, NOW_MS - 100).is_reserved
    write, rest = client.update_item, [("late", NOW_MS - 1)]

    def another_comes_between(**request: Any) -> Any:
        if rest:
            name, now_ms = rest.pop()
            assert TradeReservationsTable(client, "budgets").reserve(
                ALICE, name, 10, first, now_ms
            ) == (True, first + 10)
        return write(**request)

    monkeypatch.setattr(client, "update_item", another_comes_between)
    assert table.reserve(ALICE, "early", 10, first, NOW_MS) == (False, first + 10)
    assert not rest


def test_a_clock_that_is_behind_adds_to_the_window_that_is_there(
    table: TradeReservationsTable,
) -> None:
    assert table.reserve(ALICE, "one", 10, 0, NOW_MS).is_reserved
    assert table.reserve(ALICE, "two", 10, 0, NOW_MS - 1) == (False, 10)
    assert table.reserve(ALICE, "three", 1, 10, NOW_MS - 1) == (True, 11)


def test_so_many_requests_are_taken_in_a_window(
    table: TradeReservationsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_reservations_dynamodb, "REQUESTS_MAX", 8)
    for number in range(8):
        assert table.reserve(ALICE, f"order {number}", 1, 10_000, NOW_MS).is_reserved
    with pytest.raises(TooManyRequests) as caught:
        table.reserve(ALICE, "one more", 1, 10_000, NOW_MS)
    assert caught.value.code == "too_many_limited_requests"
    # One of them that comes again is none more; and the next window has room.
    assert table.reserve(ALICE, "order 7", 1, 10_000, NOW_MS).is_reserved
    assert table.reserve(ALICE, "one more", 1, 10_000, NOW_MS + WINDOW_MS).is_reserved


def test_a_table_that_does_not_respond_lets_nothing_on(client: Any) -> None:
    with pytest.raises(Unavailable) as caught:
        TradeReservationsTable(client, "gone").reserve(ALICE, "one", 1, 9, NOW_MS)
    assert caught.value.code == "level_limits_unavailable"
