"""Several operations of one account in one message, carried out in order, each on its own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import (
    CommandHeader,
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
    order_command_id,
)
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.trading.command_words import encode_cancel, encode_place
from bursa.trading.commands import Batch, Operation, PlaceOrder
from bursa.trading.decisions import OrderDecisions, key_reused
from bursa.trading.order_checks import check_order
from bursa.trading.outcomes import BatchOutcome, OperationFailed, OperationOutcome


class _Step(NamedTuple):
    """One operation, ready to be sent."""

    operation: Operation
    command_id: CommandId
    command: bytes


class BatchExecution:
    """Carries out a batch."""

    def __init__(self, intake: Intake, decisions: OrderDecisions) -> None:
        self._intake = intake
        self._decisions = decisions

    def __call__(self, account: AccountId, batch: Batch, options: SubmitOptions) -> BatchOutcome:
        """Carry out every operation, and return what became of each, in order.

        Raises
        ------
        InvalidInput, Refused
            Before anything is sent, when any order is faulty (`check_order`); the error's field
            names which, as ``operations[<index>].<field>``.
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.submit`.

        """
        identity = self._intake.identify(account, options)
        first = self._intake.header(identity.command_id(account, 0), options)
        steps = [
            _prepare(account, identity, index, operation, first)
            for index, operation in enumerate(batch.operations)
        ]
        submission = Submission(
            account,
            identity,
            [step.command for step in steps],
            {
                index: operation.client_order_id
                for index, operation in enumerate(batch.operations)
                if isinstance(operation, PlaceOrder) and operation.client_order_id is not None
            },
        )
        outcomes = self._intake.submit(submission, options)
        if isinstance(outcomes, Pending):
            return outcomes
        return self._results(account, steps, outcomes)

    def _results(
        self, account: AccountId, steps: Sequence[_Step], outcomes: Sequence[CommandOutcome]
    ) -> tuple[OperationOutcome, ...]:
        if len(outcomes) != len(steps):
            raise key_reused()
        placed = {
            outcome.result.order_id: outcome
            for outcome, step in zip(outcomes, steps, strict=True)
            if isinstance(step.operation, PlaceOrder) and outcome.result.accepted
        }
        return tuple(
            self._result(account, step, outcome, placed)
            for step, outcome in zip(steps, outcomes, strict=True)
        )

    def _result(
        self,
        account: AccountId,
        step: _Step,
        outcome: CommandOutcome,
        placed: Mapping[int, CommandOutcome],
    ) -> OperationOutcome:
        try:
            if isinstance(step.operation, PlaceOrder):
                return self._decisions.placed(
                    account, step.operation, step.command_id, outcome, placed
                )
            return self._decisions.cancelled(account, step.command_id, outcome)
        except BursaError as error:
            return OperationFailed(error)


def operation_field(index: int, error: BursaError) -> str:
    """Return the name of a faulty field of the operation at an index."""
    path = f"operations[{index}]"
    return f"{path}.{error.field}" if error.field else path


def _prepare(
    account: AccountId,
    identity: RequestIdentity,
    index: int,
    operation: Operation,
    first: CommandHeader,
) -> _Step:
    command_id = identity.command_id(account, index)
    if not isinstance(operation, PlaceOrder):
        command = encode_cancel(operation, account, first._replace(command_id=command_id))
        return _Step(operation, command_id, command)
    try:
        check_order(operation)
    except BursaError as error:
        error.field = operation_field(index, error)
        raise
    if operation.client_order_id is not None:
        command_id = order_command_id(account, operation.client_order_id)
    command = encode_place(operation, account, first._replace(command_id=command_id))
    return _Step(operation, command_id, command)
