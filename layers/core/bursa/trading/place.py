"""Placing one order."""

from bursa.dialects.native.requests import OrderRequest
from bursa.dialects.native.responses import PlacedOrder
from bursa.intake.submission import (
    Intake,
    KeySource,
    RequestIdentity,
    RequestOptions,
    Submission,
    identify,
    order_command_id,
)
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.order_checks import PreparedOrder, prepare_order
from bursa.trading.outcomes import Settlement, only_outcome
from bursa.trading.pending import Pending, pending_order


class PlaceOrder:
    """Places an order and waits for what the engine makes of it."""

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
        self, account: AccountId, request: OrderRequest, options: RequestOptions
    ) -> PlacedOrder | Pending:
        """Place an order; a request that comes again gets the first one's answer.

        Raises
        ------
        InvalidInput, Refused, NotFound
            Before anything is sent: see `prepare_order`, `identify` and `named_market`.
        BursaError
            What the engine refused the order for; see `Settlement.placed`.
        Unavailable
            See `Intake.send`.

        """
        market = named_market(self._catalogue, account.tenant, request.market)
        prepared = prepare_order(request, market)
        identity, command_id = self._identities(account, prepared, options.idempotency_key)
        texts = {} if prepared.client_order_id is None else {0: prepared.client_order_id}
        # Without a client order id the kept answer is the only way to ask again.
        keep_answer = not options.respond_async or prepared.client_order_id is None
        submission = Submission(
            account,
            identity,
            [prepared.encode(account, command_id, self._intake.now_ms())],
            texts,
            reply=keep_answer,
        )
        self._intake.send(submission)
        if options.respond_async:
            return pending_order(identity, prepared.client_order_id)
        outcomes = self._intake.wait(submission)
        if outcomes is None:
            known = self._settlement.known(account, prepared)
            return known or pending_order(identity, prepared.client_order_id)
        return self._settlement.placed(account, prepared, command_id, only_outcome(outcomes))

    def _identities(
        self, account: AccountId, prepared: PreparedOrder, idempotency_key: str | None
    ) -> tuple[RequestIdentity, CommandId]:
        identity = identify(account, idempotency_key, self._new_key)
        if prepared.client_order_id is None:
            return identity, identity.command_id(account, 0)
        # The client order id alone names the order, however the request was named.
        command_id = order_command_id(account, prepared.client_order_id)
        return RequestIdentity(command_id, None), command_id
