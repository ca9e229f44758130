"""Requests that must happen exactly once, however often and however late they are repeated.

The engine remembers command ids for a long time, not for ever; what is older than its memory it
refuses by the intake time. So a request is recorded under the caller's key before it is sent, with
the time it was first requested: its commands then always carry the same ids and the same time. A
request that is done is not sent again. docs/adr/0015 says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import (
    CommandHeader,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
)
from bursa.kernel.errors import Refused, Unavailable
from bursa.kernel.identifiers import AccountId, Actor, CommandId, TenantId
from wire import layout as w

# What is there already is what a repeat wants.
_DONE = frozenset({w.REASON_ACCEPTED, w.REASON_ALREADY_DEFINED})

# Returns the command's bytes for its header.
CommandBuilder: TypeAlias = Callable[[CommandHeader], bytes]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """When a request was first made, UTC milliseconds, and whether it is done."""

    first_requested_ms: int
    done: bool


class RequestRecords(Protocol):
    """The records of requests that must happen once."""

    def find_or_add(self, tenant: TenantId, name: str, now_ms: int) -> RequestRecord:
        """Return the record of a request, which is a new one when there is none."""

    def mark_done(self, tenant: TenantId, name: str) -> None:
        """Record that the request was carried out."""


class AskedAt:
    """The record of a request whose name and time its caller keeps, or will never use again."""

    def __init__(self, at_ms: int) -> None:
        self._record = RequestRecord(at_ms, done=False)

    def find_or_add(self, _tenant: TenantId, _name: str, _now_ms: int) -> RequestRecord:
        """Return when it was asked for."""
        return self._record

    def mark_done(self, tenant: TenantId, name: str) -> None:
        """Do nothing: whoever keeps the request says so."""


class Submitter(Protocol):
    """The intake, as this module needs it."""

    def now_ms(self) -> int:
        """Return the time that commands carry as their intake time."""

    def submit(
        self, submission: Submission, options: SubmitOptions
    ) -> Sequence[CommandOutcome] | Pending:
        """Hand commands in, and return their outcomes; raises `Unavailable`."""


class OnceIntake:
    """Submits requests that must happen once."""

    def __init__(self, intake: Submitter, records: RequestRecords, actor: Actor) -> None:
        self._intake = intake
        self._records = records
        self._actor = actor

    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        """Have commands carried out, unless they were under the same kind and key.

        Parameters
        ----------
        account
            Whose commands they are.
        kind, key
            The caller's name of the request; a repeat must bring the same commands.

        Raises
        ------
        Refused
            The engine's reason; commands before the rejected one may have taken effect.
        Unavailable
            ``no_answer``, or what `Intake.submit` raises: it may have been done all the same;
            repeat it.

        """
        name = f"{account}/{kind}/{key}"
        record = self._records.find_or_add(account.tenant, name, self._intake.now_ms())
        if record.done:
            return
        submission = Submission(
            account,
            RequestIdentity(CommandId.from_parts(account, kind, key), key),
            [
                build(
                    CommandHeader(
                        CommandId.from_parts(account, kind, f"{key}/{position}"),
                        record.first_requested_ms,
                        self._actor,
                    )
                )
                for position, build in enumerate(commands)
            ],
        )
        outcomes = self._intake.submit(submission, SubmitOptions(self._actor))
        if isinstance(outcomes, Pending):
            raise Unavailable("no_answer", "The sequencer does not answer; is the worker running?")
        for outcome in outcomes:
            _require_done(outcome)
        self._records.mark_done(account.tenant, name)


def _require_done(outcome: CommandOutcome) -> None:
    reason = outcome.result.reason
    if reason == w.REASON_DUPLICATE_COMMAND:
        # Its detail is why the first of its id was rejected; 0 when it was not.
        reason = outcome.result.detail
    if reason not in _DONE:
        name = w.REASON_NAMES[reason]
        command = w.COMMAND_NAMES[outcome.result.command_kind]
        raise Refused(name, f"The engine rejected the command to {command}: {name}.")
