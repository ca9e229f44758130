"""A provider elsewhere, from an application to what its callback leads to, on the whole exchange.

Sumsub is a stand-in on this machine, which knows what its documents say. Functions of the emulator
are told where it is by a variable that no template has, and that they take nowhere but beside an
emulator (`bursa.bootstrap.kyc_providers`). What the emulator has no part in: TLS to the provider,
and that five minutes pass. For those a case is made older in its row, and the sweep is called as
its rule calls it (infra/kyc-workflow.yaml).
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import yaml

from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.local_exchange import ROOT
from tests.doubles.newcomers import (
    ANNA,
    BYTES,
    PATIENCE_S,
    TIMEOUT_S,
    apply,
    sign_up,
    wait_for,
    wait_for_level,
)
from tests.doubles.providers import APP_TOKEN, SECRET_KEY, PlayedSumsub
from tests.e2e.test_kyc import (
    case_of,
    client_of,
    function,
    reference_of,
    swept,
    wait_for_execution,
)
from tests.e2e.test_operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

GREEN = {"reviewAnswer": "GREEN"}
NEVER = {"reviewAnswer": "RED", "reviewRejectType": "FINAL", "rejectLabels": ["FORGERY"]}
LATE_MS = 300_000


@dataclass(frozen=True, slots=True)
class Brand:
    """A tenant whose users Sumsub checks, and the secret that its callbacks are signed with."""

    deployment: Deployment
    secret: str

    def hook(self, provider: str = "sumsub") -> str:
        root, tenant = self.deployment.rest_url, self.deployment.tenant
        return f"{root}/kyc/callbacks/{tenant}/{provider}"


def file_of(name: str) -> Json:
    content: Json = yaml.safe_load((ROOT / "docs/examples/tenants/aurora.yaml").read_text())
    kyc = content["kyc"] | {"provider": "sumsub", "provider_levels": {1: "basic"}}
    kyc["levels"]["levels"][1]["needs"].append("selfie")
    own = {"name": name, "hosts": [f"{name}.localhost"], "users": [], "play_money": False}
    return content | own | {"kyc": kyc, "admin": {"email": f"o@{name}.example", "level": 1}}


def opened(exchange: Deployment, operator: Operator, name: str) -> Brand:
    """Open a tenant, and store what its provider is asked and calls back with."""
    job = operator.do("/tenants", tenant=file_of(name))
    assert job["state"] == "done", job
    tenant, secret = job["result"]["tenant"]["id"], secrets.token_hex(16)
    stored = {"app_token": APP_TOKEN, "secret_key": SECRET_KEY, "callback_secrets": [secret]}
    client_of(exchange, "secretsmanager").create_secret(
        Name=f"bursa/kyc/{tenant}/sumsub", SecretString=json.dumps(stored)
    )
    about = requests.get(
        f"{exchange.rest_url}/tenant", headers={"Host": f"{name}.localhost"}, timeout=TIMEOUT_S
    ).json()
    (client_id,) = about["sign_in"]["client_ids"]
    own = replace(exchange, tenant=tenant, user_pool_client_id=client_id, users=())
    return Brand(own, secret)


@pytest.fixture(scope="module")
def sumsub(exchange: Deployment) -> Iterator[PlayedSumsub]:
    """Play Sumsub, and let the functions that ask know where.

    They are told nothing else afterwards: what a sweep may still ask stays on this machine.
    """
    played, functions = PlayedSumsub(), client_of(exchange, "lambda")
    with played.serving():
        for logical_id in ("Kyc", "KycTasks"):
            name = function(exchange, logical_id)
            known = functions.get_function_configuration(FunctionName=name)["Environment"]
            variables = known["Variables"] | {"KYC_PROVIDER_URL": played.url}
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": variables}
            )
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        yield played


@pytest.fixture(scope="module")
def brands(exchange: Deployment) -> tuple[Brand, Brand]:
    operator = Operator(exchange)
    return opened(exchange, operator, "borealis"), opened(exchange, operator, "corona")


@pytest.fixture(scope="module")
def told(exchange: Deployment) -> str:
    """Return the URL of a queue of what users are to be told, as an operator's mailer would."""
    queues, events = client_of(exchange, "sqs"), client_of(exchange, "events")
    url = queues.create_queue(QueueName="told")["QueueUrl"]
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    target = {"Id": "told", "Arn": attributes["Attributes"]["QueueArn"]}
    pattern = json.dumps({"source": ["bursa.kyc"]})
    events.put_rule(Name="told", EventBusName="bursa", EventPattern=pattern)
    events.put_targets(Rule="told", EventBusName="bursa", Targets=[target])
    return str(url)


def wait_until(seen: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := seen()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def asked_about(brand: Brand, sumsub: PlayedSumsub) -> tuple[Client, str]:
    """Return a newcomer whose check Sumsub has been asked to make, and the attempt's name."""
    newcomer = Client(brand.deployment, sign_up(brand.deployment))
    newcomer.call("GET", "/me")
    applied = apply(newcomer, 1, "identity_document", "selfie")
    assert (applied["state"], applied["applied_for"]) == ("in_review", 1)
    reference = reference_of(newcomer, 1)
    pending = {"reviewStatus": "pending"}
    wait_until(lambda: sumsub.applicants.get(reference, {}).get("review") == pending)
    return newcomer, reference


def call_back(
    brand: Brand, sumsub: PlayedSumsub, reference: str, secret: str = "", **said: Any
) -> requests.Response:
    """Let the stand-in call back, as it signs."""
    now = datetime.now(UTC)
    body, headers = sumsub.callback(reference, secret or brand.secret, now, **said)
    return requests.post(brand.hook(), data=body, headers=headers, timeout=TIMEOUT_S)


def test_a_signed_callback_of_the_provider_that_is_asked_leads_to_the_level(
    exchange: Deployment, brands: tuple[Brand, Brand], sumsub: PlayedSumsub
) -> None:
    brand, _ = brands
    before = len(sumsub.sent)
    newcomer, reference = asked_about(brand, sumsub)
    begun = [one for one in sumsub.sent[before:] if one.method == "POST"]
    assert [one.path.rpartition("/")[2] for one in begun] == [
        *("applicants", "idDoc", "idDoc", "pending")
    ]
    applicant = sumsub.applicants[reference]
    assert applicant["levelName"] == "basic"
    assert applicant["fixedInfo"]["firstName"] == ANNA["given_names"]
    assert newcomer.user.email not in json.dumps(applicant)
    sent = [one.parts() for one in begun[1:3]]
    assert {json.loads(one["metadata"])["idDocType"] for one in sent} == {"PASSPORT", "SELFIE"}
    assert all(one["content"] == BYTES["image/jpeg"] for one in sent)

    # What a callback says of the outcome is not what counts.
    early = call_back(brand, sumsub, reference, reviewResult=GREEN)
    assert (early.status_code, early.json()) == (200, {"received": True})
    assert newcomer.call("GET", "/kyc")["state"] == "in_review"

    sumsub.review(reference, "completed", **GREEN)
    assert call_back(brand, sumsub, reference).status_code == 200
    assert wait_for(newcomer, "approved")["level"] == 1
    wait_for_level(newcomer, 1)
    wait_for_execution(exchange, reference)

    # Once more, and late: it is asked about and found to be known.
    case, asked = case_of(exchange, reference), len(sumsub.sent)
    assert call_back(brand, sumsub, reference).status_code == 200
    assert len(sumsub.sent) == asked + 1
    assert case_of(exchange, reference) == case


def test_a_forged_callback_makes_nobody_ask_and_changes_nothing(
    exchange: Deployment, brands: tuple[Brand, Brand], sumsub: PlayedSumsub
) -> None:
    brand, other = brands
    newcomer, reference = asked_about(brand, sumsub)
    # Whoever asked now would hear of an approval.
    sumsub.review(reference, "completed", **GREEN)
    case, asked = case_of(exchange, reference), len(sumsub.sent)
    now = datetime.now(UTC)
    body, headers = sumsub.callback(reference, brand.secret, now)
    old = sumsub.callback(reference, brand.secret, now - timedelta(hours=27))
    by_other = sumsub.callback(reference, other.secret, now)
    forged: list[tuple[str, bytes, dict[str, str], int, str]] = [
        (brand.hook(), body, {}, 401, "bad_signature"),
        (brand.hook(), body + b" ", headers, 401, "bad_signature"),
        (brand.hook(), *by_other, 401, "bad_signature"),
        (brand.hook("onfido"), body, headers, 401, "bad_signature"),
        (other.hook(), body, headers, 401, "bad_signature"),
        # Another tenant's provider may sign what it likes about others' users.
        (other.hook(), *by_other, 400, "invalid_reference"),
        (brand.hook(), *old, 400, "callback_too_old"),
    ]
    for hook, data, signed, status, code in forged:
        refused = requests.post(hook, data=data, headers=signed, timeout=TIMEOUT_S)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert len(sumsub.sent) == asked
    assert case_of(exchange, reference) == case
    assert (newcomer.call("GET", "/kyc")["state"], case["state"]) == ("in_review", "at_provider")
    assert requests.post(brand.hook(), data=body, headers=headers, timeout=TIMEOUT_S).ok
    assert wait_for(newcomer, "approved")["level"] == 1


def test_who_is_rejected_is_told_so_and_not_why(
    exchange: Deployment, brands: tuple[Brand, Brand], sumsub: PlayedSumsub, told: str
) -> None:
    brand, _ = brands
    newcomer, reference = asked_about(brand, sumsub)
    sumsub.review(reference, "completed", **NEVER)
    assert call_back(brand, sumsub, reference).status_code == 200
    stands = wait_for(newcomer, "rejected")
    assert (stands["level"], stands["message"]) == (0, None)
    assert "FORGERY" not in json.dumps(stands)
    wait_for_execution(exchange, reference)
    with pytest.raises(ApiError) as refused:
        newcomer.call("POST", "/kyc/applications", json={"level": 1})
    assert refused.value.code == "rejected_recently"

    queues, user = client_of(exchange, "sqs"), reference.split(".")[1]
    notices: list[Json] = []

    def is_told() -> bool:
        received = queues.receive_message(QueueUrl=told, MaxNumberOfMessages=10)
        bodies = [json.loads(one["Body"])["detail"] for one in received.get("Messages", [])]
        notices.extend(one for one in bodies if one["user"] == user)
        return any(one["state"] == "rejected" for one in notices)

    wait_until(is_told)
    assert [one["level"] for one in notices] == [0] * len(notices)
    assert "FORGERY" not in json.dumps(notices)


def test_a_finding_without_a_callback_is_found_by_the_sweep(
    exchange: Deployment, brands: tuple[Brand, Brand], sumsub: PlayedSumsub
) -> None:
    brand, _ = brands
    newcomer, reference = asked_about(brand, sumsub)
    sumsub.review(reference, "completed", **GREEN)
    asked = len(sumsub.sent)
    # A callback may come yet.
    assert swept(exchange)["failed"] == 0
    assert (len(sumsub.sent), newcomer.call("GET", "/kyc")["state"]) == (asked, "in_review")
    make_older(exchange, reference)
    assert swept(exchange)["failed"] == 0
    assert wait_for(newcomer, "approved")["level"] == 1
    wait_for_level(newcomer, 1)
    wait_for_execution(exchange, reference)
    assert len(sumsub.sent) == asked + 1


def make_older(exchange: Deployment, reference: str) -> None:
    """Let a case have waited for as long as a callback is waited for."""
    tenant, user, _ = reference.split(".")
    client_of(exchange, "dynamodb").update_item(
        TableName=exchange.stack_outputs["ComplianceTable"],
        Key={"pk": {"S": f"{tenant}#{user}"}, "sk": {"S": "case"}},
        UpdateExpression="SET changed_at_ms = changed_at_ms - :late",
        ExpressionAttributeValues={":late": {"N": str(LATE_MS)}},
    )
