"""Shows the logs of a running exchange, one readable line at a time."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.text import Text

_POLL_S = 0.2
_SERVICE_WIDTH = 11
_COLOURS = {"ministack": "cyan", "worker": "magenta"}  # by a name's first word
_FUNCTION_COLOUR = "green"
_LEVEL_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
# Metrics, and the emulator's lines about each batch of a stream and each file it saves.
_NOISE = ('"_aws"', "ESM: Lambda", "[persistence]", "Loaded persisted state")
# Shown in another form (time, service, level), or of no interest to a person.
_NOT_FIELDS = {
    "cold_start",
    "correlation_id",
    "function_arn",
    "function_memory_size",
    "function_name",
    "function_request_id",
    "level",
    "location",
    "message",
    "name",
    "service",
    "shard",
    "time_ms",
    "timestamp",
    "xray_trace_id",
}


def follow(console: Console, logs: dict[str, Path], watch: Callable[[], None]) -> None:
    """Print what is appended to the logs until interrupted; calls `watch` in every round."""
    streams = {name: _at_end(path) for name, path in logs.items()}
    while True:
        quiet = True
        for name, stream in streams.items():
            for line in _new_lines(stream):
                quiet = False
                if line and not any(noise in line for noise in _NOISE):
                    console.print(readable(name, line))
        watch()
        if quiet:
            time.sleep(_POLL_S)


def readable(name: str, line: str) -> Text:
    """Return a log line for people: time, service, message, and the other fields dimmed."""
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict):
        return _head(name, datetime.now().astimezone()).append(line)
    moment = datetime.now().astimezone()
    if isinstance(entry.get("time_ms"), int):
        moment = datetime.fromtimestamp(entry["time_ms"] / 1000).astimezone()
    text = _head(str(entry.get("service", name)), moment)
    level = str(entry.get("level", "INFO"))
    text.append(f"{entry.get('message', '')} ", style=_LEVEL_COLOURS.get(level, ""))
    return text.append(_fields(entry), style="dim")


def _head(service: str, moment: datetime) -> Text:
    text = Text(f"{moment:%H:%M:%S} ", style="dim")
    style = _COLOURS.get(service.partition("-")[0], _FUNCTION_COLOUR)
    return text.append(f"{service:<{_SERVICE_WIDTH}}", style=style)


def _fields(entry: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in entry.items() if key not in _NOT_FIELDS)


def _at_end(path: Path) -> BinaryIO:
    path.touch()
    stream = path.open("rb")
    stream.seek(0, 2)
    return stream


def _new_lines(stream: BinaryIO) -> Iterator[str]:
    while True:
        position = stream.tell()
        line = stream.readline()
        if not line.endswith(b"\n"):
            stream.seek(position)
            return
        yield line.decode(errors="replace").rstrip()
