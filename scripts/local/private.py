"""Files and folders that only their owner can read: an exchange's keys, passwords and state."""

import os
import stat
from pathlib import Path
from typing import IO

UMASK = 0o077
_FILE, _FOLDER = 0o600, 0o700
# Large and without secrets: the builds of a checkout, and where functions are unpacked.
_WITHOUT_SECRETS = {"builds", "tmp", "tmp-old"}


def write(path: Path, text: str) -> None:
    """Replace a file by one that nobody else can read, whatever the umask and its rights were."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, _FILE)
        file.write(text)
    fresh.replace(path)


def append(path: Path) -> IO[bytes]:
    """Open a file for appending that nobody else can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE)
    os.fchmod(descriptor, _FILE)
    return os.fdopen(descriptor, "ab")


def close_to_others(folder: Path) -> None:
    """Make a folder, and take from others the rights to all that is in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER)
    folder.chmod(_FOLDER)
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _WITHOUT_SECRETS]
        for name in [*folders, *files]:
            _close(os.path.join(parent, name))  # noqa: PTH118 - thousands of them


def _close(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & UMASK:
            os.chmod(path, stat.S_IMODE(mode) & ~UMASK)  # noqa: PTH101 - see above
    except FileNotFoundError:
        pass  # a process of the exchange has removed it meanwhile
