"""Keeps DynamoDB's streams going over a restart of the emulator.

MiniStack saves how many records of a stream each function has had, but not the records: after a
restart the stream begins at 0 again while its readers wait at their old position, and miss that
many new records. Without a saved position a reader begins at the beginning, as it should.
"""

import json
from pathlib import Path
from typing import Any

_POSITIONS = "dynamodb_stream_positions"


def rewind(state: Path) -> None:
    """Make every reader start at the beginning of its stream; before MiniStack starts."""
    path = state / "lambda.json"
    try:
        saved = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return
    if _forget_positions(saved):
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(saved))
        fresh.replace(path)


def _forget_positions(saved: dict[str, Any]) -> bool:
    content = saved.get("payload", saved)
    return isinstance(content, dict) and content.pop(_POSITIONS, None) is not None
