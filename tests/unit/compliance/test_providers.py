"""The providers without a network: the sandbox, whose outcome follows from the name, and people."""

import pytest

from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.providers import (
    Application,
    ManualReview,
    Reference,
    Sandbox,
    open_here,
    parse_reference,
)
from bursa.compliance.steps import Outcome
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId
from tests.unit.compliance.test_personal_data import ANNA

NOW = 1_790_000_000_000
REFERENCE = Reference(TenantId(7), "anna", 3)


def asked(name: str) -> Application:
    given, _, family = name.partition(" ")
    data = ANNA | {"given_names": given, "family_name": family}
    return Application(REFERENCE, parse_personal_data(data, NOW))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("Anna Lindqvist", Outcome.APPROVE),
        ("Anna Reject", Outcome.REJECT),
        ("RESUBMIT Anna", Outcome.RESUBMIT),
        ("Anna review", Outcome.REVIEW),
        ("Anna Rejected", Outcome.APPROVE),
        ("Anna Shortlived", Outcome.APPROVE),
    ],
)
def test_what_the_sandbox_says_follows_from_the_name(name: str, outcome: Outcome) -> None:
    report = Sandbox().begin(asked(name), NOW)
    assert report is not None
    assert (report.outcome, report.attempt) == (outcome, 3)
    ends_at_ms = NOW + DAY_MS if "Shortlived" in name else None
    assert report.documents_end_at_ms == ends_at_ms


def test_the_sandbox_may_stay_silent() -> None:
    assert Sandbox().begin(asked("Anna Silent"), NOW) is None


def test_manual_review_asks_a_person() -> None:
    report = ManualReview().begin(asked("Anna Reject"), NOW)
    assert report is not None
    assert report.outcome is Outcome.REVIEW


@pytest.mark.parametrize("provider", [Sandbox(), ManualReview()], ids=["sandbox", "manual"])
def test_asking_again_is_the_same_step(provider: Sandbox | ManualReview) -> None:
    application = asked("Anna Lindqvist")
    assert provider.begin(application, NOW) == provider.begin(application, NOW)
    assert provider.ask(REFERENCE, NOW) is None


@pytest.mark.parametrize(
    ("name", "is_for_trying_out", "is_there"),
    [
        ("manual", False, True),
        ("sandbox", True, True),
        ("sandbox", False, False),
        ("", True, False),
        ("Sandbox", True, False),
    ],
)
def test_the_sandbox_is_only_where_things_are_tried_out(
    name: str, is_for_trying_out: bool, is_there: bool
) -> None:
    if is_there:
        assert open_here(name, is_for_trying_out=is_for_trying_out)
    else:
        with pytest.raises(BursaError) as caught:
            open_here(name, is_for_trying_out=is_for_trying_out)
        assert caught.value.code == "unknown_provider"


def test_a_reference_is_read_as_it_was_written() -> None:
    assert parse_reference(str(REFERENCE)) == REFERENCE
