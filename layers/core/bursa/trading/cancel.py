"""Cancelling one order, or all of an account's orders."""

from bursa.accounts.ports import OrderReader
from bursa.intake.outcomes import LISTED_MAX
from bursa.intake.submission import Intake, Pending, Submission, SubmitOptions
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import encode_cancel, encode_cancel_all
from bursa.trading.commands import CancelAllOrders, CancelOrder
from bursa.trading.decisions import OrderDecisions, only_outcome, require_same_command
from bursa.trading.outcomes import (
    CancelOutcome,
    MassCancelOutcome,
    OrderAlreadyClosed,
    OrderRejected,
    OrdersCancelled,
    PendingOrder,
)
from wire import layout as w


class OrderCancellation:
    """Cancels one order and waits for its state after that."""

    def __init__(self, intake: Intake, decisions: OrderDecisions, orders: OrderReader) -> None:
        self._intake = intake
        self._decisions = decisions
        self._orders = orders

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
        outcomes = self._intake.submit(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return PendingOrder(outcomes.request_key, cancel.order_id, cancel.client_order_id)
        outcome = self._decisions.cancelled(account, command_id, only_outcome(outcomes))
        if outcome == OrderRejected(w.REASON_UNKNOWN_ORDER):
            return self._closed(account, cancel) or outcome
        return outcome

    def _closed(self, account: AccountId, cancel: CancelOrder) -> OrderAlreadyClosed | None:
        """Return the order if it was there once; an order that never was gives None."""
        if cancel.client_order_id is None:
            row = self._orders.get(account, cancel.order_id or 0)
        else:
            row = self._orders.by_client_id(account, cancel.client_order_id)
        return None if row is None else OrderAlreadyClosed(row.order_id)


class MassCancellation:
    """Cancels all of an account's open orders, in one market or in all."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def __call__(
        self, account: AccountId, cancel: CancelAllOrders, options: SubmitOptions
    ) -> MassCancelOutcome:
        """Cancel the orders; raises as `OrderCancellation` does."""
        identity = self._intake.identify(account, options)
        command_id = identity.command_id(account, 0)
        command = encode_cancel_all(cancel, account, self._intake.header(command_id, options))
        outcomes = self._intake.submit(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return outcomes
        outcome = only_outcome(outcomes)
        require_same_command(outcome, command_id, w.COMMAND_CANCEL_ALL)
        result = outcome.result
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        return OrdersCancelled(
            count=result.detail,
            order_ids=tuple(sorted(outcome.orders)[:LISTED_MAX]),
            sequence=result.sequence,
        )
