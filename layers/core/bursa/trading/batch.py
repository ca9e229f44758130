"""Several operations of one account in one message, carried out in order, each on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from bursa.dialects.native.requests import BatchRequest, CancelOperation, PlaceOperation
from bursa.dialects.native.responses import BatchResults, OperationError, OperationResult
from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import (
    Intake,
    KeySource,
    RequestIdentity,
    RequestOptions,
    Submission,
    identify,
    order_command_id,
)
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.trading.cancel import cancel_command
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.order_checks import PreparedOrder, prepare_order
from bursa.trading.outcomes import Settlement, key_reused
from bursa.trading.pending import Pending, pending_request


@dataclass(frozen=True, slots=True)
class _Prepared:
    """One operation, checked; `order` is None for a cancel."""

    command_id: CommandId
    command: bytes
    order: PreparedOrder | None


class CarryOutBatch:
    """Carries out a batch."""

    def __init__(
        self,
        catalogue: MarketCatalogue,
        intake: Intake,
        settlement: Settlement,
        new_key: KeySource,
    ) -> None:
        self._catalogue = catalogue
        self._intake = intake
        self._settlement = settlement
        self._new_key = new_key

    def __call__(
        self, account: AccountId, request: BatchRequest, options: RequestOptions
    ) -> BatchResults | Pending:
        """Carry out every operation, and say what became of each.

        Raises
        ------
        BursaError
            Before anything is sent, when any operation is faulty; the field names which.
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.send`.

        """
        identity = identify(account, options.idempotency_key, self._new_key)
        now_ms = self._intake.now_ms()
        operations = [
            self._prepare(account, identity, index, operation, now_ms)
            for index, operation in enumerate(request.operations)
        ]
        submission = Submission(
            account,
            identity,
            [operation.command for operation in operations],
            {
                index: operation.order.client_order_id
                for index, operation in enumerate(operations)
                if operation.order is not None and operation.order.client_order_id is not None
            },
        )
        self._intake.send(submission)
        if options.respond_async:
            return pending_request(identity)
        outcomes = self._intake.wait(submission)
        if outcomes is None:
            return pending_request(identity)
        return self._results(account, operations, outcomes)

    def _prepare(
        self,
        account: AccountId,
        identity: RequestIdentity,
        index: int,
        operation: PlaceOperation | CancelOperation,
        now_ms: int,
    ) -> _Prepared:
        try:
            command_id = identity.command_id(account, index)
            if isinstance(operation, CancelOperation):
                command = cancel_command(
                    account, operation.order_id, operation.client_order_id, command_id, now_ms
                )
                return _Prepared(command_id, command, None)
            market = named_market(self._catalogue, account.tenant, operation.market)
            order = prepare_order(operation, market)
            if order.client_order_id is not None:
                command_id = order_command_id(account, order.client_order_id)
            return _Prepared(command_id, order.encode(account, command_id, now_ms), order)
        except BursaError as error:
            path = f"operations[{index}]"
            error.field = f"{path}.{error.field}" if error.field else path
            raise

    def _results(
        self,
        account: AccountId,
        operations: Sequence[_Prepared],
        outcomes: Sequence[CommandOutcome],
    ) -> BatchResults:
        if len(outcomes) != len(operations):
            raise key_reused()
        placed = {
            outcome.result.order_id: outcome
            for outcome, operation in zip(outcomes, operations, strict=True)
            if operation.order is not None and outcome.result.accepted
        }
        return BatchResults(
            results=[
                self._result(account, index, operation, outcome, placed)
                for index, (operation, outcome) in enumerate(zip(operations, outcomes, strict=True))
            ]
        )

    def _result(
        self,
        account: AccountId,
        index: int,
        operation: _Prepared,
        outcome: CommandOutcome,
        placed: dict[int, CommandOutcome],
    ) -> OperationResult:
        order = operation.order
        result = OperationResult(index=index, op="cancel" if order is None else "place")
        try:
            if order is None:
                result["order"] = self._settlement.changed(account, operation.command_id, outcome)
            else:
                result["order"] = self._settlement.placed(
                    account, order, operation.command_id, outcome, placed
                )
        except BursaError as error:
            result["error"] = OperationError(code=error.code, detail=error.detail)
        return result
