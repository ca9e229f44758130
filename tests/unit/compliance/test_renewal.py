"""Documents that expire and levels that are reviewed: who is told when, and what falls when."""

from dataclasses import replace

import pytest

from bursa.compliance.case_changes import CaseChanges, Notice, VisibleState, reminder_of
from bursa.compliance.cases import Case, CasePolicy, CaseState, Submission, open_case, submit
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.steps import (
    Downgraded,
    ErasureAsked,
    ListChanged,
    Rules,
    Step,
    TimePassed,
    advance,
)
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import Conflict
from tests.unit.compliance.test_cases import (
    APPROVE,
    BASIC,
    ENDS,
    FULL,
    HIT,
    NOW,
    decided,
    files,
    reported,
    screened,
)

YEAR_MS = 365 * DAY_MS
PLAIN = CasePolicy()
STRICT = CasePolicy(renewal_ms=20 * DAY_MS, review_ms=YEAR_MS, grace_ms=10 * DAY_MS)
FOREVER = replace(FULL, documents_end_at_ms=None)


def approved(policy: CasePolicy, submission: Submission = FULL, at_ms: int = NOW) -> Case:
    case = submit(open_case("t7", "anna"), submission, DEFAULT_LEVELS, policy, at_ms)
    return on(case, policy, at_ms, files(), screened(), reported(APPROVE))


def on(case: Case, policy: CasePolicy, at_ms: int, *steps: Step) -> Case:
    for step in steps:
        case = advance(case, step, Rules(DEFAULT_LEVELS, policy), at_ms)
    return case


def passed(case: Case, policy: CasePolicy, at_ms: int) -> Case:
    return on(case, policy, at_ms, TimePassed())


@pytest.mark.parametrize(
    ("policy", "submission", "renew_by_ms", "remind_at_ms", "ends_at_ms"),
    [
        (PLAIN, FULL, ENDS, ENDS - 30 * DAY_MS, ENDS),
        (STRICT, FULL, ENDS, ENDS - 20 * DAY_MS, ENDS + 10 * DAY_MS),
        (PLAIN, FOREVER, None, None, None),
        (
            STRICT,
            FOREVER,
            NOW + YEAR_MS,
            NOW + YEAR_MS - 20 * DAY_MS,
            NOW + YEAR_MS + 10 * DAY_MS,
        ),
        # Less than the time ahead is left already.
        (PLAIN, replace(FULL, documents_end_at_ms=NOW + DAY_MS), NOW + DAY_MS, NOW, NOW + DAY_MS),
        # Nothing to show anew.
        (STRICT, BASIC, None, None, None),
    ],
    ids=["documents", "with grace", "for good", "reviewed", "soon", "no documents"],
)
def test_an_approval_says_when_to_renew(
    policy: CasePolicy,
    submission: Submission,
    renew_by_ms: int | None,
    remind_at_ms: int | None,
    ends_at_ms: int | None,
) -> None:
    case = approved(policy, submission)
    assert case.state is CaseState.APPROVED
    assert (case.renew_by_ms, case.remind_at_ms) == (renew_by_ms, remind_at_ms)
    assert (case.level_ends_at_ms, case.due_at_ms) == (ends_at_ms, ends_at_ms)


def test_a_user_is_told_once_and_the_level_stays_until_the_grace_is_over() -> None:
    case = approved(STRICT)
    assert passed(case, STRICT, ENDS - 20 * DAY_MS - 1) is case
    told = passed(case, STRICT, ENDS - 20 * DAY_MS)
    assert (told.state, told.level, told.is_renewal_due) == (CaseState.APPROVED, 2, True)
    notice = reminder_of(case, told)
    assert notice is not None
    assert (notice.state, notice.renew_by_ms) == (VisibleState.RENEWAL_DUE, ENDS)
    assert notice.level_ends_at_ms == ENDS + 10 * DAY_MS

    later = passed(told, STRICT, ENDS + 10 * DAY_MS - 1)
    assert later is told
    assert reminder_of(told, later) is None
    fallen = passed(told, STRICT, ENDS + 10 * DAY_MS)
    assert (fallen.state, fallen.level) == (CaseState.EXPIRED, 1)
    assert (fallen.renew_by_ms, fallen.remind_at_ms, fallen.level_ends_at_ms) == (None, None, None)
    assert reminder_of(told, fallen) is None


def test_a_sweep_that_comes_after_the_end_reminds_nobody() -> None:
    case = approved(PLAIN)
    fallen = passed(case, PLAIN, ENDS + DAY_MS)
    assert (fallen.state, fallen.is_renewal_due) == (CaseState.EXPIRED, False)
    assert reminder_of(case, fallen) is None


def test_who_was_told_renews_with_the_same_documents_and_keeps_the_level_meanwhile() -> None:
    case = approved(STRICT, FOREVER)
    again = replace(FOREVER, documents_end_at_ms=NOW + 3 * YEAR_MS)
    early = replace(again, documents_end_at_ms=NOW + DAY_MS)
    with pytest.raises(Conflict, match="level already"):
        submit(case, early, DEFAULT_LEVELS, STRICT, NOW + 1)

    due_ms = NOW + YEAR_MS - 20 * DAY_MS
    told = passed(case, STRICT, due_ms)
    short = replace(again, documents_end_at_ms=due_ms + 5 * DAY_MS)
    renewing = submit(told, short, DEFAULT_LEVELS, STRICT, due_ms)
    assert (renewing.state, renewing.level) == (CaseState.SUBMITTED, 2)
    renewed = on(
        submit(told, again, DEFAULT_LEVELS, STRICT, due_ms),
        STRICT,
        due_ms,
        files(attempt=2),
        screened(attempt=2),
        reported(APPROVE, attempt=2),
    )
    assert (renewed.state, renewed.level) == (CaseState.APPROVED, 2)
    assert renewed.renew_by_ms == due_ms + YEAR_MS
    assert not renewed.is_renewal_due
    assert passed(renewed, STRICT, NOW + YEAR_MS + 10 * DAY_MS).level == 2


def test_a_renewal_under_way_when_the_grace_ends_goes_on_without_the_level() -> None:
    told = passed(approved(STRICT), STRICT, ENDS)
    longer = replace(FULL, documents_end_at_ms=ENDS + YEAR_MS)
    renewing = submit(told, longer, DEFAULT_LEVELS, STRICT, ENDS)
    waiting = on(renewing, STRICT, ENDS, files(attempt=2), screened(attempt=2))
    late = ENDS + 10 * DAY_MS
    later = passed(replace(waiting, due_at_ms=None), STRICT, late)
    assert (later.state, later.level) == (CaseState.AT_PROVIDER, 1)
    assert on(later, STRICT, late, reported(APPROVE, attempt=2)).level == 2


def test_a_reminder_leaves_what_waits_for_a_person_in_its_place() -> None:
    case = on(approved(STRICT), STRICT, NOW, ListChanged("l1", (HIT,)))
    told = passed(case, STRICT, ENDS - DAY_MS)
    assert (told.state, told.history) == (CaseState.DECIDING, case.history)
    assert reminder_of(case, told) is not None


def test_a_level_that_is_given_back_ends_when_its_documents_do_without_more_grace() -> None:
    held = on(approved(STRICT), STRICT, NOW, ListChanged("l1", (HIT,)))
    back = on(held, STRICT, NOW + DAY_MS, decided(APPROVE))
    assert (back.level, back.renew_by_ms) == (2, ENDS)
    assert back.level_ends_at_ms == ENDS + 10 * DAY_MS


@pytest.mark.parametrize(
    "step",
    [
        Downgraded("x", "mia", 1, "wrong papers"),
        ErasureAsked("x", "mia", "asked for it", NOW),
    ],
    ids=["lowered", "to be erased"],
)
def test_who_has_no_such_level_any_more_is_not_told_to_renew(step: Step) -> None:
    case = on(approved(STRICT), STRICT, NOW, step)
    assert (case.renew_by_ms, case.remind_at_ms, case.level_ends_at_ms) == (None, None, None)


def test_a_case_of_older_software_falls_as_it_did() -> None:
    old = replace(approved(PLAIN), renew_by_ms=None, remind_at_ms=None)
    assert old.documents_good_until_ms == ENDS
    assert not old.is_renewal_due
    assert passed(old, STRICT, ENDS - 1) is old
    assert passed(old, STRICT, ENDS).state is CaseState.EXPIRED


class Follower:
    """Remembers what users were told."""

    def __init__(self) -> None:
        self.told: list[Notice] = []

    def set(self, *_: object, **__: object) -> None:
        pass

    def begin(self, _: object) -> None:
        pass

    def resume(self, _: object) -> None:
        pass

    def send(self, notice: Notice) -> None:
        self.told.append(notice)


def test_whoever_follows_cases_tells_of_it_once_under_a_name_of_its_own() -> None:
    follower = Follower()
    follow = CaseChanges(follower, follower, follower)
    case = replace(approved(STRICT), version=4)
    told = replace(passed(case, STRICT, ENDS - DAY_MS), version=5)
    for _ in range(2):
        follow(case, told)
    assert [one.state for one in follower.told] == [VisibleState.RENEWAL_DUE] * 2
    assert {one.id for one in follower.told} == {"t7.anna.5.renewal"}
