"""The queues of all shards, behind the port of one; a process sends to one kind of them only."""

from collections.abc import Callable

from bursa.intake.message import CommandMessage
from bursa.intake.submission import CommandQueue
from bursa.kernel.identifiers import AccountId, TenantId


class ShardQueues:
    """Hands each message to the queue of its tenant's shard.

    Parameters
    ----------
    shard_of
        Returns a tenant's shard; raises `Unavailable` or `InternalError`.
    open_queue
        Opens a shard's queue; called once for each shard that is met.

    """

    def __init__(
        self, shard_of: Callable[[TenantId], int], open_queue: Callable[[int], CommandQueue]
    ) -> None:
        self._shard_of = shard_of
        self._open_queue = open_queue
        self._queues: dict[int, CommandQueue] = {}

    def send(self, message: CommandMessage) -> None:
        """Hand in a message; raises what the shard's queue raises."""
        shard = self._shard_of(AccountId.from_number(message.account).tenant)
        queue = self._queues.get(shard)
        if queue is None:
            queue = self._queues[shard] = self._open_queue(shard)
        queue.send(message)
