"""Looks into the worker's archive before it is published: what it holds is what was locked."""

import hashlib
import re
import tarfile
from pathlib import Path

from scripts.deploy.errors import DeployError

_AARCH64 = 183  # e_machine of the ELF format
_MACHINE_AT = slice(18, 20)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def check_worker_archive(archive: Path, lock: Path) -> None:
    """Return when each package is one of the lock's, and the engine is compiled for the fleet.

    Raises
    ------
    DeployError
        Names what is missing or is another.

    """
    locked = set(_HASH.findall(lock.read_text()))
    names = set(re.findall(r"(?m)^([A-Za-z0-9._-]+)==", lock.read_text()))
    found, engines = set(), 0
    with tarfile.open(archive) as content:
        for member in content:
            file = content.extractfile(member)
            if file is None:
                continue
            if member.name.startswith("packages/"):
                if hashlib.sha256(file.read()).hexdigest() not in locked:
                    raise DeployError(f"{archive} holds {member.name}, which is not in {lock}.")
                found.add(member.name.removeprefix("packages/").split("-")[0].replace("_", "-"))
            elif re.fullmatch(r"engine/_core\..*\.so", member.name):
                engines += int.from_bytes(file.read(20)[_MACHINE_AT], "little") == _AARCH64
    missing = {name.lower().replace("_", "-") for name in names} - {one.lower() for one in found}
    if missing:
        raise DeployError(f"{archive} lacks {min(missing)}, which is in {lock}.")
    if engines != 1:
        raise DeployError(f"{archive} has no engine that is compiled for the fleet (aarch64).")
