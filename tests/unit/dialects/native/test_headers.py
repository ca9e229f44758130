"""What every response says about itself, and the path that a domain name of its own brings."""

from types import ModuleType

import pytest

from tests.doubles.exchange import read_event
from tests.unit.conftest import Context, Send, response_of

SECURE = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/balances", 200), ("GET", "/orders/x", 400), ("GET", "/nowhere", 404)],
)
def test_a_private_response_is_not_kept_and_is_what_it_says(
    send: Send, method: str, path: str, status: int
) -> None:
    response = send(method, path)
    assert response.status == status
    assert SECURE.items() <= response.headers.items()
    assert response.headers["Cache-Control"] == "no-store"


def test_a_public_response_is_what_it_says(market_api: ModuleType) -> None:
    response = response_of(market_api.handler(read_event("markets-list"), Context()))
    assert SECURE.items() <= response.headers.items()


@pytest.mark.parametrize("path", ["/markets", "/v1/markets"])
def test_a_route_is_found_with_and_without_the_base_path(market_api: ModuleType, path: str) -> None:
    event = read_event("markets-list") | {"path": path}
    assert response_of(market_api.handler(event, Context())).status == 200
