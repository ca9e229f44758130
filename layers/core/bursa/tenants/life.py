"""A tenant's life: which states it passes through, and what each of them allows.

    opening ──► active ◄──► suspended
       │          ▲ │           │
       │          │ ▼           │
       └───────► closing ◄──────┘
                  │
                  ▼
                deleted

``suspended`` has two stages: all markets take cancels only from the first moment, and users are
refused once ``sign_in_ends_at_ms`` is reached. ``closing`` takes cancels only too, so that users
can leave, until its waiting period is over; until then it may be taken back. ``deleted`` is for
good: the number is never used again. docs/adr/0045 says why.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bursa.kernel.errors import Conflict, InvalidInput

DAY_MS: Final = 86_400_000
GRACE_MS_DEFAULT: Final = DAY_MS
GRACE_MS_MAX: Final = 90 * DAY_MS
WAITING_MS_MIN: Final = 7 * DAY_MS
WAITING_MS_DEFAULT: Final = 30 * DAY_MS
WAITING_MS_MAX: Final = 365 * DAY_MS
HISTORY_LENGTH_MAX: Final = 100


class TenantState(StrEnum):
    """Where a tenant is in its life; the words that are stored."""

    OPENING = "opening"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a tenant's state: when, to what, by whom, and why."""

    at_ms: int
    state: TenantState
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standstill:
    """A time in which the markets take cancels only.

    Attributes
    ----------
    number
        The tenant's first is 1; it keeps the commands of one standstill apart from another's.
    markets
        Which state each market was in before, by symbol; None until that is written down.
    is_in_force
        Whether the engine has carried it out.

    """

    number: int
    markets: dict[str, str] | None = None
    is_in_force: bool = False


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """What the deployment's directory says of a tenant as a customer.

    Attributes
    ----------
    version
        Counts the changes, so that of two at once one is refused.
    sign_in_ends_at_ms, delete_after_ms, exported_at_ms
        UTC; None where there is no such time.

    """

    tenant: str
    name: str
    shard: int
    issuer: str
    state: TenantState = TenantState.ACTIVE
    version: int = 0
    standstill: Standstill | None = None
    standstills: int = 0
    sign_in_ends_at_ms: int | None = None
    delete_after_ms: int | None = None
    exported_at_ms: int | None = None
    history: tuple[Change, ...] = ()


def require_state(record: TenantRecord, *states: TenantState) -> None:
    """Return when a tenant is in one of these states.

    Raises
    ------
    Conflict
        ``wrong_tenant_state``; nothing has changed.

    """
    if record.state not in states:
        raise Conflict(
            "wrong_tenant_state",
            f"{record.name} is {record.state}; this needs a tenant that is {' or '.join(states)}.",
        )


def require_span(span_ms: int, least_ms: int, most_ms: int, field: str) -> None:
    """Raise `InvalidInput` ``invalid_<field>`` for a time that is too short or too long."""
    if not least_ms <= span_ms <= most_ms:
        raise InvalidInput(
            f"invalid_{field}",
            f"Give {field} as {least_ms // 3_600_000} to {most_ms // 3_600_000} hours.",
            field=field,
        )
