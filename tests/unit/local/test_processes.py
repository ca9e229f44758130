import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from scripts.local.processes import Process, is_alive, run, start, stop

PATIENCE_S = 20.0
SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready'); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('ready', flush=True); time.sleep(60)"
)


def begin(tmp_path: Path, program: str, *, until: str = "") -> Process:
    log = tmp_path / "log"
    process = start(
        "test", [sys.executable, "-u", "-c", program], log=log, environment={}, folder=tmp_path
    )
    while until not in log.read_text():
        assert is_alive(process)
    return process


def test_a_process_is_alive_until_it_is_stopped(tmp_path: Path) -> None:
    process = begin(tmp_path, SLEEP)
    assert is_alive(process)
    assert stop(process, PATIENCE_S) is True
    assert not is_alive(process)


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    process = begin(tmp_path, STUBBORN, until="ready")
    assert stop(process, 0.2) is False
    assert not is_alive(process)


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    process = begin(tmp_path, PARENT, until="ready")
    stop(process, PATIENCE_S)
    # A killed process stays in the list until the system has cleared it away.
    deadline = time.monotonic() + PATIENCE_S
    while left := session_members(process.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def session_members(leader: int) -> list[str]:
    return [
        folder.name
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal() and session_of(folder) == str(leader)
    ]


def session_of(folder: Path) -> str:
    try:
        state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return ""
    return "" if state == "Z" else session


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    process = begin(tmp_path, SLEEP)
    earlier = replace(process, started="1")
    assert not is_alive(earlier)
    assert stop(earlier, PATIENCE_S) is False
    assert is_alive(process)
    stop(process, PATIENCE_S)


def test_stopping_what_is_gone_does_nothing(tmp_path: Path) -> None:
    process = begin(tmp_path, SLEEP)
    stop(process, PATIENCE_S)
    assert stop(process, PATIENCE_S) is False


def test_running_returns_the_exit_status(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(7)"]
    log = tmp_path / "log"
    assert run("test", command, log=log, environment=dict(os.environ), folder=tmp_path) == 7
    assert log.read_text() == "said\n"
