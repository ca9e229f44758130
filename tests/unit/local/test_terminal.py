"""A console keeps quiet when its reader has gone, and a watch then ends what it looks after."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import pytest
from rich.console import Console

from scripts.local.environment import LocalError
from scripts.local.terminal import Terminal
from scripts.local.watch import Restarts, Watch


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as output:
        yield reader, output


def test_what_is_printed_is_read(pipe: tuple[int, TextIO]) -> None:
    reader, output = pipe
    console = Terminal(output)
    console.print("said")
    assert not console.is_gone()
    assert os.read(reader, 100) == b"said\n"
    os.close(reader)


def test_printing_to_nobody_does_nothing_however_much_it_is(pipe: tuple[int, TextIO]) -> None:
    reader, output = pipe
    console = Terminal(output)
    os.close(reader)
    assert console.is_gone()
    for _ in range(3):
        console.print("word " * 20_000, highlight=False)
    assert console.is_gone()


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_restart_comes_at_once_and_then_ever_later() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    waited = []
    for _ in range(7):
        waited.append(restarts.delay_s())
        clock.now += waited[-1]
        assert restarts.delay_s() == 0
        restarts.note_start()
        clock.now += 1
    assert waited == [0, 1, 3, 7, 15, 30, 30]


def test_after_a_long_life_a_restart_comes_at_once_again() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(4):
        clock.now += restarts.delay_s()
        restarts.note_start()
    clock.now += 61
    assert restarts.delay_s() == 0


class Exchange:
    """An exchange whose processes end."""

    def __init__(self, *missing: str) -> None:
        self.ended = list(missing)
        self.started: list[str] = []

    def missing(self) -> list[str]:
        return self.ended

    def restart_worker(self, name: str) -> None:
        self.started.append(name)

    def up(self) -> None:
        self.started.append("everything")


def watch(exchange: Any, is_gone: Callable[[], bool] = lambda: False) -> Watch:
    return Watch(Console(quiet=True), exchange, is_gone)


def test_a_watch_restarts_what_has_ended() -> None:
    exchange = Exchange("worker-0")
    watching = watch(exchange)
    watching()
    watching()
    assert exchange.started == ["worker-0"]
    exchange.ended = []
    watching()
    assert exchange.started == ["worker-0"]


def test_without_its_emulator_everything_is_started_again_but_not_for_ever() -> None:
    exchange = Exchange("ministack")
    watching = watch(exchange)
    watching()
    assert exchange.started == ["everything"]
    restarts = watching._restarts["ministack"]
    restarts.in_a_row = 3
    restarts._ended = -1000.0
    with pytest.raises(LocalError, match="again and again"):
        watching()


def test_a_watch_ends_with_its_reader_and_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        watch(Exchange(), lambda: True)()
    watching = watch(Exchange())
    watching()
    monkeypatch.setattr(os, "getppid", lambda: 1_000_000)
    with pytest.raises(KeyboardInterrupt):
        watching()
