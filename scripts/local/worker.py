"""The worker processes, one for each shard, with the same variables as on EC2."""

import re
import sys
from pathlib import Path

from bursa.intake.sqs import queue_url
from scripts.local import processes
from scripts.local.environment import LocalEnvironment
from scripts.local.processes import Process

# It drains its batches and leaves a checkpoint.
STOP_PATIENCE_S = 30.0

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def shards(stack_outputs: dict[str, str]) -> list[int]:
    """Return the numbers of the deployment's shards."""
    return [int(number) for number in stack_outputs["Shards"].split(",")]


def variables(stack_outputs: dict[str, str]) -> dict[str, str]:
    """Return the stack's outputs as environment variables: JournalTable as JOURNAL_TABLE."""
    return {_WORD.sub("_", name).upper(): value for name, value in stack_outputs.items()}


def variables_of_shard(stack_outputs: dict[str, str], shard: int) -> dict[str, str]:
    """Return the variables of one shard's worker."""
    return variables(stack_outputs) | {
        "SHARD": str(shard),
        "COMMAND_QUEUE_URL": queue_url(stack_outputs["CommandQueueUrlPrefix"], shard),
        "FUNDS_QUEUE_URL": queue_url(stack_outputs["FundsQueueUrlPrefix"], shard),
        "TRANSFERS_QUEUE_URL": queue_url(stack_outputs["TransfersQueueUrlPrefix"], shard),
        "POWERTOOLS_METRICS_NAMESPACE": stack_outputs["MetricNamespace"],
    }


def name(shard: int) -> str:
    """Return the name of a shard's worker process."""
    return f"worker-{shard}"


def log(local: LocalEnvironment, shard: int) -> Path:
    """Return the file that a shard's worker writes to."""
    return local.logs / f"{name(shard)}.log"


def start(local: LocalEnvironment, stack_outputs: dict[str, str], shard: int) -> Process:
    """Start the worker of a shard."""
    environment = local.child_environment() | variables_of_shard(stack_outputs, shard)
    environment["PYTHONPATH"] = f"{local.root}:{local.root / 'layers' / 'core'}"
    environment["PYTHONUNBUFFERED"] = "1"
    # On EC2 its role says who calls; here all processes have the same keys.
    environment["AWS_SDK_UA_APP_ID"] = "Worker"
    return processes.start(
        name(shard),
        [sys.executable, "-m", "worker"],
        log=log(local, shard),
        environment=environment,
        folder=local.root,
    )


def stop(process: Process, *, at_once: bool = False) -> bool:
    """End a worker; return whether it ended by itself."""
    return processes.stop(process, 0.0 if at_once else STOP_PATIENCE_S)
