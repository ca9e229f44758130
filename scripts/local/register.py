"""The processes of an exchange, on disk for the next command, and a lock between commands."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from scripts.local import private
from scripts.local.environment import LocalError
from scripts.local.processes import Process, is_alive


class Register:
    """The processes of one local exchange."""

    def __init__(self, home: Path) -> None:
        self._path = home / "processes.json"

    def all(self) -> list[Process]:
        """Return every process registered, dead or alive, in the order of their start."""
        try:
            rows = json.loads(self._path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return []
        return [Process(**row) for row in rows]

    def running(self, name: str) -> Process | None:
        """Return the live process of this name."""
        for process in self.all():
            if process.name == name and is_alive(process):
                return process
        return None

    def add(self, process: Process) -> None:
        """Register a process, instead of an earlier one of its name."""
        others = [other for other in self.all() if other.name != process.name]
        self._write([*others, process])

    def remove(self, name: str) -> None:
        """Remove the process of a name."""
        self._write([process for process in self.all() if process.name != name])

    @contextlib.contextmanager
    def during(self, process: Process) -> Iterator[None]:
        """Register a process for a block, at whose end it has ended."""
        self.add(process)
        try:
            yield
        finally:
            self.remove(process.name)

    def clear(self) -> None:
        """Remove all of them."""
        self._path.unlink(missing_ok=True)

    def _write(self, processes: list[Process]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private.write(self._path, json.dumps([asdict(process) for process in processes], indent=2))


@contextlib.contextmanager
def only_one(path: Path, activity: str) -> Iterator[None]:
    """Hold a lock file; raises `LocalError` when another command holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path, blocking=False).acquire()
    except Timeout:
        raise LocalError(f"Another command is {activity} here; wait until it is done.") from None
    with lock:
        yield


def is_held(path: Path) -> bool:
    """Return whether a command holds a lock file."""
    try:
        with only_one(path, ""):
            return False
    except LocalError:
        return True


@contextlib.contextmanager
def one_after_another(path: Path) -> Iterator[None]:
    """Hold a lock file; waits while another command holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield
