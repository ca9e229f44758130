"""What no order of steps can break: random steps against the rules of `bursa.compliance.steps`."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bursa.compliance.cases import (
    HITS_MAX,
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
    HandedOver,
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

START = 1_790_000_000_000
PEOPLE = st.sampled_from(["mia", "tom"])
HITS = st.lists(
    st.builds(Hit, st.sampled_from("12"), st.sampled_from("ab"), st.integers(0, 1000)), max_size=2
).map(tuple)
IDS = st.integers(0, 30).map(str)
ATTEMPTS = st.integers(1, 3)
OUTCOMES = st.sampled_from(Outcome)
ENDS = st.none() | st.integers(START, START + 60 * DAY_MS)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(FilesChecked, IDS, ATTEMPTS, st.sampled_from([(), (), ("dark",)])),
    st.builds(Screened, IDS, ATTEMPTS, HITS),
    st.builds(ProviderReported, IDS, ATTEMPTS, st.just("sandbox"), OUTCOMES, st.just("r"), ENDS),
    st.builds(HandedOver, IDS, ATTEMPTS, st.just("away")),
    st.builds(Decided, IDS, ATTEMPTS, PEOPLE, OUTCOMES, st.just("r")),
    st.builds(ListChanged, IDS, HITS),
    st.builds(Downgraded, IDS, PEOPLE, st.integers(0, 3), st.just("r")),
    st.builds(Reopened, IDS, PEOPLE, st.just("r")),
    st.just(TimePassed()),
)
POLICIES = st.builds(
    CasePolicy,
    renewal_ms=st.integers(1, 90).map(lambda days: days * DAY_MS),
    review_ms=st.none() | st.integers(30, 60).map(lambda days: days * DAY_MS),
    grace_ms=st.integers(0, 30).map(lambda days: days * DAY_MS),
)
MOVES = st.lists(
    st.tuples(
        STEPS | st.builds(Submission, st.integers(0, 3), st.just(DEFAULT_LEVELS[3].needs), ENDS),
        st.integers(0, 20 * DAY_MS),
        # Mostly about the attempt there is, and under an id of its own.
        st.sampled_from([True, True, True, False]),
    ),
    max_size=40,
)


def histories(
    moves: list[tuple[Step | Submission, int, bool]], rules: Rules
) -> Iterator[tuple[Case, Step | Submission, Case, int]]:
    """Yield every change: the case before, what happened, the case after, and when."""
    case, now_ms = open_case("t7", "anna"), START
    for number, (drawn, later_ms, fits) in enumerate(moves):
        now_ms += later_ms
        move: Any = drawn
        if fits and hasattr(move, "attempt"):
            move = replace(move, attempt=case.attempt)
        if fits and hasattr(move, "id"):
            move = replace(move, id=f"own-{number}")
        with suppress(BursaError):
            if isinstance(move, Submission):
                after = submit(case, move, rules.levels, rules.policy, now_ms)
            else:
                after = advance(case, move, rules, now_ms)
                assert advance(after, move, rules, now_ms) == after, "a repeat has an effect"
            yield case, move, after, now_ms
            case = after


@settings(max_examples=300, deadline=None)
@given(MOVES, st.booleans())
def test_no_order_of_steps_breaks_the_rules(
    moves: list[tuple[Step | Submission, int, bool]], four_eyes: bool
) -> None:
    rules = Rules(DEFAULT_LEVELS, CasePolicy(four_eyes=four_eyes))
    for before, move, after, now_ms in histories(moves, rules):
        is_approval = (
            after.state is CaseState.APPROVED
            and len(after.history) != len(before.history)
            and before.state is not CaseState.APPROVED
        )
        if is_approval:
            assert before.files_are_good
            assert before.is_screened
            assert after.level_ends_at_ms is None or after.level_ends_at_ms > now_ms
        if before.hits and (is_approval or after.state is CaseState.REJECTED is not before.state):
            assert isinstance(move, Decided), "a hit was decided without a person"
            if four_eyes:
                assert before.proposal is not None
                assert before.proposal.by != move.by
        gone = {one.entry for one in before.hits} - {one.entry for one in after.hits}
        if gone and not (before.state is CaseState.DECIDING and isinstance(move, Decided)):
            # More than a person reads are not kept.
            assert len(after.hits) == HITS_MAX, "a hit was lost without a person"
        if after.level > before.level:
            assert is_approval
        if after.is_withheld:
            assert after.level == 0
        if after.state in {CaseState.EXPIRED, CaseState.DECIDING}:
            assert after.due_at_ms is None
        assert 0 <= after.granted <= 3
        assert after.attempt - before.attempt == isinstance(move, Submission)


@settings(max_examples=200, deadline=None)
@given(MOVES, POLICIES)
def test_a_renewal_is_told_once_and_the_level_ends_a_grace_after_what_it_rests_on(
    moves: list[tuple[Step | Submission, int, bool]], policy: CasePolicy
) -> None:
    for before, move, after, now_ms in histories(moves, Rules(DEFAULT_LEVELS, policy)):
        assert (after.level_ends_at_ms is None) == (after.renew_by_ms is None)
        if after.renew_by_ms is not None and after.level_ends_at_ms is not None:
            assert after.level_ends_at_ms - after.renew_by_ms == policy.grace_ms
            assert after.granted
        if before.is_renewal_due and after.remind_at_ms is not None:
            assert after.state is CaseState.APPROVED, "another reminder without a renewal"
        if isinstance(move, TimePassed):
            assert after.remind_at_ms is None or after.remind_at_ms > now_ms
            assert after.level_ends_at_ms is None or after.level_ends_at_ms > now_ms
