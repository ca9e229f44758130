"""Whatever is sent as a cursor: a list's own leads on, everything else is a 400 and never a 500."""

import base64
import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from bursa.dialects.native.operations import OPERATIONS
from tests.doubles.exchange import ALICE, BOB, BTC_USDT, USDT, Exchange, WorkingClock, read_event
from tests.unit.conftest import (
    Context,
    Response,
    opened,
    query_parts,
    response_of,
    signed_in_request,
    started,
    started_sub_accounts,
    started_trading_api,
)
from wire import codec
from wire import layout as w

ORDER = {"market": "BTC-USDT", "price": "20000", "quantity": "0.01"}


class Lists(NamedTuple):
    trading: ModuleType
    sub_accounts: ModuleType
    market: ModuleType

    def get(self, path: str, cursor: str | None = None, **more: Any) -> Response:
        """Read a page of one item, as an account or, of a public list, as anybody."""
        query = {"limit": "1"} | more.pop("query", {})
        query |= {} if cursor is None else {"cursor": cursor}
        if path.startswith("/markets"):
            event = read_event("market-book") | {"path": path} | query_parts(query)
            context: Any = Context()
            return response_of(self.market.handler(event, context))
        function = self.sub_accounts if path == "/transfers" else self.trading
        return signed_in_request(function, "GET", path, query=query, **more)


@pytest.fixture(scope="module")
def lists() -> Iterator[Lists]:
    """Two accounts with two orders, two trades and a list of orders each."""
    with opened() as exchange:
        trade(exchange)
        clock = WorkingClock(exchange)
        yield Lists(
            started_trading_api(clock), started_sub_accounts(clock), started("market_api.app")
        )


def trade(exchange: Exchange) -> None:
    exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, USDT, 1)])
    for _ in range(2):
        for account, side in ((BOB, w.SIDE_SELL), (ALICE, w.SIDE_BUY)):
            place = codec.encode_place(account.number, BTC_USDT, side, 2_000_000, 10**6)
            exchange.commit([place])
    for account, side, better, worse in (
        (BOB, w.SIDE_SELL, 2_100_000, 1_900_000),
        (ALICE, w.SIDE_BUY, 1_900_000, 2_100_000),
    ):
        profit = codec.encode_place(account.number, BTC_USDT, side, better, 10**6)
        stop = codec.encode_place(
            account.number,
            BTC_USDT,
            side,
            worse,
            10**6,
            order_type=w.TYPE_STOP_LIMIT,
            trigger_price=worse,
        )
        words = codec.encode_list(profit, stop)
        exchange.commit([words[: w.COMMAND_BYTES], words[w.COMMAND_BYTES :]])


# Of notices it is the id of one, in a list that is the account's own: tests/unit/notifications.
PATHS = [
    operation.path.replace("{market}", "BTC-USDT")
    for operation in OPERATIONS
    if any(parameter.name == "cursor" for parameter in operation.parameters)
    and operation.path != "/notices"
]
paths = pytest.mark.parametrize("path", PATHS)


def is_refused(response: Response) -> bool:
    return (response.status, response.body.get("code")) == (400, "invalid_cursor")


@paths
def test_a_list_leads_on_by_its_own_cursor(lists: Lists, path: str) -> None:
    first = lists.get(path).body
    second = lists.get(path, first["next_cursor"])
    assert second.status == 200
    assert second.body["items"] != first["items"]


@paths
def test_a_cursor_of_another_list_is_none(lists: Lists, path: str) -> None:
    cursor = lists.get(path).body["next_cursor"]
    for other in PATHS:
        if other != path:
            assert is_refused(lists.get(other, cursor))
    if not path.startswith(("/markets", "/transfers")):
        assert is_refused(lists.get(path, cursor, query={"market": "BTC-USDT"}))


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith("/markets")])
def test_a_cursor_of_another_account_is_none(lists: Lists, path: str) -> None:
    cursor = lists.get(path, account=BOB).body["next_cursor"]
    assert lists.get(path, cursor, account=BOB).status == 200
    assert is_refused(lists.get(path, cursor, account=ALICE))


@paths
def test_any_bytes_are_a_400(lists: Lists, path: str) -> None:
    rng = random.Random(path)
    cursor = lists.get(path).body["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    hostile = ["", "=", "\x00", "\ud800", "ÿ", "%FF", "/w", "A" * 5_000, cursor + "A", cursor[:-1]]
    hostile += [encoded(rng.randbytes(rng.randint(1, 60))) for _ in range(20)]
    # Fewer than the reads that an account has at once.
    for _ in range(20):
        flipped = bytearray(raw)
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        hostile.append(encoded(flipped))
    assert [one for one in hostile if not is_refused(lists.get(path, one))] == []


def encoded(data: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
