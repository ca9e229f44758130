"""Placing one order."""

from bursa.intake.submission import (
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
    order_command_id,
)
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.trading.command_words import encode_place
from bursa.trading.commands import PlaceOrder
from bursa.trading.decisions import OrderDecisions, only_outcome
from bursa.trading.order_checks import check_order
from bursa.trading.outcomes import PendingOrder, PlaceOutcome


class OrderPlacement:
    """Places an order and waits for what the engine makes of it."""

    def __init__(self, intake: Intake, decisions: OrderDecisions) -> None:
        self._intake = intake
        self._decisions = decisions

    def __call__(
        self, account: AccountId, order: PlaceOrder, options: SubmitOptions
    ) -> PlaceOutcome:
        """Place an order; a request that comes again gets the first one's outcome.

        Raises
        ------
        InvalidInput, Refused
            Before anything is sent: see `check_order`.
        Conflict
            The request key or the client order id belongs to something else.
        Unavailable
            See `Intake.submit` and `OrderDecisions.placed`.

        """
        check_order(order)
        identity, command_id = self._identities(account, order, options)
        named = order.client_order_id is not None
        submission = Submission(
            account,
            identity,
            [encode_place(order, account, self._intake.header(command_id, options))],
            {} if order.client_order_id is None else {0: order.client_order_id},
            # Without a client order id the stored reply is the only way to ask again.
            reply=options.wait or not named,
        )
        outcomes = self._intake.submit(submission, options)
        if not isinstance(outcomes, Pending):
            return self._decisions.placed(account, order, command_id, only_outcome(outcomes))
        if not named:
            return outcomes
        known = self._decisions.known(account, order) if options.wait else None
        return known or PendingOrder(outcomes.request_key, client_order_id=order.client_order_id)

    def _identities(
        self, account: AccountId, order: PlaceOrder, options: SubmitOptions
    ) -> tuple[RequestIdentity, CommandId]:
        if order.client_order_id is None:
            identity = self._intake.identify(account, options)
            return identity, identity.command_id(account, 0)
        # The client order id alone names the order, however the request was named.
        command_id = order_command_id(account, order.client_order_id)
        return RequestIdentity(command_id, None), command_id
