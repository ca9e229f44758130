"""Jobs as executions: begun once, found again, and what is made of each way to end."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bursa.kernel.errors import Conflict, TooLarge, Unavailable
from bursa.tenants.jobs import JobKind, JobOrder, JobOrigin, JobState
from bursa.tenants.jobs_stepfunctions import StepFunctionsJobs, order_of

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:bursa-operator"
JOB = "0123456789abcdef" * 2
ORDER = JobOrder(JobKind.SUSPEND, "t7", {"grace_ms": 0}, "dana", "Contract 4711")
ORIGIN = JobOrigin("198.51.100.7", "request-1")
BEGUN = datetime(2026, 11, 30, 12, tzinfo=UTC)


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


@dataclass
class Client:
    """Step Functions, as far as it is asked."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: Exception | None = None

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        if self.fails is not None:
            raise self.fails
        arn = f"{asked['stateMachineArn'].replace('stateMachine', 'execution')}:{asked['name']}"
        if arn in self.executions and self.executions[arn]["input"] != asked["input"]:
            raise error("ExecutionAlreadyExists")
        self.executions.setdefault(
            arn, {"input": asked["input"], "status": "RUNNING", "startDate": BEGUN}
        )
        return {}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - botocore's
        if executionArn not in self.executions:
            raise error("ExecutionDoesNotExist")
        return self.executions[executionArn]


def jobs(client: Client) -> StepFunctionsJobs:
    return StepFunctionsJobs(client, MACHINE)  # type: ignore[arg-type]  # a double


def test_a_job_is_begun_once_wherever_the_repeat_comes_from() -> None:
    client = Client()
    first = jobs(client).begin(JOB, ORDER, ORIGIN)
    assert (first.id, first.order, first.state) == (JOB, ORDER, JobState.RUNNING)
    assert first.begun_at_ms == int(BEGUN.timestamp() * 1_000)
    # Another request of the same order; also after its end.
    again = JobOrigin("203.0.113.9", "request-2")
    assert jobs(client).begin(JOB, ORDER, again) == first
    ((name, execution),) = client.executions.items()
    # Rights are for executions of this form (infra/operator.yaml).
    assert name.endswith(f":execution:bursa-operator:job-{JOB}")
    execution |= {"status": "SUCCEEDED", "output": '{"state": "done", "result": {"a": 1}}'}
    execution["stopDate"] = BEGUN
    assert jobs(client).begin(JOB, ORDER, again).result == {"a": 1}
    assert order_of(json.loads(execution["input"])) == (ORDER, ORIGIN)


@pytest.mark.parametrize(
    "other",
    [
        JobOrder(JobKind.RESUME, "t7", {}, "dana", "Contract 4711"),
        JobOrder(JobKind.SUSPEND, "t8", {"grace_ms": 0}, "dana", "Contract 4711"),
        JobOrder(JobKind.SUSPEND, "t7", {"grace_ms": 1}, "dana", "Contract 4711"),
        JobOrder(JobKind.SUSPEND, "t7", {"grace_ms": 0}, "dana", "Another"),
    ],
)
def test_another_order_under_the_same_name_is_a_conflict(other: JobOrder) -> None:
    client = Client()
    jobs(client).begin(JOB, ORDER, ORIGIN)
    with pytest.raises(Conflict) as refused:
        jobs(client).begin(JOB, other, ORIGIN)
    assert refused.value.code == "idempotency_key_reused"
    assert jobs(client).find(JOB) == jobs(client).begin(JOB, ORDER, ORIGIN)


ENDS: dict[str, tuple[dict[str, Any], JobState, str]] = {
    "runs": ({"status": "RUNNING"}, JobState.RUNNING, ""),
    "is done": (
        {"status": "SUCCEEDED", "output": '{"state": "done", "result": {}}'}, JobState.DONE, "",
    ),
    "is refused": (
        {"status": "SUCCEEDED", "output": '{"state": "refused", "code": "x", "detail": "No."}'},
        JobState.REFUSED,
        "x",
    ),
    "has failed": ({"status": "FAILED"}, JobState.FAILED, "job_failed"),
    "took too long": ({"status": "TIMED_OUT"}, JobState.FAILED, "job_failed"),
    "was ended by a person": ({"status": "ABORTED"}, JobState.FAILED, "job_failed"),
}  # fmt: skip


@pytest.mark.parametrize(("execution", "state", "code"), ENDS.values(), ids=ENDS)
def test_a_job_says_how_it_ended(execution: dict[str, Any], state: JobState, code: str) -> None:
    client = Client()
    jobs(client).begin(JOB, ORDER, ORIGIN)
    (known,) = client.executions.values()
    known |= execution
    found = jobs(client).find(JOB)
    assert found is not None
    assert (found.state, found.code) == (state, code)
    # What CloudFormation or Python said of a failure is in the log, and nowhere else.
    assert (found.detail != "") == (code != "")


def test_nobodys_job_is_none() -> None:
    assert jobs(Client()).find(JOB) is None


def test_what_does_not_fit_is_refused_before_it_is_sent() -> None:
    client = Client()
    with pytest.raises(TooLarge):
        jobs(client).begin(
            JOB, JobOrder(JobKind.CREATE, "x", {"a": "x" * 300_000}, "d", "r"), ORIGIN
        )
    assert not client.executions


@pytest.mark.parametrize(
    "fails", [error("ThrottlingException"), EndpointConnectionError(endpoint_url="https://x")]
)
def test_step_functions_away_is_try_again(fails: Exception) -> None:
    with pytest.raises(Unavailable) as refused:
        jobs(Client(fails=fails)).begin(JOB, ORDER, ORIGIN)
    assert refused.value.code == "jobs_unavailable"
