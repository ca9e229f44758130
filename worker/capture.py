"""Copies of a running engine's state."""

import asyncio
import os
import sys
import tempfile
import warnings
from typing import BinaryIO

from bursa.journal.checkpoint import state_hash
from bursa.journal.replica import Engine
from worker.huge_pages import restore_huge_pages, return_free_memory

_NICENESS = 5


class CaptureFailed(Exception):  # noqa: N818 - what it means to the caller
    """Raised when a copy was not made; the next one may be."""


class CopyCapture:
    """Copies at once; good while the state is small."""

    def capture(self, engine: Engine) -> asyncio.Future[bytes]:
        """See `worker.ports.StateCapture`."""
        copied: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        copied.set_result(engine.checkpoint())
        return copied

    async def hash(self, state: bytes) -> bytes:
        """See `worker.ports.StateCapture`."""
        return state_hash(state)

    async def prepare(self) -> None:
        """See `worker.ports.StateCapture`."""


class ForkCapture:
    """Writes the state in a forked child: the parent waits for the fork only.

    The kernel shares the memory until one of the two writes to it, so the child sees the engine
    as it was, however long it takes. The child touches nothing but the engine and its file: after
    a fork in a process with threads nothing else is safe. What the parent writes meanwhile is
    copied page by page, so it is slower until the child has ended (`Leader` takes smaller turns).
    """

    def capture(self, engine: Engine) -> asyncio.Future[bytes]:
        """See `worker.ports.StateCapture`."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by its reader
        with warnings.catch_warnings():
            # Python warns of forks in processes with threads; see above why this one is safe.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _write_and_exit(engine, file)
        return asyncio.get_running_loop().run_in_executor(None, _collect, child, file)

    async def hash(self, state: bytes) -> bytes:
        """See `worker.ports.StateCapture`."""
        return await asyncio.get_running_loop().run_in_executor(None, state_hash, state)

    async def prepare(self) -> None:
        """See `worker.ports.StateCapture`: a rebuild leaves much free memory in small pages."""
        await asyncio.get_running_loop().run_in_executor(None, return_free_memory)


def _write_and_exit(engine: Engine, file: BinaryIO) -> None:
    status = 1
    try:
        os.nice(_NICENESS)
        state = memoryview(engine.checkpoint())
        while state:
            state = state[os.write(file.fileno(), state) :]
        status = 0
    finally:
        os._exit(status)


def _collect(child: int, file: BinaryIO) -> bytes:
    with file:
        _, status = os.waitpid(child, 0)
        # So that the next fork is as short as this one was.
        restore_huge_pages()
        if status != 0:
            raise CaptureFailed(f"The process that copies the state ended with {status}.")
        file.seek(0)
        return file.read()


def system_capture() -> CopyCapture | ForkCapture:
    """Return the one for this system: the engine's memory is private to a fork on Linux only."""
    return ForkCapture() if sys.platform == "linux" else CopyCapture()
