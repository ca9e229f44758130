"""Copies of a running process's memory: of one moment, complete or not there."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from scripts.emulator.copies import Copies, Places, forget, restore


class Memory:
    """Rows in memory, written as one file."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.fails = False

    def version(self) -> int:
        return len(self.rows)

    def write(self, folder: Path, earlier: Path) -> bool:
        if self.fails:
            os.kill(os.getpid(), 9)
        (folder / "rows.json").write_text(",".join(self.rows))
        return True


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(
        copies=tmp_path / "copies",
        state=tmp_path / "state",
        objects=tmp_path / "objects",
        beside=(tmp_path / "deployed",),
    )
    for folder in (places.state, places.objects):
        folder.mkdir()
    (tmp_path / "deployed").write_text("first")
    return places


def put(places: Places, name: str, text: str) -> None:
    """Store an object as MiniStack does: beside its place, and then instead of it."""
    (places.objects / "new").write_text(text)
    (places.objects / "new").replace(places.objects / name)


def copy(places: Places, memory: Memory) -> bool:
    return asyncio.run(Copies(places, memory).copy())


def test_without_a_copy_there_is_nothing_to_restore(places: Places) -> None:
    put(places, "object", "kept")
    assert restore(places) is None
    assert (places.objects / "object").read_text() == "kept"


def test_memory_objects_and_what_lies_beside_are_of_one_moment(places: Places) -> None:
    memory = Memory()
    memory.rows = ["1", "2"]
    put(places, "checkpoint", "at 2")
    (places.state / "rows.json").write_text("saved at the last end")
    (places.state / "key.pem").write_text("key")
    before = time.time()
    assert copy(places, memory)
    put(places, "checkpoint", "at 3")
    put(places, "later", "3")
    places.beside[0].write_text("second")
    memory.rows.append("3")

    moment = restore(places)

    assert moment is not None
    assert before - 1 < moment < time.time() + 1
    assert (places.state / "rows.json").read_text() == "1,2"
    assert (places.state / "key.pem").read_text() == "key"
    assert [path.name for path in places.objects.iterdir()] == ["checkpoint"]
    assert (places.objects / "checkpoint").read_text() == "at 2"
    assert places.beside[0].read_text() == "first"


def test_what_is_done_after_a_restore_does_not_change_the_copy(places: Places) -> None:
    memory = Memory()
    memory.rows = ["1"]
    put(places, "object", "kept")
    assert copy(places, memory)
    restore(places)
    (places.state / "rows.json").write_text("changed in place")
    (places.objects / "object").write_text("changed in place")
    restore(places)
    assert (places.state / "rows.json").read_text() == "1"
    assert (places.objects / "object").read_text() == "kept"


def test_a_copy_that_fails_leaves_the_one_before(places: Places) -> None:
    memory = Memory()
    memory.rows = ["1"]
    assert copy(places, memory)
    memory.rows.append("2")
    memory.fails = True
    assert not copy(places, memory)
    assert restore(places) is not None
    assert (places.state / "rows.json").read_text() == "1"


def test_one_that_was_being_renamed_counts(places: Places) -> None:
    memory = Memory()
    memory.rows = ["1"]
    assert copy(places, memory)
    (places.copies / "complete").rename(places.copies / "earlier")
    assert restore(places) is not None
    assert (places.state / "rows.json").read_text() == "1"
    forget(places)
    assert restore(places) is None


def test_copies_are_taken_when_something_changes_and_a_deployment_is_whole(places: Places) -> None:
    memory = Memory()

    async def live() -> list[bool]:
        copying = asyncio.create_task(Copies(places, memory, interval_s=0.01).keep_copying())
        places.beside[0].unlink()
        await asyncio.sleep(0.5)
        seen = [places.copies.exists()]
        places.beside[0].write_text("whole")
        for rows in (["1"], ["1", "2"]):
            memory.rows = rows
            deadline = time.monotonic() + 20
            written = places.copies / "complete" / "state" / "rows.json"
            while not written.exists() or written.read_text() != ",".join(rows):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            seen.append(True)
        copying.cancel()
        return seen

    assert asyncio.run(live()) == [False, True, True]
