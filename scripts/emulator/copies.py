"""Copies of the emulator's state while it runs, so that a sudden end costs seconds, not all.

MiniStack saves its state only when it is asked to end. Here a forked child, which has the memory
of one moment, writes it with MiniStack's own functions, as Redis does in the background; the
parent goes on. Objects of S3 are files that are replaced, never changed, so a copy links to them.
A copy is complete when it has its final name; the last complete one is what a start can use.
"""

import asyncio
import contextlib
import gc
import logging
import os
import shutil
import signal
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# While there is traffic, a copy each few seconds; a large state is copied less often.
INTERVAL_S = 5.0
_INTERVAL_PER_SECOND_OF_COPYING = 5.0
# Leases are renewed and rows rewritten in place for ever; that alone is not worth more.
_INTERVAL_IDLE_S = 60.0
_INTERVAL_IDLE_PER_SECOND_OF_COPYING = 20.0
_POLL_S = 0.1
_CHILD_S_MAX = 300
_CHILD_NICENESS = 10
_COMPLETE, _EARLIER, _UNFINISHED = "complete", "earlier", "unfinished"

_logger = logging.getLogger("copies")


class State(Protocol):
    """What is copied: the memory of this process."""

    def version(self) -> int:
        """Return a number that is another one after a change worth a copy."""

    def write(self, folder: Path, earlier: Path) -> bool:
        """Write it into a folder, in a forked child; files of an earlier copy may be linked to."""


@dataclass(frozen=True, slots=True)
class Places:
    """What belongs to one state.

    Attributes
    ----------
    copies
        Folder of the copies.
    state
        Folder that MiniStack reads its state from when it starts.
    objects
        Folder of S3's objects, which MiniStack writes when it stores them.
    beside
        Files of others that are true of this state only; it is not copied while one is missing.

    """

    copies: Path
    state: Path
    objects: Path
    beside: tuple[Path, ...] = ()


class Copies:
    """Takes copies as long as the process runs."""

    def __init__(self, places: Places, state: State, interval_s: float = INTERVAL_S) -> None:
        self._places = places
        self._state = state
        self._interval_s = interval_s

    async def keep_copying(self) -> None:
        """Copy whenever something has changed, until cancelled."""
        copied, last, took_s = None, time.monotonic(), 0.0
        while True:
            await asyncio.sleep(_POLL_S)
            wait_s = max(self._interval_s, _INTERVAL_PER_SECOND_OF_COPYING * took_s)
            if self._state.version() == copied:
                wait_s = max(_INTERVAL_IDLE_S, _INTERVAL_IDLE_PER_SECOND_OF_COPYING * took_s)
            began = time.monotonic()
            if began - last < wait_s or not all(path.exists() for path in self._places.beside):
                continue
            with _reported():
                version = self._state.version()
                if await self.copy():
                    copied = version
            last = time.monotonic()
            took_s = last - began

    async def copy(self) -> bool:
        """Take one copy; returns whether it is complete."""
        folder = self._places.copies
        fresh, complete = folder / _UNFINISHED, folder / _COMPLETE
        shutil.rmtree(fresh, ignore_errors=True)
        moment = time.time()
        # No request is served between the two, so objects and memory are of one moment.
        self._link(fresh)
        pid = _fork()
        if pid == 0:
            self._write_and_exit(fresh / "state", complete / "state")
        if not await _ended_well(pid):
            _logger.warning("The state was not copied; it is tried again.")
            return False
        os.utime(fresh, (moment, moment))
        shutil.rmtree(folder / _EARLIER, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            complete.rename(folder / _EARLIER)
        fresh.rename(complete)
        return True

    def _link(self, fresh: Path) -> None:
        """Begin a copy: S3's objects, what MiniStack writes at once, and the files beside."""
        fresh.mkdir(parents=True)
        places = self._places
        for source, name in ((places.objects, "s3"), (places.state, "state")):
            if source.exists():
                shutil.copytree(source, fresh / name, copy_function=_link_unless_written_anew)
        (fresh / "state").mkdir(exist_ok=True)
        for path in places.beside:
            shutil.copy2(path, fresh / path.name)

    def _write_and_exit(self, folder: Path, earlier: Path) -> None:
        """Write the state, in the child; never returns."""
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_CHILD_S_MAX)
            # Sockets and pipes are the parent's: when it is killed, they must close with it.
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            os.nice(_CHILD_NICENESS)
            gc.disable()
            logging.disable(logging.WARNING)
            status = 0 if self._state.write(folder, earlier) else 1
        finally:
            os._exit(status)


def restore(places: Places) -> float | None:
    """Put the last complete copy in the state's place; returns its time, None when there is none.

    The copy stays, so that a start that is cut off can use it again.
    """
    candidates = (places.copies / _COMPLETE, places.copies / _EARLIER)
    complete = next((path for path in candidates if path.exists()), None)
    if complete is None:
        return None
    moment = complete.stat().st_mtime
    for target, name in ((places.objects, "s3"), (places.state, "state")):
        shutil.rmtree(target, ignore_errors=True)
        if (complete / name).exists():
            shutil.copytree(complete / name, target)
    for path in places.beside:
        path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(complete / path.name, path)
    return moment


def forget(places: Places) -> None:
    """Remove all copies."""
    shutil.rmtree(places.copies, ignore_errors=True)


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Report what went wrong with a copy, and go on: the next one may succeed."""
    try:
        yield
    except Exception:
        _logger.exception("The state was not copied; it is tried again.")


def _link_unless_written_anew(source: str, target: str) -> None:
    """Link a file; what MiniStack saved when it last ended is written anew by the child."""
    if not (source.endswith(".json") and Path(target).parent.name == "state"):
        with contextlib.suppress(FileNotFoundError):
            os.link(source, target)


def _fork() -> int:
    with warnings.catch_warnings():
        # Other threads are not copied; what the child calls takes none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


async def _ended_well(pid: int) -> bool:
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
        if ended:
            return status == 0
        await asyncio.sleep(_POLL_S)
