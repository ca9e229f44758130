"""Messages go to the queue of their tenant's shard, and to no other."""

from dataclasses import dataclass, field

import pytest

from bursa.intake.message import CommandMessage
from bursa.intake.shard_queues import ShardQueues
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, TenantId

SHARDS = {TenantId(1): 0, TenantId(2): 1, TenantId(3): 1}


@dataclass
class FakeQueue:
    fault: Exception | None = None
    sent: list[str] = field(default_factory=list)

    def send(self, message: CommandMessage) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(message.message_id)


def message(tenant: int, name: str) -> CommandMessage:
    return CommandMessage(name, AccountId(TenantId(tenant), 1).number, b"")


def test_each_tenants_messages_go_to_its_shard() -> None:
    opened: dict[int, FakeQueue] = {}

    def open_queue(shard: int) -> FakeQueue:
        assert shard not in opened
        return opened.setdefault(shard, FakeQueue())

    queues = ShardQueues(SHARDS.__getitem__, open_queue)
    for tenant, name in ((1, "a"), (2, "b"), (3, "c"), (1, "d")):
        queues.send(message(tenant, name))

    assert {shard: queue.sent for shard, queue in opened.items()} == {0: ["a", "d"], 1: ["b", "c"]}


def test_a_full_shard_refuses_its_own_tenants_only() -> None:
    full = Unavailable("queue_full", "Wait.")
    opened = {0: FakeQueue(full), 1: FakeQueue()}
    queues = ShardQueues(SHARDS.__getitem__, opened.__getitem__)

    with pytest.raises(Unavailable, match="Wait"):
        queues.send(message(1, "a"))
    queues.send(message(2, "b"))
    assert opened[1].sent == ["b"]
