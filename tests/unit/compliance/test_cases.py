"""A case's way, step by step: which step leads where, and what each is refused."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bursa.compliance.cases import (
    DEFAULT_POLICY,
    HOUR_MS,
    SUBMISSIONS_PER_DAY_MAX,
    Case,
    CasePolicy,
    CaseState,
    Hit,
    Submission,
    open_case,
    submit,
)
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.steps import (
    Decided,
    Downgraded,
    FilesChecked,
    ListChanged,
    Outcome,
    ProviderReported,
    Reopened,
    Rules,
    Screened,
    Step,
    TimePassed,
    advance,
)
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import BursaError

NOW = 1_790_000_000_000
ENDS = NOW + 300 * DAY_MS
RULES = Rules(DEFAULT_LEVELS, DEFAULT_POLICY)
TWO = Rules(DEFAULT_LEVELS, CasePolicy(four_eyes=True))
FULL = Submission(2, DEFAULT_LEVELS[2].needs, ENDS)
BASIC = Submission(1, DEFAULT_LEVELS[1].needs)
HIT = Hit("101", "a1", 930)
APPROVE, REJECT, RESUBMIT, REVIEW = Outcome


def submitted(case: Case | None = None, submission: Submission = FULL, at_ms: int = NOW) -> Case:
    fresh = case or open_case("t7", "anna")
    return submit(fresh, submission, DEFAULT_LEVELS, DEFAULT_POLICY, at_ms)


def files(*faults: str, attempt: int = 1) -> Step:
    return FilesChecked(f"f{attempt}", attempt, faults)


def screened(*hits: Hit, attempt: int = 1) -> Step:
    return Screened(f"s{attempt}", attempt, hits)


def reported(outcome: Outcome, ends: int | None = None, attempt: int = 1) -> Step:
    return ProviderReported(f"p{attempt}", attempt, "sandbox", outcome, "said so", ends)


def decided(outcome: Outcome, by: str = "mia", attempt: int = 1) -> Step:
    return Decided(f"d{attempt}{by}{outcome}", attempt, by, outcome, "seen")


def after(case: Case, *steps: Step, rules: Rules = RULES, at_ms: int = NOW) -> Case:
    for step in steps:
        case = advance(case, step, rules, at_ms)
    return case


def approved(submission: Submission = FULL) -> Case:
    return after(submitted(submission=submission), files(), screened(), reported(APPROVE))


WAYS: dict[str, tuple[Sequence[Step], CaseState, int]] = {
    "sent": ((), CaseState.SUBMITTED, 0),
    "files are good": ((files(),), CaseState.SCREENING, 0),
    "files are bad": ((files("too dark"),), CaseState.RESUBMISSION, 0),
    "no hit": ((files(), screened()), CaseState.AT_PROVIDER, 0),
    "a hit": ((files(), screened(HIT)), CaseState.AT_PROVIDER, 0),
    "approved": ((files(), screened(), reported(APPROVE)), CaseState.APPROVED, 2),
    "rejected": ((files(), screened(), reported(REJECT)), CaseState.REJECTED, 0),
    "something again": ((files(), screened(), reported(RESUBMIT)), CaseState.RESUBMISSION, 0),
    "to be reviewed": ((files(), screened(), reported(REVIEW)), CaseState.DECIDING, 0),
    "approved with a hit": ((files(), screened(HIT), reported(APPROVE)), CaseState.DECIDING, 0),
    "rejected with a hit": ((files(), screened(HIT), reported(REJECT)), CaseState.DECIDING, 0),
    "a person approves": (
        (files(), screened(HIT), reported(APPROVE), decided(APPROVE)),
        CaseState.APPROVED,
        2,
    ),
    "a person rejects": (
        (files(), screened(), reported(REVIEW), decided(REJECT)),
        CaseState.REJECTED,
        0,
    ),
    "a person asks again": (
        (files(), screened(), reported(REVIEW), decided(RESUBMIT)),
        CaseState.RESUBMISSION,
        0,
    ),
}


@pytest.mark.parametrize(("steps", "state", "level"), WAYS.values(), ids=WAYS)
def test_steps_lead_to_a_state(steps: Sequence[Step], state: CaseState, level: int) -> None:
    case = after(submitted(), *steps)
    assert (case.state, case.level) == (state, level)
    assert case.history[-1].state is state


@pytest.mark.parametrize(("steps", "state", "level"), WAYS.values(), ids=WAYS)
def test_a_step_that_is_repeated_changes_nothing(
    steps: Sequence[Step], state: CaseState, level: int
) -> None:
    case = after(submitted(), *steps)
    for step in steps:
        assert advance(case, step, RULES, NOW + 5) is case


WRONG: dict[str, tuple[Case, Step, str]] = {
    "screening before the files": (submitted(), screened(), "wrong_case_state"),
    "a report before the screening": (submitted(), reported(APPROVE), "wrong_case_state"),
    "a decision before its time": (submitted(), decided(APPROVE), "wrong_case_state"),
    "files twice": (
        after(submitted(), files()),
        FilesChecked("other", 1),
        "wrong_case_state",
    ),
    "a report after the end": (
        after(submitted(), files(), screened(), reported(REJECT)),
        ProviderReported("late", 1, "sandbox", REJECT, ""),
        "wrong_case_state",
    ),
    "an earlier attempt": (submitted(), files(attempt=0), "stale_attempt"),
    "a later attempt": (submitted(), files(attempt=2), "stale_attempt"),
    "a decision without reason": (
        after(submitted(), files(), screened(), reported(REVIEW)),
        Decided("x", 1, "mia", REJECT, "  "),
        "invalid_reason",
    ),
    "a decision on two lines": (
        after(submitted(), files(), screened(), reported(REVIEW)),
        Decided("x", 1, "mia", REJECT, "a\nb"),
        "invalid_reason",
    ),
    "a person decides to review": (
        after(submitted(), files(), screened(), reported(REVIEW)),
        decided(REVIEW),
        "invalid_outcome",
    ),
    "approved without checked files": (
        after(submitted(), TimePassed(), at_ms=NOW + HOUR_MS),
        decided(APPROVE),
        "not_checked",
    ),
    "approved without a screening": (
        after(after(submitted(), files()), TimePassed(), at_ms=NOW + HOUR_MS),
        decided(APPROVE),
        "not_checked",
    ),
    "a downgrade upwards": (approved(), Downgraded("x", "mia", 3, "why"), "unknown_level"),
    "a downgrade below nothing": (approved(), Downgraded("x", "mia", -1, "why"), "unknown_level"),
    "reopened while approved": (approved(), Reopened("x", "mia", "why"), "wrong_case_state"),
}


@pytest.mark.parametrize(("case", "step", "code"), WRONG.values(), ids=WRONG)
def test_a_wrong_step_is_refused(case: Case, step: Step, code: str) -> None:
    with pytest.raises(BursaError) as caught:
        advance(case, step, RULES, NOW)
    assert caught.value.code == code


REJECTED = after(submitted(), files(), screened(), reported(REJECT))
CONFIRMED = after(submitted(), files(), screened(HIT), reported(REVIEW), decided(REJECT))
SUBMISSIONS: dict[str, tuple[Case, Submission, int, str | None]] = {
    "in progress": (submitted(), FULL, NOW, "case_in_progress"),
    "has it already": (approved(), FULL, NOW, "level_reached"),
    "has more already": (approved(), BASIC, NOW, "level_reached"),
    "a higher level": (approved(BASIC), FULL, NOW, None),
    "with fresh documents": (approved(), replace(FULL, documents_end_at_ms=ENDS + 1), NOW, None),
    "too soon after a rejection": (REJECTED, FULL, NOW + DAY_MS, "rejected_recently"),
    "long after a rejection": (REJECTED, FULL, NOW + 30 * DAY_MS, None),
    "after a confirmed hit": (CONFIRMED, FULL, NOW + 90 * DAY_MS, "application_barred"),
    "reopened after a confirmed hit": (
        after(CONFIRMED, Reopened("r", "mia", "a mistake")),
        FULL,
        NOW,
        None,
    ),
    "an unknown level": (open_case("t7", "anna"), replace(FULL, target=9), NOW, "unknown_level"),
    "something missing": (
        open_case("t7", "anna"),
        replace(FULL, given=BASIC.given),
        NOW,
        "missing_requirements",
    ),
    "an old document": (
        open_case("t7", "anna"),
        replace(FULL, documents_end_at_ms=NOW),
        NOW,
        "document_expired",
    ),
}


@pytest.mark.parametrize(
    ("case", "submission", "at_ms", "code"), SUBMISSIONS.values(), ids=SUBMISSIONS
)
def test_who_may_apply(case: Case, submission: Submission, at_ms: int, code: str | None) -> None:
    if code is None:
        fresh = submitted(case, submission, at_ms)
        assert (fresh.state, fresh.attempt) == (CaseState.SUBMITTED, case.attempt + 1)
        assert fresh.granted == case.granted
    else:
        with pytest.raises(BursaError) as caught:
            submitted(case, submission, at_ms)
        assert caught.value.code == code


TIMES: dict[str, tuple[Case, int, CaseState, int]] = {
    "files take a while": (submitted(), HOUR_MS - 1, CaseState.SUBMITTED, 0),
    "files take too long": (submitted(), HOUR_MS, CaseState.DECIDING, 0),
    "the screening takes too long": (after(submitted(), files()), HOUR_MS, CaseState.DECIDING, 0),
    "the provider takes too long": (
        after(submitted(), files(), screened()),
        7 * DAY_MS,
        CaseState.DECIDING,
        0,
    ),
    "the user takes too long": (
        after(submitted(), files("dark")),
        30 * DAY_MS,
        CaseState.REJECTED,
        0,
    ),
    "the user takes too long, with a hit": (
        after(submitted(), files(), screened(HIT), reported(RESUBMIT)),
        30 * DAY_MS,
        CaseState.DECIDING,
        0,
    ),
    "a person takes long": (
        after(submitted(), files(), screened(), reported(REVIEW)),
        900 * DAY_MS,
        CaseState.DECIDING,
        0,
    ),
    "a document is good": (approved(), 300 * DAY_MS - 1, CaseState.APPROVED, 2),
    "a document has expired": (approved(), 300 * DAY_MS, CaseState.EXPIRED, 1),
    "a level without documents stays": (approved(BASIC), 9000 * DAY_MS, CaseState.APPROVED, 1),
    "a document expires during the next attempt": (
        submitted(approved(), replace(FULL, documents_end_at_ms=ENDS + DAY_MS), ENDS - 1),
        300 * DAY_MS,
        CaseState.SUBMITTED,
        1,
    ),
}


@pytest.mark.parametrize(("case", "later_ms", "state", "level"), TIMES.values(), ids=TIMES)
def test_time_itself_changes_a_case(
    case: Case, later_ms: int, state: CaseState, level: int
) -> None:
    later = after(case, TimePassed(), at_ms=NOW + later_ms)
    assert (later.state, later.level) == (state, level)
    assert after(later, TimePassed(), at_ms=NOW + later_ms) == later


def test_the_provider_may_find_that_a_document_ends_earlier() -> None:
    case = after(submitted(), files(), screened(), reported(APPROVE, NOW + DAY_MS))
    assert case.level_ends_at_ms == NOW + DAY_MS
    assert after(case, TimePassed(), at_ms=NOW + DAY_MS).level == 1


def test_a_document_that_expired_meanwhile_gives_no_level() -> None:
    case = after(submitted(), files(), screened(), reported(APPROVE), at_ms=ENDS)
    assert (case.state, case.level) == (CaseState.RESUBMISSION, 0)


def test_what_a_person_missed_is_done_late() -> None:
    case = after(submitted(), TimePassed(), at_ms=NOW + HOUR_MS)
    case = after(case, files(), screened(HIT), reported(APPROVE), decided(APPROVE))
    assert (case.state, case.level) == (CaseState.APPROVED, 2)


def test_a_hit_on_a_changed_list_takes_the_level_until_it_is_cleared() -> None:
    case = after(approved(), ListChanged("l1", (HIT,)))
    assert (case.state, case.level, case.granted) == (CaseState.DECIDING, 0, 2)
    case = after(case, decided(APPROVE))
    assert (case.state, case.level, case.level_ends_at_ms) == (CaseState.APPROVED, 2, ENDS)
    # The same entry is known to be somebody else; a changed one is not.
    assert after(case, ListChanged("l2", (HIT,))) is case
    assert after(case, ListChanged("l3", (HIT._replace(digest="b2"),))).level == 0


def test_a_confirmed_hit_takes_every_level() -> None:
    case = after(approved(), ListChanged("l1", (HIT,)), decided(REJECT))
    assert (case.state, case.level, case.granted) == (CaseState.REJECTED, 0, 0)
    assert case.is_barred


def test_a_changed_list_without_a_hit_changes_nothing() -> None:
    for case in (approved(), submitted(), REJECTED):
        assert after(case, ListChanged("l1", ())) is case


def test_a_hit_during_an_attempt_ends_with_a_person() -> None:
    case = after(submitted(), files(), screened(), ListChanged("l1", (HIT,)), reported(APPROVE))
    assert (case.state, case.level) == (CaseState.DECIDING, 0)


def test_four_eyes_are_of_two_persons() -> None:
    case = after(submitted(), files(), screened(), reported(REVIEW), rules=TWO)
    case = after(case, decided(APPROVE), rules=TWO)
    assert (case.state, case.level) == (CaseState.DECIDING, 0)
    with pytest.raises(BursaError) as caught:
        after(case, Decided("again", 1, "mia", APPROVE, "yes"), rules=TWO)
    assert caught.value.code == "same_person"
    # Who disagrees begins anew.
    other = after(case, decided(REJECT, "tom"), rules=TWO)
    assert other.state is CaseState.DECIDING
    assert after(other, decided(REJECT, "ann"), rules=TWO).state is CaseState.REJECTED
    assert after(case, decided(APPROVE, "tom"), rules=TWO).level == 2


def test_a_downgrade_is_not_undone_by_the_decision_under_way() -> None:
    case = after(approved(), ListChanged("l1", (HIT,)))
    case = after(case, Downgraded("x", "mia", 1, "source of funds unclear"))
    assert (case.level, case.granted) == (0, 1)
    assert after(case, decided(APPROVE)).level == 1


def test_a_downgrade_to_what_needs_no_document_does_not_expire() -> None:
    case = after(approved(), Downgraded("x", "mia", 1, "why"))
    assert (case.state, case.level) == (CaseState.APPROVED, 1)
    assert after(case, TimePassed(), at_ms=ENDS).state is CaseState.APPROVED


def test_a_rejected_upgrade_leaves_the_level() -> None:
    case = submitted(approved(BASIC))
    steps = (files(attempt=2), screened(attempt=2), reported(REJECT, attempt=2))
    case = after(case, *steps)
    assert (case.state, case.level, case.is_barred) == (CaseState.REJECTED, 1, False)


@pytest.mark.parametrize("outcome", [REJECT, RESUBMIT, REVIEW])
def test_a_provider_that_changes_its_mind_withholds_the_level(outcome: Outcome) -> None:
    doubted = after(approved(), ProviderReported("later", 1, "sandbox", outcome, ""))
    assert (doubted.state, doubted.level, doubted.granted) == (CaseState.DECIDING, 0, 2)
    assert after(doubted, decided(APPROVE)).level == 2
    gone = after(doubted, decided(REJECT))
    assert (gone.level, gone.granted, gone.is_barred) == (0, 0, True)


def test_a_second_approval_by_the_provider_changes_nothing() -> None:
    case = approved()
    assert after(case, ProviderReported("later", 1, "sandbox", APPROVE, "")) == case


def test_what_is_remembered_has_a_bound() -> None:
    case = approved()
    for number in range(250):
        case = after(case, ListChanged(f"l{number}", (HIT._replace(digest=str(number)),)))
        case = after(case, Decided(f"d{number}", 1, "mia", APPROVE, "somebody else"))
    assert len(case.history) == 100
    assert len(case.cleared) == 200
    assert len(case.applied) == 64


def test_a_hit_on_a_changed_list_goes_to_a_person_at_the_next_attempt() -> None:
    """There is no level to take, but one that an operator vouches for ends with it."""
    found = after(REJECTED, ListChanged("l1", (HIT,)))
    assert (found.state, found.level, found.hits) == (CaseState.REJECTED, 0, (HIT,))
    assert after(found, ListChanged("l2", (HIT,))).history == found.history


def test_a_rejection_is_as_old_as_it_is_whatever_happens_to_the_level() -> None:
    found = after(REJECTED, ListChanged("l1", (HIT,)), at_ms=NOW + 29 * DAY_MS)
    again = submitted(found, at_ms=NOW + 30 * DAY_MS)
    assert again.state is CaseState.SUBMITTED


def test_who_has_a_level_keeps_nothing_that_its_provider_takes_back() -> None:
    """Whatever the user has applied for since."""
    renewed = submitted(approved(), Submission(3, DEFAULT_LEVELS[3].needs, ENDS))
    assert renewed.attempt == 2
    taken = after(renewed, replace_id(reported(REJECT), "p1 again"))
    assert (taken.state, taken.level, taken.is_withheld) == (CaseState.SUBMITTED, 0, True)
    # The attempt goes on, and a person decides.
    ended = after(taken, files(attempt=2), screened(attempt=2), reported(APPROVE, attempt=2))
    assert (ended.state, ended.level) == (CaseState.DECIDING, 0)
    asked_again = after(renewed, files("dark", attempt=2))
    taken = after(asked_again, replace_id(reported(REVIEW), "p1 again"))
    assert (taken.state, taken.level, taken.target) == (CaseState.DECIDING, 0, 2)
    assert after(taken, decided(APPROVE, attempt=2)).level == 2
    # What it says again for the level changes nothing; of an attempt that failed it is too late.
    assert after(renewed, replace_id(reported(APPROVE), "p1 again")).level == 2
    with pytest.raises(BursaError) as caught:
        after(replace(renewed, granted_attempt=3), replace_id(reported(REJECT), "p1 again"))
    assert caught.value.code == "stale_attempt"


def test_a_level_that_a_person_has_taken_comes_back_by_a_person_alone() -> None:
    lower = after(approved(), Downgraded("g1", "mia", 1, "moved"))
    again = submitted(lower)
    ended = after(again, files(attempt=2), screened(attempt=2), reported(APPROVE, attempt=2))
    assert (ended.state, ended.level) == (CaseState.DECIDING, 1)
    given = after(ended, decided(APPROVE, attempt=2))
    assert (given.level, given.is_watched) == (2, False)


def test_an_entry_that_has_left_the_list_is_decided_about_by_a_person() -> None:
    asked_again = after(submitted(), files(), screened(HIT), reported(RESUBMIT))
    again = after(submitted(asked_again), files(attempt=2), screened(attempt=2))
    assert again.hits == (HIT,)
    newer = Hit(HIT.entry, "a2", 900)
    again = after(submitted(asked_again), files(attempt=2), screened(newer, attempt=2))
    assert again.hits == (newer,)


def test_nobody_applies_without_end() -> None:
    case = open_case("t7", "anna")
    for attempt in range(1, SUBMISSIONS_PER_DAY_MAX + 1):
        case = after(submitted(case), files("dark", attempt=attempt))
    with pytest.raises(BursaError) as caught:
        submitted(case)
    assert caught.value.code == "too_many_applications"
    assert submitted(case, at_ms=NOW + DAY_MS).state is CaseState.SUBMITTED


def replace_id(step: Step, id_: str) -> Step:
    assert isinstance(step, ProviderReported)
    return replace(step, id=id_)
