"""What is left of streams in the emulator's saved state."""

import json
from pathlib import Path

import pytest

from scripts.local.streams import rewind

POSITIONS = {"__account_region_scoped__": True, "data": {"reader": 998}}


@pytest.mark.parametrize("wrapped", ["payload", ""], ids=["in its wrapping", "plain"])
def test_readers_places_are_forgotten_and_nothing_else(tmp_path: Path, wrapped: str) -> None:
    content = {"functions": {"f": 1}, "dynamodb_stream_positions": POSITIONS}
    path = tmp_path / "lambda.json"
    path.write_text(json.dumps({wrapped: content} if wrapped else content))

    rewind(tmp_path)

    saved = json.loads(path.read_text())
    assert (saved[wrapped] if wrapped else saved) == {"functions": {"f": 1}}


@pytest.mark.parametrize("text", [None, "", "[{", "{}"], ids=["none", "empty", "torn", "nothing"])
def test_state_without_places_is_left_as_it_is(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "lambda.json"
    if text is not None:
        path.write_text(text)

    rewind(tmp_path)

    assert (path.read_text() if path.exists() else None) == text
