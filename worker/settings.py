"""What the worker reads from its environment (by `bursa.kernel.settings`), with every default."""

from dataclasses import dataclass

from bursa.journal.record import PART_BYTES_MAX
from worker.intake import FUNDS_HELD_MAX

# A failover delivers a message once more; this often come only those that end their worker.
PROBED_FROM_RECEIVE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSettings:
    """Times and sizes of one shard's worker.

    Attributes
    ----------
    lease_ms
        How long a leader that has gone silent keeps its standby waiting.
    poll_ms
        How often a standby reads the journal and the lease.
    receivers, writers, deleters
        Receives, writes of replies and deletes in flight while there is much to do.
    held_messages_max
        Messages of the trading queue in memory, from receive to delete; beyond it the worker
        receives no more of them.
    held_funds_messages_max
        The same of the funds queue, and of the transfers queue: each has room of its own.
    idle_tick_ms
        Engine time passes at least this often, for orders that expire.
    part_bytes
        A record's larger body is stored in parts of this size; never above the default.
    checkpoint_commands, checkpoint_s, checkpoints_kept
        When a checkpoint is due, and how many stay.
    archive_s
        How often the journal's head is published in the archive while it moves.
    probed_from_receive
        A message that has been received so often is tried in a child process first; far above what
        failovers give, whose every one costs a receive.

    """

    shard: int
    lease_ms: int = 5_000
    poll_ms: int = 500
    receivers: int = 3
    writers: int = 2
    deleters: int = 3
    held_messages_max: int = 2_000
    held_funds_messages_max: int = FUNDS_HELD_MAX
    idle_tick_ms: int = 1_000
    part_bytes: int = PART_BYTES_MAX
    checkpoint_commands: int = 500_000
    checkpoint_s: int = 600
    checkpoints_kept: int = 4
    archive_s: int = 300
    probed_from_receive: int = PROBED_FROM_RECEIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings(ShardSettings):
    """Of one worker process; a field's name in capitals is the variable that sets it.

    Attributes
    ----------
    command_queue_url, funds_queue_url, transfers_queue_url
        The shard's trading queue, its funds queue and its transfers queue.
    visibility_s
        How long a dead leader's messages stay out of reach; longer than any message is held.
    receive_wait_s
        How long an idle receive waits; a stop may take as long.
    engine
        ``core`` or ``reference``.
    powertools_metrics_namespace
        Of this deployment alone, so that its alarms hear no other.
    aws_xray_daemon_address
        Where the agent that takes segments of traces listens; empty for no traces.

    """

    command_queue_url: str
    funds_queue_url: str
    transfers_queue_url: str
    journal_table: str
    replies_table: str
    progress_table: str
    checkpoint_bucket: str
    archive_bucket: str
    powertools_metrics_namespace: str
    visibility_s: int = 8
    receive_wait_s: int = 1
    heartbeat_s: int = 10
    engine: str = "core"
    bursa_version: str = "development"
    aws_xray_daemon_address: str = ""
