"""What is known of a user is erased: not before the law allows it, and then for good."""

import pytest

from bursa.compliance.cases import DEFAULT_POLICY, CaseState
from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.personal_records import Reader, Role
from bursa.compliance.steps import Erased, ErasureAsked
from bursa.kernel.errors import BursaError, Unavailable
from tests.unit.compliance.test_applications import START, T7, World, applied
from tests.unit.compliance.test_personal_data import ANNA

MIA = Reader(Role.COMPLIANCE, "mia", "a test")
KEPT_MS = DEFAULT_POLICY.retention_ms


def ask(world: World, ended_at_ms: int | None = START) -> None:
    world.tasks.take(T7, "anna", ErasureAsked("e1", "mia", "asked for it", ended_at_ms))


def is_readable(world: World) -> bool:
    try:
        world.records.read(T7, "anna", MIA)
    except BursaError as error:
        assert error.code == "no_personal_data"  # noqa: PT017 - what else would be a fault
        return False
    return True


def test_who_was_a_customer_is_kept_as_long_as_the_law_wants() -> None:
    world = applied()
    world.run()
    assert world.case.level == 2
    ask(world)
    # The level is gone at once, and the rest when its time has come.
    assert (world.case.level, world.case.state) == (0, CaseState.EXPIRED)
    world.later(KEPT_MS - 1)
    assert is_readable(world)
    assert world.documents.files
    world.later(1)
    assert not is_readable(world)
    assert not world.documents.files
    case = world.case
    assert (case.erase_at_ms, case.erased_at_ms, case.files) == (None, START + KEPT_MS, ())
    # Once is enough, and the record of accesses stays.
    assert world.later(1) == case
    kinds = [access.kind for access in world.records.accesses(T7, "anna")]
    assert kinds[0] == "erased"
    assert "written" in kinds


def test_who_never_was_one_is_erased_at_the_next_sweep() -> None:
    world = applied("Anna Reject")
    world.run()
    ask(world, None)
    assert is_readable(world)
    world.later(0)
    assert not is_readable(world)
    assert world.case.state is CaseState.REJECTED


@pytest.mark.parametrize("ended_at_ms", [None, START + 1])
def test_the_end_of_the_business_is_needed_and_over(ended_at_ms: int | None) -> None:
    world = applied()
    world.run()
    with pytest.raises(BursaError) as caught:
        ask(world, ended_at_ms)
    assert caught.value.code == "invalid_ended_on"
    assert world.case.level == 2


def test_a_hit_is_kept_as_a_customer_is() -> None:
    world = applied("John Doe")
    world.run()
    with pytest.raises(BursaError) as caught:
        ask(world)
    # Somebody decides about it first.
    assert caught.value.code == "wrong_case_state"


def test_nothing_is_given_or_applied_for_while_it_is_pending() -> None:
    world = applied()
    world.run()
    ask(world)
    with pytest.raises(BursaError) as caught:
        world.apply(3)
    assert caught.value.code == "erasure_pending"
    with pytest.raises(BursaError) as caught:
        world.tasks.give_personal_data(T7, "anna", parse_personal_data(ANNA, START))
    assert caught.value.code == "erasure_pending"


def test_an_erasure_that_breaks_off_is_finished_later(monkeypatch: pytest.MonkeyPatch) -> None:
    world = applied()
    world.run()
    ask(world)

    def away(*_: object) -> None:
        raise Unavailable("documents_unavailable", "Later.")

    with monkeypatch.context() as patch:
        patch.setattr(world.documents, "erase", away)
        with pytest.raises(Unavailable):
            world.later(KEPT_MS)
    # The key goes first: nothing opens any more, though the files are there.
    assert not is_readable(world)
    assert not world.sessions.emptied
    assert world.case.erase_at_ms is not None
    world.later(0)
    assert world.case.erase_at_ms is None
    assert world.sessions.emptied == ["t7 anna"]


def test_nobody_says_that_it_is_erased_before_it_may_be() -> None:
    world = applied()
    world.run()
    for step in range(2):
        with pytest.raises(BursaError) as caught:
            world.tasks._step(T7, "anna", Erased(f"early {step}"))
        assert caught.value.code == "wrong_case_state"
        if not step:
            ask(world)


def test_who_was_erased_comes_back_as_somebody_new() -> None:
    world = applied()
    world.run()
    ask(world)
    world.later(KEPT_MS)
    world.documents.files = {"passport": b"", "selfie": b""}
    now_ms = world.clock.now_ms()
    young = ANNA | {"given_names": "Anna", "born": "2000-01-01"}
    world.tasks.give_personal_data(T7, "anna", parse_personal_data(young, now_ms))
    assert world.records.read(T7, "anna", MIA).born == "2000-01-01"
    world.apply(1, {})
    assert world.case.attempt == 2
