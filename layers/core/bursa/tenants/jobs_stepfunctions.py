"""Jobs as executions of one state machine (infra/operator-api.yaml), which retries and remembers.

An execution's name has the job's id, so of two that begin one finds the other; it is kept for
ninety days. Its input is what was asked for, its output what became of it.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.kernel.errors import Conflict, TooLarge, Unavailable
from bursa.tenants.jobs import Job, JobKind, JobOrder, JobOrigin, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions import SFNClient

_UNAVAILABLE = ("jobs_unavailable", "Send the same request again in a moment.")
# Of the names of executions; rights are for names of this form.
_PREFIX = "job-"
_BEGUN, _UNKNOWN = "ExecutionAlreadyExists", "ExecutionDoesNotExist"
# Of an execution's input; what comes with an order is less than the rest.
_INPUT_BYTES_MAX = 256 * 1024
_STATES = {"RUNNING": JobState.RUNNING, "PENDING_REDRIVE": JobState.RUNNING}


class StepFunctionsJobs:
    """See `bursa.tenants.jobs.Jobs`."""

    def __init__(self, client: "SFNClient", state_machine: str) -> None:
        self._client = client
        self._state_machine = state_machine

    def begin(self, job: str, order: JobOrder, origin: JobOrigin) -> Job:
        """See `bursa.tenants.jobs.Jobs`."""
        text = json.dumps({"job": job, "order": asdict(order), "origin": asdict(origin)})
        if len(text.encode()) > _INPUT_BYTES_MAX:
            raise TooLarge(
                "body_too_large", "Describe the tenant in less, or use the command line."
            )
        with unavailable(*_UNAVAILABLE):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine, name=f"{_PREFIX}{job}", input=text
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != _BEGUN:
                    raise
        found = self.find(job)
        if found is None:
            raise Unavailable(*_UNAVAILABLE)
        if found.order != order:
            raise Conflict("idempotency_key_reused", "Choose another name for another request.")
        return found

    def find(self, job: str) -> Job | None:
        """See `bursa.tenants.jobs.Jobs`."""
        machine = self._state_machine.replace(":stateMachine:", ":execution:")
        with unavailable(*_UNAVAILABLE):
            try:
                found = self._client.describe_execution(executionArn=f"{machine}:{_PREFIX}{job}")
            except ClientError as error:
                if error.response["Error"]["Code"] != _UNKNOWN:
                    raise
                return None
        return _job(job, found)


def order_of(execution_input: "Mapping[str, Any]") -> tuple[JobOrder, JobOrigin]:
    """Return what an execution's input asks for."""
    order = dict(execution_input["order"])
    return (
        JobOrder(**{**order, "kind": JobKind(order["kind"])}),
        JobOrigin(**execution_input["origin"]),
    )


def _job(job: str, found: Any) -> Job:  # noqa: ANN401 - botocore's answer
    order, _ = order_of(json.loads(found["input"]))
    ended = found.get("stopDate")
    state = _STATES.get(found["status"], JobState.FAILED)
    output: dict[str, Any] = {}
    if found["status"] == "SUCCEEDED":
        output = json.loads(found["output"])
        state = JobState(output["state"])
    elif state is JobState.FAILED:
        output = {"code": "job_failed", "detail": "Ask for it again under another name."}
    return Job(
        job,
        order,
        state,
        _ms(found["startDate"]),
        None if ended is None else _ms(ended),
        output.get("result"),
        output.get("code", ""),
        output.get("detail", ""),
    )


def _ms(at: Any) -> int:  # noqa: ANN401 - a time of botocore's
    return int(at.timestamp() * 1_000)
