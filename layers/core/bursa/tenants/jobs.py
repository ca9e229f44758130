"""What an operator asks for by HTTP is a job: taken at once, carried out apart, found by its id.

Opening a tenant waits for CloudFormation, longer than any request may. A job is asked for under a
name of the operator's own, so the same request again is the same job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Protocol

_ID_LENGTH: Final = 32


class JobKind(StrEnum):
    """What is to be done; a word of the audit log."""

    CREATE = "create"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXPORT = "export"
    DELETE = "delete"


class JobState(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    DONE = "done"
    # It can't be done; says what to do instead.
    REFUSED = "refused"
    # It was tried as often as it is tried, and an alarm rings; the same again goes on from there.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What is asked for.

    Attributes
    ----------
    tenant
        Its id or its name; the name in what is asked for, where it is opened.
    asked
        The arguments, as plain values.
    by
        The principal who asks.

    """

    kind: JobKind
    tenant: str
    asked: Mapping[str, Any]
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobOrigin:
    """Where a job was asked for: an address, and the gateway's name of the request."""

    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job and what became of it.

    Attributes
    ----------
    begun_at_ms, ended_at_ms
        UTC; the second is None while it runs.
    result
        What it has made; empty unless it is done.
    code, detail
        Why it was refused, or failed.

    """

    id: str
    order: JobOrder
    state: JobState
    begun_at_ms: int
    ended_at_ms: int | None = None
    result: Mapping[str, Any] | None = None
    code: str = ""
    detail: str = ""


class Jobs(Protocol):
    """The jobs of a deployment."""

    def begin(self, job: str, order: JobOrder, origin: JobOrigin) -> Job:
        """Begin a job, or find it.

        Raises `Conflict` ``idempotency_key_reused`` when something else was asked for under its id,
        `Unavailable` ``jobs_unavailable`` when it may have begun all the same.
        """

    def find(self, job: str) -> Job | None:
        """Return a job; None when there is none. Raises `Unavailable` ``jobs_unavailable``."""


def job_id(by: str, key: str) -> str:
    """Return the id of what a principal asks for under a name: 32 hexadecimal digits."""
    return sha256(f"{by}\0{key}".encode()).hexdigest()[:_ID_LENGTH]
