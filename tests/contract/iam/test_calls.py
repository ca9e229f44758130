"""Each role may do what is seen to be called, or is named in `unseen.yaml`, and nothing else."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import pytest
from botocore import xform_name

from tests.contract.iam.documents import (
    ATTRIBUTES,
    LEADING_KEYS,
    Grant,
    grants,
    policies_of_roles,
)
from tests.contract.iam.recording import (
    RECORDING,
    Call,
    ServiceCalls,
    by_services,
    recorded,
    unseen,
    written,
)

CALLS = sorted(recorded() | set(unseen()))


class Right(NamedTuple):
    """A part of a grant that can be too much: rows under one prefix, all that it is about else."""

    grant: Grant
    rows: str | None

    def __str__(self) -> str:
        resource = self.grant.resource.split(":", 5)[-1]
        return " ".join(filter(None, (self.grant.role, self.grant.action, resource, self.rows)))

    def is_used_by(self, call: Call) -> bool:
        grant = self.grant
        attributes = grant.held_to(ATTRIBUTES)
        return (
            call.role == grant.role
            and grant.covers(call.action, call.resource)
            and (not attributes or set(call.seen(ATTRIBUTES)) <= set(attributes))
            and (self.rows is None or self.is_about(call.seen(LEADING_KEYS)))
        )

    def is_about(self, rows: tuple[str, ...]) -> bool:
        return any(fnmatchcase(one, str(self.rows)) for one in rows)


def rights() -> Iterator[Right]:
    for grant in grants():
        held_to = grant.held_to(LEADING_KEYS)
        yield from (Right(grant, rows) for rows in held_to or (None,))


@pytest.mark.parametrize("role", policies_of_roles())
def test_a_role_may_do_nothing_that_is_not_called(role: str) -> None:
    surplus = [
        str(right)
        for right in rights()
        if right.grant.role == role
        and not any(map(right.is_used_by, CALLS))
        and not any(service.covers(right.grant) for service in by_services())
    ]
    assert not surplus, "Take it from the role, or say in unseen.yaml who needs it."


def test_no_attribute_is_granted_that_is_not_asked_for() -> None:
    for right in rights():
        granted = set(right.grant.held_to(ATTRIBUTES))
        asked = {name for call in CALLS if right.is_used_by(call) for name in call.seen(ATTRIBUTES)}
        assert not granted or granted == asked, str(right)


def test_who_calls_is_a_role() -> None:
    assert {call.role for call in CALLS} <= set(policies_of_roles())


def test_the_recording_is_as_it_is_written() -> None:
    assert RECORDING.read_text() == written(recorded())


# Actions that are not called as their methods are.
_METHODS: Final = {
    "s3:DeleteObjectVersion": "delete_object",
    "s3:ListBucket": "list_objects_v2",
    "s3:GetObjectVersion": "get_object",
    "s3:ListBucketVersions": "list_object_versions",
}
# As pynamodb's models call it.
_OF_MODELS: Final = {
    "dynamodb:DeleteItem": r"\.delete\(",
    "dynamodb:GetItem": r"\bmodel\.get\(",
    "dynamodb:PutItem": r"\.save\(",
    "dynamodb:UpdateItem": r"\.update\(",
}


def method_of(call: Call) -> str:
    """Return the method of botocore's client."""
    if call.action == "execute-api:ManageConnections":
        verb = call.resource.split("/")[-3].lower()
        return {"post": "post_to_connection"}.get(verb, f"{verb}_connection")
    if call.action in _METHODS:
        return _METHODS[call.action]
    return str(xform_name(call.action.partition(":")[2]))


@pytest.mark.parametrize("call", unseen(), ids=lambda call: f"{call.role} {call.action}")
def test_what_is_not_seen_is_in_the_source(call: Call) -> None:
    """When it is there no more, the role needs it no more."""
    method = rf"\b{method_of(call)}(_batch)?[(\"]"
    of_a_model = _OF_MODELS.get(call.action, method)
    assert re.search(f"{method}|{of_a_model}", unseen()[call].read_text())


@pytest.mark.parametrize("service", by_services(), ids=lambda service: service.by)
def test_what_a_service_does_is_granted(service: ServiceCalls) -> None:
    granted = {grant.action for grant in grants() if service.covers(grant)}
    assert granted
    assert granted >= set(service.actions)


def test_what_is_not_seen_is_said_once() -> None:
    assert not recorded() & set(unseen())
