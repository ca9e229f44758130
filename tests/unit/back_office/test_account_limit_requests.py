"""Limits that no user may have, and who may not set them: nothing changes."""

from collections.abc import Iterator
from typing import Any

import pytest

from bursa.back_office.roles import Role
from bursa.tenants.account_limits import NO_OWN_LIMITS
from tests.unit.back_office.office import OTHER, Office
from tests.unit.back_office.people import ALICE, FINN, OLGA, ask, user_path
from tests.unit.back_office.test_account_limits import NONE, RAISED, kept, shown
from tests.unit.back_office.test_fee_tiers import staffed


@pytest.fixture(scope="module")
def idle() -> Iterator[Office]:
    """Open one for all requests that must change nothing."""
    with staffed() as found:
        yield found


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"commands": {"per_s": 0, "burst": 100}}, "invalid_per_s", "commands.per_s"),
        ({"commands": {"per_s": 5, "burst": 49}}, "invalid_burst", "commands.burst"),
        ({"commands": {"per_s": 5}}, "missing_field", "commands.burst"),
        ({"commands": 5}, "wrong_type", "commands"),
        ({"connections": 0}, "invalid_connections", "connections"),
        ({"connections": True}, "wrong_type", "connections"),
        ({"connections": "5"}, "wrong_type", "connections"),
        ({"orders": 5}, "unknown_field", "orders"),
        ({"commands": {"per_s": 1_001, "burst": 100}}, "limits_above_tenants", "commands"),
        ({"connections": 5_001}, "limits_above_tenants", "connections"),
    ],
    ids=str,
)
def test_limits_that_nobody_may_have(
    idle: Office, change: dict[str, Any], code: str, field: str
) -> None:
    body = NONE | change | {"reason": "x"}
    response = ask(idle, ALICE, user_path(idle, "limits"), body)
    assert (response.status, response.body["code"]) == (400, code), response
    assert response.body.get("field") == field
    assert kept(idle) == NO_OWN_LIMITS


def test_all_of_them_are_sent_together(idle: Office) -> None:
    body = {name: None for name in NONE if name != "reads"} | {"reason": "x"}
    response = ask(idle, ALICE, user_path(idle, "limits"), body)
    assert (response.status, response.body["code"]) == (400, "missing_field")


@pytest.mark.parametrize("who", [FINN])
def test_who_has_another_role_may_not(idle: Office, who: str) -> None:
    body = RAISED | {"reason": "x"}
    response = ask(idle, who, user_path(idle, "limits"), body)
    assert (response.status, response.body["code"]) == (403, "role_may_not")
    assert shown(idle, who, Role.FINANCE)["own"] == NONE


def test_nobody_sets_their_own(idle: Office) -> None:
    response = ask(idle, ALICE, user_path(idle, "limits", ALICE), RAISED | {"reason": "x"})
    assert (response.status, response.body["code"]) == (403, "not_your_own")


def test_a_user_of_another_tenant_is_not_there(idle: Office) -> None:
    path = f"/admin/users/{idle.people[OTHER, OLGA]}/limits"
    for response in (
        idle.send(ALICE, "GET", path),
        ask(idle, ALICE, path, RAISED | {"reason": "x"}),
    ):
        assert (response.status, response.body["code"]) == (404, "unknown_user")
