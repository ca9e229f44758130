"""Two people trade on the whole exchange: REST in, engine, journal, read models and feeds out."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from scripts.client import ApiError, Client, DemoUser, Deployment, Json

MARKET = "BTC-USDT"
TIMEOUT_S = 20.0


@pytest.fixture
def alice(exchange: Deployment) -> Client:
    return Client(exchange, exchange.users[0])


@pytest.fixture
def bob(exchange: Deployment) -> Client:
    return Client(exchange, exchange.users[1])


@pytest.fixture(autouse=True)
def empty_book(alice: Client, bob: Client) -> Iterator[None]:
    clear(alice, bob)
    yield
    clear(alice, bob)


def clear(*users: Client) -> None:
    for user in users:
        user.call("DELETE", "/orders", params={"market": MARKET})


def limit(side: str, price: str, quantity: str, **more: object) -> Json:
    order = {"market": MARKET, "side": side, "type": "limit", "price": price}
    return order | {"quantity": quantity, "client_order_id": secrets.token_hex(8)} | more


def read_until(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """Read until it is as wanted: read models follow the journal a moment later."""
    deadline = time.monotonic() + TIMEOUT_S
    while not wanted(found := read()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.05)
    return found


def balances(user: Client) -> dict[str, tuple[Decimal, Decimal]]:
    items = user.call("GET", "/balances")["items"]
    return {row["asset"]: (Decimal(row["available"]), Decimal(row["held"])) for row in items}


def in_step(user: Client) -> None:
    time.sleep(1.0)  # a response about health may be this old
    read_until(lambda: user.call("GET", "/health"), lambda health: health["status"] == "ok")


def test_an_order_rests_trades_and_settles_to_the_last_unit(alice: Client, bob: Client) -> None:
    in_step(alice)
    before = {user: balances(user) for user in (alice, bob)}
    sell = alice.call("POST", "/orders", json=limit("sell", "300.00", "2"))
    assert (sell["status"], sell["remaining_quantity"], sell["fills"]) == ("open", "2", [])
    buy = bob.call("POST", "/orders", json=limit("buy", "301.00", "0.5"))
    assert buy["status"] == "filled"
    assert [(fill["price"], fill["quantity"]) for fill in buy["fills"]] == [("300", "0.5")]

    maker_ppm, taker_ppm = _fees(alice)
    in_step(alice)
    after = {user: balances(user) for user in (alice, bob)}
    change = {
        (name, asset): (
            after[user][asset][0] - before[user][asset][0],
            after[user][asset][1] - before[user][asset][1],
        )
        for name, user in (("alice", alice), ("bob", bob))
        for asset in ("BTC", "USDT")
    }
    million = Decimal(1_000_000)
    assert change == {
        ("alice", "BTC"): (Decimal(-2), Decimal("1.5")),
        ("alice", "USDT"): (150 * (1 - maker_ppm / million), Decimal(0)),
        ("bob", "BTC"): (Decimal("0.5") * (1 - taker_ppm / million), Decimal(0)),
        ("bob", "USDT"): (Decimal(-150), Decimal(0)),
    }


def _fees(user: Client) -> tuple[int, int]:
    fees = user.call("GET", f"/markets/{MARKET}")["fees"]
    return fees["maker_ppm"], fees["taker_ppm"]


def test_both_sides_see_the_trade_everywhere(alice: Client, bob: Client) -> None:
    sell = alice.call("POST", "/orders", json=limit("sell", "310.50", "1"))
    buy = bob.call("POST", "/orders", json=limit("buy", "310.50", "0.25"))
    trade_id = buy["fills"][0]["trade_id"]
    in_step(alice)
    [mine] = [fill for fill in alice.call("GET", "/fills")["items"] if fill["trade_id"] == trade_id]
    [his] = [fill for fill in bob.call("GET", "/fills")["items"] if fill["trade_id"] == trade_id]
    assert (mine["role"], his["role"]) == ("maker", "taker")
    assert (mine["side"], his["side"]) == ("sell", "buy")
    [public, *_] = alice.call("GET", f"/markets/{MARKET}/trades")["items"]
    assert (public["trade_id"], public["price"], public["side"]) == (trade_id, "310.5", "buy")
    book = bob.call("GET", f"/markets/{MARKET}/book", params={"depth": 5})
    assert ["310.5", "0.75"] in book["asks"]
    assert bob.call("GET", f"/markets/{MARKET}/ticker")["last_price"] == "310.5"
    order = alice.call("GET", f"/orders/{sell['order_id']}")
    assert (order["status"], order["filled_quantity"]) == ("partially_filled", "0.25")
    by_client_id = alice.call("GET", f"/orders/by-client-id/{sell['client_order_id']}")
    assert by_client_id["order_id"] == sell["order_id"]
    open_orders = alice.call("GET", "/orders", params={"market": MARKET, "status": "open"})
    assert [row["order_id"] for row in open_orders["items"]] == [sell["order_id"]]


def test_the_same_client_order_id_is_one_order_and_one_response(alice: Client) -> None:
    order = limit("buy", "100.00", "1")
    responses = [alice.call("POST", "/orders", json=order) for _ in range(2)]
    assert responses[0] == responses[1]
    in_step(alice)
    held = alice.call("GET", "/orders", params={"market": MARKET, "status": "open"})["items"]
    assert [row["client_order_id"] for row in held] == [order["client_order_id"]]
    with pytest.raises(ApiError) as caught:
        alice.call("POST", "/orders", json=order | {"price": "101.00"})
    assert (caught.value.status, caught.value.code) == (409, "client_order_id_reused")


def test_many_at_once_with_one_client_order_id_are_one_order(
    exchange: Deployment, alice: Client
) -> None:
    order = limit("buy", "99.00", "1")
    responses: list[Json] = []

    def place() -> None:
        responses.append(Client(exchange, exchange.users[0]).call("POST", "/orders", json=order))

    threads = [threading.Thread(target=place) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({response["order_id"] for response in responses}) == 1
    in_step(alice)
    held = alice.call("GET", "/orders", params={"market": MARKET, "status": "open"})["items"]
    assert len(held) == 1


def test_a_cancel_gives_everything_back(alice: Client, bob: Client) -> None:
    in_step(alice)
    before = balances(alice)
    order = alice.call("POST", "/orders", json=limit("buy", "123.45", "3"))
    with pytest.raises(ApiError) as caught:
        bob.call("DELETE", f"/orders/{order['order_id']}")
    assert caught.value.status == 404
    assert alice.call("DELETE", f"/orders/{order['order_id']}")["status"] == "cancelled"
    in_step(alice)
    assert balances(alice) == before
    with pytest.raises(ApiError) as again:
        alice.call("DELETE", f"/orders/{order['order_id']}")
    assert again.value.status in {404, 409, 422}


def test_a_batch_keeps_its_order_of_effect(alice: Client) -> None:
    first = limit("sell", "400.00", "1")
    second = limit("buy", "400.00", "0.4", self_trade_prevention="none")
    operations: list[Json] = [
        {"op": "place"} | first,
        {"op": "place"} | second,
        {"op": "cancel", "client_order_id": first["client_order_id"]},
        {"op": "cancel", "client_order_id": first["client_order_id"]},
    ]
    response = alice.call("POST", "/orders/batch", json={"operations": operations})
    results = response["results"]
    assert results[0]["order"]["status"] == "open"
    assert [fill["quantity"] for fill in results[1]["order"]["fills"]] == ["0.4"]
    assert results[2]["order"]["status"] == "cancelled"
    assert "error" in results[3]


def test_a_batch_changes_orders_and_a_dry_run_none(alice: Client) -> None:
    first, second = (limit("buy", price, "0.01") for price in ("100.00", "101.00"))
    said = alice.call("POST", "/orders", json=first | {"dry_run": True})
    assert (said["accepted"], said["reserved"]) == (True, {"asset": "USDT", "amount": "1"})
    names = [one["client_order_id"] for one in (first, second)]
    operations = [{"op": "place", **one} for one in (first, second)]
    dry = alice.call("POST", "/orders/batch", json={"operations": operations, "dry_run": True})
    assert [one["dry_run"]["accepted"] for one in dry["results"]] == [True, True]
    placed = alice.call("POST", "/orders/batch", json={"operations": operations})
    orders = [one["order"] for one in placed["results"]]
    assert [one["client_order_id"] for one in orders] == names
    changed = alice.call(
        "POST",
        "/orders/batch",
        json={
            "operations": [
                {"op": "amend", "client_order_id": names[0], "quantity": "0.02"},
                {"op": "replace", "order_id": orders[1]["order_id"], "price": "102.00"},
                {"op": "cancel", "client_order_id": names[0]},
            ]
        },
    )
    amended, replaced, cancelled = (one["order"] for one in changed["results"])
    assert (amended["order_id"], amended["quantity"]) == (orders[0]["order_id"], "0.02")
    assert replaced["replaced_order_id"] == orders[1]["order_id"]
    assert cancelled["status"] == "cancelled"

    listed = {"min_sequence": cancelled["sequence"], "market": MARKET, "side": "buy"}
    since = {"from": orders[0]["created_at_ms"]}
    found = alice.call("GET", "/orders", params=listed | since)["items"]
    assert {one["order_id"] for one in found} == {
        one["order_id"] for one in (*orders, amended, replaced)
    }
    until = {"to": orders[0]["created_at_ms"]}
    earlier = alice.call("GET", "/orders", params=listed | until)["items"]
    assert not {one["order_id"] for one in found} & {one["order_id"] for one in earlier}


def test_respond_async_names_the_request_to_repeat(alice: Client) -> None:
    order = limit("buy", "90.00", "1")
    response = alice.send("POST", "/orders", json=order, headers={"Prefer": "respond-async"})
    assert response.status_code == 202
    path = f"/orders/by-client-id/{order['client_order_id']}"
    found = read_until(
        lambda: alice.send("GET", path), lambda response: response.status_code == 200
    ).json()
    assert found["status"] == "open"


REFUSED: dict[str, tuple[Json, int, str]] = {
    "unknown market": ({"market": "DOGE-MOON"}, 404, "unknown_market"),
    "off the tick": ({"price": "100.001"}, 400, "price_off_tick"),
    "off the lot": ({"quantity": "0.000000001"}, 400, "quantity_off_lot"),
    "below the minimum": ({"quantity": "0.00000001"}, 422, "notional_too_small"),
    "more than the balance": (
        {"price": "90000.00", "quantity": "5000"},
        422,
        "insufficient_balance",
    ),
    "negative": ({"price": "-1"}, 400, "price_not_positive"),
    "not a number": ({"price": "NaN"}, 400, "invalid_price"),
    "absurd": ({"quantity": "1" + "0" * 400}, 400, "quantity_too_large"),
    "a number, not a string": ({"price": 100}, 400, "not_a_string"),
    "an extra field": ({"leverage": "100"}, 400, "unknown_field"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_orders_are_refused_and_change_nothing(alice: Client, name: str) -> None:
    change, status, code = REFUSED[name]
    in_step(alice)
    before = balances(alice)
    with pytest.raises(ApiError) as caught:
        alice.call("POST", "/orders", json=limit("buy", "100.00", "1") | change)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.problem["detail"]
    in_step(alice)
    assert balances(alice) == before


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Bearer a.b.c"])
def test_without_a_good_token_nothing_private_is_answered(exchange: Deployment, token: str) -> None:
    stranger = Client(exchange, exchange.users[0])
    stranger.session.headers["Authorization"] = token
    assert stranger.send("GET", "/balances").status_code == 401


def test_a_wrong_password_gets_no_token(exchange: Deployment) -> None:
    user = exchange.users[0]
    with pytest.raises(Exception, match="NotAuthorized"):
        Client(exchange, DemoUser(user.email, "wrong-Password-1", user.account))


def test_orders_wait_change_and_end_as_they_were_told(alice: Client, bob: Client) -> None:
    iceberg = alice.call("POST", "/orders", json=limit("sell", "320", "1", display_quantity="0.1"))
    stop = bob.call(
        "POST",
        "/orders",
        json=limit("buy", "331", "0.2", type="stop_limit", trigger_price="330"),
    )
    assert (iceberg["display_quantity"], stop["status"]) == ("0.1", "pending_trigger")
    book = read_until(
        lambda: alice.call("GET", f"/markets/{MARKET}/book"), lambda found: bool(found["asks"])
    )
    assert book["asks"][0] == ["320", "0.1"]

    amended = alice.call("PATCH", f"/orders/{iceberg['order_id']}", json={"price": "330"})
    assert (amended["order_id"], amended["price"]) == (iceberg["order_id"], "330")
    taken = bob.call("POST", "/orders", json=limit("buy", "330", "0.3"))
    assert taken["status"] == "filled"
    triggered = read_until(
        lambda: bob.call("GET", f"/orders/{stop['order_id']}"),
        lambda found: found["status"] == "filled",
    )
    assert triggered["trigger_price"] == "330"

    path = f"/orders/{iceberg['order_id']}/replace"
    replaced = alice.call(
        "POST", path, json={"price": "340", "client_order_id": "i-" + stop["order_id"]}
    )
    assert (replaced["price"], replaced["quantity"]) == ("340", "0.5")
    alice.call("POST", "/orders/cancel-all-after", json={"timeout_ms": 1_000})
    ended = read_until(
        lambda: alice.call("GET", f"/orders/{replaced['order_id']}"),
        lambda found: found["status"] == "cancelled",
    )
    assert ended["close_reason"] == "countdown_elapsed"


def test_an_entry_has_its_exits_placed_and_one_of_them_ends_the_other(
    alice: Client, bob: Client
) -> None:
    exit_order = limit("sell", "310.00", "1")
    stop = exit_order | {"type": "stop_limit", "trigger_price": "290.00", "price": "289.00"}
    wanted = {
        "type": "bracket",
        "entry": limit("buy", "300.00", "1"),
        "exits": [exit_order, stop | {"client_order_id": secrets.token_hex(8)}],
    }
    placed = alice.call("POST", "/order-lists", json=wanted)
    path = f"/order-lists/{placed['list_id']}"

    def states() -> list[str]:
        return [order["status"] for order in alice.call("GET", path)["orders"]]

    assert states() == ["pending_entry", "pending_entry", "open"]
    assert alice.call("POST", "/order-lists", json=wanted)["list_id"] == placed["list_id"]
    with pytest.raises(ApiError, match="unknown_list"):
        bob.call("GET", path)
    with pytest.raises(ApiError, match="unknown_list"):
        bob.call("DELETE", path)

    bob.call("POST", "/orders", json=limit("sell", "300.00", "1"))
    read_until(states, lambda found: found == ["open", "pending_trigger", "filled"])
    left = alice.call("GET", path)["orders"][0]["quantity"]
    bob.call("POST", "/orders", json=limit("buy", "310.00", left))
    read_until(states, lambda found: found == ["filled", "cancelled", "filled"])
    assert alice.call("GET", path)["status"] == "closed"
    with pytest.raises(ApiError, match="list_closed"):
        alice.call("DELETE", path)


def test_a_pair_is_cancelled_as_a_list(alice: Client) -> None:
    profit = limit("sell", "400.00", "1")
    stop = profit | {"type": "stop_market", "trigger_price": "100.00", "price": "90.00"}
    wanted = [profit, stop | {"client_order_id": secrets.token_hex(8)}]
    pair = {"type": "oco", "orders": wanted}
    assert alice.call("POST", "/order-lists", json=pair | {"dry_run": True})["accepted"]
    too_much = {"quantity": "50000"}
    large = [one | too_much | {"client_order_id": secrets.token_hex(8)} for one in wanted]
    refused = alice.send("POST", "/order-lists", json=pair | {"orders": large}).json()
    assert (refused["code"], refused["field"]) == ("insufficient_balance", "orders[0]")
    placed = alice.call("POST", "/order-lists", json=pair)

    closed = alice.call("DELETE", f"/order-lists/{placed['list_id']}")

    assert [order["close_reason"] for order in closed["orders"]] == ["cancelled_by_user"] * 2
    named = alice.call("GET", f"/orders/by-client-id/{wanted[0]['client_order_id']}")
    assert named["list_id"] == placed["list_id"]
