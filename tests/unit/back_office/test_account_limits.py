"""Limits of one user's accounts in the back office: who sets them, which, and what follows."""

from collections.abc import Iterator
from typing import Any

import pytest

from bursa.back_office.roles import Role
from bursa.identity.gateway import allow, authorized_principal
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits
from bursa.tenants.account_limits_dynamodb import AccountLimitsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.exchange import TENANT
from tests.unit.back_office.office import Office
from tests.unit.back_office.people import (
    ALICE,
    CLEO,
    EVE,
    approve,
    ask,
    user_path,
)
from tests.unit.back_office.test_fee_tiers import staffed
from tests.unit.conftest import Response

NONE: dict[str, Any] = dict.fromkeys(AccountLimits._fields)
RAISED: dict[str, Any] = NONE | {
    "commands": {"per_s": 400, "burst": 2_000},
    "connections": 40,
}
RAISED_LIMITS = AccountLimits(commands=Rate(400, 2_000), connections=40)
ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/v1/GET/me"


@pytest.fixture
def office() -> Iterator[Office]:
    with staffed() as found:
        yield found


def set_limits(office: Office, body: dict[str, Any], by: str = CLEO) -> Response:
    asked = ask(office, by, user_path(office, "limits"), body | {"reason": "A market maker"})
    assert (asked.status, asked.body["state"]) == (200, "proposed"), asked
    return approve(office, ALICE, asked.body["proposal"])


def shown(office: Office, who: str = ALICE, role: Role = Role.OWNER) -> dict[str, Any]:
    response = office.send(who, "GET", user_path(office, "limits"), role=role)
    assert response.status == 200, response
    return dict(response.body)


def kept(office: Office) -> AccountLimits:
    user = DirectoryTable(office.exchange._dynamodb, "directory").user_of(
        TENANT, office.people[TENANT, EVE]
    )
    assert user is not None
    return user.own_limits


def test_two_people_set_them_and_a_sign_in_has_them(office: Office) -> None:
    response = set_limits(office, RAISED)
    assert (response.status, response.body["state"]) == (200, "done"), response
    assert response.body["after"] == RAISED
    assert kept(office) == RAISED_LIMITS

    found = shown(office)
    assert found["own"] == RAISED
    assert found["limits"]["commands"] == RAISED["commands"]
    assert found["limits"]["reads"] == DEFAULT_LIMITS.account_reads._asdict()
    assert found["tenant"]["connections"] == DEFAULT_LIMITS.tenant_connections


def test_one_person_changes_nothing(office: Office) -> None:
    body = RAISED | {"reason": "x"}
    asked = ask(office, CLEO, user_path(office, "limits"), body)
    assert asked.body["state"] == "proposed"
    assert kept(office) == NO_OWN_LIMITS
    alone = approve(office, CLEO, asked.body["proposal"])
    assert (alone.status, alone.body["code"]) == (403, "not_the_asker")
    assert kept(office) == NO_OWN_LIMITS


def test_what_is_null_is_the_tenants_again(office: Office) -> None:
    set_limits(office, RAISED)
    set_limits(office, NONE)
    assert kept(office) == NO_OWN_LIMITS
    assert shown(office)["own"] == NONE


def test_both_entries_of_the_log_have_what_was_there_and_what_is(office: Office) -> None:
    set_limits(office, RAISED)
    set_limits(office, NONE)
    *_, intent, outcome = office.entries()
    assert (intent["kind"], outcome["kind"], outcome["result"]) == ("intent", "outcome", "done")
    assert (intent["action"], intent["before"]) == ("set_account_limits", RAISED)
    assert outcome["after"] == NONE


def test_what_was_asked_for_earlier_does_not_undo_what_came_later(office: Office) -> None:
    records = AccountLimitsTable(office.exchange._dynamodb, "directory")
    subject = office.people[TENANT, EVE]
    records.set(TENANT, subject, RAISED_LIMITS, 2_000)
    with pytest.raises(Conflict, match="ask anew"):
        records.set(TENANT, subject, NO_OWN_LIMITS, 1_999)
    records.set(TENANT, subject, RAISED_LIMITS, 2_000)
    assert records.own(TENANT, subject) == RAISED_LIMITS


def test_who_has_no_account_gets_no_row(office: Office) -> None:
    records = AccountLimitsTable(office.exchange._dynamodb, "directory")
    with pytest.raises(Conflict):
        records.set(TENANT, "nobody", RAISED_LIMITS, 2_000)
    assert DirectoryTable(office.exchange._dynamodb, "directory").user_of(TENANT, "nobody") is None


def test_a_verdict_hands_them_on() -> None:
    limited = Principal(
        AccountId(TENANT, 3),
        "eve",
        USER_SCOPES,
        SignInMethod.USER_POOL,
        4_000_000_000,
        1,
        own_limits=RAISED_LIMITS,
    )
    assert authorized_principal(allow(ARN, limited)["context"]) == limited
