"""Compliance in the back office of the running exchange: a case is looked at and decided."""

import secrets
import time
from typing import Any

import pytest
import requests

from bursa.back_office.roles import Role, group_of
from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.newcomers import (
    ANNA,
    PATIENCE_S,
    apply,
    sign_up,
    wait_for,
    wait_for_level,
)
from tests.e2e.test_back_office import sign_in_with_code
from tests.e2e.test_kyc import client_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

WHY: Json = {"reason": "A test"}


@pytest.fixture(scope="module")
def compliance(exchange: Deployment) -> Any:
    """Let somebody into the back office who is of compliance from the first sign-in on."""
    user = sign_up(exchange)
    client = Client(exchange, user)
    client.call("GET", "/me")
    codes = Codes(client.call("POST", "/second-factor")["secret"])
    client.call("POST", "/second-factor/confirm", json={"code": codes()})
    client_of(exchange, "cognito-idp").admin_add_user_to_group(
        UserPoolId=exchange.stack_outputs["UserPoolId"],
        Username=user.email,
        GroupName=group_of(Role.COMPLIANCE),
    )
    time.sleep(1)  # a session counts from the next second on
    sign_in_with_code(client, codes)
    return client


def change(client: Client, path: str, body: Json) -> Json:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    return client.call("POST", f"/admin/kyc/cases{path}", json=body, headers=headers)


def deciding(client: Client, user_id: str) -> Json:
    """Return a user's case once a person must decide about it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        case = client.call("GET", f"/admin/kyc/cases/{user_id}")
        if case["state"] == "deciding":
            return case
        assert time.monotonic() < deadline, case
        time.sleep(0.3)


def test_a_person_looks_decides_and_the_user_has_the_level(
    exchange: Deployment, compliance: Client
) -> None:
    newcomer = Client(exchange, sign_up(exchange))
    me = newcomer.call("GET", "/me")
    apply(newcomer, 2, "identity_document", "selfie", family_name="Review")
    user_id = me["user_id"]
    case = deciding(compliance, user_id)
    assert (case["attempt"], case["files_checked"], case["screened"]) == (1, True, True)
    queue = compliance.call("GET", "/admin/kyc/cases", params={"limit": "100"})
    assert user_id in {item["user_id"] for item in queue["items"]}

    path = f"/admin/kyc/cases/{user_id}"
    with pytest.raises(ApiError) as refused:
        compliance.call("GET", f"{path}/personal-data")
    assert refused.value.code == "invalid_reason"
    person = compliance.call("GET", f"{path}/personal-data", params=WHY)
    assert (person["given_names"], person["family_name"]) == (ANNA["given_names"], "Review")
    link = compliance.call("GET", f"{path}/documents/selfie", params=WHY)
    read = requests.get(link["url"], timeout=30)
    assert read.content.startswith(b"\xff\xd8\xff")

    decision = WHY | {"attempt": 1, "outcome": "approve", "documents_end_on": "2031-05-01"}
    assert change(compliance, f"/{user_id}/decision", decision)["state"] == "approved"
    assert wait_for(newcomer, "approved")["level"] == 2
    wait_for_level(newcomer, 2)
    entries = compliance.call("GET", "/admin/audit")["items"]
    about = [entry["action"] for entry in entries if entry["about"].endswith(user_id)]
    assert about.count("decide_cases") == 2
    assert about.count("read_personal_data") == 2

    assert change(compliance, f"/{user_id}/lower", WHY | {"level": 1})["level"] == 1
    wait_for_level(newcomer, 1)


def test_who_is_not_of_compliance_sees_no_case(exchange: Deployment) -> None:
    bob = Client(exchange, exchange.users[1])
    for path in ("cases", "cases/x", "cases/x/personal-data"):
        assert bob.send("GET", f"/admin/kyc/{path}").status_code == 403
