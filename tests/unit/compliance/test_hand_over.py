"""What fails on the way of an application goes to a person, once, and never a decided case."""

from dataclasses import replace

import pytest

from bursa.compliance.cases import CaseState
from tests.unit.compliance.test_applications import applied


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (CaseState.SUBMITTED, CaseState.DECIDING),
        (CaseState.SCREENING, CaseState.DECIDING),
        (CaseState.AT_PROVIDER, CaseState.DECIDING),
        (CaseState.DECIDING, CaseState.DECIDING),
        (CaseState.APPROVED, CaseState.APPROVED),
        (CaseState.REJECTED, CaseState.REJECTED),
        (CaseState.RESUBMISSION, CaseState.RESUBMISSION),
        (CaseState.EXPIRED, CaseState.EXPIRED),
    ],
)
def test_what_failed_is_handed_to_a_person_unless_it_needs_nobody(
    state: CaseState, after: CaseState
) -> None:
    world = applied()
    before = world.cases.save(replace(world.case, state=state))
    handed = world.tasks.hand_over(world.reference, "the lists are away")
    assert handed.state is after
    assert world.tasks.hand_over(world.reference, "the lists are away") == handed
    if state is after:
        assert handed == before
    else:
        assert handed.history[-1].reason == f"the lists are away, while {state}"
        assert handed.due_at_ms is None


def test_a_failure_of_an_earlier_attempt_hands_nothing_over() -> None:
    world = applied("Anna Resubmit")
    world.run()
    earlier = world.reference
    world.apply()
    assert world.tasks.hand_over(earlier, "late").state is CaseState.SUBMITTED
