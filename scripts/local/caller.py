"""What who is signed in needs to trade by a program: play money, and an API key.

The caller is the shell's TOKEN. The key is made by the public API alone; the money is the
operator's to give, by a line of the tenant's file.
"""

import subprocess
import sys
import time
from base64 import b32decode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml

from bursa.identity.codes_cryptography import code_of
from bursa.identity.second_factor import STEP_S
from scripts.local import private
from scripts.local.environment import LocalEnvironment, LocalError

_TENANTS = Path("docs/examples/tenants")
_AMOUNT = "10000"
_KEY = {"label": "tour", "algorithm": "hmac-sha256", "scopes": ["read", "trade"]}
_TIMEOUT_S = 30

Json = dict[str, Any]


class Caller(NamedTuple):
    """Who is signed in, at one exchange."""

    rest_url: str
    token: str

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send one request; raises `LocalError` with what the exchange says."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.rest_url}{path}"
        response = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_S)
        content: Json = response.json()
        if not response.ok:
            raise LocalError(f"{content.get('detail', response.text)} ({content.get('code')})")
        return content


def caller_of(rest_url: str, environment: Mapping[str, str]) -> Caller:
    """Return the caller that a shell's variables name; raises `LocalError` for nobody."""
    token = environment.get("TOKEN", "")
    if not token:
        raise LocalError('Nobody is signed in: eval "$(make -s sign-up)", or sign-in.')
    return Caller(rest_url, token)


def make_api_key(caller: Caller, now_s: Callable[[], float] = time.time) -> tuple[str, str]:
    """Set an authenticator up, then make a key with its next code; return id and secret.

    Raises
    ------
    LocalError
        The caller has an authenticator already, or the exchange refuses something else.

    """
    text = caller.call("POST", "/second-factor")["secret"]
    secret = b32decode(text + "=" * (-len(text) % 8))
    step = int(now_s()) // STEP_S
    caller.call("POST", "/second-factor/confirm", {"code": code_of(secret, step)})
    # A code is good once, and the next one is taken half a minute before its time.
    made = caller.call("POST", "/api-keys", _KEY | {"code": code_of(secret, step + 1)})
    return made["key"]["key_id"], made["secret"]


def give_play_money(local: LocalEnvironment, caller: Caller) -> str:
    """Credit the caller with some of each asset of its tenant, once; return to whom.

    Raises
    ------
    LocalError
        The tenant has no file here, or the operator's command failed.

    """
    me = caller.call("GET", "/me")
    file = local.root / _TENANTS / f"{me['tenant']}.yaml"
    if not file.exists():
        raise LocalError(f"{me['tenant']} has no file in {_TENANTS}; credit by its own file.")
    private.write(local.home / "play-money.yaml", with_credits(file.read_text(), me))
    environment = local.child_environment() | {"AWS_SDK_UA_APP_ID": "Funds"}
    environment["PYTHONPATH"] = f"{local.root}:{local.root / 'layers' / 'core'}"
    done = subprocess.run(  # noqa: S603 - our own tool
        [
            *(sys.executable, "-m", "scripts.bursa", "tenants", "create"),
            str(local.home / "play-money.yaml"),
            *("--outputs", str(local.outputs), "--passwords", str(local.home / "passwords.json")),
            "--json",
        ],
        cwd=local.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError(f"{done.stderr.strip()}{done.stdout.strip()}")
    return str(me["email"])


def with_credits(file: str, me: Json) -> str:
    """Return a tenant's file with a user who has signed up, and what it is given."""
    content = yaml.safe_load(file)
    user = {
        "email": me["email"],
        "confirmed_subject": me["user_id"],
        "credits": dict.fromkeys(content["assets"], _AMOUNT),
    }
    others = [one for one in content.get("users", ()) if one["email"] != me["email"]]
    return yaml.safe_dump(content | {"users": [*others, user]}, sort_keys=False)
