"""What follows a case that has changed: its workflow, its user's level, and what they are told.

A follower of the table is given every change at least once, in order for each case, whoever made
it: a task, a person, a provider, the clock. So nothing here is forgotten when whoever changed a
case ends before it could tell, and all of it may be repeated (docs/adr/0063).
"""

from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from bursa.compliance.cases import IN_PROGRESS, Case, CaseState
from bursa.compliance.providers import Reference
from bursa.compliance.steps import SYSTEM
from bursa.kernel.identifiers import TenantId


class VisibleState(StrEnum):
    """What a user is told of their case: never that there is a hit, or who looks at it."""

    NOTHING_SENT = "nothing_sent"
    IN_REVIEW = "in_review"
    MORE_NEEDED = "more_needed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    # Of notices alone: the case is what it was.
    RENEWAL_DUE = "renewal_due"


def visible_state(case: Case) -> VisibleState:
    """Return what a case's user may know of it."""
    if case.state in IN_PROGRESS:
        return VisibleState.IN_REVIEW
    if case.state is CaseState.RESUBMISSION:
        return VisibleState.MORE_NEEDED if case.attempt else VisibleState.NOTHING_SENT
    return _VISIBLE[case.state]


_VISIBLE: Final = {
    CaseState.APPROVED: VisibleState.APPROVED,
    CaseState.REJECTED: VisibleState.REJECTED,
    CaseState.EXPIRED: VisibleState.EXPIRED,
}


class Notice(NamedTuple):
    """What became of a case, for its user and for whoever keeps the account's level.

    Attributes
    ----------
    id
        Equal for the same version of the case: a notice that comes twice is known by it.
    renew_by_ms, level_ends_at_ms
        Of one that is to be renewed: until when, and when the level falls otherwise; else 0.

    """

    id: str
    tenant: TenantId
    user: str
    state: VisibleState
    level: int
    renew_by_ms: int = 0
    level_ends_at_ms: int = 0


def what_is_needed(case: Case) -> str:
    """Return what was wrong with what a user has sent, in sentences for them; empty for nothing.

    Never what a provider or a person has written: those words are for compliance.
    """
    if case.state is not CaseState.RESUBMISSION or not case.history:
        return ""
    latest = case.history[-1]
    return latest.reason if latest.by == SYSTEM else ""


def notice_of(case: Case) -> Notice:
    """Return what the user of a case is told of it."""
    tenant = TenantId.parse(case.tenant)
    id_ = f"{tenant}.{case.user}.{case.version}"
    return Notice(id_, tenant, case.user, visible_state(case), case.level)


def reminder_of(before: Case | None, after: Case) -> Notice | None:
    """Return what a user is told who is to show again who they are; None unless it is time now."""
    if before is None or before.remind_at_ms is None or not after.is_renewal_due:
        return None
    told = notice_of(after)
    return told._replace(
        id=f"{told.id}.renewal",
        state=VisibleState.RENEWAL_DUE,
        renew_by_ms=after.renew_by_ms or 0,
        level_ends_at_ms=after.level_ends_at_ms or 0,
    )


class AccountLevels(Protocol):
    """The levels of users, where they sign in."""

    def set(
        self, tenant: TenantId, user: str, level: int, version: int, *, ends_vouching: bool
    ) -> None:
        """Set a user's level unless a later version of the case has set it."""


class Workflow(Protocol):
    """Carries out the tasks of an attempt."""

    def begin(self, reference: Reference) -> None:
        """Begin, once for an attempt; safe to repeat."""

    def resume(self, reference: Reference) -> None:
        """Let go on what waits for the provider's report; safe to repeat."""


class Notices(Protocol):
    """Where notices go, for whoever tells users."""

    def send(self, notice: Notice) -> None:
        """Send a notice; it may come twice."""


class CaseChanges:
    """Does what follows."""

    def __init__(self, levels: AccountLevels, workflow: Workflow, notices: Notices) -> None:
        self._levels = levels
        self._workflow = workflow
        self._notices = notices

    def __call__(self, before: Case | None, after: Case) -> None:
        """Follow one change; raises `Unavailable` when it must come again."""
        tenant = TenantId.parse(after.tenant)
        reference = Reference(tenant, after.user, after.attempt)
        # First of all: a level that is taken away must not wait for anything.
        self._levels.set(
            tenant,
            after.user,
            after.level,
            after.version,
            # Who has a hit is not known well enough by anybody's word.
            ends_vouching=after.is_withheld or after.is_barred or bool(after.hits),
        )
        if after.state is CaseState.SUBMITTED:
            self._workflow.begin(reference)
        elif after.state not in {CaseState.SCREENING, CaseState.AT_PROVIDER}:
            self._workflow.resume(reference)
        notice = notice_of(after)
        if before is None or notice_of(before)[1:] != notice[1:]:
            self._notices.send(notice)
        reminder = reminder_of(before, after)
        if reminder is not None:
            self._notices.send(reminder)
