"""A journal that takes nothing: the worker stays small, the door closes, nothing accepted is lost.

The real worker behind a proxy that throttles the journal's writes, and the real trading API.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.rig import Rig
from bursa.intake import backlog_sqs
from tests.integration.edge import BTC_USDT, LATER, Edge, account, command_bytes, message
from tests.integration.storm import decisions, set_rules, start_proxy, wait_until_done
from tests.simulation.workload import ClientMessage
from tests.unit.conftest import Response
from wire import codec
from wire import layout as w

if TYPE_CHECKING:
    import subprocess

HELD_MAX, RECEIVERS, MESSAGES_PER_RECEIVE = 40, 3, 10
IN_FLIGHT_MAX = HELD_MAX + RECEIVERS * MESSAGES_PER_RECEIVE
DEPTH_MAX, AGE_MS_MAX, NO_LIMIT = 150, 4_000, str(1 << 40)
ACCOUNTS, CROWD, COMMANDS_PER_MESSAGE = 30, 1_500, 50
# What the worker may hold is under 1 MB, and the 3,500 commands of it that the engine may have
# applied each touch a page of the memory of ids, 14 MB. All that waits is over 13 MB more before it
# is decoded.
GROWTH_MB_MAX = 24
THROTTLED: dict[str, object] = {
    "service": "dynamodb",
    "operation": "PutItem",
    "resource": "journal",
    "error": {"code": "ProvisionedThroughputExceededException"},
}
# Too much waits: of everybody, or, where the machine is slow, of the account alone.
REFUSED = {429, 503}


class Door:
    """Users who place orders, and the responses they got."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._count = 0
        self.accepted: set[bytes] = set()
        self.refused: list[tuple[int, dict[str, str]]] = []

    def knock(self) -> Response:
        self._count += 1
        order = {
            "market": "BTC-USDT",
            "side": "buy" if self._count % 2 else "sell",
            "type": "limit",
            "price": f"{1 + self._count % 7}",
            "quantity": "0.001",
            "client_order_id": f"order-{self._count}",
        }
        response = self.send(self._count, order)
        if response.status in REFUSED:
            self.refused.append((self._count, order))
        return response

    def send(self, number: int, order: dict[str, str]) -> Response:
        sender = account(1 + number % ACCOUNTS)
        response = self._edge.place(sender, order, LATER)
        assert response.status in {201, 202} | REFUSED
        if response.status not in REFUSED:
            self.accepted.add(command_bytes(sender, order["client_order_id"]))
        return response

    def knock_until(self, done: Callable[[Response], bool], seconds: float) -> Response:
        deadline = time.monotonic() + seconds
        while not done(response := self.knock()):
            assert time.monotonic() < deadline, response
            time.sleep(0.002 if response.status == 202 else 0.1)
        return response

    def insist(self, number: int, order: dict[str, str]) -> None:
        """Send what was refused again, as the response says, until it is accepted."""
        deadline = time.monotonic() + 60
        while self.send(number, order).status in REFUSED:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def names_refused(self) -> set[bytes]:
        return {
            command_bytes(account(1 + number % ACCOUNTS), order["client_order_id"])
            for number, order in self.refused
        }


def crowd() -> Iterator[ClientMessage]:
    """What other containers have accepted meanwhile: batches of orders, each of an account."""
    for number in range(CROWD):
        sender = account(1_000 + number)
        commands = [
            codec.encode_place(
                sender.number,
                BTC_USDT,
                w.SIDE_BUY,
                1,
                1,
                time_in_force=w.TIF_IOC,
                command_id=(sender.number, 1 + position),
                time_ms=time.time_ns() // 1_000_000,
            )
            for position in range(COMMANDS_PER_MESSAGE)
        ]
        yield message(f"{1_000 + number:032x}", sender, commands)


def send_all(rig: Rig, messages: list[ClientMessage]) -> None:
    sqs = rig.client("sqs")
    for start in range(0, len(messages), 10):
        entries = [
            {
                "Id": one.message_id,
                "MessageBody": one.body,
                "MessageGroupId": f"t1-{one.account & 0xFFFFFFFF}",
                "MessageDeduplicationId": one.message_id,
            }
            for one in messages[start : start + 10]
        ]
        assert not sqs.send_message_batch(QueueUrl=rig.queue_url, Entries=entries).get("Failed")


def memory_mb(worker: "subprocess.Popen[bytes]") -> float:
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def in_flight(rig: Rig) -> int:
    attributes = rig.client("sqs").get_queue_attributes(
        QueueUrl=rig.queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessagesNotVisible"])


def start_worker(rig: Rig, endpoint: str) -> "subprocess.Popen[bytes]":
    return rig.worker(
        "worker",
        endpoint,
        HELD_MESSAGES_MAX=str(HELD_MAX),
        RECEIVERS=str(RECEIVERS),
        # Nothing comes back while it is held: what is in flight is what the worker holds.
        VISIBILITY_S="60",
        LEASE_MS="3000",
        POLL_MS="200",
    )


def test_a_stalled_journal_closes_the_door_and_loses_nothing_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog_sqs, "READ_EVERY_MS", 100)
    with Rig() as rig:
        endpoint = start_proxy(rig)
        worker = start_worker(rig, endpoint)
        edge = Edge(rig, monkeypatch, QUEUE_DEPTH_MAX=str(DEPTH_MAX), QUEUE_AGE_MS_MAX=NO_LIMIT)
        first = edge.open(ACCOUNTS)
        door = Door(edge)
        assert {door.knock().status for _ in range(20)} == {202}
        wait_until_done(rig, door.accepted)
        calm_mb = memory_mb(worker)

        set_rules(endpoint, [THROTTLED])
        full = door.knock_until(lambda response: response.status == 503, 60)
        others = list(crowd())
        send_all(rig, others)
        edge.start_trading_api(QUEUE_DEPTH_MAX=NO_LIMIT, QUEUE_AGE_MS_MAX=str(AGE_MS_MAX))
        slow = door.knock_until(lambda response: response.status == 503, 60)

        assert [response.body["code"] for response in (full, slow)] == ["queue_full", "queue_slow"]
        assert all(5 <= int(response.headers["Retry-After"]) <= 60 for response in (full, slow))
        assert HELD_MAX <= in_flight(rig) <= IN_FLIGHT_MAX
        assert memory_mb(worker) - calm_mb < GROWTH_MB_MAX

        set_rules(endpoint, [])
        door.knock_until(lambda response: response.status == 202, 60)
        never_sent = door.names_refused()
        for number, order in door.refused[:5]:
            door.insist(number, order)
        wanted = door.accepted.union(*(one.command_ids for one in [*first, *others]))
        records = wait_until_done(rig, wanted)
        worker.terminate()
        assert worker.wait(10) == 0

    decided = decisions(records)
    assert wanted - {bytes(16)} <= decided.keys()
    assert not (never_sent - door.accepted) & decided.keys()
