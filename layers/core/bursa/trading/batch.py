"""Several operations of one account in one message, carried out in order, each on its own."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bursa.intake.names import order_command_id
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome
from bursa.intake.submission import (
    CommandHeader,
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
)
from bursa.kernel.errors import BursaError, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.read_models.rows import ClientOrderRow
from bursa.trading.change import amended
from bursa.trading.command_words import encode_operation
from bursa.trading.commands import (
    AmendOrder,
    Batch,
    CancelOrder,
    NewOrder,
    Operation,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.decisions import FirstPlacement, OrderDecisions, Placement
from bursa.trading.order_checks import check_order
from bursa.trading.order_value import Allow, allow_all, makes_smaller
from bursa.trading.outcomes import (
    BatchOutcome,
    OperationFailed,
    OperationOutcome,
    OrderAlreadyClosed,
    OrderPlaced,
    OrderRejected,
)
from wire import layout as w

_NEW = (PlaceOrder, ReplaceOrder)


class _Step(NamedTuple):
    """One operation, ready to be sent.

    ``fills_max`` is how many fills are read for it, where its order is a repeat.
    """

    operation: Operation
    command_id: CommandId
    command: bytes
    fills_max: int = LISTED_MAX

    @property
    def client_order_id(self) -> str | None:
        """The client order id that it places an order under."""
        return self.operation.client_order_id if isinstance(self.operation, _NEW) else None


class BatchExecution:
    """Carries out a batch."""

    def __init__(self, intake: Intake, decisions: OrderDecisions) -> None:
        self._intake = intake
        self._decisions = decisions

    def __call__(
        self,
        account: AccountId,
        batch: Batch,
        options: SubmitOptions,
        allow: Allow = allow_all,
    ) -> BatchOutcome:
        """Carry out every operation, and return what became of each, in order.

        An order under a client order id that is known already is not sent again.

        Raises
        ------
        InvalidInput, Refused
            Before anything is sent, when any order is faulty (`check_order`); the error's field
            names which, as ``operations[<index>].<field>``.
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.submit`.
        BursaError
            What ``allow`` raises; it is asked about all new orders and changes together.

        """
        check_operations(batch)
        identity = self._intake.identify(account, options)
        first = self._intake.header(identity.command_id(account, 0), options)
        steps = [
            _prepare(account, identity, index, operation, first)
            for index, operation in enumerate(batch.operations)
        ]
        whole = _submission(account, identity, steps)
        ids = {step.client_order_id for step in steps if step.client_order_id is not None}
        entry = self._intake.admit(whole, looks=len(ids) + (options.request_key is not None))
        earlier = self._intake.first_outcomes(whole, options)
        if earlier:
            return self._results(account, steps, earlier, {})
        known = self._decisions.known_ids(account, sorted(ids))
        unknown = [step for step in steps if step.client_order_id not in known]
        if not unknown:
            if earlier is None:
                self._intake.bind(whole, options)
            return self._results(account, steps, (), known)
        trading = [one.operation for one in unknown if not isinstance(one.operation, CancelOrder)]
        if trading and entry.refusal is None:
            allow(identity.message_id.hex(), trading)
        submission = _submission(account, identity, unknown, whole.request_digest)
        outcomes = self._intake.submit(submission, options, entry=entry)
        if isinstance(outcomes, Pending):
            return outcomes
        return self._results(account, steps, outcomes, known)

    def _results(
        self,
        account: AccountId,
        steps: Sequence[_Step],
        outcomes: Sequence[CommandOutcome],
        known: Mapping[str, ClientOrderRow],
    ) -> tuple[OperationOutcome, ...]:
        by_id: dict[tuple[int, int], deque[CommandOutcome]] = {}
        for outcome in outcomes:
            key = (outcome.result.id_high, outcome.result.id_low)
            by_id.setdefault(key, deque()).append(outcome)
        results: list[OperationOutcome] = []
        firsts: dict[CommandId, FirstPlacement] = {}
        fills_left = LISTED_MAX
        for one in steps:
            step = one._replace(fills_max=max(0, fills_left))
            waiting = by_id.get((step.command_id.high, step.command_id.low))
            if waiting:
                results.append(self._result(account, step, waiting.popleft(), firsts))
            else:
                results.append(self._known(account, step, known))
            if isinstance(results[-1], OrderPlaced):
                fills_left -= len(results[-1].fills)
        return tuple(results)

    def _result(
        self,
        account: AccountId,
        step: _Step,
        outcome: CommandOutcome,
        firsts: dict[CommandId, FirstPlacement],
    ) -> OperationOutcome:
        try:
            match step.operation:
                case CancelOrder():
                    return self._decisions.cancelled(account, outcome)
                case AmendOrder():
                    return amended(account, step.operation, outcome)
                case new:
                    return self._placed(account, step, new, outcome, firsts)
        except BursaError as error:
            return OperationFailed(error)

    def _placed(
        self,
        account: AccountId,
        step: _Step,
        order: NewOrder,
        outcome: CommandOutcome,
        firsts: dict[CommandId, FirstPlacement],
    ) -> OperationOutcome:
        placement = _placement(order, step)
        first = firsts.setdefault(step.command_id, FirstPlacement(placement, outcome))
        placed = self._decisions.placed(account, placement, outcome, first)
        if isinstance(order, ReplaceOrder) and placed == OrderRejected(w.REASON_UNKNOWN_ORDER):
            # Its row was read, so it was there.
            return OrderAlreadyClosed(order.order.order_id)
        return placed

    def _known(
        self, account: AccountId, step: _Step, known: Mapping[str, ClientOrderRow]
    ) -> OperationOutcome:
        """Return what became of an order that was not sent, because its id was known."""
        client_order_id = step.client_order_id
        if not isinstance(step.operation, _NEW) or client_order_id is None:
            return OperationFailed(_not_ready())
        placement = _placement(step.operation, step)
        try:
            row = known.get(client_order_id)
            if row is not None:
                return self._decisions.from_known(account, placement, row)
            return self._decisions.known_soon(account, placement) or OperationFailed(_not_ready())
        except BursaError as error:
            return OperationFailed(error)


def check_operations(batch: Batch) -> None:
    """Refuse a batch with a faulty order; raises as `check_order`, with the operation's field."""
    for index, operation in enumerate(batch.operations):
        if not isinstance(operation, PlaceOrder):
            continue
        try:
            check_order(operation)
        except BursaError as error:
            error.field = operation_field(index, error)
            raise


def takes_out(operation: Operation) -> bool:
    """Return whether an operation can only make less of what is open."""
    return isinstance(operation, CancelOrder) or (
        isinstance(operation, AmendOrder) and makes_smaller(operation)
    )


def operation_field(index: int, error: BursaError) -> str:
    """Return the name of a faulty field of the operation at an index."""
    path = f"operations[{index}]"
    return f"{path}.{error.field}" if error.field else path


def _placement(order: NewOrder, step: _Step) -> Placement:
    return Placement.of(order, step.command, step.fills_max)


def _not_ready() -> Unavailable:
    return Unavailable("order_not_ready", "Ask for this operation's order again in a moment.")


def _submission(
    account: AccountId, identity: RequestIdentity, steps: Sequence[_Step], request: bytes = b""
) -> Submission:
    ids = {
        index: step.client_order_id
        for index, step in enumerate(steps)
        if step.client_order_id is not None
    }
    return Submission(account, identity, [step.command for step in steps], ids, request=request)


def _prepare(
    account: AccountId,
    identity: RequestIdentity,
    index: int,
    operation: Operation,
    first: CommandHeader,
) -> _Step:
    command_id = identity.command_id(account, index)
    if isinstance(operation, _NEW) and operation.client_order_id is not None:
        command_id = order_command_id(account, operation.client_order_id)
    command = encode_operation(operation, account, first._replace(command_id=command_id))
    return _Step(operation, command_id, command)
