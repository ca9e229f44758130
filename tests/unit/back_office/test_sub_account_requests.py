"""Accounts that the back office names: a user's own, and nobody else's."""

from collections.abc import Iterator

import pytest

from tests.unit.back_office.office import OTHER, Office
from tests.unit.back_office.people import ALICE, BOB, EVE, FINN, OLGA, eves_account
from tests.unit.back_office.test_sub_accounts import WHOLE, debit, first, furnished, statement


@pytest.fixture(scope="module")
def idle() -> Iterator[Office]:
    """Open one for all requests that must change nothing."""
    with furnished() as found:
        yield found


def test_a_user_is_shown_with_its_sub_accounts(idle: Office) -> None:
    found = idle.send(ALICE, "GET", "/admin/users", query={"email": EVE}).body["items"][0]
    assert found["sub_accounts"] == [
        {"account": str(first(idle)), "label": "bot 1", "open": True},
        {"account": str(eves_account(idle).sub_account(2)), "label": "bot 2", "open": False},
    ]


@pytest.mark.parametrize("name", ["t1-0", "t1-1", "sub", "t2-1", "t1-99999999999", "seat 3"])
def test_an_account_that_is_not_the_users_is_not_there(idle: Office, name: str) -> None:
    named = str(eves_account(idle).sub_account(3)) if name == "seat 3" else name
    if named == str(eves_account(idle)):
        pytest.skip("is hers")
    for response in (debit(idle, FINN, "1", named), statement(idle, named)):
        assert (response.status, response.body["code"]) == (404, "unknown_account"), response


def test_a_sub_account_of_another_user_is_not_there(idle: Office) -> None:
    response = statement(idle, str(first(idle)), BOB)
    assert (response.status, response.body["code"]) == (404, "unknown_account")
    theirs = f"/admin/users/{idle.people[OTHER, OLGA]}/statement"
    response = idle.send(ALICE, "GET", theirs, query=WHOLE | {"account": str(first(idle))})
    assert (response.status, response.body["code"]) == (404, "unknown_user")


def test_a_closed_sub_account_still_has_its_statement(idle: Office) -> None:
    found = statement(idle, str(eves_account(idle).sub_account(2)))
    assert (found.status, found.body["assets"]) == (200, [])


@pytest.mark.parametrize("account", [5, ["t1-1"], True])
def test_an_account_that_is_no_text_is_refused(idle: Office, account: object) -> None:
    assert debit(idle, FINN, "1", account).status == 400
