"""The worker process of one shard: `python -m worker`.

Reads its settings from the environment (`python -m worker --help` lists them), rebuilds the
shard's state from the newest checkpoint and the journal, stands by until it holds the lease, and
then sequences commands until SIGTERM or SIGINT. On either it drains, hands over, stores a
checkpoint and ends.

Exit status: 0 stopped, 2 wrong settings, 70 the stored state does not add up (a restart will not
help; a person must look), 1 anything else.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from dataclasses import MISSING, fields
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.clients import worker_client
from bursa.aws.xray import XrayAgent
from bursa.intake.dynamodb import DynamoReplyWriter
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.sqs import SqsCommandReceiver
from bursa.journal.archive import Archiver
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.checkpoint_s3 import S3Checkpoints
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.journal.record import RecordError
from bursa.journal.replica import JournalBroken
from bursa.kernel.settings import SettingsError, read_settings
from worker import threads
from worker.capture import system_capture
from worker.engines import NamedEngines
from worker.ports import Ports
from worker.probe import system_probe
from worker.sequencer import InvariantBroken
from worker.settings import WorkerSettings
from worker.shard import ShardWorker
from worker.telemetry import LogTelemetry

EXIT_SETTINGS = 2
EXIT_STATE = 70


def main(arguments: list[str] | None = None) -> int:
    """Run the worker; returns the exit status."""
    _parser().parse_args(arguments)
    try:
        settings = read_settings(WorkerSettings)
        engines = NamedEngines(settings.engine)
    except (SettingsError, ValueError, ImportError) as error:
        return _fail(str(error), EXIT_SETTINGS)
    clock = threads.SystemClock()
    telemetry = LogTelemetry(
        clock,
        settings.powertools_metrics_namespace,
        settings.shard,
        traces=XrayAgent(settings.aws_xray_daemon_address, os.urandom),
    )
    telemetry.event("Starting", version=settings.bursa_version, engine=settings.engine)
    try:
        asyncio.run(_run(settings, engines, clock, telemetry))
    except (JournalBroken, RecordError) as error:
        telemetry.alarm("JournalBroken", str(error))
        return _fail(f"The journal of shard {settings.shard} is broken: {error}", EXIT_STATE)
    except InvariantBroken as error:
        return _fail(f"Shard {settings.shard} was stopped: {error}", EXIT_STATE)
    except (BotoCoreError, ClientError) as error:
        return _fail(f"AWS refused what the worker needs: {error}", 1)
    telemetry.event("Stopped")
    return 0


def _parser() -> argparse.ArgumentParser:
    rows = [
        f"  {field.name.upper():30} "
        + ("required" if field.default is MISSING else f"default {field.default!r}")
        for field in fields(WorkerSettings)
    ]
    return argparse.ArgumentParser(
        prog="python -m worker",
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="Environment:\n" + "\n".join(rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _fail(sentence: str, status: int) -> int:
    sys.stderr.write(f"worker: {sentence}\n")
    return status


async def _run(
    settings: WorkerSettings,
    engines: NamedEngines,
    clock: threads.SystemClock,
    telemetry: LogTelemetry,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    worker = ShardWorker(
        _ports(settings, engines, clock, telemetry), settings, stop, reclaim=gc.collect
    )
    # What is alive now stays alive: scanning it again and again would only cost pauses.
    gc.collect()
    gc.freeze()
    heartbeat = asyncio.create_task(_heartbeat(worker, telemetry, clock, settings.heartbeat_s))
    try:
        await worker.run()
    finally:
        heartbeat.cancel()
        telemetry.heartbeat(**worker.status())


async def _heartbeat(
    worker: ShardWorker, telemetry: LogTelemetry, clock: threads.SystemClock, every_s: float
) -> None:
    while True:
        await clock.sleep(every_s)
        worker.measure_role()
        telemetry.heartbeat(**worker.status())


def _ports(
    settings: WorkerSettings,
    engines: NamedEngines,
    clock: threads.SystemClock,
    telemetry: LogTelemetry,
) -> Ports:
    dynamodb: Any = worker_client("dynamodb")
    sqs: Any = worker_client("sqs")
    s3: Any = worker_client("s3")

    def queue(url: str, kind: QueueKind, receivers: int, deleters: int) -> threads.ThreadedQueue:
        wait_s, visibility_s = settings.receive_wait_s, settings.visibility_s
        receiver = SqsCommandReceiver(sqs, url, kind, wait_s=wait_s, visibility_s=visibility_s)
        return threads.ThreadedQueue(receiver, receivers, deleters)

    return Ports(
        queues={
            QueueKind.TRADING: queue(
                settings.command_queue_url,
                QueueKind.TRADING,
                settings.receivers,
                settings.deleters,
            ),
            QueueKind.FUNDS: queue(settings.funds_queue_url, QueueKind.FUNDS, 1, 1),
            QueueKind.TRANSFERS: queue(settings.transfers_queue_url, QueueKind.TRANSFERS, 1, 1),
        },
        journal=threads.ThreadedJournal(
            DynamoJournal(dynamodb, settings.journal_table, settings.shard)
        ),
        replies=threads.ThreadedReplies(
            DynamoReplyWriter(dynamodb, settings.replies_table), settings.writers
        ),
        leases=threads.ThreadedLeases(
            DynamoLeases(dynamodb, settings.progress_table, settings.shard)
        ),
        checkpoints=threads.ThreadedCheckpoints(
            S3Checkpoints(s3, settings.checkpoint_bucket, settings.shard, settings.archive_bucket)
        ),
        archive=threads.ThreadedArchiver(
            Archiver(
                DynamoJournal(dynamodb, settings.journal_table, settings.shard),
                S3Archive(s3, settings.archive_bucket, settings.shard),
            )
        ),
        capture=system_capture(),
        engines=engines,
        clock=clock,
        telemetry=telemetry,
        random_bytes=os.urandom,
        probe=system_probe(),
    )


if __name__ == "__main__":
    sys.exit(main())
