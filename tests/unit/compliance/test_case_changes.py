"""What follows a changed case: the level first, then the workflow, then who is told."""

from dataclasses import replace

import pytest

from bursa.compliance.case_changes import CaseChanges, Notice, what_is_needed
from bursa.compliance.cases import Case, CaseState, Hit, open_case
from bursa.compliance.providers import Reference
from bursa.compliance.steps import SYSTEM
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId

NOW = 1_790_000_000_000
REFERENCE = Reference(TenantId(7), "anna", 1)


class World:
    """Remembers what was done, in its order; the directory can be away."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.is_directory_away = False
        self.follow = CaseChanges(self, self, self)

    def set(
        self, tenant: TenantId, user: str, level: int, version: int, *, ends_vouching: bool
    ) -> None:
        if self.is_directory_away:
            raise Unavailable("directory_unavailable", "Later.")
        self.done.append(("level", level, version, ends_vouching))

    def begin(self, reference: Reference) -> None:
        self.done.append(("begin", reference))

    def resume(self, reference: Reference) -> None:
        self.done.append(("resume", reference))

    def send(self, notice: Notice) -> None:
        self.done.append(("told", notice.state.value, notice.level))


def case(state: CaseState, **more: object) -> Case:
    opened = replace(open_case("t7", "anna"), attempt=1, version=3, **more)  # type: ignore[arg-type]
    return opened.enter(state, NOW, "system", "a test")


@pytest.mark.parametrize(
    ("state", "more", "done"),
    [
        (
            CaseState.SUBMITTED,
            {},
            [("level", 0, 3, False), ("begin", REFERENCE), ("told", "in_review", 0)],
        ),
        (CaseState.SCREENING, {}, [("level", 0, 3, False), ("told", "in_review", 0)]),
        (CaseState.AT_PROVIDER, {}, [("level", 0, 3, False), ("told", "in_review", 0)]),
        (
            CaseState.DECIDING,
            {"granted": 2, "is_withheld": True},
            [("level", 0, 3, True), ("resume", REFERENCE), ("told", "in_review", 0)],
        ),
        # Nobody vouches for who has a hit, also before a person has looked.
        (
            CaseState.AT_PROVIDER,
            {"hits": (Hit("1", "a", 900),)},
            [("level", 0, 3, True), ("told", "in_review", 0)],
        ),
        (
            CaseState.APPROVED,
            {"granted": 2},
            [("level", 2, 3, False), ("resume", REFERENCE), ("told", "approved", 2)],
        ),
        (
            CaseState.REJECTED,
            {"is_barred": True},
            [("level", 0, 3, True), ("resume", REFERENCE), ("told", "rejected", 0)],
        ),
        (
            CaseState.RESUBMISSION,
            {"granted": 1},
            [("level", 1, 3, False), ("resume", REFERENCE), ("told", "more_needed", 1)],
        ),
        (
            CaseState.EXPIRED,
            {"granted": 1},
            [("level", 1, 3, False), ("resume", REFERENCE), ("told", "expired", 1)],
        ),
    ],
    ids=lambda value: value.value if isinstance(value, CaseState) else None,
)
def test_what_follows_each_state(
    state: CaseState, more: dict[str, object], done: list[tuple[object, ...]]
) -> None:
    world = World()
    world.follow(None, case(state, **more))
    assert world.done == done
    world.follow(None, case(state, **more))
    assert world.done == done * 2


def test_the_user_is_told_of_what_they_can_see_alone() -> None:
    world = World()
    before = case(CaseState.SCREENING)
    world.follow(before, replace(case(CaseState.AT_PROVIDER), version=4))
    assert [one[0] for one in world.done] == ["level"]
    world.follow(before, replace(case(CaseState.APPROVED, granted=1), version=5))
    assert world.done[-1] == ("told", "approved", 1)


def test_without_the_level_nothing_else_is_done_so_that_all_comes_again() -> None:
    world = World()
    world.is_directory_away = True
    with pytest.raises(Unavailable):
        world.follow(None, case(CaseState.SUBMITTED))
    assert world.done == []


@pytest.mark.parametrize(
    ("state", "by", "said"),
    [
        (CaseState.RESUBMISSION, SYSTEM, "selfie: Send a whole PNG picture."),
        # Words of a provider and of a person are for compliance.
        (CaseState.RESUBMISSION, "sumsub", ""),
        (CaseState.RESUBMISSION, "mia", ""),
        (CaseState.DECIDING, SYSTEM, ""),
    ],
)
def test_a_user_is_told_what_the_checks_found_and_no_other_words(
    state: CaseState, by: str, said: str
) -> None:
    found = open_case("t7", "anna").enter(state, NOW, by, "selfie: Send a whole PNG picture.")
    assert what_is_needed(found) == said


def test_who_has_sent_nothing_needs_no_words() -> None:
    assert what_is_needed(open_case("t7", "anna")) == ""
