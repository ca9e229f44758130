"""However `make run` ends, everything that it started ends, and `make status` tells the truth."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from scripts.local.processes import Process, is_alive
from scripts.local.register import Register
from tests.doubles.local_exchange import (
    Local,
    assert_nothing_is_left,
    processes_of,
    read_until,
    wait_until_nothing_is_left,
)

PATIENCE_S = 120.0
RUNNING = "Ctrl-C ends everything"

Child = subprocess.Popen[str]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Return one exchange for all, deployed once: each start after the first is a quick one."""
    place = Local(tmp_path_factory.mktemp("ends") / "home")
    started = place.command("up")
    assert started.returncode == 0, started.stdout
    assert place.command("down").returncode == 0
    yield place
    place.command("down")


def close_the_reader(child: Child) -> None:
    assert child.stdout is not None
    child.stdout.close()


def end_tee_then_interrupt(child: Child) -> None:
    close_the_reader(child)
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)


def interrupt_twice(child: Child) -> None:
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)


ENDS: dict[str, Callable[[Child], None]] = {
    "Ctrl-C twice": interrupt_twice,
    "tee ends, then Ctrl-C": end_tee_then_interrupt,
    "the reader ends": close_the_reader,
    "the terminal closes": lambda child: child.send_signal(signal.SIGHUP),
    "asked to end": lambda child: child.send_signal(signal.SIGTERM),
    "killed": Child.kill,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_everything_ends(local: Local, end: Callable[[Child], None]) -> None:
    with local.begin("run") as child:
        read_until(child, RUNNING)
        end(child)
    wait_until_nothing_is_left(local)
    assert not (local.home / "state-not-saved").exists()
    asked = local.command("status")
    assert (asked.returncode, "No exchange is running" in asked.stdout) == (1, True)


def test_everything_ends_with_the_parent(local: Local) -> None:
    command = " ".join(local.arguments("run"))
    with subprocess.Popen(  # noqa: S603 - this project's own command
        ["/bin/sh", "-c", f"{command}; true"],
        env=local.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as shell:
        read_until(shell, RUNNING)
        shell.kill()
    wait_until_nothing_is_left(local)


def test_a_second_start_leaves_the_first_alone(local: Local) -> None:
    child = local.begin("run")
    read_until(child, RUNNING)
    again = local.command("run")
    assert (again.returncode, "running already" in again.stdout) == (1, True)
    assert local.command("up").returncode == 0
    assert local.command("status").returncode == 0
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_S)
    assert_nothing_is_left(local)


def test_what_nobody_could_end_is_seen_and_ended(local: Local) -> None:
    """Not even the overseer is left, as after the OOM killer's worst day."""
    with local.begin("run") as child:
        read_until(child, RUNNING)
        kill_overseer(local)
        child.kill()
    (local.home / "outputs.json").unlink()
    asked = local.command("status")
    assert asked.returncode == 1
    assert "worker-0" in asked.stdout
    assert "`make down` ends the rest" in asked.stdout
    assert local.command("down").returncode == 0
    assert_nothing_is_left(local)


def kill_overseer(local: Local) -> None:
    [overseer] = [pid for pid, command in processes_of(local) if "overseer.py" in command]
    os.kill(overseer, signal.SIGKILL)


def test_what_ends_is_started_again_with_a_line_about_it(local: Local) -> None:
    child = local.begin("run")
    read_until(child, RUNNING)
    said = {"worker-0": "worker-0 ended unexpectedly", "ministack": "did not end in order"}
    for name, sentence in said.items():
        process = registered(local, name)
        os.kill(process.pid, signal.SIGKILL)
        read_until(child, sentence)
        deadline = time.monotonic() + PATIENCE_S
        while registered(local, name) == process or not is_alive(registered(local, name)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    deadline = time.monotonic() + PATIENCE_S
    while local.command("status").returncode != 0:
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_S)
    assert_nothing_is_left(local)


def registered(local: Local, name: str) -> Process:
    found = [process for process in Register(local.home).all() if process.name == name]
    return found[0] if found else Process(name, 0, "")
