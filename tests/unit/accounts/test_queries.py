"""What an account reads of its own."""

import pytest

from bursa.kernel.clock import SystemClock
from tests.doubles.exchange import BOB, Exchange
from tests.unit.conftest import Send

BUY = {"market": "BTC-USDT", "side": "buy", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}


def ids(send: Send, **query: str) -> list[str]:
    response = send("GET", "/orders", query=query, account=BOB)
    assert response.status == 200, response.body
    return [order["order_id"] for order in response.body["items"]]


@pytest.fixture
def history(send: Send) -> dict[str, str]:
    """One order of each fate."""
    orders = {}
    for name, order in {
        "filled": SELL | {"quantity": "0.5"},
        "partially_filled": SELL | {"price": "20001"},
        "open": SELL | {"price": "30000", "client_order_id": "mine"},
        "cancelled": SELL | {"price": "40000"},
        "other_market": {
            "market": "BTC-IDR",
            "side": "sell",
            "price": "1000000000",
            "quantity": "1",
        },
    }.items():
        orders[name] = send("POST", "/orders", order, account=BOB).body["order_id"]
    send("POST", "/orders", BUY | {"price": "20001"})
    send("DELETE", f"/orders/{orders['cancelled']}", account=BOB)
    return orders


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["other_market", "cancelled", "open", "partially_filled", "filled"]),
        ({"market": "BTC-USDT"}, ["cancelled", "open", "partially_filled", "filled"]),
        ({"status": "open"}, ["other_market", "open", "partially_filled"]),
        ({"status": "open", "market": "BTC-IDR"}, ["other_market"]),
        ({"status": "closed"}, ["cancelled", "filled"]),
        ({"status": "filled"}, ["filled"]),
        ({"status": "partially_filled"}, ["partially_filled"]),
        ({"status": "expired"}, []),
    ],
)
def test_orders_are_filtered_newest_first(
    send: Send, history: dict[str, str], query: dict[str, str], expected: list[str]
) -> None:
    assert ids(send, **query) == [history[name] for name in expected]


@pytest.mark.parametrize("query", [{}, {"status": "open"}, {"market": "BTC-USDT"}])
def test_pages_join_to_the_whole(
    send: Send, history: dict[str, str], query: dict[str, str]
) -> None:
    whole = ids(send, **query)
    pages: list[str] = []
    more: dict[str, str] = {}
    while more or not pages:
        page = send("GET", "/orders", query=query | more | {"limit": "1"}, account=BOB).body
        pages += [order["order_id"] for order in page["items"]]
        more = {} if page["next_cursor"] is None else {"cursor": page["next_cursor"]}

    assert pages == whole


def test_order_reads_as_it_was_answered(send: Send) -> None:
    placed = send("POST", "/orders", SELL | {"client_order_id": "mine"}, account=BOB).body
    placed.pop("fills")

    by_id = send("GET", f"/orders/{placed['order_id']}", account=BOB)
    by_client_id = send("GET", "/orders/by-client-id/mine", account=BOB)

    assert by_id.status == by_client_id.status == 200
    assert by_id.body == by_client_id.body == placed


@pytest.mark.parametrize("path", ["a:1", "a%3A1", "a%3a1"])
def test_client_order_id_in_a_path_may_be_encoded(send: Send, path: str) -> None:
    send("POST", "/orders", BUY | {"client_order_id": "a:1"})

    assert send("GET", f"/orders/by-client-id/{path}").body["client_order_id"] == "a:1"


def test_fills_show_ones_own_side(send: Send, history: dict[str, str]) -> None:
    maker = send("GET", "/fills", account=BOB).body["items"]
    (taker, _) = send("GET", "/fills").body["items"]

    assert [(fill["price"], fill["quantity"]) for fill in maker] == [
        ("20001", "0.5"),
        ("20000", "0.5"),
    ]
    assert maker[0]["order_id"] == history["partially_filled"]
    assert (maker[0]["role"], maker[0]["side"], maker[0]["fee_asset"]) == ("maker", "sell", "USDT")
    assert maker[0]["fee"] == "10.0005"
    assert (taker["role"], taker["side"], taker["fee_asset"]) == ("taker", "buy", "BTC")
    assert taker["trade_id"] == maker[0]["trade_id"]


def test_fills_page_by_page(send: Send, history: dict[str, str]) -> None:
    whole = send("GET", "/fills", account=BOB).body["items"]
    first = send("GET", "/fills", query={"limit": "1"}, account=BOB).body
    cursor = first["next_cursor"]
    second = send("GET", "/fills", query={"limit": "1", "cursor": cursor}, account=BOB).body

    assert first["items"] + second["items"] == whole
    assert send("GET", "/fills", query={"market": "BTC-IDR"}, account=BOB).body["items"] == []


def test_balances(send: Send, exchange: Exchange) -> None:
    send("POST", "/orders", BUY)

    balances = send("GET", "/balances").body

    (usdt,) = balances["items"]
    assert balances["next_cursor"] is None
    assert (usdt["asset"], usdt["available"], usdt["held"], usdt["total"]) == (
        "USDT",
        "980000",
        "20000",
        "1000000",
    )
    assert usdt["sequence"] == exchange.records[-1].time_ms


@pytest.mark.parametrize("path", ["/orders", "/fills", "/balances"])
def test_expired_verdict_of_the_gateway_is_refused(
    send: Send, trading_api: object, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "now_ms", lambda _clock: 4_102_444_801_000)

    response = send("GET", path)

    assert (response.status, response.body["code"]) == (401, "token_expired")


def test_history_is_held_to_a_time_and_a_side(send: Send, history: dict[str, str]) -> None:
    everything = send("GET", "/orders", query={}, account=BOB).body["items"]
    times = [order["created_at_ms"] for order in reversed(everything)]
    newest_first = [order["order_id"] for order in everything]

    assert ids(send, **{"from": str(times[1])}) == newest_first[:-1]
    assert ids(send, to=str(times[1])) == [history["filled"]]
    assert ids(send, **{"from": str(times[1]), "to": str(times[3])}) == newest_first[2:4]
    assert ids(send, status="closed", to=str(times[1])) == [history["filled"]]
    assert ids(send, status="open", **{"from": str(times[2])}) == [
        history["other_market"],
        history["open"],
    ]
    assert ids(send, side="buy") == []
    assert ids(send, side="sell", market="BTC-IDR") == [history["other_market"]]

    def fills(**query: str) -> list[str]:
        response = send("GET", "/fills", query=query, account=BOB)
        return [fill["order_id"] for fill in response.body["items"]]

    traded = [history["partially_filled"], history["filled"]]
    assert fills(side="sell") == fills(market="BTC-USDT", **{"from": "1"}) == traded
    assert fills(side="buy") == fills(to=str(times[-1])) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "yesterday"}, "invalid_from"),
        ({"to": "-1"}, "invalid_to"),
        ({"from": "5", "to": "5"}, "invalid_to"),
        ({"side": "both"}, "invalid_side"),
    ],
)
@pytest.mark.parametrize("path", ["/orders", "/fills"])
def test_a_filter_that_makes_no_sense_is_refused(
    send: Send, path: str, query: dict[str, str], code: str
) -> None:
    response = send("GET", path, query=query, account=BOB)
    assert (response.status, response.body["code"]) == (400, code)
