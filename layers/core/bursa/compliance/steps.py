"""What happens to a case, step by step: `advance` is the whole state machine, and pure.

Every step names itself, so that a repeat (a callback sent again, a retried workflow) returns the
case as it is. A report names its attempt: one about an earlier attempt is refused.

Rules that no order of steps can break; a property test draws them:

- nobody is approved unless the files of this attempt were checked and the user was screened in it
- a case with a hit is never approved or rejected but by a person, with four eyes by two; a hit
  stays until then, whatever a later screening finds
- while a level is withheld it is 0, and a level only rises by an approval
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

from bursa.compliance.cases import (
    CLEARED_MAX,
    IN_PROGRESS,
    Case,
    CasePolicy,
    CaseState,
    Hit,
    Proposal,
    earliest,
)
from bursa.compliance.levels import DOCUMENTS, Levels
from bursa.kernel.errors import Conflict, InvalidInput, Refused
from bursa.kernel.reasons import REASON_LENGTH_MAX, require_reason

STEPS_REMEMBERED: Final = 64
SYSTEM: Final = "system"


class Outcome(StrEnum):
    """What a provider, or a person, says of an attempt; the words that are stored."""

    APPROVE = "approve"
    REJECT = "reject"
    # The user sends something again.
    RESUBMIT = "resubmit"
    # Of a provider only: it can't tell, so a person must.
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class FilesChecked:
    """The files of an attempt were looked at; faults are sentences for the user.

    ``versions`` has pairs of what a file shows and the version of it that was found good.
    """

    id: str
    attempt: int
    faults: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Screened:
    """The user of an attempt was compared with the lists."""

    id: str
    attempt: int
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderReported:
    """A provider has decided what it thinks of an attempt.

    ``documents_end_at_ms`` is what it read off the documents; None when it says nothing.
    """

    id: str
    attempt: int
    provider: str
    outcome: Outcome
    reason: str
    documents_end_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What an attempt waits for can't be had: a person must decide. The reason is no sentence."""

    id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A person of compliance has decided about an attempt.

    ``documents_end_at_ms`` is what they read off the documents; None when they say nothing.
    """

    id: str
    attempt: int
    by: str
    outcome: Outcome
    reason: str
    documents_end_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ListChanged:
    """A user was compared with a list that has changed, whatever the state of the case."""

    id: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Downgraded:
    """A person of compliance takes a level away."""

    id: str
    by: str
    level: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """A person of compliance lets a rejected user apply again."""

    id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ErasureAsked:
    """A person of compliance has what is known of a user erased, as soon as the law allows it.

    ``ended_at_ms`` is when the business with them ended; None for who never was a customer.
    """

    id: str
    by: str
    reason: str
    ended_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was known of a user is erased: nothing of it can be read any more."""

    id: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """It is now that late; says nothing else, so it needs no memory."""


Report: TypeAlias = FilesChecked | Screened | ProviderReported | HandedOver | Decided
Step: TypeAlias = Report | ListChanged | Downgraded | Reopened | ErasureAsked | Erased | TimePassed


@dataclass(frozen=True, slots=True)
class Rules:
    """What a tenant has decided about levels and cases, and who checks its users' identities.

    Attributes
    ----------
    provider_levels
        What the provider calls the checks for a level: pairs of ours and Sumsub's level name or
        Onfido's workflow id.
    provider_region
        Where Onfido keeps the tenant's data.

    """

    levels: Levels
    policy: CasePolicy
    provider: str = "manual"
    provider_levels: tuple[tuple[int, str], ...] = ()
    provider_region: str = "eu"


def advance(case: Case, step: Step, rules: Rules, now_ms: int) -> Case:
    """Return the case after a step; the same case when the step has no effect.

    Raises
    ------
    Conflict
        ``wrong_case_state``: this can't happen now; ``stale_attempt``: it is about an earlier
        attempt.
    InvalidInput
        ``invalid_reason``, ``invalid_outcome``, ``unknown_level``, ``invalid_ended_on``
    Refused
        ``not_checked``: an approval needs checked files and a screening; ``same_person``: the
        second of four eyes is somebody else's.

    """
    if isinstance(step, TimePassed):
        return _pass_time(case, rules, now_ms)
    if step.id in case.applied:
        return case
    if isinstance(step, ProviderReported) and _is_about_the_level(case, step):
        after = _reconsider(case, step, now_ms)
    elif isinstance(step, Report) and step.attempt != case.attempt:
        raise Conflict(
            "stale_attempt", "The user has sent something newer since; look at that instead."
        )
    else:
        after = _DECISIONS[type(step)](case, step, rules, now_ms)
    if after is case:
        return case
    return replace(after, applied=(*after.applied, step.id)[-STEPS_REMEMBERED:])


def _check_files(case: Case, step: FilesChecked, rules: Rules, now_ms: int) -> Case:
    found = dict(step.versions)
    files = (one._replace(version=found.get(one.shows, one.version)) for one in case.files)
    case = replace(case, files=tuple(files))
    if case.state is CaseState.DECIDING:
        # Late: a person has been asked in the meantime, and sees it.
        return replace(case, files_are_good=not step.faults)
    _require_state(case, CaseState.SUBMITTED)
    if step.faults:
        reason = "; ".join(step.faults)[:REASON_LENGTH_MAX]
        return _ask_again(case, SYSTEM, reason, rules, now_ms)
    checked = replace(case, files_are_good=True)
    due_at_ms = now_ms + rules.policy.checks_ms_max
    return checked.enter(CaseState.SCREENING, now_ms, SYSTEM, "files are good", due_at_ms)


def _screen(case: Case, step: Screened, rules: Rules, now_ms: int) -> Case:
    hits = case.undecided(step.hits)
    screened = replace(case, is_screened=True, hits=hits)
    if case.state is CaseState.DECIDING:
        # Who has proposed did not know these hits.
        return screened if hits == case.hits else replace(screened, proposal=None)
    _require_state(case, CaseState.SCREENING)
    due_at_ms = now_ms + rules.policy.provider_ms_max
    reason = f"screened: {len(hits)} hits"
    return screened.enter(CaseState.AT_PROVIDER, now_ms, SYSTEM, reason, due_at_ms)


def _hand_over(case: Case, step: HandedOver, _rules: Rules, now_ms: int) -> Case:
    if case.state is CaseState.DECIDING or case.state not in IN_PROGRESS:
        # Somebody has it already, or it needs nobody any more.
        return case
    reason = f"{step.reason}, while {case.state}"[:REASON_LENGTH_MAX]
    return case.enter(CaseState.DECIDING, now_ms, SYSTEM, reason)


def _take_report(case: Case, step: ProviderReported, rules: Rules, now_ms: int) -> Case:
    if case.state is CaseState.DECIDING:
        ends_at_ms = earliest(case.documents_end_at_ms, step.documents_end_at_ms)
        noted = replace(case, documents_end_at_ms=ends_at_ms)
        return noted.enter(CaseState.DECIDING, now_ms, step.provider, f"late: {step.outcome}")
    _require_state(case, CaseState.AT_PROVIDER)
    reason = step.reason[:REASON_LENGTH_MAX]
    reported = replace(
        case, documents_end_at_ms=earliest(case.documents_end_at_ms, step.documents_end_at_ms)
    )
    if step.outcome is Outcome.RESUBMIT:
        return _ask_again(reported, step.provider, reason, rules, now_ms)
    if step.outcome is Outcome.REVIEW or case.hits or case.is_withheld or case.is_watched:
        return reported.enter(CaseState.DECIDING, now_ms, step.provider, reason)
    if step.outcome is Outcome.REJECT:
        return _reject(reported, step.provider, reason, now_ms)
    return _approve(reported, step.provider, reason, rules, now_ms)


def _is_about_the_level(case: Case, step: ProviderReported) -> bool:
    """Return whether a report is about the attempt by which the level there is was reached.

    It is no earlier attempt like others: who has a level and applies for another one, or for
    nothing, must not keep what the provider takes back.
    """
    return bool(case.granted) and (
        step.attempt == case.granted_attempt
        or (step.attempt == case.attempt and case.state is CaseState.APPROVED)
    )


def _reconsider(case: Case, step: ProviderReported, now_ms: int) -> Case:
    """Withhold the level when a provider has changed its mind; a person decides."""
    if step.outcome is Outcome.APPROVE:
        return case
    return _withhold(case, step.provider, f"after the approval: {step.outcome}", now_ms)


def _withhold(case: Case, by: str, reason: str, now_ms: int) -> Case:
    """Take a level that was granted, until a person decides."""
    found = replace(case, is_withheld=True, proposal=None)
    if case.state in IN_PROGRESS:
        # The attempt goes on, and ends with a person.
        return found.enter(case.state, now_ms, by, reason, case.due_at_ms)
    # What this attempt was for is over; the decision is about the level there is.
    found = replace(
        found,
        target=case.granted,
        files_are_good=True,
        is_screened=True,
        documents_end_at_ms=case.documents_good_until_ms,
    )
    return found.enter(CaseState.DECIDING, now_ms, by, reason)


def _decide(case: Case, step: Decided, rules: Rules, now_ms: int) -> Case:
    _require_state(case, CaseState.DECIDING)
    reason = require_reason(step.reason)
    if step.outcome is Outcome.REVIEW:
        raise InvalidInput(
            "invalid_outcome", "Decide to approve, reject or resubmit.", field="outcome"
        )
    if step.outcome is Outcome.APPROVE and not (case.files_are_good and case.is_screened):
        raise Refused(
            "not_checked", "Have the files checked and the user screened first, then approve."
        )
    ends_at_ms = earliest(case.documents_end_at_ms, step.documents_end_at_ms)
    case = replace(case, documents_end_at_ms=ends_at_ms)
    if rules.policy.four_eyes:
        proposal = case.proposal
        if proposal is None or proposal.outcome != step.outcome:
            proposed = replace(case, proposal=Proposal(step.outcome, step.by))
            text = f"proposed to {step.outcome}: {reason}"
            return proposed.enter(CaseState.DECIDING, now_ms, step.by, text)
        if proposal.by == step.by:
            raise Refused("same_person", "Another person of compliance must decide the same.")
    decided = replace(case, proposal=None)
    if step.outcome is Outcome.RESUBMIT:
        return _ask_again(decided, step.by, reason, rules, now_ms)
    if step.outcome is Outcome.REJECT:
        return _reject(decided, step.by, reason, now_ms)
    found_others = {(one.entry, one.digest) for one in case.hits}
    cleared = frozenset(sorted(case.cleared | found_others)[-CLEARED_MAX:])
    decided = replace(decided, cleared=cleared, hits=(), is_watched=False)
    return _approve(decided, step.by, reason, rules, now_ms)


def _rescreen(case: Case, step: ListChanged, _rules: Rules, now_ms: int) -> Case:
    fresh = case.uncleared(step.hits)
    if not fresh:
        return case
    hits = case.undecided(step.hits)
    reason = f"a list has changed: {len(fresh)} hits"
    if case.granted or case.state in IN_PROGRESS:
        return _withhold(replace(case, hits=hits), SYSTEM, reason, now_ms)
    if hits == case.hits:
        return case
    # There is no level to take but one that an operator vouches for, which a hit ends; the next
    # attempt goes to a person.
    return replace(case, hits=hits).enter(case.state, now_ms, SYSTEM, reason, case.due_at_ms)


def _downgrade(case: Case, step: Downgraded, rules: Rules, now_ms: int) -> Case:
    reason = require_reason(step.reason)
    if not 0 <= step.level < case.granted:
        raise InvalidInput(
            "unknown_level", f"Give a level below {case.granted}, which they have.", field="level"
        )
    lower = replace(case, granted=step.level, is_watched=True)
    if case.target == case.granted:
        # A decision about the level there was must not give it back.
        lower = replace(lower, target=step.level)
    if not rules.levels[step.level].needs & DOCUMENTS:
        lower = lower.without_end(step.level)
    due_at_ms = lower.level_ends_at_ms if case.state is CaseState.APPROVED else case.due_at_ms
    return lower.enter(case.state, now_ms, step.by, f"level {step.level}: {reason}", due_at_ms)


def _reopen(case: Case, step: Reopened, rules: Rules, now_ms: int) -> Case:
    _require_state(case, CaseState.REJECTED)
    opened = replace(case, is_barred=False)
    return _ask_again(opened, step.by, require_reason(step.reason), rules, now_ms)


def _ask_erasure(case: Case, step: ErasureAsked, rules: Rules, now_ms: int) -> Case:
    """Take the level at once, and say when the rest goes."""
    if case.state in IN_PROGRESS:
        raise Conflict("wrong_case_state", f"The case is {case.state}; decide about it first.")
    reason = require_reason(step.reason)
    erase_at_ms = now_ms
    if case.is_of_a_customer:
        if step.ended_at_ms is None or step.ended_at_ms > now_ms:
            raise InvalidInput(
                "invalid_ended_on",
                "Send the day on which the business with the user ended; it is over.",
                field="ended_on",
            )
        erase_at_ms = max(now_ms, step.ended_at_ms + rules.policy.retention_ms)
    asked = replace(case.without_end(0), is_withheld=False, erase_at_ms=erase_at_ms)
    state = CaseState.REJECTED if case.state is CaseState.REJECTED else CaseState.EXPIRED
    return asked.enter(state, now_ms, step.by, f"to be erased: {reason}"[:REASON_LENGTH_MAX])


def _erase(case: Case, _step: Erased, _rules: Rules, now_ms: int) -> Case:
    if case.erase_at_ms is None or case.erase_at_ms > now_ms:
        raise Conflict("wrong_case_state", "Nobody has asked for it, or the law wants it kept.")
    erased = replace(
        case,
        given=frozenset(),
        files=(),
        personal_version=0,
        erase_at_ms=None,
        erased_at_ms=now_ms,
    )
    return erased.enter(case.state, now_ms, SYSTEM, "erased")


def _pass_time(case: Case, rules: Rules, now_ms: int) -> Case:
    if case.level_ends_at_ms is not None and case.level_ends_at_ms <= now_ms:
        case = _expire(case, rules, now_ms)
    if case.remind_at_ms is not None and case.remind_at_ms <= now_ms:
        case = _remind(case, now_ms)
    if case.due_at_ms is None or now_ms < case.due_at_ms:
        return case
    if case.state is CaseState.RESUBMISSION and not (case.hits or case.is_withheld):
        return _reject(case, SYSTEM, "nothing came in time", now_ms)
    return case.enter(CaseState.DECIDING, now_ms, SYSTEM, f"no report while {case.state}")


def _remind(case: Case, now_ms: int) -> Case:
    """Note that the user is told to renew; whoever follows the case tells them."""
    told = replace(case, remind_at_ms=None)
    if case.state is not CaseState.APPROVED:
        # What waits for somebody keeps its place in the queue.
        return told
    return told.enter(case.state, now_ms, SYSTEM, "told to renew", case.due_at_ms)


def _expire(case: Case, rules: Rules, now_ms: int) -> Case:
    """Take away what a document was needed for; an attempt under way goes on."""
    level = rules.levels.without_documents(case.granted)
    lower = case.without_end(level)
    reason = f"documents have expired, or were not shown again: level {level}"
    if case.state is CaseState.APPROVED:
        return lower.enter(CaseState.EXPIRED, now_ms, SYSTEM, reason)
    return lower.enter(case.state, now_ms, SYSTEM, reason, case.due_at_ms)


def _approve(case: Case, by: str, reason: str, rules: Rules, now_ms: int) -> Case:
    has_documents = bool(rules.levels[case.target].needs & DOCUMENTS)
    ends_at_ms = case.documents_end_at_ms if has_documents else None
    if ends_at_ms is not None and ends_at_ms <= now_ms:
        found = replace(case, is_withheld=False)
        return _ask_again(found, by, "the documents have expired meanwhile", rules, now_ms)
    approved = replace(
        case.without_end(case.target),
        granted_attempt=case.attempt,
        is_withheld=False,
        is_barred=False,
    )
    if has_documents:
        approved = approved.with_end(ends_at_ms, rules.policy, now_ms)
    return approved.enter(CaseState.APPROVED, now_ms, by, reason, approved.level_ends_at_ms)


def _reject(case: Case, by: str, reason: str, now_ms: int) -> Case:
    """End an attempt; a hit that a person has confirmed takes every level, and bars the next."""
    if case.hits or case.is_withheld:
        case = replace(case.without_end(0), is_withheld=False, is_barred=True)
    return case.enter(CaseState.REJECTED, now_ms, by, reason)


def _ask_again(case: Case, by: str, reason: str, rules: Rules, now_ms: int) -> Case:
    due_at_ms = now_ms + rules.policy.resubmission_ms_max
    return case.enter(CaseState.RESUBMISSION, now_ms, by, reason, due_at_ms)


def _require_state(case: Case, state: CaseState) -> None:
    if case.state is not state:
        raise Conflict(
            "wrong_case_state", f"The case is {case.state}; this needs one that is {state}."
        )


_DECISIONS: Final[dict[type, Callable[[Case, Any, Rules, int], Case]]] = {
    FilesChecked: _check_files,
    Screened: _screen,
    ProviderReported: _take_report,
    HandedOver: _hand_over,
    Decided: _decide,
    ListChanged: _rescreen,
    Downgraded: _downgrade,
    Reopened: _reopen,
    ErasureAsked: _ask_erasure,
    Erased: _erase,
}
