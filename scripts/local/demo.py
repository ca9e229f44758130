"""The tenants of this exchange, and the proof that it serves their users."""

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from bursa.compliance.list_versions import ListFiles, publish
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.kernel.clock import SystemClock
from scripts.local import worker
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.processes import Process, is_alive, named
from scripts.local.progress import last_line
from scripts.local.register import Register
from scripts.onboard.passwords import generated

_ONBOARDING = "onboarding"
# The first is the one that tools and tests mean unless they name another.
_FILES = tuple(Path("docs/examples/tenants", name) for name in ("demo.yaml", "aurora.yaml"))
_ANY_HOST = "*"
# MiniStack sends no other.
_EMULATORS_CODE = "123456"
_SANCTIONS, _LIST_FILES = Path("docs/examples/sanctions"), ("sdn.csv", "alt.csv")
# As the template names it by default.
_LIST = "sanctions"
# A machine with other work to do is slow, not broken; Ctrl-C is there for who thinks otherwise.
_PATIENCE_S = 180.0
_POLL_S = 0.1
_TIMEOUT_S = 30

Json = dict[str, Any]


def open_tenants(
    local: LocalEnvironment, stack_outputs: dict[str, str], shard: int, worker_process: Process
) -> list[Json]:
    """Run `bursa tenants create` for all of them; return each with its host and users.

    Their passwords are made here, and are in a file that only its owner can read.

    Raises
    ------
    LocalError
        It failed, or the worker that has to carry it out has ended.

    """
    environment = local.child_environment() | worker.variables_of_shard(stack_outputs, shard)
    environment["PYTHONPATH"] = f"{local.root}:{local.root / 'layers' / 'core'}"
    environment["AWS_SDK_UA_APP_ID"] = "Funds"
    environment.pop("STACK", None)
    passwords = local.home / "passwords.json"
    register = Register(local.home)
    with (
        subprocess.Popen(  # noqa: S603 - our own tool
            [
                sys.executable,
                "-m",
                "scripts.bursa",
                "tenants",
                "create",
                *map(str, _FILES),
                "--from-environment",
                "--json",
                "--passwords",
                str(passwords),
            ],
            cwd=local.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as child,
        register.during(named(_ONBOARDING, child.pid)),
    ):
        while not _has_ended(child):
            if not is_alive(worker_process):
                child.kill()
                raise LocalError(
                    f"The worker ended: {with_hint(last_line(worker.log(local, shard)))}"
                )
        printed, complaint = child.communicate()
    if child.returncode != 0:
        raise LocalError(f"{complaint.strip()} The worker's log is {worker.log(local, shard)}.")
    known = json.loads(passwords.read_text())
    return [_described(tenant, known) for tenant in json.loads(printed)]


def add_api_keys(
    local: LocalEnvironment, stack_outputs: dict[str, str], tenants: list[Json]
) -> None:
    """Add an API key to each user of `outputs.json`: ``api_key`` and ``api_secret``.

    Raises `LocalError`.
    """
    users = [(tenant, user) for tenant in tenants for user in tenant["users"]]
    environment = local.child_environment() | worker.variables(stack_outputs)
    environment["PYTHONPATH"] = f"{local.root}:{local.root / 'layers' / 'core'}"
    asked = [
        {"account": user["account"], "subject": _subject(sign_in(local, tenant, user))}
        for tenant, user in users
    ]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.local.api_keys"],
        cwd=local.root,
        env=environment,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode:
        raise LocalError(f"The users got no API keys: {done.stderr.strip()[-400:]}")
    for (_, user), key in zip(users, json.loads(done.stdout), strict=True):
        user.update(key)


def _subject(token: str) -> str:
    """Return whose token this is; the emulator has just issued it."""
    claims = token.split(".")[1]
    padded = claims + "=" * (-len(claims) % 4)
    subject: str = json.loads(base64.urlsafe_b64decode(padded))["sub"]
    return subject


def publish_sanctions(local: LocalEnvironment, stack_outputs: dict[str, str]) -> None:
    """Put the made list of the examples in force: without one nobody can be screened."""
    files = ListFiles(*((local.root / _SANCTIONS / name).read_bytes() for name in _LIST_FILES))
    store = S3Lists(local.client("s3"), stack_outputs["DocumentsBucket"])
    publish(store, _LIST, files, SystemClock().now_ms())


def _described(opened: Json, passwords: dict[str, str]) -> Json:
    """Return a tenant as `outputs.json` has it."""
    hosts = [host for host in opened["hosts"] if host != _ANY_HOST]
    return {
        **opened["tenant"],
        "host": hosts[0] if hosts else "",
        "issuer": opened["sign_in"]["issuer"],
        "user_pool_client_id": opened["sign_in"]["client_ids"][0],
        "markets": opened["markets"],
        "users": [user | {"password": passwords[user["email"]]} for user in opened["users"]],
    }


def with_hint(complaint: str) -> str:
    """Add what to do when the worker can't read the local journal, perhaps of another version."""
    if "The journal of shard" not in complaint:
        return complaint
    return f"{complaint} `make reset` removes all local data; a new journal begins then."


def warm_up(rest_url: str) -> None:
    """Start the functions while the worker starts; their responses are not read."""
    for path, headers in (("/markets", {}), ("/balances", {"Authorization": "Bearer none"})):
        request = partial(requests.get, f"{rest_url}{path}", headers=headers, timeout=_PATIENCE_S)
        threading.Thread(target=_try, args=(request,), daemon=True).start()


def _try(request: Callable[[], object]) -> None:
    with contextlib.suppress(requests.RequestException):
        request()


def wait_until_ready(local: LocalEnvironment, outputs: Json) -> None:
    """Wait until the public API shows the markets and every user its money."""
    deadline = time.monotonic() + _PATIENCE_S
    missing = "no response"
    while time.monotonic() < deadline:
        try:
            missing = _missing(local, outputs)
        except (requests.RequestException, BotoCoreError, ClientError, ValueError) as error:
            missing = f"{error}"
        if not missing:
            return
        time.sleep(_POLL_S)
    raise LocalError(f"The exchange does not respond as it should: {missing}. See {local.logs}.")


def find_user(outputs: Json, tenant: str, wanted: str) -> tuple[Json, Json]:
    """Return a tenant and the first of its users whose address begins as wanted.

    ``tenant`` is a name or an id; an empty one is any, and the first where no user is named.
    """
    for one in outputs["tenants"]:
        if tenant in ("", one["id"], one["name"]):
            for user in one["users"]:
                if user["email"].startswith(wanted):
                    return one, user
    there = "; ".join(
        f"TENANT={one['name']} with AS={' or '.join(_first_names(one))}"
        for one in outputs["tenants"]
    )
    raise LocalError(f"There is no such demo user; there are {there}.")


def _first_names(tenant: Json) -> list[str]:
    return [user["email"].partition("@")[0] for user in tenant["users"]]


def sign_in(local: LocalEnvironment, tenant: Json, user: Json) -> str:
    """Return the access token of a tenant's user."""
    response = local.client("cognito-idp").initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=tenant["user_pool_client_id"],
        AuthParameters={"USERNAME": user["email"], "PASSWORD": user["password"]},
    )
    token: str = response["AuthenticationResult"]["AccessToken"]
    return token


def sign_up(local: LocalEnvironment, tenant: Json) -> Json:
    """Sign a stranger up with a tenant, as its page does, and return what it signs in with."""
    user = {"email": f"{secrets.token_hex(4)}@newcomer.example", "password": generated()}
    pool, client_id = local.client("cognito-idp"), tenant["user_pool_client_id"]
    pool.sign_up(
        ClientId=client_id,
        Username=user["email"],
        Password=user["password"],
        UserAttributes=[{"Name": "email", "Value": user["email"]}],
    )
    pool.confirm_sign_up(
        ClientId=client_id, Username=user["email"], ConfirmationCode=_EMULATORS_CODE
    )
    return user


def _has_ended(child: subprocess.Popen[str]) -> bool:
    try:
        child.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _missing(local: LocalEnvironment, outputs: Json) -> str:
    """Return what the API does not show yet; empty when everything is there."""
    for tenant in outputs["tenants"]:
        listed = _get(f"{outputs['rest_url']}/markets", {"X-Tenant": tenant["id"]})
        absent = set(tenant["markets"]) - {market["market"] for market in listed["items"]}
        if absent:
            return f"the markets {', '.join(sorted(absent))} are not listed"
        for user in tenant["users"]:
            token = sign_in(local, tenant, user)
            bearer = {"Authorization": f"Bearer {token}"}
            if not _get(f"{outputs['rest_url']}/balances", bearer)["items"]:
                return f"{user['email']} has no balance"
    return ""


def _get(url: str, headers: dict[str, str]) -> Json:
    response = requests.get(url, headers=headers, timeout=_TIMEOUT_S)
    if not response.ok:
        raise ValueError(f"GET {url} returned {response.status_code} {response.text[:200]}")
    content: Json = response.json()
    return content
