"""A stranger signs up with the demo's brand and trades, by nothing but HTTP."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from scripts.client import ApiError, Client, DemoUser, Deployment, Json
from tests.doubles.local_exchange import ROOT, variables_of_tools

MARKET = "ETH-USDT"
# The emulator sends no other.
CODE = "123456"

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


def sign_up(exchange: Deployment) -> DemoUser:
    """Sign up and enter the code, as the brand's page does."""
    user = DemoUser(f"{secrets.token_hex(8)}@example.com", f"Aa1{secrets.token_hex(8)}", "")
    pool = boto3.client(
        "cognito-idp",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        config=Config(signature_version=UNSIGNED),
    )
    client_id = exchange.user_pool_client_id
    signed_up = pool.sign_up(
        ClientId=client_id,
        Username=user.email,
        Password=user.password,
        UserAttributes=[{"Name": "email", "Value": user.email}],
    )
    assert not signed_up["UserConfirmed"]
    with pytest.raises(ClientError) as refused:
        Client(exchange, user)
    assert refused.value.response["Error"]["Code"] == "UserNotConfirmedException"
    pool.confirm_sign_up(ClientId=client_id, Username=user.email, ConfirmationCode=CODE)
    return user


def credit(exchange: Deployment, me: Json, folder: Path) -> None:
    """Have the operator give the user play money: a line of the tenant's file."""
    content = yaml.safe_load((ROOT / "docs/examples/tenants/demo.yaml").read_text())
    user = {"email": me["email"], "confirmed_subject": me["user_id"], "credits": {"USDT": "100000"}}
    content["users"].append(user)
    file = folder / "demo.yaml"
    file.write_text(yaml.safe_dump(content))
    command = ["-m", "scripts.bursa", "tenants", "create", str(file), "--json"]
    subprocess.run(  # noqa: S603 - this project's own module
        [sys.executable, *command, "--stack", "bursa", "--region", exchange.region],
        cwd=ROOT,
        env=variables_of_tools(exchange, "Funds"),
        capture_output=True,
        timeout=120,
        check=True,
    )


def order(side: str, kind: str) -> Json:
    plain = {"market": MARKET, "side": side, "type": kind, "quantity": "0.1"}
    return plain | {"price": "100", "client_order_id": secrets.token_hex(8)}


def test_from_sign_up_to_the_first_trade(exchange: Deployment, tmp_path: Path) -> None:
    alice = Client(exchange, exchange.users[0])
    newcomer = Client(exchange, sign_up(exchange))
    # Any request would do: it is the first one that opens the account.
    me = newcomer.call("GET", "/me")
    assert (me["tenant"], me["email"], me["email_verified"]) == ("demo", newcomer.user.email, True)
    assert me["account"] not in {user.account for user in exchange.users}
    assert newcomer.call("GET", "/balances")["items"] == []
    with pytest.raises(ApiError) as refused:
        newcomer.call("POST", "/orders", json=order("buy", "limit"))
    assert refused.value.code == "insufficient_balance"
    # The next session is of the same account.
    again = Client(exchange, newcomer.user)
    assert again.call("GET", "/me")["account"] == me["account"]

    credit(exchange, me, tmp_path)
    asked = alice.call("POST", "/orders", json=order("sell", "limit"))
    try:
        bought = newcomer.call("POST", "/orders", json=order("buy", "limit"))
        assert bought["status"] == "filled", json.dumps(bought)
    finally:
        alice.call("DELETE", "/orders", params={"market": MARKET})
    assert asked["status"] in {"open", "filled"}
