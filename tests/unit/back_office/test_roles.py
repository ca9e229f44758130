"""The table of rights: who is what, who may do what, and that the page says the same."""

import re

import pytest

from bursa.back_office.roles import PERMITTED, READS, Action, Role, group_of, may, role_of
from bursa.dialects.native.admin_kyc_operations import ADMIN_KYC_OPERATIONS
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS
from scripts.templates import BLUEPRINTS
from tests.contract.templates import ROOT, resources

PAGE = ROOT / "docs" / "back-office.md"
OPERATIONS = (*ADMIN_OPERATIONS, *ADMIN_KYC_OPERATIONS)
IDENTITY = BLUEPRINTS / "identity.yaml"


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ([], None),
        (["bursa-owner"], Role.OWNER),
        (["bursa-regulator", "traders"], Role.REGULATOR),
        (["traders"], None),
        (["owner"], None),
        (["bursa-Owner"], None),
        (["bursa-owner "], None),
        (["bursa-operator"], None),
        (["bursa-"], None),
        # Who is two is nobody.
        (["bursa-owner", "bursa-auditor"], None),
        (["bursa-support", "bursa-finance", "bursa-owner"], None),
        (["bursa-owner", "bursa-unknown"], Role.OWNER),
    ],
    ids=str,
)
def test_a_role_is_one_group(groups: list[str], role: Role | None) -> None:
    assert role_of(groups) is role


def test_the_pools_have_the_groups_of_the_roles() -> None:
    groups = resources(IDENTITY, "AWS::Cognito::UserPoolGroup").values()
    assert {one["Properties"]["GroupName"] for one in groups} == {group_of(role) for role in Role}


def test_every_action_has_a_row_and_a_route() -> None:
    assert set(PERMITTED) == set(Action)
    assert {operation.action for operation in OPERATIONS} == set(Action)


def test_what_reads_is_asked_for_by_get_and_changes_by_post() -> None:
    for operation in OPERATIONS:
        assert (operation.method == "get") == (operation.action in READS), operation.name
        assert operation.path.startswith("/admin/")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REGULATOR])
def test_who_looks_on_changes_nothing(role: Role) -> None:
    assert {action for action in Action if may(role, action)} <= READS


def documented() -> dict[str, dict[str, bool]]:
    """Return the table of the page: whether each role may do each thing."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    at = next(place for place, row in enumerate(cells) if row[0] == "action")
    roles = cells[at][2:]
    table = {}
    for row in cells[at + 2 :]:
        name = re.fullmatch(r"`(\w+)`", row[0])
        if name is None:
            break
        table[name[1]] = {role: cell == "yes" for role, cell in zip(roles, row[2:], strict=True)}
    return table


def test_the_page_has_the_table() -> None:
    expected = {str(action): {str(role): may(role, action) for role in Role} for action in Action}
    assert documented() == expected
