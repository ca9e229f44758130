"""The log of one replay on disk: what was decided so far, so that a second run can go on there.

One line for each request, written when its response is there. A line that is torn was not decided;
its request is sent again under the same key, and gets the same response.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from scripts.client import Json


class ReplayLog:
    """The lines of one replay."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = ""
        self.decided: list[Json] = []
        self._file: IO[str] | None = None

    @classmethod
    def of(cls, folder: Path, **identity: object) -> Self:
        """Return the log of a replay: of a file with its size, a market, a user and an exchange."""
        text = json.dumps(identity, sort_keys=True, default=str)
        return cls(folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl")

    def resume(self) -> bool:
        """Read what an earlier run has left; returns whether there is anything to go on with."""
        lines = list(self._whole_lines())
        if not lines:
            return False
        self.run = str(lines[0]["run"])
        self.decided = lines[1:]
        return bool(self.decided)

    def begin(self, run: str) -> None:
        """Begin a new replay, under a name of its own."""
        self.run, self.decided = run, []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"run": run}) + "\n")

    def add(self, line: Json) -> None:
        """Add what one request led to."""
        if self._file is None:
            self._cut_torn_end()
            self._file = self.path.open("a")
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; another run can go on with it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self) -> None:
        """Remove it: the replay is complete."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _whole_lines(self) -> Iterator[Json]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.split(b"\n")[:-1]:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return

    def _cut_torn_end(self) -> None:
        lines = [{"run": self.run}, *self.decided]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
