"""Cancelling one order, or all of an account's orders."""

from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.requests import read_order_id
from bursa.dialects.native.responses import CancelledOrders, OrderState
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome
from bursa.intake.submission import (
    Intake,
    KeySource,
    RequestOptions,
    Submission,
    identify,
    order_command_id,
)
from bursa.kernel.errors import Conflict, InvalidInput, NotFound
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.outcomes import (
    OrderReader,
    Settlement,
    only_outcome,
    require_same_command,
)
from bursa.trading.pending import Pending, pending_cancel, pending_request
from wire import codec
from wire import layout as w


def cancel_command(
    account: AccountId,
    order_id: str | None,
    client_order_id: str | None,
    command_id: CommandId,
    now_ms: int,
) -> bytes:
    """Write the command that cancels an order, named by exactly one of its two ids.

    Raises
    ------
    InvalidInput
        ``missing_order_id``, ``two_order_ids``, ``invalid_order_id``.

    """
    own_id = (command_id.high, command_id.low)
    if order_id is not None:
        if client_order_id is not None:
            raise InvalidInput(
                "two_order_ids", "Send either order_id or client_order_id.", field="order_id"
            )
        number = read_order_id(order_id)
        return codec.encode_cancel(account.number, number, command_id=own_id, time_ms=now_ms)
    if client_order_id is None:
        raise InvalidInput(
            "missing_order_id", "Send order_id or client_order_id.", field="order_id"
        )
    target = order_command_id(account, client_order_id)
    return codec.encode_cancel(
        account.number, target=(target.high, target.low), command_id=own_id, time_ms=now_ms
    )


class CancelOrder:
    """Cancels one order and waits for how it stands then."""

    def __init__(
        self, intake: Intake, settlement: Settlement, orders: OrderReader, new_key: KeySource
    ) -> None:
        self._intake = intake
        self._settlement = settlement
        self._orders = orders
        self._new_key = new_key

    def __call__(
        self, account: AccountId, order_id: str, options: RequestOptions
    ) -> OrderState | Pending:
        """Cancel an order.

        Raises
        ------
        InvalidInput
            ``invalid_order_id``, ``invalid_idempotency_key``.
        NotFound
            ``unknown_order``: there is none, or it is another account's.
        Conflict
            ``order_closed``: it is filled or cancelled already.
        Unavailable
            See `Intake.send`.

        """
        identity = identify(account, options.idempotency_key, self._new_key)
        command_id = identity.command_id(account, 0)
        command = cancel_command(account, order_id, None, command_id, self._intake.now_ms())
        submission = Submission(account, identity, [command])
        self._intake.send(submission)
        outcomes = None if options.respond_async else self._intake.wait(submission)
        if outcomes is None:
            return pending_cancel(identity, order_id)
        try:
            return self._settlement.changed(account, command_id, only_outcome(outcomes))
        except NotFound:
            self._require_open(account, int(order_id))
            raise

    def _require_open(self, account: AccountId, order_id: int) -> None:
        """Tell an order that is closed from one that never was."""
        row = self._orders.get(account, order_id)
        if row is not None:
            raise Conflict(
                "order_closed", f"Nothing is left to cancel; see GET /v1/orders/{order_id}."
            )


class CancelAllOrders:
    """Cancels all of an account's open orders, in one market or in all."""

    def __init__(self, catalogue: MarketCatalogue, intake: Intake, new_key: KeySource) -> None:
        self._catalogue = catalogue
        self._intake = intake
        self._new_key = new_key

    def __call__(
        self, account: AccountId, symbol: str | None, options: RequestOptions
    ) -> CancelledOrders | Pending:
        """Cancel the orders.

        Raises
        ------
        NotFound
            ``unknown_market``.
        Unavailable
            See `Intake.send`.

        """
        number = 0
        if symbol is not None:
            number = named_market(self._catalogue, account.tenant, symbol).number
        identity = identify(account, options.idempotency_key, self._new_key)
        command_id = identity.command_id(account, 0)
        command = codec.encode_cancel_all(
            account.number,
            number,
            command_id=(command_id.high, command_id.low),
            time_ms=self._intake.now_ms(),
        )
        submission = Submission(account, identity, [command])
        self._intake.send(submission)
        outcomes = None if options.respond_async else self._intake.wait(submission)
        if outcomes is None:
            return pending_request(identity)
        outcome = only_outcome(outcomes)
        require_same_command(outcome, command_id, w.COMMAND_CANCEL_ALL)
        return _closed(outcome)


def _closed(outcome: CommandOutcome) -> CancelledOrders:
    result = outcome.result
    if result.reason != w.REASON_ACCEPTED:
        raise refusal(result.reason)
    return CancelledOrders(
        cancelled=result.detail,
        order_ids=[str(order_id) for order_id in sorted(outcome.orders)[:LISTED_MAX]],
        sequence=result.sequence,
    )
