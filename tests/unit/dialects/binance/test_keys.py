"""API keys of the Binance dialect: which may be used, for what, and until when."""

import hmac
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from bursa.identity.principal import Scope
from bursa.kernel.rates import Rate
from tests.doubles.binance import Answer, BinanceClient, add_key, keep_key
from tests.doubles.exchange import ALICE, BOB, NOON_MS, Exchange, WorkingClock
from tests.doubles.signing import SECRET, ed25519_key
from tests.unit.conftest import opened
from tests.unit.dialects.binance.conftest import started_binance_api

WRONG = (400, -1022, "Signature for this request is not valid.")
BAD_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")


def seen(answer: Answer) -> tuple[int, int, str]:
    return answer.status, *answer.error


def sign(text: str) -> str:
    return hmac.digest(SECRET.encode(), text.encode(), "sha256").hex()


def ask(client: BinanceClient, query: str, **headers: str) -> Answer:
    return client.send("GET", "/api/v3/account", query, "", headers)


def query(client: BinanceClient, **parameters: Any) -> str:
    return urlencode({"timestamp": client.clock.now_ms(), **parameters})


def test_an_ed25519_key_signs_in_base64() -> None:
    with opened() as exchange:
        clock = WorkingClock(exchange)
        key = ed25519_key()
        api = started_binance_api(clock)
        add_key(key)
        client = BinanceClient(api, clock, key)
        assert client.signed("GET", "/api/v3/account").status == 200
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        placed = client.signed("POST", "/api/v3/order", **order, quantity="1", price="100")
        assert placed.status == 200, placed
        text = f"timestamp={clock.now_ms()}"
        wrong = quote(client.sign(b"another text"), safe="%")
        answer = ask(client, f"{text}&signature={wrong}", **{"x-mbx-apikey": key.id})
        assert seen(answer) == WRONG


USELESS: dict[str, dict[str, Any]] = {
    "revoked": {"revoked_at_ms": NOON_MS - 1},
    "expired": {"expires_at_ms": NOON_MS - 1},
    "of another address": {"addresses": ("203.0.113.0/24",)},
    "without the scope": {"scopes": frozenset({Scope.TRADE})},
}


@pytest.mark.parametrize("changes", USELESS.values(), ids=USELESS)
def test_a_key_that_may_not_be_used(exchange: Exchange, changes: dict[str, Any]) -> None:
    clock = WorkingClock(exchange)
    api = started_binance_api(clock)
    client = BinanceClient(api, clock, keep_key(ALICE, **changes))
    assert seen(client.signed("GET", "/api/v3/account")) == BAD_KEY


def test_a_key_that_only_reads_places_nothing(exchange: Exchange) -> None:
    clock = WorkingClock(exchange)
    api = started_binance_api(clock)
    client = BinanceClient(api, clock, keep_key(ALICE, scopes=frozenset({Scope.READ})))
    assert client.signed("GET", "/api/v3/openOrders").status == 200
    records = len(exchange.records)
    for method, path in (
        ("POST", "/api/v3/order"),
        ("POST", "/api/v3/order/test"),
        ("POST", "/api/v3/order/cancelReplace"),
        ("PUT", "/api/v3/order/amend/keepPriority"),
        ("DELETE", "/api/v3/order"),
        ("DELETE", "/api/v3/openOrders"),
    ):
        assert seen(client.signed(method, path, symbol="BTCUSDT")) == BAD_KEY
    assert len(exchange.records) == records


def test_a_key_with_a_rate_of_its_own(exchange: Exchange) -> None:
    clock = WorkingClock(exchange)
    api = started_binance_api(clock)
    client = BinanceClient(api, clock, keep_key(ALICE, rate=Rate(1, 1)))
    answers = [client.signed("GET", "/api/v3/openOrders") for _ in range(3)]
    assert {one.status for one in answers} == {200, 429}
    assert answers[-1].error[0] == -1003
    assert "Retry-After" in answers[-1].headers


def test_a_revoked_key_is_refused_soon(exchange: Exchange) -> None:
    clock = WorkingClock(exchange)
    api = started_binance_api(clock)
    client = BinanceClient(api, clock, keep_key(ALICE))
    assert client.signed("GET", "/api/v3/account").status == 200
    exchange._dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": str(ALICE)}, "sk": {"S": f"key#{client.key.name}"}},
        UpdateExpression="SET revoked_at_ms = :at",
        ExpressionAttributeValues={":at": {"N": str(clock.now_ms())}},
    )
    clock.slept_ms += 10_000
    assert seen(client.signed("GET", "/api/v3/account")) == BAD_KEY


def test_nothing_is_said_of_a_key_to_who_has_not_signed(exchange: Exchange) -> None:
    clock = WorkingClock(exchange)
    api = started_binance_api(clock)
    revoked = BinanceClient(api, clock, keep_key(BOB, revoked_at_ms=NOON_MS - 1))
    text = query(revoked)
    answer = ask(revoked, f"{text}&signature={sign('other')}", **{"x-mbx-apikey": revoked.key.id})
    assert seen(answer) == WRONG
