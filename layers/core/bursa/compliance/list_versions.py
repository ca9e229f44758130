"""The versions of a sanctions list: which is in force, how another takes its place.

A version is stored under its digest and never changed; one small row says which is in force, with
the digests of its files. Reading checks them all, so that a file that was cut, changed or exchanged
is an error and never a shorter list.
"""

import hashlib
import json
import re
from typing import Final, NamedTuple, Protocol

from bursa.compliance.sanctions_list import SanctionsList, parse_list, require_successor
from bursa.kernel.errors import InternalError, InvalidInput

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")


class ListFiles(NamedTuple):
    """A version's files as they were published."""

    sdn: bytes
    alt: bytes


class ListInForce(NamedTuple):
    """Which version of a list is in force; what the small row says.

    Attributes
    ----------
    digest
        Of the list, as `SanctionsList.digest`.
    sdn_sha256, alt_sha256
        Of its files, in hexadecimal.
    entries
        How many individuals it has.

    """

    digest: str
    sdn_sha256: str
    alt_sha256: str
    entries: int
    since_ms: int


class ListStore(Protocol):
    """Where lists are kept."""

    def read_in_force(self, name: str) -> bytes | None:
        """Return a list's small row as it was written; None for a list that has none."""

    def write_in_force(self, name: str, row: bytes, before: bytes | None) -> None:
        """Replace the small row; raises `Conflict` ``list_changed`` if it is another by now."""

    def read_files(self, name: str, digest: str) -> ListFiles:
        """Return a version's files."""

    def write_files(self, name: str, digest: str, files: ListFiles) -> None:
        """Keep a version's files; what is there already stays as it is."""


def publish(
    store: ListStore, name: str, files: ListFiles, now_ms: int, *, confirmed: str = ""
) -> ListInForce:
    """Put a list in force, and return what is in force then; the same again changes nothing.

    ``confirmed`` is the digest of a list that a person has looked at, because it is much shorter
    than the one before.

    Raises
    ------
    InvalidInput
        ``invalid_list``, ``list_shrunk``, ``invalid_list_name``; the list in force stays.
    Conflict
        ``list_changed``: another one was put in force meanwhile.
    InternalError
        ``list_damaged``: the one in force can't be read, so nothing can be compared with it.

    """
    _require_name(name)
    after = parse_list(*files)
    row = store.read_in_force(name)
    in_force = None if row is None else _decode(row)
    if in_force is not None and in_force.digest == after.digest:
        return in_force
    if confirmed != after.digest:
        require_successor(None if in_force is None else _read(store, name, in_force), after)
    store.write_files(name, after.digest, files)
    fresh = ListInForce(
        after.digest,
        hashlib.sha256(files.sdn).hexdigest(),
        hashlib.sha256(files.alt).hexdigest(),
        len(after.entries),
        now_ms,
    )
    store.write_in_force(name, json.dumps(fresh._asdict()).encode(), row)
    return fresh


def find_in_force(store: ListStore, name: str) -> ListInForce | None:
    """Return which version of a list is in force; None for none. Nothing of it is read.

    Raises `InternalError` ``list_damaged``.
    """
    _require_name(name)
    row = store.read_in_force(name)
    return None if row is None else _decode(row)


def read_list(store: ListStore, name: str) -> SanctionsList:
    """Return the list that is in force.

    Raises
    ------
    InvalidInput
        ``no_list``: nobody has put one in force; ``invalid_list_name``
    InternalError
        ``list_damaged``: it is not what was put in force. Nobody may be screened with it.

    """
    _require_name(name)
    row = store.read_in_force(name)
    if row is None:
        raise InvalidInput("no_list", f"Put a list {name} in force first.", field="list")
    return _read(store, name, _decode(row))


def _read(store: ListStore, name: str, in_force: ListInForce) -> SanctionsList:
    files = store.read_files(name, in_force.digest)
    digests = (hashlib.sha256(files.sdn).hexdigest(), hashlib.sha256(files.alt).hexdigest())
    if digests != (in_force.sdn_sha256, in_force.alt_sha256):
        raise _damaged(name)
    try:
        found = parse_list(*files)
    except InvalidInput as error:
        raise _damaged(name) from error
    if (found.digest, len(found.entries)) != (in_force.digest, in_force.entries):
        raise _damaged(name)
    return found


def _decode(row: bytes) -> ListInForce:
    try:
        return ListInForce(**json.loads(row))
    except (ValueError, TypeError) as error:
        raise _damaged("in force") from error


def _damaged(name: str) -> InternalError:
    return InternalError("list_damaged", f"The list {name} is not what was put in force.")


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "invalid_list_name", "Name a list with a letter, then a to z, 0 to 9, -.", field="list"
        )
