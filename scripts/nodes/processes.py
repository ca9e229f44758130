"""Starts and ends the nodes of chains that tests and a local exchange talk to.

Both listen on loopback only, on a port that was free, and are ended by their process id.
"""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

ROOT: Final = Path(__file__).resolve().parents[2]
START_S: Final = 30.0
INSTALL_S: Final = 300.0
_PAUSE_S: Final = 0.05
_END_S: Final = 20.0
REGTEST_USER, REGTEST_PASSWORD = "regtest", "regtest"


class NodeMissing(Exception):  # noqa: N818
    """Raised where a node can't be had on this machine; the text says why."""


@dataclass(frozen=True)
class RunningNode:
    """A node's endpoint, with the credentials that it was given."""

    url: str
    user: str = ""
    password: str = ""


def program(getter: str) -> Path:
    """Return where a node's program is, after it was fetched.

    Raises
    ------
    NodeMissing
        It can't be had here.

    """
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [ROOT / "scripts" / "nodes" / getter],
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NodeMissing(f"{getter} took too long") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise NodeMissing(lines[-1] if lines else f"{getter} failed")
    return Path(done.stdout.strip().splitlines()[-1])


@contextlib.contextmanager
def anvil(folder: Path, *options: str) -> Iterator[RunningNode]:
    """Run anvil: chain id 31337, funded accounts, a block for each transaction."""
    port = free_port()
    command = [str(program("get_anvil.sh")), "--port", str(port), "--host", "127.0.0.1"]
    node = RunningNode(f"http://127.0.0.1:{port}")
    with _running([*command, "--order", "fifo", *options], folder / "anvil.log") as process:
        _wait(process, lambda: _call(node, "eth_chainId"), folder / "anvil.log")
        yield node


@contextlib.contextmanager
def bitcoind(folder: Path, *options: str) -> Iterator[RunningNode]:
    """Run bitcoind in regtest, with an index of transactions, and no peers."""
    port = free_port()
    data = folder / "bitcoin"
    data.mkdir()
    command = [
        str(program("get_bitcoind.sh")),
        "-regtest",
        f"-datadir={data}",
        f"-rpcport={port}",
        f"-rpcuser={REGTEST_USER}",
        f"-rpcpassword={REGTEST_PASSWORD}",
        "-txindex=1",
        "-listen=0",
        "-dnsseed=0",
        "-fallbackfee=0.0001",
        "-printtoconsole=0",
    ]
    node = RunningNode(f"http://127.0.0.1:{port}", REGTEST_USER, REGTEST_PASSWORD)
    with _running([*command, *options], folder / "bitcoind.log") as process:
        _wait(process, lambda: _call(node, "getblockcount"), folder / "bitcoind.log")
        yield node


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _call(node: RunningNode, method: str) -> bool:
    try:
        response = requests.post(
            node.url,
            json={"jsonrpc": "2.0", "id": 1, "method": method, "params": []},
            auth=(node.user, node.password) if node.user else None,
            timeout=1,
        )
        return response.ok and response.json().get("error") is None
    except (requests.RequestException, ValueError):
        return False


def _wait(process: "subprocess.Popen[bytes]", ready: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise NodeMissing(f"it did not start: {log.read_text()[-300:]}")
        time.sleep(_PAUSE_S)
