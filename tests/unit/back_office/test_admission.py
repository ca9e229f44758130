"""Who is let into the back office, cell by cell, and what is refused before anything is done."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bursa.back_office.roles import Role, may
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS, AdminOperation
from tests.doubles.exchange import NOON_MS
from tests.unit.back_office.office import Office, give_term, opened_office

ALICE, EVE, OLGA = "alice@demo.example", "eve@demo.example", "olga@other.example"
STATE = "/admin/markets/BTC-USDT/state"
HALT = {"state": "halted", "reason": "A wrong tick size"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Office]:
    """For requests that change nothing of each other."""
    with opened_office() as found:
        yield found


def concrete(operation: AdminOperation) -> str:
    return re.sub(r"{\w+}", "nothing", operation.path)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("operation", ADMIN_OPERATIONS, ids=lambda one: one.name)
def test_a_role_may_do_what_the_table_says(
    shared: Office, operation: AdminOperation, role: Role
) -> None:
    if role is Role.REGULATOR:
        give_term(shared, ALICE, NOON_MS + 86_400_000)
    response = shared.send(ALICE, operation.method.upper(), concrete(operation), role=role)
    is_refused = (response.status, response.body.get("code")) == (403, "role_may_not")
    assert is_refused == (not may(role, operation.action))
    assert is_refused or response.status in {200, 400, 404}, response


@pytest.mark.parametrize("operation", ADMIN_OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"role": None}, "no_role"),
        ({"method_of_sign_in": "api_key"}, "token_required"),
        # The session began before the second factor was required.
        ({"signed_in_at": (NOON_MS - 9_999_999) // 1_000}, "sign_in_again"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_who_is_not_let_in_learns_and_changes_nothing(
    shared: Office, operation: AdminOperation, how: dict[str, Any], code: str
) -> None:
    before = len(shared.entries())
    response = shared.send(ALICE, operation.method.upper(), concrete(operation), **how)
    assert (response.status, response.body["code"]) == (403, code)
    assert len(shared.entries()) == before


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "email_or_user_id"),
        ({"email": EVE, "user_id": "x"}, "email_or_user_id"),
        ({"email": "eve"}, "invalid_email"),
        ({"email": "a" * 250 + "@b.example"}, "invalid_email"),
        ({"email": "a\n@b.example"}, "invalid_email"),
        ({"user_id": "a b"}, "invalid_user_id"),
        ({"user_id": "x" * 129}, "invalid_user_id"),
        ({"name": "eve"}, "unknown_parameter"),
    ],
    ids=str,
)
def test_a_search_that_means_nothing_is_refused(
    shared: Office, query: dict[str, Any], code: str
) -> None:
    response = shared.send(ALICE, "GET", "/admin/users", query=query)
    assert (response.status, response.body["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        (None, "k", "missing_body"),
        ("{", "k", "invalid_json"),
        ({"state": "halted"}, "k", "missing_field"),
        ({"state": "closed", "reason": "x"}, "k", "invalid_state"),
        ({"state": "halted", "reason": " "}, "k", "invalid_reason"),
        ({"state": "halted", "reason": "x" * 301}, "k", "invalid_reason"),
        ({"state": "halted", "reason": "a\nb"}, "k", "invalid_reason"),
        ({"state": "halted", "reason": 1}, "k", "not_a_string"),
        (HALT | {"tenant": "t2"}, "k", "unknown_field"),
        (HALT, None, "missing_idempotency_key"),
        (HALT, "a b", "invalid_idempotency_key"),
        (HALT, "x" * 65, "invalid_idempotency_key"),
    ],
    ids=str,
)
def test_a_change_that_is_not_well_asked_for_is_not_begun(
    shared: Office, body: Any, key: str | None, code: str
) -> None:
    before = len(shared.entries())
    response = shared.send(ALICE, "POST", STATE, body, key=key)
    assert (response.status, response.body["code"]) == (400, code)
    assert len(shared.entries()) == before


@pytest.mark.parametrize("market", ["NOPE", "t2#BTC-USDT", "market#BTC-USDT", "x" * 400])
def test_another_market_is_no_market(shared: Office, market: str) -> None:
    response = shared.send(ALICE, "POST", f"/admin/markets/{market}/state", HALT)
    # Some of these are no part of a path.
    assert response.status == 404
    assert response.body["code"] in {"unknown_market", "unknown_route"}


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "1" * 19, "٣"])
def test_a_cursor_that_is_none_is_refused(shared: Office, cursor: str) -> None:
    response = shared.send(ALICE, "GET", "/admin/audit", query={"cursor": cursor})
    assert (response.status, response.body["code"]) == (400, "invalid_cursor")
