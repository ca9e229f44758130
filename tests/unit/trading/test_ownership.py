"""What is not yours does not exist, and a bad cancel leaves everything as it is."""

import pytest

from tests.doubles.exchange import BOB
from tests.doubles.ids import IDS
from tests.unit.conftest import Send

ORDER = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        pytest.param("/orders/abc", {}, 400, "invalid_order_id", id="order-letters"),
        pytest.param(f"/orders/{IDS.order(99_999)}", {}, 404, "unknown_order", id="no-such-order"),
        pytest.param("/orders", {"market": "X"}, 404, "unknown_market", id="market"),
        pytest.param("/orders", {"market": ""}, 404, "unknown_market", id="empty-market"),
        pytest.param("/balances", {}, 404, "unknown_route", id="method"),
    ],
)
def test_bad_cancel(send: Send, path: str, query: dict[str, str], status: int, code: str) -> None:
    order = send("POST", "/orders", ORDER).body

    response = send("DELETE", path, query=query)

    assert (response.status, response.body["code"]) == (status, code)
    assert send("GET", f"/orders/{order['order_id']}").body["status"] == "open"


def test_someone_elses_order_does_not_exist(send: Send) -> None:
    order = send("POST", "/orders", ORDER | {"client_order_id": "mine"}).body
    path = f"/orders/{order['order_id']}"

    seen = send("GET", path, account=BOB)
    by_client_id = send("GET", "/orders/by-client-id/mine", account=BOB)
    cancelled = send("DELETE", path, account=BOB)

    for response in (seen, by_client_id, cancelled):
        assert (response.status, response.body["code"]) == (404, "unknown_order")
    assert send("GET", path).body["status"] == "open"


def test_cursor_of_another_account_is_invalid(send: Send) -> None:
    for _ in range(2):
        send("POST", "/orders", ORDER)
    page = send("GET", "/orders", query={"limit": "1"}).body

    response = send("GET", "/orders", query={"cursor": page["next_cursor"]}, account=BOB)

    assert (response.status, response.body["code"]) == (400, "invalid_cursor")
