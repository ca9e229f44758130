"""Amending an open order, which stays the same one."""

from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import Intake, Pending, Submission, SubmitOptions
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import encode_change
from bursa.trading.commands import AmendOrder
from bursa.trading.decisions import only_outcome, order_of
from bursa.trading.order_value import Allow, allow_all
from bursa.trading.outcomes import (
    AmendOutcome,
    OrderAlreadyClosed,
    OrderPlaced,
    OrderRejected,
    PendingOrder,
)
from wire import layout as w


class OrderAmendment:
    """Changes an order that is open and waits for what the engine makes of it."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def __call__(
        self,
        account: AccountId,
        amend: AmendOrder,
        options: SubmitOptions,
        allow: Allow = allow_all,
    ) -> AmendOutcome:
        """Amend an order, which may trade on the way to its new place.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.submit`.
        BursaError
            What ``allow`` raises; it is asked before a change is sent that is new.

        """
        identity, order = self._intake.identify(account, options), amend.order
        command_id = identity.command_id(account, 0)
        command = encode_change(amend, account, self._intake.header(command_id, options))
        submission = Submission(account, identity, [command])
        outcomes = self._intake.carry_out(
            submission, options, lambda: allow(identity.message_id.hex(), [amend])
        )
        if isinstance(outcomes, Pending):
            return PendingOrder(outcomes.request_key, order.order_id)
        return amended(account, amend, only_outcome(outcomes))


def amended(
    account: AccountId, amend: AmendOrder, outcome: CommandOutcome
) -> OrderPlaced | OrderRejected | OrderAlreadyClosed:
    """Return what became of an amendment that was sent."""
    order, reason = amend.order, outcome.result.reason
    if reason == w.REASON_UNKNOWN_ORDER:
        # Its row was read, so it is the account's own, and was open once.
        return OrderAlreadyClosed(order.order_id)
    if reason != w.REASON_ACCEPTED:
        return OrderRejected(reason)
    return order_of(account, outcome, order.market, order.client_order_id, order.created_at_ms)
