"""After real trading, the journal gives the very rows that are live."""

import json
import secrets

import boto3
import pytest

from scripts import rebuild
from scripts.client import Client, Deployment

MARKET = "ETH-USDT"
STACK = "bursa"


def test_rebuilt_rows_equal_the_live_ones(
    exchange: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = Client(exchange, exchange.users[0])
    for side in ("buy", "sell", "buy"):
        order = {"market": MARKET, "side": side, "type": "limit", "price": "100", "quantity": "1"}
        order |= {"client_order_id": secrets.token_hex(8), "self_trade_prevention": "none"}
        alice.call("POST", "/orders", json=order)
    alice.call("DELETE", "/orders", params={"market": MARKET})
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(exchange.endpoint_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(exchange.access_key_id))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(exchange.secret_access_key))
    # One that another test has used keeps the credentials that it found then.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    status = rebuild.main(["--stack", STACK, "--region", exchange.region, "--compare", "--json"])

    printed = capsys.readouterr()
    assert printed.out, printed.err
    found = json.loads(printed.out)
    assert found["first_differences"] == []
    assert status == 0
    assert found["rows"]["fills"] >= 2
