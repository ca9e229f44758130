"""The workflow's tasks by name: what each returns, and how each failure is told apart."""

from collections.abc import Callable, Mapping

import pytest

from bursa.compliance.cases import CaseState
from bursa.compliance.providers import Reference
from bursa.compliance.workflow_tasks import NotNow, WorkflowTasks
from bursa.kernel.errors import (
    BursaError,
    Conflict,
    InternalError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from tests.unit.compliance.test_applications import World, applied

ONE, TWO = "one", "two"
CAUSE = '{"errorMessage": "%s", "errorType": "NotNow"}'


class Desk:
    """The tasks over a world in memory; remembers tokens, and what was let go on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, str] = {}
        self.resumed: list[str] = []
        self.tasks = WorkflowTasks(world.tasks, self, self)

    def keep(self, reference: Reference, token: str) -> None:
        self.tokens[str(reference)] = token

    def resume(self, reference: Reference) -> None:
        self.resumed.append(self.tokens[str(reference)])

    def do(self, task: str, **more: object) -> str:
        return self.tasks({"task": task, "reference": "t7.anna.1"} | more)["state"]


def test_an_application_goes_its_way_by_the_tasks() -> None:
    desk = Desk(applied())
    assert desk.do("check_files") == "screening"
    assert desk.do("screen") == "at_provider"
    assert desk.do("ask_provider", token=ONE) == "approved"
    # The sandbox has reported before the workflow waits, so that it is let go on at once.
    assert desk.resumed == ["one"]


def test_a_provider_that_reports_later_is_waited_for_under_the_latest_token() -> None:
    desk = Desk(applied("Anna Silent"))
    desk.do("check_files")
    desk.do("screen")
    assert desk.do("ask_provider", token=ONE) == "at_provider"
    assert desk.do("ask_provider", token=TWO) == "at_provider"
    assert (desk.tokens, desk.resumed) == ({"t7.anna.1": "two"}, [])


def test_a_task_of_an_earlier_attempt_says_that_it_is_over() -> None:
    world = applied("Anna Resubmit")
    world.run()
    world.apply()
    desk = Desk(world)
    before = world.case
    for task in ("check_files", "screen"):
        assert desk.do(task) == "superseded"
    assert desk.do("ask_provider", token=ONE) == "superseded"
    assert desk.do("hand_over", failure={"Error": "States.Timeout"}) == "superseded"
    assert world.case == before
    assert desk.resumed == ["one"]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ({"Error": "NotNow", "Cause": CAUSE % "lists_unavailable"}, "lists_unavailable"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
        ({"Error": "States.Timeout"}, "States.Timeout"),
        # Never words that nobody has chosen.
        ({"Error": "KeyError", "Cause": CAUSE % "Anna Lindqvist"}, "failed"),
        ({"Error": "x" * 500}, "failed"),
        ({}, "failed"),
    ],
)
def test_a_person_is_told_by_a_code_why_they_decide(
    failure: Mapping[str, str], reason: str
) -> None:
    desk = Desk(applied())
    assert desk.do("hand_over", failure=failure) == "deciding"
    assert desk.world.case.history[-1].reason == f"{reason}, while submitted"


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("lists_unavailable", "Anna"),
        Conflict("case_changed", "Anna"),
        NotFound("no_case", "Anna"),
    ],
)
def test_what_may_be_there_later_is_tried_again_and_says_a_code_alone(
    monkeypatch: pytest.MonkeyPatch, error: BursaError
) -> None:
    desk = Desk(applied())
    monkeypatch.setattr(desk.world.tasks, "check_files", failing(error))
    with pytest.raises(NotNow) as caught:
        desk.do("check_files")
    assert str(caught.value) == error.code
    assert desk.world.case.state is CaseState.SUBMITTED


@pytest.mark.parametrize(
    "error", [InvalidInput("name_not_readable", "Anna"), InternalError("list_damaged", "Anna")]
)
def test_what_no_repeat_helps_goes_to_a_person_at_once(
    monkeypatch: pytest.MonkeyPatch, error: BursaError
) -> None:
    desk = Desk(applied())
    monkeypatch.setattr(desk.world.tasks, "check_files", failing(error))
    assert desk.do("check_files") == "deciding"
    assert desk.world.case.history[-1].reason == f"{error.code}, while submitted"


def test_a_provider_that_can_not_be_asked_leaves_nothing_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(applied())
    desk.do("check_files")
    desk.do("screen")
    unknown = InvalidInput("unknown_provider", "Name another.")
    monkeypatch.setattr(desk.world.tasks, "ask_provider", failing(unknown))
    assert desk.do("ask_provider", token=ONE) == "deciding"
    assert desk.resumed == [ONE]


def failing(error: BursaError) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_what_is_no_reference_is_refused() -> None:
    desk = Desk(applied())
    with pytest.raises(InvalidInput):
        desk.tasks({"task": "screen", "reference": "t7.anna"})
    assert desk.world.case.state is CaseState.SUBMITTED
