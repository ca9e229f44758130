"""Starting and ending the exchange on one machine, as patient and as impatient people do."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from rich.console import Console

from scripts.client import Client, Json
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.exchange import LocalExchange
from scripts.local.processes import Process, is_alive
from scripts.local.progress import Progress
from tests.doubles.local_exchange import (
    Local,
    assert_nothing_is_left,
    read_until,
    wait_until_nothing_is_left,
)

INTERRUPTED = 130
PATIENCE_S = 120.0


def processes(local: Local) -> dict[str, Process]:
    rows = json.loads((local.home / "processes.json").read_text())
    return {row["name"]: Process(**row) for row in rows}


def kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    while is_alive(process):
        time.sleep(0.05)


def interrupt(local: Local, command: str, *, when: str) -> None:
    """Start a command, and press Ctrl-C as soon as it says this."""
    child = local.begin(command)
    read_until(child, when)
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == INTERRUPTED, rest


def wait_for_a_copy(local: Local, since: float) -> None:
    """Wait until a copy of the emulator's state is younger than this; they are seconds apart."""
    deadline = time.monotonic() + PATIENCE_S
    copy = local.home / "copies" / "complete"
    while not copy.exists() or copy.stat().st_mtime < since:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def held_balances(user: Client) -> Json:
    """Wait until the read models show that the order holds money; they follow the journal."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        balances = user.call("GET", "/balances")
        if any(row["held"] != "0" for row in balances["items"]):
            return balances
        assert time.monotonic() < deadline, balances
        time.sleep(0.1)


def test_the_port_and_the_way_out_are_named_when_it_is_taken(local: Local) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", local.port))
        squatter.listen()
        refused = local.command("up")
    assert refused.returncode == 1
    assert f"Port {local.port} is taken" in refused.stdout
    assert "BURSA_PORT=" in refused.stdout
    assert_nothing_is_left(local)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(local: Local, port: str) -> None:
    local.port = port  # type: ignore[assignment]
    refused = local.command("up")
    assert refused.returncode == 1
    assert f"BURSA_PORT={port} is not a port" in refused.stdout


def test_ending_and_asking_say_so_when_nothing_runs(local: Local) -> None:
    ended = local.command("down")
    assert (ended.returncode, "No exchange was running" in ended.stdout) == (0, True)
    asked = local.command("status")
    assert (asked.returncode, "make up" in asked.stdout) == (1, True)


def test_a_life_with_restarts_and_accidents(local: Local) -> None:
    started = local.command("up")
    assert started.returncode == 0, started.stdout
    alice = Client(local.deployment(), local.deployment().users[0])
    order = alice.call(
        "POST",
        "/orders",
        json={
            "market": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "price": "100",
            "quantity": "1",
        },
    )
    balances = held_balances(alice)

    again = local.command("up")
    assert (again.returncode, "running already" in again.stdout) == (0, True)

    assert local.command("down").returncode == 0
    assert_nothing_is_left(local)

    interrupt(local, "up", when="Opening the tenants")
    assert_nothing_is_left(local)

    second = local.command("up")
    assert second.returncode == 0, second.stdout
    assert "Deploying" not in second.stdout
    alice = Client(local.deployment(), local.deployment().users[0])
    assert alice.call("GET", f"/orders/{order['order_id']}")["status"] == "open"
    assert alice.call("GET", "/balances") == balances

    kill(processes(local)["worker-0"])
    asked = local.command("status")
    assert (asked.returncode, "worker-0 ended unexpectedly" in asked.stdout) == (1, True)
    mended = local.command("up")
    assert mended.returncode == 0, mended.stdout
    assert alice.call("GET", f"/orders/{order['order_id']}")["status"] == "open"

    wait_for_a_copy(local, since=time.time())
    kill(processes(local)["ministack"])
    asked = local.command("status")
    assert (asked.returncode, "ministack ended unexpectedly" in asked.stdout) == (1, True)
    survived = local.command("up")
    assert survived.returncode == 0, survived.stdout
    assert "did not end in order" in survived.stdout
    alice = Client(local.deployment(), local.deployment().users[0])
    assert alice.call("GET", f"/orders/{order['order_id']}")["status"] == "open"
    assert alice.call("GET", "/balances") == balances

    assert local.command("down").returncode == 0
    assert_nothing_is_left(local)


@pytest.mark.parametrize("step", ["Starting MiniStack", "Deploying"])
def test_an_interruption_leaves_nothing_behind(local: Local, step: str) -> None:
    interrupt(local, "up", when=step)
    assert_nothing_is_left(local)


def test_a_template_that_does_not_deploy_is_reported_with_its_reason(
    local: Local, tmp_path: Path
) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "samconfig.toml").write_text("version = 0.1\n[local.deploy.parameters]\n")
    (root / "template.yaml").write_text("Resources: {X: {Type: AWS::SQS::Queue, Properties: 1}}")
    exchange = LocalExchange(
        LocalEnvironment(root, local.home, local.port), Progress(Console(quiet=True))
    )
    with pytest.raises(LocalError, match=r"sam (build|deploy) failed: ."):
        exchange.up()
    assert_nothing_is_left(local)


@pytest.mark.parametrize("step", ["Starting MiniStack", "Deploying"])
def test_a_start_that_is_killed_leaves_nothing_behind(local: Local, step: str) -> None:
    with local.begin("up") as child:
        read_until(child, step)
        child.kill()
    wait_until_nothing_is_left(local)
    asked = local.command("status")
    assert (asked.returncode, "No exchange is running" in asked.stdout) == (1, True)
