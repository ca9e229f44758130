"""The workflow of an application in Step Functions; its definition is infra/kyc-workflow.yaml."""

import json
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.compliance.providers import Reference

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_UNAVAILABLE = ("workflow_unavailable", "Send the same again in a moment.")
# It has begun already, whether or not it has ended since.
_BEGUN = "ExecutionAlreadyExists"
# It goes on already, or has given up waiting.
_OVER = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})


class Waits(Protocol):
    """Where the tokens are; see `bursa.compliance.waits_dynamodb.WaitsTable`."""

    def find(self, reference: Reference) -> str | None:
        """Return an attempt's token."""


class StepFunctionsWorkflow:
    """See `bursa.compliance.case_changes.Workflow`."""

    def __init__(self, client: "SFNClient", state_machine: str, waits: Waits) -> None:
        self._client = client
        self._state_machine = state_machine
        self._waits = waits

    def begin(self, reference: Reference) -> None:
        """See `bursa.compliance.case_changes.Workflow`."""
        with unavailable(*_UNAVAILABLE):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine,
                    # Unique for ninety days; a task of an earlier attempt changes nothing later.
                    name=str(reference).replace(".", "-"),
                    input=json.dumps({"reference": str(reference)}),
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != _BEGUN:
                    raise

    def resume(self, reference: Reference) -> None:
        """See `bursa.compliance.case_changes.Workflow`."""
        token = self._waits.find(reference)
        if token is None:
            return
        with unavailable(*_UNAVAILABLE):
            try:
                self._client.send_task_success(taskToken=token, output="{}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in _OVER:
                    raise
