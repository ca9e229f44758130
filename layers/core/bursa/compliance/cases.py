"""A user's case: what is known of who they are, and which level follows from it.

    submitted ──► screening ──► at_provider ──► approved ──► expired
        │             │              │           │    ▲
        │             └──────┬───────┘           ▼    │
        │                    └───────────────► deciding ──► rejected
        ▼                                        │             │
    resubmission ◄───────────────────────────────┴─────────────┘

A state says what the case waits for: checks of its files, the screening, the provider, a person of
compliance (``deciding``), or the user (``resubmission``, ``rejected``, ``expired``). Which step
leads where is in `bursa.compliance.steps`. A user has one case; each submission is an attempt of
it, and what is about an earlier attempt has no effect.

The level of a user is `Case.level`. A higher level that is applied for takes nothing from the one
there is; what takes it away at once is a hit found later (`is_withheld`), until a person decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from bursa.compliance.levels import DOCUMENTS, Levels, Requirement
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import Conflict, InvalidInput, Refused

HOUR_MS: Final = 3_600_000
HISTORY_LENGTH_MAX: Final = 100
# Who submits, in a history.
USER: Final = "user"
# More hits than a person would read; the screening keeps the best.
HITS_MAX: Final = 20
CLEARED_MAX: Final = 200
# Each costs checks, a screening and perhaps a provider's fee.
SUBMISSIONS_PER_DAY_MAX: Final = 8


class CaseState(StrEnum):
    """What a case waits for; the words that are stored."""

    SUBMITTED = "submitted"
    SCREENING = "screening"
    AT_PROVIDER = "at_provider"
    DECIDING = "deciding"
    APPROVED = "approved"
    REJECTED = "rejected"
    RESUBMISSION = "resubmission"
    EXPIRED = "expired"


IN_PROGRESS: Final = frozenset(
    {CaseState.SUBMITTED, CaseState.SCREENING, CaseState.AT_PROVIDER, CaseState.DECIDING}
)


@dataclass(frozen=True, slots=True)
class CasePolicy:
    """How a tenant wants its cases treated.

    Attributes
    ----------
    four_eyes
        Whether a decision of compliance needs a second person.
    checks_ms_max, provider_ms_max
        After which time without a report a person is asked.
    resubmission_ms_max
        How long the user has to send what was asked for.
    pause_ms
        How long after a rejection a user waits before the next attempt.
    retention_ms
        How long the law wants kept who a user was, after the business with them has ended.
    renewal_ms
        How long before documents expire, or a review is due, a user is told to renew.
    review_ms
        After which time who a user is, is to be shown again, however long documents are good; None
        for as long as they are.
    grace_ms
        How long a level stays after that.

    """

    four_eyes: bool = False
    checks_ms_max: int = HOUR_MS
    provider_ms_max: int = 7 * DAY_MS
    resubmission_ms_max: int = 30 * DAY_MS
    pause_ms: int = 30 * DAY_MS
    retention_ms: int = 5 * 366 * DAY_MS
    renewal_ms: int = 30 * DAY_MS
    review_ms: int | None = None
    grace_ms: int = 0


DEFAULT_POLICY: Final = CasePolicy()


class Hit(NamedTuple):
    """A list's entry that a screening found similar to the user.

    Attributes
    ----------
    entry
        The list's own number of it.
    digest
        Of the entry's content: a changed entry is a new one to whom it was no match before.
    score
        From 0 to 1000.

    """

    entry: str
    digest: str
    score: int


class CaseChange(NamedTuple):
    """One change of a case: when, to what, by whom, and why. Never personal data."""

    at_ms: int
    state: CaseState
    by: str
    reason: str


class CaseFile(NamedTuple):
    """A file of an attempt.

    Attributes
    ----------
    shows
        The requirement that it is for.
    key
        Of its object in the bucket of documents.
    kind
        The Content-Type that its upload was allowed for.
    version
        The object's version that was found good; empty until it was looked at.

    """

    shows: str
    key: str
    kind: str
    version: str = ""


class Proposal(NamedTuple):
    """A decision that waits for a second person."""

    outcome: str
    by: str


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one user.

    Attributes
    ----------
    user
        The subject in the tenant's user pool.
    version
        Counts what was written, so that of two changes at once one is refused.
    attempt
        Counts the submissions.
    target
        The level that the current attempt is for.
    granted
        The level that was reached, whether or not it is withheld now.
    granted_attempt
        The attempt that it was reached by; what its provider finds later is about it still.
    given
        What the user has sent with this attempt.
    files
        What was uploaded for this attempt.
    personal_version
        The version of the personal data that this attempt is about; 0 for none.
    due_at_ms
        When time itself changes the state; None for never.
    level_ends_at_ms
        When the granted level falls to one without documents; None for never.
    renew_by_ms
        When the documents behind it expire or are to be reviewed, which is earlier by the grace;
        None for never, and in cases of older software.
    remind_at_ms
        When the user is to be told of that; None once they were.
    documents_end_at_ms
        The same of the documents of this attempt.
    files_are_good, is_screened
        What is known of this attempt; without both nobody is approved.
    hits
        Entries that nobody has decided about: a screening adds to them, and takes none away.
    cleared
        Entries and digests that a person found to be somebody else.
    is_withheld
        Whether the level waits for a decision about a hit.
    is_barred
        Whether another attempt needs compliance first.
    is_watched
        Whether a person decides about the next approval, because one has taken a level away.
    erase_at_ms
        When what is known of the user is erased; None while nobody has asked for it.
    erased_at_ms
        When it was; 0 for never.
    applied
        Ids of the latest steps, so that a repeat has no effect.

    """

    tenant: str
    user: str
    state: CaseState
    attempt: int
    target: int
    granted: int = 0
    granted_attempt: int = 0
    version: int = 0
    given: frozenset[Requirement] = frozenset()
    files: tuple[CaseFile, ...] = ()
    personal_version: int = 0
    due_at_ms: int | None = None
    level_ends_at_ms: int | None = None
    renew_by_ms: int | None = None
    remind_at_ms: int | None = None
    documents_end_at_ms: int | None = None
    files_are_good: bool = False
    is_screened: bool = False
    hits: tuple[Hit, ...] = ()
    cleared: frozenset[tuple[str, str]] = frozenset()
    proposal: Proposal | None = None
    is_withheld: bool = False
    is_barred: bool = False
    is_watched: bool = False
    erase_at_ms: int | None = None
    erased_at_ms: int = 0
    applied: tuple[str, ...] = ()
    history: tuple[CaseChange, ...] = ()

    @property
    def is_of_a_customer(self) -> bool:
        """Whether the law wants kept who they were: they had a level, or a hit."""
        return bool(
            self.granted or self.granted_attempt or self.hits or self.cleared or self.is_barred
        )

    @property
    def documents_good_until_ms(self) -> int | None:
        """Until when what the granted level rests on is good, without any grace."""
        return self.level_ends_at_ms if self.renew_by_ms is None else self.renew_by_ms

    @property
    def is_renewal_due(self) -> bool:
        """Whether the user was told to renew, and has not yet."""
        return self.renew_by_ms is not None and self.remind_at_ms is None

    def without_end(self, granted: int) -> "Case":
        """Return the case with another level, which rests on no documents."""
        return replace(
            self, granted=granted, level_ends_at_ms=None, renew_by_ms=None, remind_at_ms=None
        )

    def with_end(self, documents_end_at_ms: int | None, policy: CasePolicy, now_ms: int) -> "Case":
        """Return the case with a level to be renewed: with the documents, or by the schedule.

        Whoever is approved with less time left than that is told at the next sweep.
        """
        review_at_ms = None if policy.review_ms is None else now_ms + policy.review_ms
        renew_by_ms = earliest(documents_end_at_ms, review_at_ms)
        if renew_by_ms is None:
            return self
        return replace(
            self,
            renew_by_ms=renew_by_ms,
            remind_at_ms=max(now_ms, renew_by_ms - policy.renewal_ms),
            level_ends_at_ms=renew_by_ms + policy.grace_ms,
        )

    @property
    def level(self) -> int:
        """The user's level now."""
        return 0 if self.is_withheld else self.granted

    def enter(
        self, state: CaseState, at_ms: int, by: str, reason: str, due_at_ms: int | None = None
    ) -> "Case":
        """Return the case in a state, with the change in its history."""
        history = (*self.history, CaseChange(at_ms, state, by, reason))[-HISTORY_LENGTH_MAX:]
        return replace(self, state=state, due_at_ms=due_at_ms, history=history)

    def uncleared(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Return the best of those hits that nobody has cleared."""
        fresh = [one for one in hits if (one.entry, one.digest) not in self.cleared]
        return tuple(sorted(fresh, key=lambda one: (-one.score, one.entry))[:HITS_MAX])

    def undecided(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Return those hits that nobody has cleared, with those that are undecided already.

        Who has a hit and gives another name, or whose entry the list lacks by now, keeps it until
        a person decides. Of an entry the latest content counts.
        """
        known = {one.entry: one for one in self.hits}
        return self.uncleared(tuple((known | {one.entry: one for one in hits}).values()))


@dataclass(frozen=True, slots=True)
class Submission:
    """What a user applies with.

    Attributes
    ----------
    target
        The level applied for.
    given
        What is sent now, or is known from earlier and still good.
    documents_end_at_ms
        When the first of the documents expires; None without one.
    files
        What shows the documents.
    personal_version
        Of the personal data that is given; 0 for none.

    """

    target: int
    given: frozenset[Requirement]
    documents_end_at_ms: int | None = None
    files: tuple[CaseFile, ...] = ()
    personal_version: int = 0


def open_case(tenant: str, user: str) -> Case:
    """Return the case of a user who has not applied yet; it is not written until they do."""
    return Case(tenant, user, CaseState.RESUBMISSION, attempt=0, target=0)


def submit(
    case: Case, submission: Submission, levels: Levels, policy: CasePolicy, now_ms: int
) -> Case:
    """Return the case with another attempt, whose files are to be checked.

    Raises
    ------
    InvalidInput
        ``unknown_level``, ``missing_requirements``, ``document_expired``
    Conflict
        ``case_in_progress``, ``level_reached``, ``erasure_pending``
    Refused
        ``rejected_recently``, ``application_barred``, ``too_many_applications``; nothing has
        changed.

    """
    level = levels[submission.target]
    _require_open_to_user(case, submission, policy, now_ms)
    missing = level.needs - submission.given
    if missing:
        names = ", ".join(sorted(missing))
        raise InvalidInput(
            "missing_requirements", f"Send these too: {names}.", field="requirements"
        )
    ends_at_ms = submission.documents_end_at_ms if level.needs & DOCUMENTS else None
    if ends_at_ms is not None and ends_at_ms <= now_ms:
        raise InvalidInput(
            "document_expired", "Send a document that is still valid.", field="documents"
        )
    fresh = replace(
        case,
        attempt=case.attempt + 1,
        target=submission.target,
        given=submission.given,
        files=submission.files,
        personal_version=submission.personal_version,
        documents_end_at_ms=ends_at_ms,
        files_are_good=False,
        is_screened=False,
        proposal=None,
    )
    due_at_ms = now_ms + policy.checks_ms_max
    return fresh.enter(CaseState.SUBMITTED, now_ms, USER, "submitted", due_at_ms)


def _require_open_to_user(
    case: Case, submission: Submission, policy: CasePolicy, now_ms: int
) -> None:
    if case.state in IN_PROGRESS:
        raise Conflict(
            "case_in_progress", "Wait for the decision about what you have sent already."
        )
    if case.erase_at_ms is not None:
        raise Conflict("erasure_pending", "Your data is being erased; ask support to come back.")
    if submission.target < case.granted or (
        submission.target == case.granted and not case.is_withheld and not _renews(case, submission)
    ):
        raise Conflict("level_reached", "You have this level already; apply for a higher one.")
    if case.is_barred:
        raise Refused("application_barred", "Ask support; only they can let you apply again.")
    sent = [one for one in case.history if one.by == USER and one.at_ms > now_ms - DAY_MS]
    if len(sent) >= SUBMISSIONS_PER_DAY_MAX:
        raise Refused("too_many_applications", "Apply again tomorrow, with all that was asked for.")
    if case.state is CaseState.REJECTED:
        left_ms = _rejected_at_ms(case) + policy.pause_ms - now_ms
        if left_ms > 0:
            days = -(-left_ms // DAY_MS)
            raise Refused("rejected_recently", f"Apply again in {days} days.")


def earliest(one: int | None, other: int | None) -> int | None:
    """Return the earlier of two times, of which each may be never."""
    known = [time_ms for time_ms in (one, other) if time_ms is not None]
    return min(known, default=None)


def _rejected_at_ms(case: Case) -> int:
    """Return when a rejected case was: what happened to its level later is no rejection."""
    at_ms = 0
    for change in reversed(case.history):
        if change.state is not CaseState.REJECTED:
            break
        at_ms = change.at_ms
    return at_ms


def _renews(case: Case, submission: Submission) -> bool:
    """Return whether it was asked for, or brings documents that are good for longer."""
    ends_at_ms, known_ms = submission.documents_end_at_ms, case.documents_good_until_ms
    if known_ms is None:
        return False
    return case.is_renewal_due or ends_at_ms is None or ends_at_ms > known_ms
