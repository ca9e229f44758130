"""The worker process, told about the stack by the same variables as on EC2."""

import re
import sys
from pathlib import Path

from scripts.local import processes
from scripts.local.environment import LocalEnvironment
from scripts.local.processes import Process

NAME = "worker"
# It drains its batches and leaves a snapshot.
STOP_PATIENCE_S = 30.0

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def variables(stack_outputs: dict[str, str]) -> dict[str, str]:
    """Turn the stack's outputs into environment variables: JournalTable into JOURNAL_TABLE."""
    return {_WORD.sub("_", name).upper(): value for name, value in stack_outputs.items()}


def log(local: LocalEnvironment) -> Path:
    """Where the worker writes."""
    return local.logs / f"{NAME}.log"


def start(local: LocalEnvironment, stack_outputs: dict[str, str]) -> Process:
    """Start the worker."""
    environment = local.child_environment() | variables(stack_outputs)
    environment["PYTHONPATH"] = f"{local.root}:{local.root / 'layers' / 'core'}"
    environment["PYTHONUNBUFFERED"] = "1"
    return processes.start(
        NAME,
        [sys.executable, "-m", "worker"],
        log=log(local),
        environment=environment,
        folder=local.root,
    )


def stop(process: Process) -> bool:
    """End the worker; tells whether it ended by itself."""
    return processes.stop(process, STOP_PATIENCE_S)
