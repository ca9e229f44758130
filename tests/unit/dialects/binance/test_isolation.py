"""Two tenants by the Binance dialect, with the same markets, accounts and client order ids."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.binance import BinanceClient, keep_key
from tests.doubles.exchange import TENANT, Exchange, WorkingClock
from tests.unit.conftest import opened
from tests.unit.dialects.binance.conftest import started_binance_api
from wire import codec
from wire import layout as w

OTHER = TenantId(2)
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "newClientOrderId": "mine",
}
BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")


class Brands(NamedTuple):
    ours: BinanceClient
    theirs: BinanceClient
    orders: dict[str, int]


def open_other(exchange: Exchange) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"
    directory.add_tenant(TenantProfile(OTHER, 0, "other", issuer, frozenset({"other"})))
    for tenant in (TENANT, OTHER):
        directory.add_host(tenant, f"api.{tenant}.example")
    exchange.commit(
        [
            codec.encode_define_asset(11, OTHER.number, 8, "BTC"),
            codec.encode_define_asset(12, OTHER.number, 8, "USDT"),
            codec.encode_define_asset(13, OTHER.number, 8, "XMR"),
            codec.encode_define_market(
                21, OTHER.number, 11, 12, lot_units=1, tick_units=1, symbol="BTC-USDT"
            ),
            codec.encode_define_market(
                22, OTHER.number, 13, 12, lot_units=1, tick_units=1, symbol="XMR-USDT"
            ),
            codec.encode_funds(w.COMMAND_CREDIT, AccountId(OTHER, 1).number, 12, 10**16),
        ]
    )


@pytest.fixture(scope="module")
def brands() -> Iterator[Brands]:
    with opened() as exchange:
        open_other(exchange)
        clock = WorkingClock(exchange)
        api = started_binance_api(clock)
        ours, theirs = (
            BinanceClient(api, clock, keep_key(AccountId(tenant, 1)), host=f"api.{tenant}.example")
            for tenant in (TENANT, OTHER)
        )
        orders = {}
        for name, client, price in (("ours", ours, "20000"), ("theirs", theirs, "10000")):
            placed = client.signed("POST", "/api/v3/order", **ORDER, price=price)
            assert placed.status == 200, placed
            orders[name] = placed.body["orderId"]
        yield Brands(ours, theirs, orders)


def test_a_host_shows_its_tenants_markets_and_books(brands: Brands) -> None:
    symbols, bids = [], []
    for client in (brands.ours, brands.theirs):
        info = client.public("/api/v3/exchangeInfo").body
        symbols.append([one["symbol"] for one in info["symbols"]])
        bids.append(client.public("/api/v3/depth", symbol="BTCUSDT").body["bids"][0][0])
    assert symbols == [["BTCUSDT", "BTCIDR"], ["BTCUSDT", "XMRUSDT"]]
    assert bids == ["20000.00000000", "10000.00000000"]
    hidden = brands.ours.public("/api/v3/depth", symbol="XMRUSDT")
    nowhere = brands.ours.public("/api/v3/depth", symbol="ZZZUSDT")
    assert hidden.error == nowhere.error == (-1121, "Invalid symbol.")


def test_the_same_id_is_another_order(brands: Brands) -> None:
    for name, client in (("ours", brands.ours), ("theirs", brands.theirs)):
        found = client.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
        assert found.body["orderId"] == brands.orders[name]


@pytest.mark.parametrize(("method", "code"), [("GET", -2013), ("DELETE", -2011)])
def test_anothers_order_is_as_one_that_never_was(brands: Brands, method: str, code: int) -> None:
    theirs = {"symbol": "BTCUSDT", "orderId": brands.orders["theirs"]}
    seen = brands.ours.signed(method, "/api/v3/order", **theirs)
    never = brands.ours.signed(method, "/api/v3/order", symbol="BTCUSDT", orderId=1)
    assert seen.status == never.status
    assert seen.error == never.error
    assert seen.error[0] == code
    left = brands.theirs.signed("GET", "/api/v3/openOrders").body
    assert [one["orderId"] for one in left] == [brands.orders["theirs"]]


def test_a_key_is_of_no_use_at_another_tenants_host(brands: Brands) -> None:
    stranger = BinanceClient(
        brands.ours.function, brands.ours.clock, brands.ours.key, host=f"api.{OTHER}.example"
    )
    for method, path in (("GET", "/api/v3/account"), ("DELETE", "/api/v3/openOrders")):
        refused = stranger.signed(method, path)
        assert (refused.status, refused.error) == (401, BAD_KEY)


def test_lists_have_ones_own(brands: Brands) -> None:
    for name, client in (("ours", brands.ours), ("theirs", brands.theirs)):
        listed = client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT").body
        assert [one["orderId"] for one in listed] == [brands.orders[name]]
    assets = brands.ours.signed("GET", "/sapi/v1/capital/config/getall").body
    assert "XMR" not in [one["coin"] for one in assets]
