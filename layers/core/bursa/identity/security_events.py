"""What has happened to the security of a user's accounts, and what it pauses.

Each event is kept for the user to see, and pauses withdrawals of its account for a while: whoever
has taken an account over must wait, and the owner has time to notice. A pause is only ever
extended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from bursa.kernel.identifiers import AccountId, TenantId

EVENTS_MAX: Final = 100
EVENTS_KEPT_S: Final = 730 * 86_400


class SecurityEventKind(StrEnum):
    """What can happen."""

    ACCOUNT_CLOSED = "account_closed"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"
    EMAIL_CHANGED = "email_changed"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    SESSION_ENDED = "session_ended"
    SIGN_IN_FACTOR_CHANGED = "sign_in_factor_changed"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"


# What takes rights away lets nobody in.
PAUSING: Final = frozenset(
    {
        SecurityEventKind.API_KEY_MADE,
        SecurityEventKind.EMAIL_CHANGED,
        SecurityEventKind.IDENTITY_LINKED,
        SecurityEventKind.NEW_DEVICE,
        SecurityEventKind.PASSWORD_CHANGED,
        SecurityEventKind.SECOND_FACTOR_ADDED,
        SecurityEventKind.SECOND_FACTOR_REMOVED,
        SecurityEventKind.SIGN_IN_FACTOR_CHANGED,
    }
)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that happened to a user.

    Attributes
    ----------
    account
        The account that it was signed in for; names the tenant.
    user
        The subject of its tokens.
    at_ms
        When, UTC.
    address
        Where the request came from.
    about
        What it was about, such as a key's id; empty when the kind says it all.

    """

    kind: SecurityEventKind
    account: AccountId
    user: str
    at_ms: int
    address: str
    about: str = ""


class WithdrawalPause(NamedTuple):
    """Until when an account may not withdraw, UTC, and because of what."""

    until_ms: int
    why: str


class SecurityRecords(Protocol):
    """Keeps events and pauses."""

    def record(self, event: SecurityEvent, pause_until_ms: int) -> None:
        """Keep an event, and pause withdrawals unless the time is 0. Raises `Unavailable`."""

    def events(self, tenant: TenantId, user: str) -> Sequence[SecurityEvent]:
        """Return a user's latest events, newest first. Raises `Unavailable`."""

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        """Return until when an account may not withdraw; None for no pause so far."""


class TenantPauses(Protocol):
    """What tenants say of pauses."""

    def withdrawal_pause_s(self, tenant: TenantId) -> int | None:
        """Return how long an event pauses withdrawals; None where the tenant does not say."""


class PauseLengths:
    """How long an event pauses withdrawals: what the tenant says, or else the deployment."""

    def __init__(self, tenants: TenantPauses, otherwise_ms: int) -> None:
        self._tenants = tenants
        self._otherwise_ms = otherwise_ms

    def __call__(self, tenant: TenantId) -> int:
        """Return the time in milliseconds; raises `Unavailable`."""
        said_s = self._tenants.withdrawal_pause_s(tenant)
        return self._otherwise_ms if said_s is None else said_s * 1_000


class SecurityEvents:
    """A user's security events.

    Parameters
    ----------
    pause_ms_of
        Returns how long an event pauses withdrawals of a tenant's accounts.

    """

    def __init__(self, records: SecurityRecords, pause_ms_of: Callable[[TenantId], int]) -> None:
        self._records = records
        self._pause_ms_of = pause_ms_of

    def record(self, event: SecurityEvent) -> None:
        """Keep an event and pause withdrawals if it does; raises `Unavailable`."""
        self._records.record(event, self.pause_until_ms(event))

    def pause_until_ms(self, event: SecurityEvent) -> int:
        """Return until when an event pauses withdrawals; 0 for not at all.

        Never earlier than they are paused until already, whatever the tenant says by now. Raises
        `Unavailable`.
        """
        if event.kind not in PAUSING:
            return 0
        known = self._records.pause(event.account)
        until_ms = event.at_ms + self._pause_ms_of(event.account.tenant)
        return until_ms if known is None else max(until_ms, known.until_ms)

    def of(self, tenant: TenantId, user: str) -> Sequence[SecurityEvent]:
        """Return a user's latest events, newest first; raises `Unavailable`."""
        return self._records.events(tenant, user)

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        """Return until when an account may not withdraw; raises `Unavailable`."""
        return self._records.pause(account)
