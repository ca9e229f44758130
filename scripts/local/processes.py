"""Child processes that outlive this one: started in sessions of their own, known by start time.

A process id is used again sooner or later, so a process is only ever touched when both its id and
its start time are those that were written down when it was started.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from scripts.local import private
from scripts.local.interruptions import held_back

_POLL_S = 0.05
_INTERRUPTED_PATIENCE_S = 5.0
_GONE = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started here.

    Attributes
    ----------
    name
        What it is, for people.
    pid
        Its process id.
    started
        Seconds from the machine's start to its own; unlike a time of day, no clock changes it.

    """

    name: str
    pid: int
    started: str


def start(
    name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path
) -> Process:
    """Start a process in a session of its own, so that a terminal's Ctrl-C does not reach it."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with private.append(log) as output:
        child = subprocess.Popen(  # noqa: S603 - the commands are this project's own
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=private.UMASK,
        )
    # The kernel's exit status is collected by _reap; Popen must not warn when it is forgotten.
    child.returncode = 0
    return named(name, child.pid)


def named(name: str, pid: int) -> Process:
    """Return a process that has just been started, by its id."""
    return Process(name, pid, _start_of(pid) or "")


def is_alive(process: Process) -> bool:
    """Return whether the process with this id and this start time still runs."""
    _reap(process.pid)
    return bool(process.started) and _start_of(process.pid) == process.started


def run(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    began: Callable[[Process], None] = lambda _: None,
) -> int:
    """Run a process to its end and return its exit status; an interruption ends it too.

    `began` hears of it at once, so that somebody knows of it when this process is killed.
    """
    process = None
    try:
        with held_back():
            process = start(name, command, log=log, environment=environment, folder=folder)
            began(process)
        _, status = os.waitpid(process.pid, 0)
    except BaseException:
        if process is not None:
            stop(process, _INTERRUPTED_PATIENCE_S)
        raise
    return os.waitstatus_to_exitcode(status)


def stop(process: Process, patience_s: float) -> bool:
    """Ask a process to end, and kill it after a while; also ends what it left in its session.

    Returns
    -------
    bool
        Whether it ended by itself once asked; False when it was gone already or had to be killed.

    """
    gracefully = False
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        gracefully = _wait(process, patience_s)
    _kill_session(process, patience_s)
    return gracefully


def _wait(process: Process, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _kill_session(process: Process, patience_s: float) -> None:
    """Kill what is left of a process's session, unless another process has its id by now."""
    deadline = time.monotonic() + patience_s
    while _start_of(process.pid) in {None, process.started} and time.monotonic() < deadline:
        members = list(_session_members(process.pid))
        if not members:
            return
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap(process.pid)
        time.sleep(_POLL_S)


def _session_members(session: int) -> Iterator[int]:
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == session and _start_of(pid) is not None:
                yield pid


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _start_of(pid: int) -> str | None:
    """Return when a process that runs was started, as `Process.started`; None when none does."""
    try:
        process = psutil.Process(pid)
        if process.status() in _GONE:
            return None
        # Both move when the wall clock is set; their difference does not.
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except psutil.NoSuchProcess:
        return None
