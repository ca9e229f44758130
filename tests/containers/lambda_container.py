"""Functions in Lambda's own base image, started by its runtime interface emulator.

The image is AWS's, or a stand-in for it that is made on this machine of Debian's packages. What the
functions find in `/opt` is built here for the image's Python, from the locked packages.
"""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import docker
import pytest
from filelock import FileLock
from samcli.local.docker.lambda_image import LambdaImage  # type: ignore[import-untyped]

from benchmarks.rig import free_port

ROOT = Path(__file__).resolve().parents[2]
PYTHON, DEBIAN = "3.13", "trixie"
IMAGE = f"{LambdaImage._INVOKE_REPO_PREFIX}/python:{PYTHON}"
_MAKER = ROOT.parent / "shared" / "tools" / "lambda-image" / "make-image.sh"
_INVOKE = "2015-03-31/functions/function/invocations"
_START_S_MAX, _CALL_S_MAX, _MAKE_S_MAX = 60.0, 60.0, 900


def require_image() -> None:
    """Have the base image here; skips the test by name where it can't be had."""
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"Docker does not respond: {error}")
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        if not _MAKER.exists() or shutil.which("mmdebstrap") is None:
            pytest.skip(f"there is no image {IMAGE} here: docker pull {IMAGE}")
        subprocess.run(  # noqa: S603
            ["bash", str(_MAKER), PYTHON, DEBIAN],  # noqa: S607
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SAM_PYTHON": sys.executable},
            check=True,
            timeout=_MAKE_S_MAX,
        )


def layers() -> Path:
    """Return a folder with both layers, for the image's Python; it is built once."""
    lock = ROOT / "layers" / "dependencies" / "requirements.txt"
    folder = ROOT / ".local" / "containers" / sha256(lock.read_bytes()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(lock, folder / "python")
            (folder / "built").touch()
        for name in ("bursa", "wire"):
            shutil.rmtree(folder / "python" / name, ignore_errors=True)
            shutil.copytree(ROOT / "layers" / "core" / name, folder / "python" / name)
    return folder


def _install(lock: Path, target: Path) -> None:
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON]
    command += ["--python-platform", "x86_64-manylinux_2_28", "--target", str(target)]
    subprocess.run([*command, "-r", str(lock)], check=True, timeout=_MAKE_S_MAX)  # noqa: S603


class Function:
    """One function in a container of its own."""

    def __init__(self, container: Any, port: int) -> None:
        self._container = container
        self._url = f"http://127.0.0.1:{port}/{_INVOKE}"

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Return the function's response to an event; what it raises is one too."""
        request = urllib.request.Request(self._url, json.dumps(event).encode())  # noqa: S310
        deadline = time.monotonic() + _START_S_MAX
        while True:
            try:
                with urllib.request.urlopen(request, timeout=_CALL_S_MAX) as response:  # noqa: S310
                    return json.loads(response.read())
            except (ConnectionError, urllib.error.URLError):
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)

    def log(self) -> str:
        """Return what the container has printed."""
        text: bytes = self._container.logs()
        return text.decode()


@contextmanager
def running(handler: str, variables: Mapping[str, str], opt: Path) -> Iterator[Function]:
    """Start a function with these variables; it reaches this machine's loopback."""
    port, runtime = free_port(), free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{runtime}"]
    container = docker.from_env().containers.run(
        IMAGE,
        # As the image's own entry point, on ports that are free here.
        [*addresses, "/var/runtime/bootstrap"],
        entrypoint="/usr/local/bin/aws-lambda-rie",
        environment={**variables, "_HANDLER": handler},
        volumes={
            str(ROOT / "functions"): {"bind": "/var/task", "mode": "ro"},
            str(opt): {"bind": "/opt", "mode": "ro"},
        },
        network_mode="host",
        detach=True,
    )
    try:
        yield Function(container, port)
    finally:
        container.remove(force=True)
