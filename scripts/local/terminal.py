"""A console whose reader may go away: printing to it then does nothing, and it says so.

`make run 2>&1 | tee log` and Ctrl-C end `tee` first. What has to be ended after that must not
depend on whether somebody still reads the sentences about it.
"""

import os
import select
from typing import IO, TextIO, cast

from rich.console import Console

_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Terminal(Console):
    """A console on a file descriptor."""

    def __init__(self, output: TextIO) -> None:
        self._output = _Output(output)
        super().__init__(file=cast("IO[str]", self._output), soft_wrap=True)

    def is_gone(self) -> bool:
        """Return whether nobody can read any more: the pipe or the terminal was closed."""
        return self._output.is_gone()


class _Output:
    """A text file that swallows what nobody can read any more."""

    def __init__(self, output: TextIO) -> None:
        self.encoding = output.encoding
        self._target = output
        self._closed = False

    def fileno(self) -> int:
        return self._target.fileno()

    def isatty(self) -> bool:
        return self._target.isatty()

    def write(self, text: str) -> int:
        try:
            return self._target.write(text)
        except OSError:
            self._let_go()
            return len(text)

    def flush(self) -> None:
        try:
            self._target.flush()
        except OSError:
            self._let_go()

    def is_gone(self) -> bool:
        if not self._closed:
            poll = select.poll()
            poll.register(self._target.fileno(), 0)
            self._closed = any(events & _GONE for _, events in poll.poll(0))
        return self._closed

    def _let_go(self) -> None:
        """Write what is still buffered, and all that follows, to nowhere."""
        self._closed = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._target.fileno())
        os.close(nowhere)
