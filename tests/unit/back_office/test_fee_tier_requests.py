"""Fee tiers that are none, and who may not set them: nothing changes."""

from collections.abc import Iterator
from typing import Any

import pytest

from bursa.back_office.roles import Role
from tests.unit.back_office.office import OTHER, Office
from tests.unit.back_office.people import ALICE, CLEO, OLGA, ask, user_path
from tests.unit.back_office.test_fee_tiers import PATH, TIERS, set_tiers, staffed


@pytest.fixture(scope="module")
def idle() -> Iterator[Office]:
    """Open one for all requests that must change nothing."""
    with staffed() as found:
        set_tiers(found)
        yield found


def office_is_as_it_was(idle: Office) -> bool:
    return [one["volume"] for one in idle.send(ALICE, "GET", PATH).body["tiers"]] == [
        one["volume"] for one in TIERS["tiers"]
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "XYZ"}, "unknown_asset"),
        ({"tiers": []}, "invalid_tiers"),
        ({"tiers": TIERS["tiers"][1:]}, "invalid_tiers"),
        ({"tiers": TIERS["tiers"][::-1]}, "invalid_tiers"),
        ({"tiers": [TIERS["tiers"][0] | {"volume": "1e3"}]}, "invalid_volume"),
        ({"tiers": [TIERS["tiers"][0] | {"volume": "-1"}]}, "volume_not_positive"),
        ({"tiers": [TIERS["tiers"][0] | {"volume": 0}]}, "not_a_string"),
        ({"tiers": [TIERS["tiers"][0] | {"maker_ppm": -2_001}]}, "invalid_rates"),
        ({"tiers": [TIERS["tiers"][0] | {"taker_ppm": -1}]}, "invalid_rates"),
        ({"tiers": [TIERS["tiers"][0] | {"taker_ppm": 100_001}]}, "invalid_taker_ppm"),
        ({"surcharge": 1}, "unknown_field"),
    ],
    ids=str,
)
def test_what_are_no_tiers_is_refused(idle: Office, change: Any, code: str) -> None:
    response = ask(idle, ALICE, PATH, TIERS | change)
    assert response.status in {400, 404}, response
    assert response.body["code"] == code
    assert office_is_as_it_was(idle)


@pytest.mark.parametrize(
    ("tier", "status", "code"),
    [
        (3, 400, "unknown_tier"),
        (16, 400, "invalid_tier"),
        (-1, 400, "invalid_tier"),
        ("1", 400, "wrong_type"),
        (True, 400, "wrong_type"),
    ],
)
def test_a_tier_that_is_none_is_not_pinned(
    idle: Office, tier: object, status: int, code: str
) -> None:
    body = {"tier": tier, "reason": "x"}
    response = ask(idle, ALICE, user_path(idle, "fee-tier"), body)
    assert (response.status, response.body["code"]) == (status, code)


def test_nobody_pins_their_own(idle: Office) -> None:
    path = user_path(idle, "fee-tier", ALICE)
    response = ask(idle, ALICE, path, {"tier": 0, "reason": "x"})
    assert (response.status, response.body["code"]) == (403, "not_your_own")


def test_a_user_of_another_tenant_is_not_there(idle: Office) -> None:
    theirs = idle.people[OTHER, OLGA]
    for response in (
        idle.send(ALICE, "GET", f"/admin/users/{theirs}/fees"),
        ask(idle, ALICE, f"/admin/users/{theirs}/fee-tier", {"tier": 0, "reason": "x"}),
    ):
        assert (response.status, response.body["code"]) == (404, "unknown_user")


def test_who_has_another_role_may_not(idle: Office) -> None:
    for path, body in ((PATH, TIERS), (user_path(idle, "fee-tier"), {"tier": 0, "reason": "x"})):
        response = idle.send(CLEO, "POST", path, body, role=Role.COMPLIANCE)
        assert (response.status, response.body["code"]) == (403, "role_may_not")
