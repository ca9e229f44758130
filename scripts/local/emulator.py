"""MiniStack: AWS on loopback, behind a front of our own, with its state on disk.

It saves its state only when it is asked to end, and a mark on disk exists while it runs. If the
mark is still there at the next start, the last copy that was taken while it ran is used instead.
"""

import contextlib
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path

import requests

from scripts.emulator import copies
from scripts.local import processes, streams
from scripts.local.environment import HOST, ROOT, LocalEnvironment, LocalError
from scripts.local.processes import Process

NAME = "ministack"
START_PATIENCE_S = 60.0
# A large journal takes a while to write.
STOP_PATIENCE_S = 90.0
_POLL_S = 0.1
_STATE_FOLDERS = ("state", "s3")


def port_is_free(port: int) -> bool:
    """Return whether a loopback port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_port(port: int) -> None:
    """Raise `LocalError` when another program listens on the port."""
    if not port_is_free(port):
        raise LocalError(
            f"Port {port} is taken by another program; end it, or choose another port: "
            f"BURSA_PORT={port + 1} make up."
        )


def has_state(local: LocalEnvironment) -> bool:
    """Return whether there is state on disk from an earlier run."""
    return _mark(local).exists() or any((local.home / name).exists() for name in _STATE_FOLDERS)


def state_was_saved(local: LocalEnvironment) -> bool:
    """Return whether the last run saved its state when it ended."""
    return not _mark(local).exists()


def restore_copy(local: LocalEnvironment) -> float | None:
    """Use the last copy of the state; returns its time, None when there is none."""
    return copies.restore(_places(local))


def forget_state(local: LocalEnvironment) -> None:
    """Remove everything that the emulated account holds."""
    for folder in _STATE_FOLDERS:
        shutil.rmtree(local.home / folder, ignore_errors=True)
    copies.forget(_places(local))
    local.deployed.unlink(missing_ok=True)
    _mark(local).unlink(missing_ok=True)


def start(local: LocalEnvironment) -> Process:
    """Start MiniStack; the port must be free and the state saved or gone."""
    temporary = local.home / "tmp"
    _remove_later(temporary)
    temporary.mkdir(parents=True, mode=0o700)
    places = _places(local)
    environment = local.child_environment() | {
        # Every request is signed, with the keys in the environment or a role's.
        "AUTH": "true",
        "BURSA_ORIGINS": ",".join(local.origins),
        # Tests ask for it, to compare policies with.
        "BURSA_CALLS": os.environ.get("BURSA_CALLS", ""),
        "BURSA_COPIES": str(places.copies),
        "BURSA_COPIED_BESIDE": ",".join(map(str, places.beside)),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(local.port),
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(places.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(places.objects),
        "TMPDIR": str(temporary),
        "LAMBDA_WARM_TTL_SECONDS": "86400",
        # Functions inherit this: there is no collector for traces here.
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    streams.rewind(places.state)
    _mark(local).touch()
    return processes.start(
        NAME,
        # From the checkout, which functions do not see: they start in folders of their own.
        [sys.executable, "-m", "scripts.emulator"],
        log=local.logs / "ministack.log",
        environment=environment,
        folder=ROOT,
    )


def wait_until_ready(local: LocalEnvironment, process: Process) -> None:
    """Wait until the emulator responds; raises `LocalError` when it ends or takes too long."""
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        if not processes.is_alive(process):
            raise LocalError(f"MiniStack ended at once; its log is {local.logs}/ministack.log.")
        try:
            if requests.get(f"{local.endpoint_url}/_ministack/health", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(_POLL_S)
    raise LocalError(f"MiniStack does not respond; its log is {local.logs}/ministack.log.")


def stop(local: LocalEnvironment, process: Process) -> bool:
    """End MiniStack; returns whether it has saved its state."""
    saved = processes.stop(process, STOP_PATIENCE_S)
    if saved:
        _mark(local).unlink(missing_ok=True)
    return saved


def _remove_later(folder: Path) -> None:
    """Remove what a killed MiniStack has unpacked, thousands of files, without waiting for it.

    What is left when this process ends goes with the next start.
    """
    old = folder.parent / "tmp-old"
    old.mkdir(exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(old / secrets.token_hex(4))
    remove = partial(shutil.rmtree, old, ignore_errors=True)
    threading.Thread(target=remove, daemon=True).start()


def _places(local: LocalEnvironment) -> copies.Places:
    return copies.Places(
        copies=local.home / "copies",
        state=local.home / "state",
        objects=local.home / "s3",
        beside=(local.deployed,),
    )


def _mark(local: LocalEnvironment) -> Path:
    return local.home / "state-not-saved"
