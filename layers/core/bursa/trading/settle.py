"""Whether an order of a client order id is there, or never will be.

A client that has lost its response may ask before its order is decided, and then "there is none"
says nothing. So an order for nothing is sequenced under the same id: if there is another one, the
engine says so, because an id is one order's; if not, the id is used up, and whatever comes later
under it is refused.
"""

from bursa.accounts.queries import AccountQueries
from bursa.intake.names import order_command_id, order_message_id
from bursa.intake.submission import (
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
)
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import encode_order_for_nothing
from bursa.trading.decisions import only_outcome
from bursa.trading.orders import OrderView
from bursa.trading.outcomes import OrderRejected, PendingOrder, SettleOutcome
from wire import layout as w
from wire.digests import request_digest

# What the engine rejects an order for nothing for. No dialect sends an order for a market that is
# not listed, so an id with this reason is one that was used up.
NEVER_ACCEPTED = OrderRejected(w.REASON_UNKNOWN_MARKET)


class OrderSettlement:
    """Finds an order by its client order id, or makes sure that there never is one."""

    def __init__(self, intake: Intake, queries: AccountQueries) -> None:
        self._intake = intake
        self._queries = queries

    def __call__(
        self, account: AccountId, client_order_id: str, options: SubmitOptions
    ) -> SettleOutcome:
        """Return the order, or what it was rejected for; `NEVER_ACCEPTED` when there is none.

        Raises
        ------
        TooManyRequests, Unavailable
            See `Intake.submit`.

        """
        found = self._queries.order_by_client_id(account, client_order_id)
        if found is not None:
            return found
        command_id = order_command_id(account, client_order_id)
        header = self._intake.header(command_id, options)
        command = encode_order_for_nothing(account, header)
        message_id = order_message_id(command_id, request_digest([command]), reply=True)
        submission = Submission(
            account,
            RequestIdentity(message_id, None, command_id),
            [command],
            {0: client_order_id},
        )
        outcomes = self._intake.submit(submission, options)
        if isinstance(outcomes, Pending):
            return PendingOrder(None, client_order_id=client_order_id)
        result = only_outcome(outcomes).result
        if result.reason != w.REASON_DUPLICATE_COMMAND:
            return OrderRejected(result.reason)
        if result.detail != w.REASON_ACCEPTED:
            return OrderRejected(result.detail)
        return self._placed(account, client_order_id, result.order_id, options)

    def _placed(
        self, account: AccountId, client_order_id: str, order_id: int, options: SubmitOptions
    ) -> OrderView | PendingOrder:
        """Return an order that the engine knows; its row may be late."""
        order = self._queries.order(account, order_id) if options.wait else None
        return order or PendingOrder(None, client_order_id=client_order_id)
