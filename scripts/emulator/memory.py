"""MiniStack's memory as something to copy: whether it has changed, and how it is written.

It reads MiniStack's modules by the names they have in version 1.5; the tests of this folder fail
when a later version has others.
"""

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from scripts.emulator.copies import Copies, State
from scripts.emulator.front import Application, Receive, Scope, Send

# The code of functions: megabytes that change with a deployment only.
_CODE = "lambda"
_CODE_VERSION = "code-version.json"
_ONLY_READ = {"GET", "HEAD", "OPTIONS"}
_OF_DEPLOYMENTS = (b"/cloudformation/", b"/lambda/")
# Changes of rows are seen by their number; the rest only reads, or is an idle worker's poll.
_UNCOUNTED = (b"DynamoDB", b"AmazonSQS.ReceiveMessage", b"AmazonSQS.Get")


class Memory(State):
    """What this process holds, and an application that counts what may change it."""

    def __init__(self) -> None:
        self._changes = 0
        self._deployments = 0
        self._run = secrets.token_hex(8)

    def version(self) -> int:
        """Return a number that grows with requests, and changes with the number of rows."""
        return (self._changes << 32) + _rows()

    def count(self, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Count one request if it may change anything but rows."""
        if method in _ONLY_READ or path.startswith("/_aws/") or path.endswith("/invocations"):
            return
        named = dict(headers)
        if named.get(b"x-amz-target", b"").startswith(_UNCOUNTED):
            return
        self._changes += 1
        signed_for = named.get(b"authorization", b"")
        self._deployments += any(service in signed_for for service in _OF_DEPLOYMENTS)

    def write(self, folder: Path, earlier: Path) -> bool:
        """Write what MiniStack would save if it ended now."""
        ministack, persistence = _module("ministack.app"), _module("ministack.core.persistence")
        persistence.STATE_DIR = str(folder)
        services = ministack._build_persistence_save_dict()  # noqa: SLF001 - it offers no other
        version = f"{self._run} {self._deployments}"
        if _read(earlier / _CODE_VERSION) == version and services.pop(_CODE, None) is not None:
            os.link(earlier / f"{_CODE}.json", folder / f"{_CODE}.json")
        persistence.save_all(services)
        (folder / _CODE_VERSION).write_text(version)
        return all((folder / f"{name}.json").exists() for name in services)


def copied(application: Application, memory: Memory, copies: Copies) -> Application:
    """Return the application, with its requests counted, and copied as long as it runs."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            memory.count(scope["method"], scope["path"], scope["headers"])
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        copying = asyncio.create_task(copies.keep_copying())
        try:
            await application(scope, receive, send)
        finally:
            copying.cancel()

    return counted


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _rows() -> int:
    tables = getattr(sys.modules.get("ministack.services.dynamodb"), "_tables", None)
    if tables is None:
        return 0
    return sum(table["ItemCount"] for _, table in tables.all_items())


def _module(name: str) -> Any:  # noqa: ANN401 - modules without types
    return sys.modules[name]
