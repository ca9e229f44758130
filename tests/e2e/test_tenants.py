"""An operator suspends and resumes a tenant of the whole exchange by the command line."""

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.local_exchange import variables_of_tools

ROOT = Path(__file__).resolve().parents[2]
MARKET = "ETH-USDT"


def tenants(exchange: Deployment, *arguments: str) -> Any:
    """Run a command of `bursa tenants` and return what it printed."""
    # Which of the two roles of persons the command needs (docs/deploy.md).
    role = "Closure" if arguments[0] in {"delete", "export"} else "Funds"
    stack = ("--stack", "bursa", "--region", exchange.region)
    done = subprocess.run(  # noqa: S603 - this project's own module
        [sys.executable, "-m", "scripts.bursa", "tenants", *arguments, *stack, "--json"],
        cwd=ROOT,
        env=variables_of_tools(exchange, role),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def bid() -> Json:
    order = {"market": MARKET, "side": "buy", "type": "limit", "price": "1", "quantity": "1"}
    return order | {"client_order_id": secrets.token_hex(8)}


def test_a_suspended_tenant_takes_cancels_only(exchange: Deployment, tmp_path: Path) -> None:
    alice = Client(exchange, exchange.users[0])
    resting = alice.call("POST", "/orders", json=bid())
    tenant = "t1"
    assert [one["state"] for one in tenants(exchange, "list") if one["id"] == tenant] == ["active"]
    try:
        suspended = tenants(exchange, "suspend", tenant, "--reason", "a test", "--grace", "1h")
        assert suspended["state"] == "suspended"
        with pytest.raises(ApiError) as refused:
            alice.call("POST", "/orders", json=bid())
        assert refused.value.code == "market_cancel_only"
        cancelled = alice.call("DELETE", f"/orders/{resting['order_id']}")
        assert cancelled["status"] == "cancelled"
        manifest = tenants(exchange, "export", tenant, "--to", str(tmp_path / "export"))
        assert manifest["files"]["users.jsonl"]["rows"] >= 2
    finally:
        resumed = tenants(exchange, "resume", tenant, "--reason", "the test is over")
    assert (resumed["state"], resumed["sign_in_ends_at_ms"]) == ("active", None)
    order = alice.call("POST", "/orders", json=bid())
    assert order["status"] == "open"
    alice.call("DELETE", f"/orders/{order['order_id']}")
