"""The routes about who a user is, through the function as API Gateway calls it."""

import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from bursa.aws import clients
from bursa.bootstrap import kyc_parts
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from tests.doubles.exchange import TENANT, Exchange, read_event
from tests.unit.compliance.test_personal_data import ANNA
from tests.unit.conftest import Context, opened, response_of, started

SECRET = "s" * 32
PERSON = {name: text for name, text in ANNA.items() if text}


class Pool:
    """A user pool whose users have entered their code, or not."""

    is_verified = True

    def get_user(self, **_: str) -> dict[str, Any]:
        known = {"email": "a@b.example", "email_verified": str(self.is_verified).lower()}
        return {"UserAttributes": [{"Name": name, "Value": known[name]} for name in known]}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with opened() as exchange:
        key_id = clients.kms_client().create_key()["KeyMetadata"]["KeyId"]
        clients.kms_client().create_alias(AliasName="alias/bursa-t1-data", TargetKeyId=key_id)
        clients.secrets_client().create_secret(
            Name="bursa/kyc/t1/sumsub", SecretString=json.dumps({"callback_secrets": [SECRET]})
        )
        yield exchange


@pytest.fixture
def kyc(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    RulesTable(exchange._dynamodb, "directory").write(
        TENANT, Rules(DEFAULT_LEVELS, DEFAULT_POLICY, "sumsub")
    )
    monkeypatch.setattr(kyc_parts, "cognito_client", Pool)
    return started("kyc.app")


def send(
    function: ModuleType, method: str, path: str, body: Any = None, user: str = "anna", **more: Any
) -> tuple[int, Any]:
    event = read_event("kyc") | {"httpMethod": method, "path": path, "resource": path}
    event["body"] = None if body is None else json.dumps(body)
    event["requestContext"]["authorizer"] |= {"user": user, **more}
    response = response_of(function.handler(event, Context()))
    return response.status, response.body


def test_who_has_sent_nothing_learns_what_the_next_level_needs(kyc: ModuleType) -> None:
    status, found = send(kyc, "GET", "/kyc")
    assert status == 200
    assert (found["state"], found["level"], found["next_level"]) == ("nothing_sent", 0, 1)
    assert (found["missing"], found["message"]) == (["personal_data"], None)
    assert [level["name"] for level in found["levels"]] == ["new", "basic", "full", "enhanced"]
    assert found["levels"][1]["trade"] == {"per_day": None, "per_month": None}


def test_whom_the_operator_vouches_for_is_at_that_level(kyc: ModuleType) -> None:
    found = send(kyc, "GET", "/kyc", level="2")[1]
    assert (found["level"], found["next_level"]) == (2, 3)
    # Of more levels than there are, the highest.
    found = send(kyc, "GET", "/kyc", level="9")[1]
    assert (found["level"], found["next_level"], found["missing"]) == (3, None, [])


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({}, 200, None),
        ({"born": "2020-01-01"}, 422, "too_young"),
        ({"born": "1990-02-30"}, 400, "invalid_personal_data"),
        ({"nationality": "de"}, 400, "invalid_personal_data"),
        ({"family_name": "김민준"}, 400, "name_not_readable"),
        ({"given_names": 7}, 400, "not_a_string"),
        ({"nick": "Ann"}, 400, "unknown_field"),
        ({"given_names": None}, 400, "not_a_string"),
    ],
)
def test_personal_data_is_checked_when_it_comes(
    kyc: ModuleType, changed: dict[str, Any], status: int, code: str | None
) -> None:
    found, body = send(kyc, "PUT", "/kyc/personal-data", PERSON | changed, user=f"u{status}")
    assert (found, body.get("code")) == (status, code)
    # Nothing of it is ever shown.
    assert "Lindqvist" not in json.dumps(body)
    if status == 200:
        assert body["personal_data_given"] is True


@pytest.mark.parametrize(
    ("document", "kind", "code"),
    [
        ("selfie", "image/png", None),
        ("identity_document", "application/pdf", None),
        ("selfie", "application/pdf", "unknown_file_kind"),
        ("email", "image/png", "invalid_document"),
        ("selfie", "text/html", "invalid_content_type"),
    ],
)
def test_a_form_is_for_one_file_of_the_next_attempt(
    kyc: ModuleType, document: str, kind: str, code: str | None
) -> None:
    wanted = {"document": document, "content_type": kind}
    status, form = send(kyc, "POST", "/kyc/documents", wanted)
    assert (status, form.get("code")) == ((201, None) if code is None else (400, code))
    if code is None:
        assert form["fields"]["key"] == f"documents/t1/anna/1/{form['document_id']}"
        policy = json.loads(b64decode(form["fields"]["policy"]))
        assert {"Content-Type": kind} in policy["conditions"]
        assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


ID = "selfie-" + "0" * 32 + ".png"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"level": 1, "documents": ["selfie"]}, 400, "invalid_document_id"),
        ({"level": 1, "documents": ["../../t2/x/1/" + ID]}, 400, "invalid_document_id"),
        ({"level": 1, "documents": [ID.replace("png", "pdf")]}, 400, "unknown_file_kind"),
        ({"level": 1, "documents": [ID.replace("selfie", "email")]}, 400, "unknown_document"),
        ({"level": 1, "documents": [ID, ID]}, 400, "duplicate_document"),
        ({"level": 1, "documents": [ID] * 5}, 400, "too_many_operations"),
        ({"level": 2, "documents": [ID]}, 400, "missing_requirements"),
        ({"level": 9}, 400, "unknown_level"),
        ({"level": "1"}, 400, "wrong_type"),
        ({}, 400, "missing_field"),
    ],
)
def test_an_application_that_lacks_something_opens_no_case(
    kyc: ModuleType, body: dict[str, Any], status: int, code: str
) -> None:
    assert send(kyc, "POST", "/kyc/applications", body)[:1] == (status,)
    found = send(kyc, "POST", "/kyc/applications", body)[1]
    assert found["code"] == code
    assert send(kyc, "GET", "/kyc")[1]["state"] == "nothing_sent"


def test_one_application_at_a_time_and_its_data_stays_as_it_is(kyc: ModuleType) -> None:
    send(kyc, "PUT", "/kyc/personal-data", PERSON, user="once")
    status, applied = send(kyc, "POST", "/kyc/applications", {"level": 1}, user="once")
    assert (status, applied["state"], applied["applied_for"]) == (201, "in_review", 1)
    assert send(kyc, "POST", "/kyc/applications", {"level": 1}, user="once")[1]["code"] == (
        "case_in_progress"
    )
    changed = send(kyc, "PUT", "/kyc/personal-data", PERSON, user="once")
    assert (changed[0], changed[1]["code"]) == (409, "case_in_progress")


def test_an_address_that_nobody_has_verified_shows_nothing(
    kyc: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pool, "is_verified", False)
    send(kyc, "PUT", "/kyc/personal-data", PERSON, user="unverified")
    found = send(kyc, "POST", "/kyc/applications", {"level": 1}, user="unverified")
    assert (found[0], found[1]["code"]) == (400, "missing_requirements")
    assert "email" in found[1]["detail"]


def test_a_tenant_that_asks_nobody_has_no_kyc(exchange: Exchange) -> None:
    exchange._dynamodb.update_item(
        TableName="directory",
        Key={"pk": {"S": "t1"}, "sk": {"S": "profile"}},
        UpdateExpression="REMOVE kyc",
    )
    function = started("kyc.app")
    for method, path in (("GET", "/kyc"), ("PUT", "/kyc/personal-data")):
        status, body = send(function, method, path, PERSON if method == "PUT" else None)
        assert (status, body["code"]) == (404, "no_kyc")


@pytest.mark.parametrize("path", ["/kyc", "/kyc/personal-data", "/kyc/applications"])
def test_no_api_key_is_let_in(kyc: ModuleType, path: str) -> None:
    signed = read_event("orders-place-signed")
    method = {"/kyc": "GET", "/kyc/personal-data": "PUT"}.get(path, "POST")
    event = signed | {"path": path, "resource": path, "httpMethod": method}
    event["body"] = None if method == "GET" else "{}"
    response = response_of(kyc.handler(event, Context()))
    assert (response.status, response.body["code"]) == (401, "unauthenticated")


CREATED = {"type": "applicantCreated"}


@pytest.mark.parametrize(
    ("tenant", "provider", "secret", "status"),
    [
        ("t1", "sumsub", SECRET, 200),
        ("t1", "sumsub", "x" * 32, 401),
        ("t1", "onfido", SECRET, 401),
        ("t2", "sumsub", SECRET, 401),
        ("t01", "sumsub", SECRET, 401),
        ("t1", "nobody", SECRET, 401),
    ],
)
def test_a_hook_takes_what_its_tenants_provider_has_signed(
    kyc: ModuleType, tenant: str, provider: str, secret: str, status: int
) -> None:
    path = f"/kyc/callbacks/{tenant}/{provider}"
    event = read_event("kyc") | {"httpMethod": "POST", "path": path, "resource": path}
    event["body"] = json.dumps(CREATED)
    event["requestContext"].pop("authorizer")
    digest = hmac.digest(secret.encode(), event["body"].encode(), "sha256").hex()
    event["headers"] |= {"X-Payload-Digest-Alg": "HMAC_SHA256_HEX", "X-Payload-Digest": digest}
    response = response_of(kyc.handler(event, Context()))
    assert response.status == status, response.body
    assert response.body == {"received": True} or response.body["code"] == "bad_signature"
