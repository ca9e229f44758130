"""A user leaves the running exchange: takes its data along, and closes its account."""

import time

import pytest

from scripts.client import Client, Deployment
from tests.doubles.authenticator import Codes
from tests.doubles.newcomers import sign_up

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

# The gateway keeps a verdict for ten seconds (template.yaml, ReauthorizeEvery).
ENDS_S = 12.0


def test_a_user_takes_its_data_along_and_closes_its_account(exchange: Deployment) -> None:
    user = sign_up(exchange)
    leaver = Client(exchange, user)
    export = leaver.call("GET", "/me/export")
    assert export["user"]["email"] == user.email
    assert [one["is_current"] for one in export["sessions"]] == [True]
    assert leaver.send("GET", export["elsewhere"]["fills"].removeprefix("/v1")).ok

    refused = leaver.send("POST", "/me/close", json={"code": "123456"})
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    codes = Codes(leaver.call("POST", "/second-factor")["secret"])
    leaver.call("POST", "/second-factor/confirm", json={"code": codes()})

    closed = leaver.call("POST", "/me/close", json={"code": codes()})
    began = time.monotonic()
    assert closed["account"] == export["user"]["account"]
    while leaver.send("GET", "/me").ok:
        assert time.monotonic() - began < ENDS_S
        time.sleep(0.2)
    assert leaver.send("GET", "/me").status_code == 401


def test_who_has_something_can_not_close_its_account(exchange: Deployment) -> None:
    refused = Client(exchange, exchange.users[0]).send("POST", "/me/close", json={"code": "123456"})
    assert refused.status_code == 422
    assert refused.json()["code"] in {"balances_left", "open_orders_left"}
