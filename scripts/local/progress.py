"""Progress on the console: a spinner with seconds on a terminal, plain lines elsewhere."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape

_HEARTBEAT_S = 10.0
_REFRESH_S = 0.2
_TAIL_BYTES = 2048
_DETAIL_LENGTH = 70


class Progress:
    """Steps on a console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextlib.contextmanager
    def step(self, title: str, log: Path | None = None) -> Iterator[None]:
        """Show a step until it is done, with the newest line of its log, if it has one."""
        begin = time.monotonic()
        if self.console.is_terminal:
            with (
                self.console.status(title) as status,
                _repeated(
                    _REFRESH_S,
                    lambda: status.update(f"{title} [dim]{_seconds(begin)} {_newest(log)}[/dim]"),
                ),
            ):
                yield
        else:
            self.console.print(f"… {title}")
            with _repeated(
                _HEARTBEAT_S,
                lambda: self.console.print(f"  {title}: {_seconds(begin)} {_newest(log)}"),
            ):
                yield
        self.console.print(f"[green]✓[/green] {title} [dim]{_seconds(begin)}[/dim]")

    def say(self, sentence: str) -> None:
        """Print one sentence."""
        self.console.print(escape(sentence), highlight=False)


@contextlib.contextmanager
def _repeated(interval_s: float, action: Callable[[], None]) -> Iterator[None]:
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(interval_s):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _seconds(begin: float) -> str:
    return f"{time.monotonic() - begin:.1f} s"


def _newest(log: Path | None) -> str:
    return escape(last_line(log)[:_DETAIL_LENGTH]) if log else ""


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty; of a structured line, its message."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    messages = (_message_of(line.strip()) for line in reversed(lines) if line.strip(" -"))
    return next(filter(None, messages), "")


def _message_of(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        message: str = json.loads(line).get("message", "")
    except (json.JSONDecodeError, AttributeError):
        return ""
    return message
