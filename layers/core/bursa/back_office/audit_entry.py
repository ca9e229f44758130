"""One entry of an audit log, the line that it is stored as, and its hash.

An entry names the hash of the one before it, so none can be changed, removed, added or moved
without changing all that follow. Its line is JSON in one form only (RFC 8785's order of keys and no
spaces; whole numbers and text), and the hash is SHA-256 (FIPS 180-4) of that line: whoever has an
export can verify it without this code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

# What an entry says of things before and after, and of what was asked: plain values.
Facts: TypeAlias = Mapping[str, Any]

# What the first entry of a log names as the hash before it.
GENESIS_HASH: Final = "0" * 64
LINE_BYTES_MAX: Final = 64 * 1_024


class EntryKind(StrEnum):
    """What an entry records."""

    # That somebody is about to change something, and that it was done or refused.
    INTENT = "intent"
    OUTCOME = "outcome"
    # That somebody has asked for a change that another person must approve, and what that one did.
    PROPOSAL = "proposal"
    APPROVAL = "approval"
    REJECTION = "rejection"
    # That somebody has read something whose reading is logged.
    READ = "read"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does, and why.

    Attributes
    ----------
    request
        32 hexadecimal digits: intent and outcome of one request have the same.
    actor, role
        Who: the subject of a user's tokens and its role, or an operator's name and ``operator``.
    action
        What, in the words of `bursa.back_office.roles.Action`.
    about
        To whom or what, such as ``user:5d1f…`` or ``market:BTC-USDT``.
    asked
        The request's arguments.
    reason
        Why; empty for what only reads.
    address
        Where the request came from, as the gateway saw it.
    request_id
        The gateway's name of the request.

    """

    request: str
    actor: str
    role: str
    action: str
    about: str
    asked: Facts
    reason: str
    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry; see `Deed` for what they share.

    Attributes
    ----------
    number
        1 for a log's first entry, and so on, without a gap.
    at_ms
        When, UTC.
    before, after
        What was there, and what is there now; empty where nothing was changed.
    result
        ``done``, or the code of the error that it was refused with; empty but for an outcome.
    previous
        The hash of the entry before.

    """

    tenant: str
    number: int
    at_ms: int
    kind: EntryKind
    deed: Deed
    before: Facts
    after: Facts
    result: str
    previous: str

    def line(self) -> str:
        """Return the entry as it is stored and hashed."""
        deed = {one.name: getattr(self.deed, one.name) for one in fields(Deed)}
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "deed"}
        return canonical({**deed, **own})


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it lies in the log: its number, its line, and the hash of that."""

    number: int
    line: str
    hash: str


def sealed(entry: AuditEntry) -> StoredEntry:
    """Return an entry as it is stored."""
    line = entry.line()
    return StoredEntry(entry.number, line, hash_of(line))


def hash_of(line: str) -> str:
    """Return the hash of an entry's line, 64 hexadecimal digits."""
    return sha256(line.encode()).hexdigest()


def canonical(facts: Facts) -> str:
    """Return plain values as JSON in the one form there is; raises `ValueError` for others."""
    return json.dumps(_plain(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return str(value)
    if value is None or type(value) in {int, bool}:
        return value
    # Fractions have more than one form.
    raise ValueError(f"{value!r} is neither text nor a whole number")


def parsed(line: str) -> dict[str, Any]:
    """Return the fields of a line; raises `ValueError` for what is no entry."""
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("an entry is an object")  # noqa: TRY004 - as for other lines
    return content
