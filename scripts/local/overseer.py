"""Ends what a command has started, when the command is killed before it could end it itself.

A command holds the other end of this process's standard input. The kernel closes it when the
command ends, however that comes; without a goodbye, `down` is run in the command's place. It knows
nothing else, and imports only what Python has loaded anyway: it lives beside every `make run`.
"""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PATH = os.pathsep.join([str(_ROOT), str(_ROOT / "layers" / "core")])
_GOODBYE = b"."


class Overseer:
    """The overseer of this process and of one exchange."""

    def __init__(self, home: Path, port: int) -> None:
        here = {"BURSA_HOME": str(home), "BURSA_PORT": str(port), "PYTHONPATH": _PATH}
        logs = home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "overseer.log").open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - this module itself
                [sys.executable, "-S", "-E", __file__],
                cwd=_ROOT,
                env=os.environ | here,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C and end are the command's to hear of.
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """End it: everything is over, or in order and meant to go on."""
        self._child.communicate(_GOODBYE)


def main() -> None:
    """Wait for the end of the command."""
    if os.read(0, 1) != _GOODBYE:
        os.execv(sys.executable, [sys.executable, "-m", "scripts.local", "down"])  # noqa: S606


if __name__ == "__main__":
    main()
