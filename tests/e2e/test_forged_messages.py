"""What a stolen role could put into the trading queue, and that nothing comes of it."""

import json
import secrets
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import boto3
import pytest

from bursa.intake.message import MESSAGE_VERSION
from bursa.kernel.identifiers import AccountId
from scripts.client import Client, Deployment
from tests.e2e.test_trading import balances, in_step, limit, read_until
from wire import codec
from wire import layout as w


class Thief:
    """Sends to the trading queue whatever it likes."""

    def __init__(self, exchange: Deployment) -> None:
        self._sqs: Any = boto3.client(
            "sqs",
            region_name=exchange.region,
            endpoint_url=exchange.endpoint_url,
            aws_access_key_id=exchange.access_key_id,
            aws_secret_access_key=exchange.secret_access_key,
        )
        self._url = self._sqs.get_queue_url(QueueName="bursa-commands-0.fifo")["QueueUrl"]

    def send(self, group: str, account: object, command: bytes) -> None:
        message_id = secrets.token_hex(16)
        body = {
            "message_id": message_id,
            "account": account,
            "commands": b64encode(command).decode(),
            "reply": True,
            "version": MESSAGE_VERSION,
        }
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps(body),
            MessageGroupId=group,
            MessageDeduplicationId=message_id,
        )


def test_forged_messages_change_nothing_and_stop_nobody(
    exchange: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alice, bob = (Client(exchange, user) for user in exchange.users[:2])
    in_step(alice)
    before = balances(alice), balances(bob)
    log = tmp_path_factory.getbasetemp() / "exchange0" / "logs" / "worker-0.log"
    rejected = poison_messages(log)

    thief = Thief(exchange)
    mine = AccountId.parse(alice.user.account)
    victim = AccountId.parse(bob.user.account)
    user, operator = (kind << w.ACTOR_KIND_SHIFT for kind in (w.ACTOR_USER, w.ACTOR_OPERATOR))
    name, now_ms = (7, secrets.randbits(62)), time.time_ns() // 1_000_000
    steal = codec.encode_funds(
        w.COMMAND_TRANSFER,
        victim.number,
        1,
        1,
        to_account=mine.number,
        command_id=name,
        time_ms=now_ms,
        actor=operator,
    )
    mint = codec.encode_funds(
        w.COMMAND_CREDIT, mine.number, 1, 10**15, command_id=name, time_ms=now_ms, actor=operator
    )
    in_his_name = codec.encode_place(
        victim.number, 1, w.SIDE_SELL, 1, 1, command_id=name, time_ms=now_ms, actor=user
    )
    as_operator = codec.encode_place(
        mine.number, 1, w.SIDE_SELL, 1, 1, command_id=name, time_ms=now_ms, actor=operator
    )
    thief.send(str(mine), mine.number, mint)
    thief.send(str(mine), mine.number, steal)
    thief.send(str(victim), victim.number, steal)
    thief.send(str(mine), mine.number, in_his_name)
    thief.send(str(mine), victim.number, in_his_name)
    thief.send(str(mine), mine.number, as_operator)
    for account in (0, -1, 10**30):
        thief.send(str(mine), account, mint)

    read_until(lambda: poison_messages(log) - rejected, lambda count: count >= 9)
    order = alice.call("POST", "/orders", json=limit("buy", "100.00", "1"))
    assert order["status"] == "open"
    alice.call("DELETE", f"/orders/{order['order_id']}")
    in_step(alice)
    assert (balances(alice), balances(bob)) == before


def poison_messages(log: Path) -> int:
    """Add up the metric in the worker's log."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return round(sum(sum(line["PoisonMessage"]) for line in lines if "PoisonMessage" in line))
