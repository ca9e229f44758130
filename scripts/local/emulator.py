"""MiniStack: AWS on loopback, with its state on disk.

It saves its state only when it is asked to end. A mark on disk tells that it runs; when the mark
is still there at the next start, what is on disk is older than what its users saw, so it goes.
"""

import shutil
import socket
import sys
import time
from pathlib import Path

import requests

from scripts.local import processes, streams
from scripts.local.place import HOST, LocalError, Place
from scripts.local.processes import Process

NAME = "ministack"
START_PATIENCE_S = 60.0
# A large journal takes a while to write.
STOP_PATIENCE_S = 90.0
_POLL_S = 0.1
_STATE_FOLDERS = ("state", "s3")


def port_is_free(port: int) -> bool:
    """Tell whether nobody listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_port(port: int) -> None:
    """Raise `LocalError` when somebody listens on the port already."""
    if not port_is_free(port):
        raise LocalError(
            f"Port {port} is taken by another program; end it, or choose another port: "
            f"BURSA_PORT={port + 1} make up."
        )


def has_state(place: Place) -> bool:
    """Tell whether there is anything on disk from an earlier run."""
    return _mark(place).exists() or any((place.home / name).exists() for name in _STATE_FOLDERS)


def state_was_saved(place: Place) -> bool:
    """Tell whether the last run could save its state when it ended."""
    return not _mark(place).exists()


def forget_state(place: Place) -> None:
    """Remove everything the emulated account holds."""
    for folder in _STATE_FOLDERS:
        shutil.rmtree(place.home / folder, ignore_errors=True)
    (place.home / "deployed.json").unlink(missing_ok=True)
    _mark(place).unlink(missing_ok=True)


def start(place: Place) -> Process:
    """Start MiniStack; the port must be free and the state saved or gone."""
    temporary = place.home / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    environment = place.environment() | {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(place.port),
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(place.home / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(place.home / "s3"),
        "TMPDIR": str(temporary),
        "LAMBDA_WARM_TTL_SECONDS": "86400",
        # Functions inherit this: nobody collects traces here.
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    streams.rewind(place.home / "state")
    _mark(place).touch()
    return processes.start(
        NAME,
        [str(Path(sys.executable).with_name("ministack"))],
        log=place.logs / "ministack.log",
        environment=environment,
        folder=place.home,
    )


def wait_until_ready(place: Place, process: Process) -> None:
    """Wait until the emulator answers; raises `LocalError` when it ends or takes too long."""
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        if not processes.is_alive(process):
            raise LocalError(f"MiniStack ended at once; its log is {place.logs}/ministack.log.")
        try:
            if requests.get(f"{place.endpoint_url}/_ministack/health", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(_POLL_S)
    raise LocalError(f"MiniStack does not answer; its log is {place.logs}/ministack.log.")


def stop(place: Place, process: Process) -> bool:
    """End MiniStack; tells whether it has saved its state."""
    saved = processes.stop(process, STOP_PATIENCE_S)
    if saved:
        _mark(place).unlink(missing_ok=True)
    return saved


def _mark(place: Place) -> Path:
    return place.home / "state-not-saved"
