"""When a user may say something else of themself, and what comes of it."""

from dataclasses import replace

import pytest

from bursa.compliance.cases import CaseState
from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.personal_records import CHANGES_PER_DAY_MAX, Reader, Role
from bursa.compliance.steps import Outcome
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import BursaError, Conflict, NotFound, Refused
from tests.unit.compliance.test_applications import START, T7, World, applied, decide
from tests.unit.compliance.test_personal_data import ANNA

MARRIED, MOVED = {"family_name": "Berg"}, {"residence": "FR", "city": "Lyon"}


@pytest.mark.parametrize(
    ("state", "granted", "changed", "code"),
    [
        (None, 0, MARRIED, None),
        (CaseState.RESUBMISSION, 0, MARRIED, None),
        (CaseState.REJECTED, 0, MARRIED, None),
        (CaseState.SUBMITTED, 0, MOVED, "case_in_progress"),
        (CaseState.SCREENING, 0, MOVED, "case_in_progress"),
        (CaseState.AT_PROVIDER, 1, MOVED, "case_in_progress"),
        (CaseState.DECIDING, 1, MOVED, "case_in_progress"),
        # Whoever has a level keeps the name that was screened for it.
        (CaseState.APPROVED, 1, MARRIED, "identity_verified"),
        (CaseState.RESUBMISSION, 1, MARRIED, "identity_verified"),
        (CaseState.EXPIRED, 1, {"born": "1991-02-28"}, "identity_verified"),
        (CaseState.EXPIRED, 1, {"native_name": "Анна"}, "identity_verified"),
        (CaseState.APPROVED, 1, {"nationality": "FR"}, "identity_verified"),
        # An address counts where it was proven.
        (CaseState.APPROVED, 2, MOVED, None),
        (CaseState.APPROVED, 3, MOVED, "identity_verified"),
        (CaseState.APPROVED, 9, MOVED, "identity_verified"),
        (CaseState.APPROVED, 1, MOVED, None),
    ],
)
def test_when_personal_data_may_be_given_again(
    state: CaseState | None, granted: int, changed: dict[str, str], code: str | None
) -> None:
    world = World()
    if state is not None:
        world.apply()
        world.cases.save(replace(world.case, state=state, granted=granted))
    data = parse_personal_data(ANNA | {"given_names": "Anna"} | changed, START)
    reader = Reader(Role.COMPLIANCE, "mia", "a test")
    before = world.records.read(T7, "anna", reader)
    if code is None:
        world.tasks.give_personal_data(T7, "anna", data)
        assert world.records.read(T7, "anna", reader) == data
    else:
        with pytest.raises(BursaError) as caught:
            world.tasks.give_personal_data(T7, "anna", data)
        assert caught.value.code == code
        assert world.records.read(T7, "anna", reader) == before


def test_what_a_confirmed_hit_was_decided_by_stays() -> None:
    world = applied("John Doe")
    world.run()
    decide(world, "mia", "1", Outcome.REJECT, "it is him")
    with pytest.raises(BursaError) as caught:
        world.tasks.give_personal_data(T7, "anna", parse_personal_data(ANNA, START))
    assert caught.value.code == "application_barred"


def test_a_hit_is_not_lost_by_another_name() -> None:
    world = applied("John Doe")
    world.run()
    decide(world, "mia", "1", Outcome.RESUBMIT, "send a sharper picture")
    world.tasks.give_personal_data(T7, "anna", parse_personal_data(ANNA, START))
    world.apply()
    case = world.run()
    # The provider approves, nobody on the list is called so, and a person decides all the same.
    assert (case.state, case.level, len(case.hits)) == (CaseState.DECIDING, 0, 1)


def test_a_case_that_time_can_not_change_keeps_no_other_waiting() -> None:
    world = applied("Anna Silent")
    world.run()
    broken = replace(world.case, user="broken")
    kept = world.cases.kept
    world.cases.kept = {"t7 lost": broken, **kept}
    world.clock.time_ms += 7 * DAY_MS
    with pytest.raises(NotFound):
        world.tasks.pass_time(T7)
    assert world.case.state is CaseState.DECIDING


def test_personal_data_that_comes_while_the_user_applies_is_not_written() -> None:
    """Whoever gave them looked at the case before, and the application was faster."""
    world = World()
    data = parse_personal_data(ANNA | MARRIED, START)
    world.table.case_version = 1
    before = dict(world.table.records)
    with pytest.raises(Conflict) as caught:
        world.tasks.give_personal_data(T7, "anna", data)
    assert caught.value.code == "personal_data_changed"
    assert world.table.records == before


def test_an_application_is_about_the_personal_data_that_was_there_when_it_was_sent() -> None:
    world = applied()
    assert world.case.personal_version == 1
    # Written between the look of `apply` at it and the case: the case had not changed then.
    world.records.write(T7, "anna", parse_personal_data(ANNA | MARRIED, START), 0)
    world.run()
    assert (world.case.state, world.case.level) == (CaseState.RESUBMISSION, 0)
    assert "personal data has changed" in world.case.history[-1].reason
    world.apply()
    assert (world.run().level, world.case.personal_version) == (2, 2)


@pytest.mark.parametrize("granted", [0, 1], ids=["nobody", "of a level"])
def test_who_sends_data_again_and_again_fills_no_record(granted: int) -> None:
    world = World()
    world.apply()
    world.cases.save(replace(world.case, state=CaseState.APPROVED, granted=granted))
    changed = parse_personal_data(ANNA | {"given_names": "Anna"} | MARRIED, START)

    def send() -> str:
        try:
            world.tasks.give_personal_data(T7, "anna", changed)
        except Refused as refused:
            return refused.code
        return ""

    # Also what is refused because of who they are known to be is on record.
    sent = {send() for _ in range(CHANGES_PER_DAY_MAX)}
    assert sent == ({"identity_verified"} if granted else {""})
    lines, at_ms = len(world.table.lines), world.clock.time_ms
    assert {send() for _ in range(50)} == {"too_many_changes"}
    assert len(world.table.lines) == lines
    world.clock.time_ms = at_ms + DAY_MS
    assert send() in sent
    assert len(world.table.lines) > lines
