"""An application that a provider elsewhere decides: what it is sent, and what is believed."""

from collections.abc import Iterator

import pytest

from bursa.compliance.cases import CaseState
from bursa.compliance.personal_records import AccessKind
from bursa.compliance.provider_calls_https import HttpsProvider
from bursa.compliance.providers import Reference
from bursa.compliance.sumsub import Sumsub
from bursa.compliance.workflow_tasks import NotNow, WorkflowTasks
from bursa.kernel.errors import InternalError, Unavailable
from tests.doubles.providers import APP_TOKEN, SECRET_KEY, Answer, PlayedSumsub
from tests.unit.compliance.test_applications import T7, World

MINUTE_MS = 60_000


@pytest.fixture
def played() -> Iterator[PlayedSumsub]:
    played = PlayedSumsub()
    with played.serving():
        yield played


@pytest.fixture
def world(played: PlayedSumsub) -> World:
    """Return a user whose files are good, and whom the provider is asked about."""
    world = World()
    connection = HttpsProvider(played.url, lambda _: None, (1.0, 1.0))
    names = {1: "basic", 2: "full"}
    world.provider = Sumsub(connection, APP_TOKEN, SECRET_KEY.encode(), names.get)
    world.cases.provider = "sumsub"
    world.apply()
    world.run()
    return world


def test_what_is_sent_is_written_down_first(world: World, played: PlayedSumsub) -> None:
    assert world.case.state is CaseState.AT_PROVIDER
    assert played.calls()[-1].endswith("/status/pending")
    read = [one for one in world.records.accesses(T7, "anna") if one.kind is AccessKind.READ]
    reasons = [one.reason for one in read]
    assert "attempt 1: personal data, identity_document, selfie to sumsub" in reasons


def test_a_finding_is_taken_once_it_is_asked_for(world: World, played: PlayedSumsub) -> None:
    # Whatever a callback has said: here nothing is decided yet.
    assert world.tasks.ask_report(world.reference).state is CaseState.AT_PROVIDER
    played.review(str(world.reference), "completed", reviewAnswer="GREEN")
    assert world.tasks.ask_report(world.reference).level == 2
    once = world.case
    assert world.tasks.ask_report(world.reference) == once
    # It changes its mind: the level is taken at once, and a person decides.
    played.review(str(world.reference), "completed", reviewAnswer="RED", reviewRejectType="FINAL")
    assert world.tasks.ask_report(world.reference).level == 0
    assert world.case.state is CaseState.DECIDING


@pytest.mark.parametrize(
    ("reject", "state"),
    [
        ("RETRY", CaseState.RESUBMISSION),
        ("FINAL", CaseState.REJECTED),
        ("", CaseState.DECIDING),
    ],
)
def test_who_is_not_approved_goes_where_the_provider_says(
    world: World, played: PlayedSumsub, reject: str, state: CaseState
) -> None:
    played.review(str(world.reference), "completed", reviewAnswer="RED", reviewRejectType=reject)
    assert world.tasks.ask_report(world.reference).state is state


def test_nothing_is_sent_for_a_case_that_is_elsewhere(world: World, played: PlayedSumsub) -> None:
    world.tasks.hand_over(world.reference, "lost")
    sent = len(played.sent)
    world.tasks.ask_provider(world.reference)
    world.tasks.ask_provider(Reference(T7, "anna", 9))
    assert len(played.sent) == sent


def test_a_callback_that_never_comes_is_made_up_for(world: World, played: PlayedSumsub) -> None:
    sent = len(played.sent)
    assert world.tasks.ask_late(T7) == 0
    assert len(played.sent) == sent
    world.clock.time_ms += 5 * MINUTE_MS
    assert world.tasks.ask_late(T7) == 1
    assert world.case.state is CaseState.AT_PROVIDER
    played.review(str(world.reference), "completed", reviewAnswer="GREEN")
    assert world.tasks.ask_late(T7) == 1
    assert world.case.level == 2
    assert world.tasks.ask_late(T7) == 0


def test_a_provider_here_is_not_asked_again(world: World, played: PlayedSumsub) -> None:
    world.cases.provider = "manual"
    world.clock.time_ms += 60 * MINUTE_MS
    sent = len(played.sent)
    assert world.tasks.ask_late(T7) == 0
    assert len(played.sent) == sent


def test_a_provider_that_is_away_is_asked_later(world: World, played: PlayedSumsub) -> None:
    played.next = [Answer(503)] * 3
    with pytest.raises(Unavailable):
        world.tasks.ask_report(world.reference)
    world.clock.time_ms += 5 * MINUTE_MS
    played.next = [Answer(429)] * 3
    with pytest.raises(Unavailable):
        world.tasks.ask_late(T7)
    assert world.case.state is CaseState.AT_PROVIDER


class Nobody:
    def keep(self, reference: Reference, token: str) -> None: ...

    def resume(self, reference: Reference) -> None: ...


def test_what_no_repeat_helps_is_handed_to_a_person(world: World, played: PlayedSumsub) -> None:
    tasks = WorkflowTasks(world.tasks, Nobody(), Nobody())
    asked = {"task": "ask_provider", "reference": str(world.reference), "token": "t"}
    played.next = [Answer(500)] * 3
    with pytest.raises(NotNow) as later:
        tasks(asked)
    assert str(later.value) == "provider_unavailable"
    played.next = [Answer(401)]
    assert tasks(asked)["state"] == "deciding"
    assert world.case.history[-1].reason == "provider_refuses_credentials, while at_provider"
    played.next = [Answer(401)]
    with pytest.raises(InternalError):
        world.tasks.ask_report(world.reference)
