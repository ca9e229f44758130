"""Builds and deploys `template.yaml` onto the emulator, and reads what it made.

A build is kept by the hash of everything that goes into it, and a deployment that has the same
hash as the last one is left as it is: that is what makes a second start quick.
"""

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.local import private, processes
from scripts.local.environment import STACK, LocalEnvironment, LocalError
from scripts.local.register import Register, one_after_another
from scripts.slim_layer import slim

_SOURCES = (
    "template.yaml",
    "samconfig.toml",
    "infra",
    "layers",
    "functions",
    "scripts/slim_layer.py",
)
_NESTED = ("infra", "layers/core/bursa/tenants/blueprints")
_NOT_SOURCES = {"__pycache__", ".mypy_cache", ".ruff_cache"}
# Whom users' mails are from; MiniStack keeps them, and sends none.
SENDER = "no-reply@bursa.example"
_STEP = "deployment"
_BUILDS_KEPT = 3
_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the emulator's state holds: a build, its nested stacks, and the port it was made on."""

    build: str
    nested: str
    port: int


def fingerprint(local: LocalEnvironment) -> str:
    """Hash everything that decides what gets deployed."""
    return _hash(local.root, _SOURCES)


def is_current(local: LocalEnvironment, build: str) -> bool:
    """Return whether this build is what the emulator's saved state holds."""
    deployed = _deployed(local)
    return deployed is not None and deployed.build == build


def why_not_on_top(local: LocalEnvironment, build: str) -> str:
    """Return why this build can't be deployed onto the saved state; empty when it can.

    MiniStack 1.5 forgets the attributes of what is unchanged in a nested stack when it updates it,
    and updates it when its template changes or lies on another port.
    """
    deployed = _deployed(local)
    if deployed is None:
        return "The last deployment was not finished"
    if deployed.build == build:
        return ""
    if deployed.nested != _hash(local.root, _NESTED):
        return "The nested stacks have changed, which MiniStack can't update"
    if deployed.port != local.port:
        return "The sources and the port have changed, which MiniStack can't update"
    return ""


def build(local: LocalEnvironment, name: str) -> Path:
    """Run `sam build` unless this build exists; return the path of its template."""
    template = local.builds / name / "template.yaml"
    with one_after_another(local.builds / "lock"):
        if not template.exists():
            unfinished = local.builds / f"unfinished-{name}"
            shutil.rmtree(unfinished, ignore_errors=True)
            command = ["build", "--template-file", str(local.root / "template.yaml")]
            command += ["--build-dir", str(unfinished), "--parameter-overrides", *overrides()]
            command += ["--cached", "--cache-dir", str(local.builds / "cache")]
            _sam(local, command, build_log(local))
            slim(unfinished)
            _compile(local, unfinished)
            unfinished.rename(template.parent)
            _forget_old_builds(local, keep=name)
        os.utime(template.parent)
    return template


def deploy(local: LocalEnvironment, name: str, template: Path) -> None:
    """Run `sam deploy` and remember what it deployed."""
    before = _deployed(local)
    local.deployed.unlink(missing_ok=True)
    command = ["deploy", "--template-file", str(template), "--config-env", "local"]
    command += ["--config-file", str(local.root / "samconfig.toml"), "--stack-name", STACK]
    try:
        _sam(local, [*command, "--parameter-overrides", *overrides()], deploy_log(local))
    except LocalError:
        if before is not None and _status(local) == "UPDATE_ROLLBACK_COMPLETE":
            _remember(local, before)
        raise
    _let_mails_out(local)
    _remember(local, Deployed(name, _hash(local.root, _NESTED), local.port))


def _let_mails_out(local: LocalEnvironment) -> None:
    """Verify the sender of mails, and allow them.

    MiniStack knows no resource of a mail, and gives a tenant's user pool none of its stack's tags.
    """
    mails, iam = local.client("sesv2"), local.client("iam")
    with suppress(mails.exceptions.AlreadyExistsException):
        mails.create_email_identity(EmailIdentity=SENDER)
    actions = ["ses:SendEmail", "cognito-idp:AdminGetUser"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if "-NotifyRole-" in role["RoleName"]:
                iam.put_role_policy(
                    RoleName=role["RoleName"], PolicyName="mails", PolicyDocument=policy
                )


def outputs(local: LocalEnvironment) -> dict[str, str]:
    """Return the stack's outputs; raises `LocalError` when there is no stack."""
    try:
        stack = _stack(local)
    except (BotoCoreError, ClientError) as error:
        raise LocalError(f"The deployed stack can't be read: {error}") from error
    return {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}


def build_log(local: LocalEnvironment) -> Path:
    """Return the file that `sam build` writes to."""
    return local.logs / "build.log"


def deploy_log(local: LocalEnvironment) -> Path:
    """Return the file that `sam deploy` writes to."""
    return local.logs / "deploy.log"


def _parameters() -> dict[str, str]:
    version = sys.version_info
    return {
        "PythonRuntime": f"python{version.major}.{version.minor}",
        "Architecture": _ARCHITECTURES.get(platform.machine(), "x86_64"),
        "PasswordSignIn": "true",
        "SignUp": "open",
        "KycSandbox": "true",
        "SenderAddress": SENDER,
        "TenantsShareHosts": "true",
        "DeletionProtection": "false",
        "LogRetentionDays": "1",
        "ArchiveRetentionDays": "1",
    }


def overrides() -> list[str]:
    """Return the template's parameters as the SAM command line takes them."""
    return [f"{name}={value}" for name, value in _parameters().items()]


def _hash(root: Path, sources: Iterable[str]) -> str:
    digest = hashlib.sha256(json.dumps(_parameters(), sort_keys=True).encode())
    for path in _files(root, sources):
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


def _files(root: Path, sources: Iterable[str]) -> Iterator[Path]:
    for source in sources:
        path = root / source
        if path.is_file():
            yield path
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(set(folders) - _NOT_SOURCES)
            yield from (Path(folder, file) for file in sorted(files))


def _sam(local: LocalEnvironment, arguments: list[str], log: Path) -> None:
    """Run the SAM command line; raises `LocalError` with its own last message when it fails."""
    log.unlink(missing_ok=True)
    status = _run(local, [str(Path(sys.executable).with_name("sam")), *arguments], log)
    if status != 0:
        raise LocalError(f"sam {arguments[0]} failed: {_last_words(log)} (all of it: {log})")


def _compile(local: LocalEnvironment, folder: Path) -> None:
    """Put byte code beside every module: each function's first start is then seconds shorter.

    It counts whatever the files' times are, because unpacking changes them.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0"]
    command += ["--invalidation-mode", "unchecked-hash", str(folder)]
    # A module that does not compile says so when it is imported.
    _run(local, command, local.logs / "compile.log")


def _run(local: LocalEnvironment, command: list[str], log: Path) -> int:
    """Run a step; it is registered, so that it ends with the rest if this command is killed."""
    register = Register(local.home)
    try:
        return processes.run(
            _STEP,
            command,
            log=log,
            environment=local.child_environment(),
            folder=local.root,
            began=register.add,
        )
    finally:
        register.remove(_STEP)


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    causes = [line for line in lines if "CREATE_FAILED" in line or "UPDATE_FAILED" in line]
    errors = [line for line in lines if line.startswith("Error")]
    return " ".join(" ".join([*causes[:1], *errors[-1:]]).split()) or "no reason given"


def _forget_old_builds(local: LocalEnvironment, keep: str) -> None:
    built = [path.parent for path in local.builds.glob("*/template.yaml")]
    built.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in built[_BUILDS_KEPT:]:
        if folder.name != keep:
            shutil.rmtree(folder, ignore_errors=True)


def _deployed(local: LocalEnvironment) -> Deployed | None:
    try:
        return Deployed(**json.loads(local.deployed.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def _remember(local: LocalEnvironment, deployed: Deployed) -> None:
    private.write(local.deployed, json.dumps(asdict(deployed)))


def _stack(local: LocalEnvironment) -> dict[str, Any]:
    response = local.client("cloudformation").describe_stacks(StackName=STACK)
    stack: dict[str, Any] = response["Stacks"][0]
    return stack


def _status(local: LocalEnvironment) -> str:
    try:
        status: str = _stack(local)["StackStatus"]
    except (BotoCoreError, ClientError):
        return ""
    return status
