"""Finds out whether commands end the process that applies them, without being that process.

A fault in compiled code is no exception: it ends the process, and the message that caused it comes
again and ends the next one. A forked child has a copy of the engine, so what ends the child
would have ended this process, and what does not end it won't: equal commands on equal states do
equal things (DESIGN D1).
"""

import os
import resource
import signal
import sys
import warnings

from bursa.journal.replica import Engine

# What the processor or the C library sends for a fault. Others come from outside: they say nothing.
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
# A child that takes longer is ended, and no fault: it must not hold up the loop until the lease is
# lost.
_SECONDS_MAX = 1.0


class NoProbe:
    """Assumes that every command is survived; for engines without compiled code."""

    def survives(self, engine: Engine, commands: bytes) -> bool:
        """See `worker.ports.Probe`."""
        del engine, commands
        return True


class ForkProbe:
    """Applies the commands in a forked child; the caller waits for its end."""

    def survives(self, engine: Engine, commands: bytes) -> bool:
        """See `worker.ports.Probe`."""
        try:
            with warnings.catch_warnings():
                # Of forks in processes with threads: the child touches nothing but the engine.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
        except OSError:
            return True
        if child == 0:
            _apply_and_exit(engine, commands)
        _, status = os.waitpid(child, 0)
        return not (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _FAULTS)


def _apply_and_exit(engine: Engine, commands: bytes) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for fault in (*_FAULTS, signal.SIGALRM):
            signal.signal(fault, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_MAX)
        # An exception is no fault: the caller meets it too, and knows what to do.
        engine.apply(commands)
    finally:
        os._exit(0)


def system_probe() -> NoProbe | ForkProbe:
    """Return the one for this system: the engine's memory is private to a fork on Linux only."""
    return ForkProbe() if sys.platform == "linux" else NoProbe()
