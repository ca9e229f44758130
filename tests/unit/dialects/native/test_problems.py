"""Every error of the product has a status and a sentence on the native wire."""

from collections.abc import Iterator

import pytest

from bursa.dialects.native.problems import STATUS, problem
from bursa.kernel.errors import BursaError, Conflict, InvalidInput, NotFound, Unavailable


def kinds_of(root: type[BursaError]) -> Iterator[type[BursaError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_every_kind_of_error_has_a_status() -> None:
    # What goes wrong with a chain reaches no caller yet.
    of_chains = "bursa.wallets.chains."
    told = {kind for kind in kinds_of(BursaError) if not kind.__module__.startswith(of_chains)}
    assert told == set(STATUS)
    assert len(set(STATUS.values())) == len(STATUS)


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.__name__)
def test_a_problem_carries_status_code_and_sentence(kind: type[BursaError]) -> None:
    body = problem(kind("some_code", "Do this."), "request-1").body
    assert body == {
        "type": "urn:bursa:problem:some_code",
        "title": "Some code",
        "status": STATUS[kind],
        "code": "some_code",
        "detail": "Do this.",
        "request_id": "request-1",
    }


WORDED = {
    "where markets are listed": (
        NotFound("unknown_market", "There is no such market.", field="market"),
        ("Choose a market from GET /v1/markets.", "market"),
    ),
    "the header of a key": (
        Conflict("idempotency_key_reused", "Choose a new key."),
        (
            "Choose a new Idempotency-Key: this one belongs to another request.",
            "Idempotency-Key",
        ),
    ),
    "the key to repeat under": (
        Unavailable("queue_full", "Wait.", request_key="k1"),
        ("Wait. Repeat it with the header Idempotency-Key: k1", None),
    ),
    "its own words": (
        InvalidInput("odd", "Send another.", field="side"),
        ("Send another.", "side"),
    ),
}


@pytest.mark.parametrize(("error", "told"), WORDED.values(), ids=WORDED)
def test_what_only_this_wire_can_say(error: BursaError, told: tuple[str, str | None]) -> None:
    body = problem(error).body
    assert (body["detail"], body.get("field")) == told
