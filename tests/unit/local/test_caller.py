"""Who is signed in in a shell makes a key by its own authenticator, and is given play money."""

from base64 import b32encode
from typing import Any

import pytest
import yaml

from bursa.identity.codes_cryptography import code_of
from scripts.local.caller import Caller, caller_of, make_api_key, with_credits
from scripts.local.environment import LocalError

SECRET = b"s" * 20
FILE = """\
name: demo
assets: { BTC: { scale: 8 }, USDT: { scale: 10 } }
users: [{ email: bob@demo.example, credits: { BTC: "5" } }]
"""
ME = {"email": "anna@newcomer.example", "user_id": "subject-7"}


class Exchange:
    """A public API that has one user."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append((method, path, body))
        return {
            "/second-factor": {"secret": b32encode(SECRET).decode().rstrip("=")},
            "/second-factor/confirm": {},
            "/api-keys": {"key": {"key_id": "t1-7.abc"}, "secret": "shown once"},
        }[path]


@pytest.mark.parametrize("now_s", [0.0, 59.9, 1_795_000_000.0])
def test_a_key_is_made_with_another_code_than_the_authenticator(now_s: float) -> None:
    exchange = Exchange()
    assert make_api_key(exchange, lambda: now_s) == ("t1-7.abc", "shown once")  # type: ignore[arg-type]  # a double
    (_, confirm, asked) = exchange.calls
    step = int(now_s) // 30
    assert confirm[2] == {"code": code_of(SECRET, step)}
    assert asked[2]["code"] == code_of(SECRET, step + 1)
    assert asked[2]["scopes"] == ["read", "trade"]


@pytest.mark.parametrize("environment", [{}, {"TOKEN": ""}])
def test_who_is_not_signed_in_is_told_how(environment: dict[str, str]) -> None:
    with pytest.raises(LocalError, match="sign-up"):
        caller_of("http://there/v1", environment)
    assert caller_of("http://there/v1", {"TOKEN": "t"}) == Caller("http://there/v1", "t")


@pytest.mark.parametrize("times", [1, 2])
def test_a_user_who_signed_up_is_one_line_of_the_file(times: int) -> None:
    text = FILE
    for _ in range(times):
        text = with_credits(text, ME)
    content = yaml.safe_load(text)
    assert content["users"] == [
        {"email": "bob@demo.example", "credits": {"BTC": "5"}},
        {
            "email": "anna@newcomer.example",
            "confirmed_subject": "subject-7",
            "credits": {"BTC": "10000", "USDT": "10000"},
        },
    ]
    assert content["name"] == "demo"
