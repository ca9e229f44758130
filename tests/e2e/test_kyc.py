"""KYC in the sandbox by HTTP alone; from there to a first trade it is test_first_trade.py."""

import contextlib
import json
import secrets
import time
from typing import Any

import boto3
import pytest

from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.newcomers import (
    PATIENCE_S,
    apply,
    sign_up,
    upload,
    wait_for,
    wait_for_level,
)

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


def test_whom_the_operator_knows_trades_at_once(exchange: Deployment) -> None:
    alice = Client(exchange, exchange.users[0])
    assert alice.call("GET", "/me")["level"] == 2
    assert alice.call("GET", "/kyc")["next_level"] == 3


def test_a_file_of_another_kind_is_refused_by_s3_or_asked_for_again(exchange: Deployment) -> None:
    newcomer = Client(exchange, sign_up(exchange))
    newcomer.call("GET", "/me")
    with pytest.raises(AssertionError):
        upload(newcomer, "selfie", "image/png", b"x" * 10_000_001)
    apply(newcomer, 1)
    wait_for(newcomer, "approved")
    selfie = upload(newcomer, "selfie", "image/png", b"<html>" * 1_000)
    passport = upload(newcomer, "identity_document", "image/jpeg")
    newcomer.call("POST", "/kyc/applications", json={"level": 2, "documents": [selfie, passport]})
    asked = wait_for(newcomer, "more_needed")
    # The level that there is stays.
    assert (asked["level"], asked["applied_for"]) == (1, None)
    assert "selfie: Send a whole PNG picture." in asked["message"]


@pytest.mark.parametrize(
    ("family_name", "state"), [("Reject", "rejected"), ("Resubmit", "more_needed")]
)
def test_what_the_provider_says_is_what_the_user_is_told(
    exchange: Deployment, family_name: str, state: str
) -> None:
    newcomer = Client(exchange, sign_up(exchange))
    newcomer.call("GET", "/me")
    apply(newcomer, 1, family_name=family_name)
    told = wait_for(newcomer, state)
    # Why is for compliance.
    assert (told["level"], told["message"]) == (0, None)
    wait_for_execution(exchange, reference_of(newcomer, 1))
    if state == "rejected":
        with pytest.raises(ApiError) as refused:
            newcomer.call("POST", "/kyc/applications", json={"level": 1})
        assert refused.value.code == "rejected_recently"
        return
    apply(newcomer, 1)
    assert wait_for(newcomer, "approved")["level"] == 1
    wait_for_execution(exchange, reference_of(newcomer, 2))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"family_name": "Review"}, "sandbox: review"),
        # On the list that `make run` publishes: approved by the provider, and a person decides.
        (
            {"given_names": "Max", "family_name": "Mustermann", "born": "1961-03-14"},
            "sandbox: approve",
        ),
    ],
    ids=["review", "hit"],
)
def test_a_person_decides_and_the_user_sees_a_review_like_any_other(
    exchange: Deployment, said: dict[str, str], reason: str
) -> None:
    newcomer = Client(exchange, sign_up(exchange))
    newcomer.call("GET", "/me")
    assert apply(newcomer, 1, **said)["state"] == "in_review"
    reference = reference_of(newcomer, 1)
    wait_for_execution(exchange, reference)
    case = case_of(exchange, reference)
    assert (case["state"], case["history"][-1][3]) == ("deciding", reason)
    assert newcomer.call("GET", "/kyc")["state"] == "in_review"


def test_a_provider_that_says_nothing_in_time_leaves_the_case_to_a_person(
    exchange: Deployment,
) -> None:
    """By the deployed definition, but that it begins there and waits for a second."""
    newcomer = Client(exchange, sign_up(exchange))
    newcomer.call("GET", "/me")
    apply(newcomer, 1, family_name="Silent")
    reference = reference_of(newcomer, 1)
    deadline = time.monotonic() + PATIENCE_S
    while case_of(exchange, reference)["state"] != "at_provider":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    states = client_of(exchange, "stepfunctions")
    deployed = states.describe_state_machine(stateMachineArn=exchange.stack_outputs["KycWorkflow"])
    definition = json.loads(deployed["definition"])
    definition["StartAt"] = "AskProvider"
    definition["States"]["AskProvider"]["TimeoutSeconds"] = 1
    hasty = states.create_state_machine(
        name=f"hasty-{secrets.token_hex(4)}",
        definition=json.dumps(definition),
        roleArn=deployed["roleArn"],
    )["stateMachineArn"]
    execution = states.start_execution(
        stateMachineArn=hasty, input=json.dumps({"reference": reference})
    )["executionArn"]
    wait_until_over(states, execution)
    case = case_of(exchange, reference)
    assert case["state"] == "deciding"
    assert case["history"][-1][3] == "States.Timeout, while at_provider"
    assert newcomer.call("GET", "/kyc")["state"] == "in_review"


def test_documents_that_have_expired_take_the_level_that_needs_them(exchange: Deployment) -> None:
    """Those of the sandbox do after a day, so the case is made older; the sweep is called."""
    newcomer = Client(exchange, sign_up(exchange))
    newcomer.call("GET", "/me")
    apply(newcomer, 2, "identity_document", "selfie", family_name="Shortlived")
    assert wait_for(newcomer, "approved")["level"] == 2
    wait_for_level(newcomer, 2)
    reference = reference_of(newcomer, 1)
    wait_for_execution(exchange, reference)
    assert swept(exchange)["failed"] == 0
    standing = newcomer.call("GET", "/kyc")
    assert standing["state"] == "approved"
    # Less is left than the time ahead of which a user is told.
    assert standing["renew_by_ms"] == standing["level_ends_at_ms"] > time.time() * 1_000
    wait_for_notice(newcomer, "kyc.renewal_due")
    let_expire(exchange, reference)
    assert swept(exchange)["failed"] == 0
    wait_for(newcomer, "expired")
    wait_for_level(newcomer, 1)
    wait_for_notice(newcomer, "kyc.expired")


def wait_for_notice(newcomer: Client, kind: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while newcomer.call("GET", "/notices")["items"][0]["kind"] != kind:
        assert time.monotonic() < deadline, "nobody is told"
        time.sleep(0.5)


def let_expire(exchange: Deployment, reference: str) -> None:
    """Let a case's documents have expired just now."""
    tenant, user, _ = reference.split(".")
    case = case_of(exchange, reference)
    assert case["level_ends_at_ms"] > time.time() * 1_000
    now_ms = int(time.time() * 1_000)
    client_of(exchange, "dynamodb").update_item(
        TableName=exchange.stack_outputs["ComplianceTable"],
        Key={"pk": {"S": f"{tenant}#{user}"}, "sk": {"S": "case"}},
        UpdateExpression="SET body = :body, next_at_ms = :now",
        ExpressionAttributeValues={
            ":body": {"S": json.dumps(case | {"level_ends_at_ms": now_ms})},
            ":now": {"N": str(now_ms)},
        },
    )


def function(exchange: Deployment, logical_id: str) -> str:
    pages = client_of(exchange, "lambda").get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    (name,) = [one for one in names if f"-{logical_id}-" in f"{one}-"]
    return str(name)


def swept(exchange: Deployment) -> Json:
    name = function(exchange, "KycTasks")
    done = client_of(exchange, "lambda").invoke(
        FunctionName=name, Payload=json.dumps({"task": "pass_time"})
    )
    assert "FunctionError" not in done
    found: Json = json.load(done["Payload"])
    return found


def reference_of(client: Client, attempt: int) -> str:
    me = client.call("GET", "/me")
    tenant = me["account"].partition("-")[0]
    return f"{tenant}.{me['user_id']}.{attempt}"


def client_of(exchange: Deployment, service: Any) -> Any:
    return boto3.client(
        service,
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )


def case_of(exchange: Deployment, reference: str) -> Json:
    """Return the case as compliance sees it."""
    tenant, user, _ = reference.split(".")
    found = client_of(exchange, "dynamodb").get_item(
        TableName=exchange.stack_outputs["ComplianceTable"],
        Key={"pk": {"S": f"{tenant}#{user}"}, "sk": {"S": "case"}},
        ConsistentRead=True,
    )
    case: Json = json.loads(found["Item"]["body"]["S"])
    return case


def wait_for_execution(exchange: Deployment, reference: str) -> None:
    """Return once the workflow of an attempt has come to its end."""
    machine = exchange.stack_outputs["KycWorkflow"]
    execution = machine.replace(":stateMachine:", ":execution:")
    name = reference.replace(".", "-")
    wait_until_over(client_of(exchange, "stepfunctions"), f"{execution}:{name}")


def wait_until_over(states: Any, execution: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    status = "NOT_BEGUN"
    while status in {"NOT_BEGUN", "RUNNING"}:
        assert time.monotonic() < deadline, status
        # The stream is a moment behind the case.
        with contextlib.suppress(states.exceptions.ExecutionDoesNotExist):
            status = states.describe_execution(executionArn=execution)["status"]
        time.sleep(0.2)
    assert status == "SUCCEEDED"
