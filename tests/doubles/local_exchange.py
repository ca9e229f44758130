"""The commands of scripts/local, for tests: in a home and on a port of their own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from scripts.client import Deployment

ROOT = Path(__file__).resolve().parents[2]
COMMAND_PATIENCE_S = 600


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Local:
    """The commands of scripts/local, in a home and on a port of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
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
        here = {"BURSA_HOME": str(self.home), "BURSA_PORT": str(self.port), "PYTHONPATH": path}
        return os.environ | here

    def deployment(self) -> Deployment:
        """Read what `up` wrote."""
        return Deployment.read(self.home / "outputs.json")
