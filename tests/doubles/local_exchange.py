"""The commands of scripts/local, for tests: in a home and on a port of their own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from scripts.client import Deployment
from scripts.local.emulator import port_is_free

ROOT = Path(__file__).resolve().parents[2]
COMMAND_PATIENCE_S = 600
END_PATIENCE_S = 120
# A handshake starts two functions; on a machine with much to do that takes long.
OPEN_TIMEOUT_S = 60
# Of the demo tenant's list.
DEMO_PAGE = "http://demo.localhost:5173"


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Local:
    """The commands of scripts/local, in a home and on a port of their own.

    What AWS is called for is noted in `calls`, if that is given.
    """

    def __init__(self, home: Path, *, origins: str = "", calls: Path | None = None) -> None:
        self.home = home
        self.origins = origins
        self.calls = calls
        self.port = free_port()

    def command(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(  # noqa: S603 - this project's own module
            self.arguments(name),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_PATIENCE_S,
            check=False,
        )

    def begin(self, name: str) -> subprocess.Popen[str]:
        """Start one command and return at once."""
        return subprocess.Popen(  # noqa: S603 - this project's own module
            self.arguments(name),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def arguments(self, name: str) -> list[str]:
        """Return the command line of one command."""
        return [sys.executable, "-m", "scripts.local", name]

    def environment(self) -> dict[str, str]:
        """Return the environment of every command."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "core")])
        here = {
            "BURSA_HOME": str(self.home),
            "BURSA_ORIGINS": self.origins,
            "BURSA_PORT": str(self.port),
            "BURSA_CALLS": "" if self.calls is None else str(self.calls),
            "PYTHONPATH": path,
        }
        return os.environ | here

    def deployment(self, tenant: str = "") -> Deployment:
        """Read what `up` wrote, for the first tenant or another by its name."""
        return Deployment.read(self.home / "outputs.json", tenant)


def variables_of_tools(exchange: Deployment, caller: str) -> dict[str, str]:
    """Return the environment of a process whose calls are `caller`'s."""
    return os.environ | {
        "AWS_ENDPOINT_URL": str(exchange.endpoint_url),
        "AWS_ACCESS_KEY_ID": str(exchange.access_key_id),
        "AWS_SECRET_ACCESS_KEY": str(exchange.secret_access_key),
        "AWS_DEFAULT_REGION": exchange.region,
        "AWS_SDK_UA_APP_ID": caller,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "core")]),
    }


def read_until(child: subprocess.Popen[str], said: str) -> None:
    """Read what a command says until it says this."""
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if said in line:
            return
    raise AssertionError("".join(lines))


def processes_of(local: Local) -> list[tuple[int, str]]:
    """Return id and command line of every process of an exchange, registered or not."""
    return [
        (int(folder.name), _read(folder / "cmdline").replace("\0", " "))
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal()
        and folder.name != str(os.getpid())
        and str(local.home) in _read(folder / "environ")
    ]


def what_is_left(local: Local) -> list[str]:
    """Return the names of files and processes that an exchange that has ended does not have."""
    files = [name for name in ("processes.json", "outputs.json") if (local.home / name).exists()]
    port = [] if port_is_free(local.port) else [f"port {local.port}"]
    return [*files, *(f"{pid} {command}" for pid, command in processes_of(local)), *port]


def assert_nothing_is_left(local: Local) -> None:
    """Assert that an exchange has ended whole."""
    assert not what_is_left(local)


def wait_until_nothing_is_left(local: Local) -> None:
    """Wait until an exchange has ended whole, where nobody waits for its end."""
    deadline = time.monotonic() + END_PATIENCE_S
    while left := what_is_left(local):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
