"""What few clients ask for, on the whole exchange: here each right of a role is made use of."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests

from scripts.client import Client, Deployment, Json
from scripts.local.worker import variables_of_shard
from tests.doubles.local_exchange import ROOT, variables_of_tools

MARKET = "ETH-USDT"
PRICE = "100"  # where the other tests trade, within the collar
PATIENCE_S = 30.0


@pytest.fixture
def alice(exchange: Deployment) -> Iterator[Client]:
    client = Client(exchange, exchange.users[0])
    client.call("DELETE", "/orders")
    yield client
    client.call("DELETE", "/orders")


def order(side: str, quantity: str) -> Json:
    plain = {"market": MARKET, "side": side, "type": "limit", "price": PRICE}
    mine = {"quantity": quantity, "self_trade_prevention": "none"}
    return plain | mine | {"client_order_id": secrets.token_hex(8)}


def read_until(read: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := read()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_an_order_that_was_filled_in_part_is_listed_among_the_open_ones(alice: Client) -> None:
    def resting(status: str) -> list[Json]:
        items = alice.call("GET", "/orders", params={"status": status})["items"]
        return [one for one in items if one["order_id"] == placed["order_id"]]

    placed = alice.call("POST", "/orders", json=order("sell", "3"))
    # Until it is stored, so that the next change is one of a stored row.
    read_until(lambda: resting("open"))
    alice.call("POST", "/orders", json=order("buy", "1"))
    [row] = read_until(lambda: [one for one in resting("open") if one["filled_quantity"] == "1"])
    assert row["status"] == "partially_filled"
    fills = alice.call("GET", "/fills", params={"market": MARKET})["items"]
    assert placed["order_id"] in [one["order_id"] for one in fills]


def test_a_key_of_a_batch_of_known_orders_is_used_up(alice: Client) -> None:
    operation = {"op": "place"} | order("sell", "1")
    alice.call("POST", "/orders/batch", json={"operations": [operation]})
    key = {"Idempotency-Key": secrets.token_hex(8)}
    alice.call("POST", "/orders/batch", json={"operations": [operation]}, headers=key)
    other = {"operations": [{"op": "place"} | order("sell", "1")]}
    refused = alice.send("POST", "/orders/batch", json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")


def test_the_tenant_of_a_public_request_may_be_named(exchange: Deployment) -> None:
    url = f"{exchange.rest_url}/markets"
    named = requests.get(url, headers={"X-Tenant": "t1"}, timeout=30)
    assert MARKET in [one["market"] for one in named.json()["items"]], named.text
    assert requests.get(url, headers={"X-Tenant": "t99"}, timeout=30).status_code == 404
    public = requests.get(f"{exchange.rest_url}/tenant", timeout=30).json()
    assert (public["name"], public["state"]) == ("demo", "active")


def test_a_standby_archives_the_journal_and_the_audit_finds_it_whole(exchange: Deployment) -> None:
    variables = variables_of_tools(exchange, "Worker")
    variables |= variables_of_shard(exchange.stack_outputs, 0) | {"ARCHIVE_S": "1"}
    s3: Any = aws(exchange, "s3")
    heads = {"Bucket": exchange.stack_outputs["ArchiveBucket"], "Prefix": "archive/0/heads/"}
    command = [sys.executable, "-m", "worker"]
    standby = subprocess.Popen(  # noqa: S603 - this project's own module
        command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL
    )
    try:
        read_until(lambda: s3.list_objects_v2(**heads).get("Contents"))
    finally:
        standby.terminate()
        standby.wait(PATIENCE_S)
    functions: Any = aws(exchange, "lambda")
    pages = functions.get_paginator("list_functions").paginate()
    [name] = [
        one["FunctionName"]
        for page in pages
        for one in page["Functions"]
        if "JournalAudit" in one["FunctionName"]
    ]
    response = functions.invoke(FunctionName=name, Payload=b"{}")
    assert json.loads(response["Payload"].read()) == {"0": True}


def aws(exchange: Deployment, service: str) -> Any:
    client: Any = boto3.client  # its overloads know services by name only
    return client(
        service,
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )
