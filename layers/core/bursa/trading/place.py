"""Placing one order, new or in another's stead."""

from bursa.intake.names import order_command_id, order_message_id
from bursa.intake.submission import (
    Entry,
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
)
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import encode_new
from bursa.trading.commands import NewOrder, PlaceOrder
from bursa.trading.decisions import OrderDecisions, Placement, only_outcome
from bursa.trading.order_checks import check_order
from bursa.trading.order_value import Allow, allow_all
from bursa.trading.outcomes import OrderPlaced, OrderRejected, PendingOrder, PlaceOutcome


class OrderPlacement:
    """Places an order and waits for what the engine makes of it."""

    def __init__(self, intake: Intake, decisions: OrderDecisions) -> None:
        self._intake = intake
        self._decisions = decisions

    def __call__(
        self,
        account: AccountId,
        order: NewOrder,
        options: SubmitOptions,
        allow: Allow = allow_all,
    ) -> PlaceOutcome:
        """Place an order, or replace one; a request that comes again gets the first one's outcome.

        Raises
        ------
        InvalidInput, Refused
            Before anything is sent: see `check_order`.
        Conflict
            The request key or the client order id belongs to something else.
        Unavailable
            See `Intake.submit` and `OrderDecisions`.
        BursaError
            What ``allow`` raises; it is asked before an order is sent that is new.

        """
        if isinstance(order, PlaceOrder):
            check_order(order)
        placement, submission = self._prepare(account, order, options)
        named = order.client_order_id is not None
        entry = self._intake.admit(submission, looks=named + (options.request_key is not None))
        first = self._intake.first_outcomes(submission, options)
        if first:
            return self._decisions.placed(account, placement, only_outcome(first))
        known = self._decisions.known(account, placement)
        if known is None:
            if entry.refusal is None:
                allow(submission.identity.message_id.hex(), [order])
            return self._send(placement, submission, options, entry)
        if first is None:
            self._intake.bind(submission, options)
        return known

    def _send(
        self, placement: Placement, submission: Submission, options: SubmitOptions, entry: Entry
    ) -> PlaceOutcome:
        account, order = submission.account, placement.order
        named = order.client_order_id is not None

        def is_known() -> bool:
            return self._is_known(account, order)

        outcomes = self._intake.submit(
            submission, options, is_known if named else None, entry=entry
        )
        if not isinstance(outcomes, Pending):
            return self._decisions.placed(account, placement, only_outcome(outcomes))
        if not named:
            return outcomes
        known = self._known(account, placement) if options.wait else None
        return known or PendingOrder(outcomes.request_key, client_order_id=order.client_order_id)

    def _is_known(self, account: AccountId, order: NewOrder) -> bool:
        """Return whether the read models know the order's id; what became of it is read later."""
        try:
            return bool(self._decisions.known_ids(account, [order.client_order_id or ""]))
        except Unavailable:
            return False

    def _known(
        self, account: AccountId, placement: Placement
    ) -> OrderPlaced | OrderRejected | None:
        try:
            return self._decisions.known(account, placement)
        except Unavailable:
            # The order is on its way; a failed look is no failed order.
            return None

    def _prepare(
        self, account: AccountId, order: NewOrder, options: SubmitOptions
    ) -> tuple[Placement, Submission]:
        identity, named = self._intake.identify(account, options), order.client_order_id
        command_id = identity.command_id(account, 0)
        if named is not None:
            command_id = order_command_id(account, named)
        command = encode_new(order, account, self._intake.header(command_id, options))
        placement = Placement.of(order, command)
        # Without a client order id the stored reply is the only way to ask again.
        reply = options.wait or named is None or options.request_key is not None
        if named is not None and options.request_key is None:
            # The order is named by its client order id, and the request too: it has no key.
            message_id = order_message_id(command_id, placement.request, reply=reply)
            identity = RequestIdentity(message_id, None, command_id)
        ids = {} if named is None else {0: named}
        return placement, Submission(account, identity, [command], ids, reply=reply)
