"""The tasks of the workflow by their names, as its definition calls them.

A task that fails for a while is `NotNow`, and tried again; one that no repeat helps hands the case
to a person at once. Both say a code and nothing of the user.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bursa.compliance.applications import Applications
from bursa.compliance.cases import Case, CaseState
from bursa.compliance.providers import Reference, parse_reference
from bursa.kernel.errors import BursaError, InternalError, InvalidInput

# By which the definition knows them.
_CODE: Final = re.compile(r"[a-z][a-z_]{1,60}|States\.[A-Za-z]{1,40}")


class NotNow(Exception):  # noqa: N818 - the name is what it means to the workflow
    """Raised by a task that is to be tried again; its text is a code."""


class Waits(Protocol):
    """Keeps task tokens; see `bursa.compliance.waits_dynamodb.WaitsTable`."""

    def keep(self, reference: Reference, token: str) -> None:
        """Keep the token under which an attempt's workflow waits."""


class Tokens(Protocol):
    """Lets go on what waits; see `bursa.compliance.case_changes.Workflow`."""

    def resume(self, reference: Reference) -> None:
        """Let an attempt's workflow go on."""


class WorkflowTasks:
    """Carries out a task that the workflow, or the clock, asks for."""

    def __init__(
        self,
        applications: Applications,
        waits: Waits,
        tokens: Tokens,
    ) -> None:
        self._applications = applications
        self._waits = waits
        self._tokens = tokens
        self._tasks: dict[str, Callable[[Reference, Mapping[str, Any]], Case]] = {
            "check_files": lambda reference, _asked: applications.check_files(reference),
            "screen": lambda reference, _asked: applications.screen(reference),
            "ask_provider": self._ask_provider,
            "hand_over": self._hand_over,
        }

    def __call__(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Carry out a task; return where the case is then.

        Raises
        ------
        NotNow
            With the code of what failed.
        InvalidInput
            ``invalid_reference``

        """
        reference = parse_reference(asked["reference"])
        try:
            case = self._carry_out(reference, asked)
            is_there = case.attempt == reference.attempt and case.state is CaseState.AT_PROVIDER
            if "token" in asked and not is_there:
                # Perhaps it was so already when the token came, and nobody else will tell.
                self._tokens.resume(reference)
        except BursaError as error:
            raise NotNow(error.code) from error
        is_current = case.attempt == reference.attempt
        return {"state": case.state.value if is_current else "superseded"}

    def _carry_out(self, reference: Reference, asked: Mapping[str, Any]) -> Case:
        try:
            return self._tasks[asked["task"]](reference, asked)
        except (InvalidInput, InternalError) as error:
            return self._applications.hand_over(reference, error.code)

    def _ask_provider(self, reference: Reference, asked: Mapping[str, Any]) -> Case:
        # Before the provider can report, so that whoever hears of it finds the token.
        self._waits.keep(reference, asked["token"])
        return self._applications.ask_provider(reference)

    def _hand_over(self, reference: Reference, asked: Mapping[str, Any]) -> Case:
        return self._applications.hand_over(reference, _reason(asked["failure"]))


def _reason(failure: Mapping[str, Any]) -> str:
    """Return why, of what Step Functions caught: a code, for compliance to read."""
    found = re.search(r'"errorMessage": ?"([^"]*)"', str(failure.get("Cause", "")))
    code = found[1] if found else str(failure.get("Error", ""))
    return code if _CODE.fullmatch(code) else "failed"
