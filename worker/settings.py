"""What the worker is told by its environment (read by `bursa.kernel.settings`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Of one worker process; a field's name in capitals is the variable that sets it.

    Attributes
    ----------
    lease_ms
        How long a leader that has gone silent keeps its standby waiting.
    visibility_s
        How long a dead leader's messages stay out of reach; longer than any message is held.
    receive_wait_s
        How long an idle receive waits; a stop may take as long.
    receivers
        Receives in flight while there is much to receive.
    held_messages_max
        Messages in memory; beyond it the worker receives no more.
    snapshot_commands, snapshot_s, snapshots_kept
        When a snapshot is due, and how many stay.
    probed_from_receive
        A message that has been received so often is tried in a child process first; far above what
        failovers give, whose every one costs a receive.
    engine
        ``core`` or ``reference``.

    """

    command_queue_url: str
    journal_table: str
    answers_table: str
    progress_table: str
    snapshot_bucket: str
    shard: int = 0
    lease_ms: int = 5_000
    poll_ms: int = 500
    visibility_s: int = 8
    receive_wait_s: int = 1
    receivers: int = 3
    held_messages_max: int = 2_000
    snapshot_commands: int = 500_000
    snapshot_s: int = 600
    snapshots_kept: int = 4
    heartbeat_s: int = 10
    probed_from_receive: int = 8
    engine: str = "core"
    bursa_version: str = "development"
    powertools_metrics_namespace: str = "Bursa"
