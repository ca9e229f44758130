"""Cancelling one order, or all of an account's orders, now or unless the account is heard of."""

from bursa.accounts.queries import AccountQueries
from bursa.intake.outcomes import LISTED_MAX
from bursa.intake.submission import Intake, Pending, Submission, SubmitOptions
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import (
    encode_cancel,
    encode_cancel_all,
    encode_cancel_all_after,
)
from bursa.trading.commands import CancelAllAfter, CancelAllOrders, CancelOrder
from bursa.trading.decisions import OrderDecisions, only_outcome
from bursa.trading.outcomes import (
    CancelOutcome,
    Countdown,
    CountdownOutcome,
    MassCancelOutcome,
    OrderAlreadyClosed,
    OrderRejected,
    OrdersCancelled,
    PendingOrder,
)
from wire import layout as w


class OrderCancellation:
    """Cancels one order and waits for its state after that."""

    def __init__(self, intake: Intake, decisions: OrderDecisions, queries: AccountQueries) -> None:
        self._intake = intake
        self._decisions = decisions
        self._queries = queries

    def __call__(
        self, account: AccountId, cancel: CancelOrder, options: SubmitOptions
    ) -> CancelOutcome:
        """Cancel an order.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.submit`.

        """
        identity = self._intake.identify(account, options)
        command_id = identity.command_id(account, 0)
        command = encode_cancel(cancel, account, self._intake.header(command_id, options))
        outcomes = self._intake.carry_out(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return PendingOrder(outcomes.request_key, cancel.order_id, cancel.client_order_id)
        decided = only_outcome(outcomes)
        outcome = self._decisions.cancelled(account, decided)
        if outcome == OrderRejected(w.REASON_UNKNOWN_ORDER):
            return self._closed(account, cancel, decided.result.sequence) or outcome
        return outcome

    def _closed(
        self, account: AccountId, cancel: CancelOrder, sequence: int
    ) -> OrderAlreadyClosed | None:
        """Return the order if it was there once; an order that never was gives None.

        None was placed later than the cancel was decided.
        """
        if (cancel.order_id or 0) > sequence:
            return None
        if cancel.client_order_id is None:
            order = self._queries.order(account, cancel.order_id or 0)
        else:
            known = self._queries.order_by_client_id(account, cancel.client_order_id)
            order = None if isinstance(known, OrderRejected) else known
        return None if order is None else OrderAlreadyClosed(order.order_id)


class MassCancellation:
    """Cancels all of an account's open orders, or those in one market or on one side."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def __call__(
        self, account: AccountId, cancel: CancelAllOrders, options: SubmitOptions
    ) -> MassCancelOutcome:
        """Cancel the orders; raises as `OrderCancellation` does."""
        identity = self._intake.identify(account, options)
        command_id = identity.command_id(account, 0)
        command = encode_cancel_all(cancel, account, self._intake.header(command_id, options))
        outcomes = self._intake.carry_out(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return outcomes
        outcome = only_outcome(outcomes)
        result = outcome.result
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        return OrdersCancelled(
            count=result.detail,
            order_ids=tuple(sorted(outcome.orders)[:LISTED_MAX]),
            time_ms=result.time_ms,
        )


class DeadManSwitch:
    """Cancels all of an account's open orders once it has not been heard of for a time."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def __call__(
        self, account: AccountId, countdown: CancelAllAfter, options: SubmitOptions
    ) -> CountdownOutcome:
        """Start, renew or end the countdown; raises as `OrderCancellation` does."""
        identity = self._intake.identify(account, options)
        command_id = identity.command_id(account, 0)
        header = self._intake.header(command_id, options)
        command = encode_cancel_all_after(countdown, account, header)
        outcomes = self._intake.carry_out(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return outcomes
        result = only_outcome(outcomes).result
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        ends_at_ms = result.time_ms + countdown.timeout_ms if countdown.timeout_ms else None
        return Countdown(ends_at_ms, result.time_ms)
