"""The signed-in routes: from text to a typed command, from its outcome to JSON."""

from collections.abc import Callable, Mapping

from bursa.accounts.queries import Only, PageRequest
from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.native import outcome_presentation as present
from bursa.dialects.native.commands import (
    OrderName,
    changes_in,
    read_amendment,
    read_batch,
    read_change,
    read_countdown,
    read_order,
)
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.dry_run_responses import DryRunBatch, DryRunResult
from bursa.dialects.native.dry_run_routes import DryRunRoutes, batch_reads
from bursa.dialects.native.order_presentation import present_order, present_order_state
from bursa.dialects.native.parameters import (
    ListParameters,
    RequestHeaders,
    read_choice,
    read_min_sequence,
    read_number,
    read_period,
)
from bursa.dialects.native.public_ids import PublicIds, TenantIds
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import (
    AmendRequest,
    BatchRequest,
    CancelAllAfterRequest,
    PlaceRequest,
    ReplaceRequest,
    read_client_order_id,
)
from bursa.dialects.native.responses import (
    BalancePage,
    BatchResults,
    CancelledOrders,
    Countdown,
    FillPage,
    Order,
    OrderPage,
    OrderState,
    PendingResponse,
    PlacedOrder,
    ReplacedOrder,
)
from bursa.dialects.native.row_presentation import balance_from_row, fill_from_row
from bursa.dialects.native.submit_options import read_options
from bursa.identity.principal import Principal, Scope
from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError, NotAllowed, NotFound
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.trading.batch import takes_out
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.commands import CancelAllOrders, CancelOrder, ReplaceOrder
from bursa.trading.order_value import makes_smaller
from bursa.trading.orders import OPEN_STATUSES, OrderStatus, OrderView, Side
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected
from bursa.trading.settle import NEVER_ACCEPTED
from bursa.trading.use_cases import TradingUseCases
from wire import layout as w

# Names a list (`Cursors`).
ListScope = tuple[object, ...]

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
SIDES: Mapping[str, Side] = {side.word: side for side in Side}

# ``open`` means all that can still trade, whether it has traded or not.
STATUS_FILTERS: Mapping[str, frozenset[OrderStatus]] = {
    "open": OPEN_STATUSES,
    "closed": frozenset(OrderStatus) - OPEN_STATUSES,
} | {
    status.word: frozenset({status})
    for status in sorted(OrderStatus, key=lambda status: status.word)
    if status is not OrderStatus.OPEN
}


class TradingRoutes:
    """The signed-in routes of all tenants.

    Orders are for users whose level allows to trade; whoever has orders may cancel them.
    """

    def __init__(
        self,
        catalogue: MarketCatalogue,
        use_cases: TradingUseCases,
        cursors: Cursors,
        ids: PublicIds,
        require_level: LevelCheck,
    ) -> None:
        self._catalogue = catalogue
        self._use_cases = use_cases
        self._cursors = cursors
        self._ids = ids
        self._require_level = require_level
        self._dry_runs = DryRunRoutes(catalogue, use_cases.dry_run, ids, require_level)

    # --- commands ---------------------------------------------------------------------------------

    def place(
        self, principal: Principal, request: PlaceRequest, headers: RequestHeaders
    ) -> PlacedOrder | DryRunResult | PendingResponse:
        """Place an order.

        Raises what `read_order` and the use case raise, and `Refused`
        ``level_too_low``, ``level_limit_reached``, ``no_reference_price``.
        """
        if request.dry_run:
            return self._dry_runs.place(principal, request)
        order = read_order(request, self._catalogue, principal.tenant)
        self._require_trading(principal)
        options, allow = read_options(headers, principal.actor), self._require_level.of(principal)
        outcome = self._use_cases.place(principal.account, order, options, allow)
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason, order.market)
        return present.placed_order(outcome, self._ids.of(principal.tenant))

    def batch(
        self,
        principal: Principal,
        request: BatchRequest,
        headers: RequestHeaders,
        charge: Callable[[int], object],
    ) -> BatchResults | DryRunBatch | PendingResponse:
        """Carry out several operations in order; raises as `place` does unless all are cancels.

        ``charge`` charges the caller for so many reads: one for each order that is changed, and
        whose market has to be looked up.
        """

        def find(name: OrderName) -> OrderView:
            return self._named(principal.account, name)

        if request.dry_run:
            charge(batch_reads(request))
            return self._dry_runs.batch(principal, request, find)
        options, ids = read_options(headers, principal.actor), self._ids.of(principal.tenant)
        if changes := changes_in(request):
            charge(changes)
        batch = read_batch(request, self._catalogue, principal.tenant, ids, find)
        if not all(map(takes_out, batch.operations)):
            self._require_trading(principal)
        allow = self._require_level.of(principal)
        outcomes = self._use_cases.batch(principal.account, batch, options, allow)
        if isinstance(outcomes, Pending):
            return present.pending_response(outcomes, ids)
        return present.batch_results(batch, outcomes, ids)

    def amend(
        self,
        principal: Principal,
        order_id: str,
        request: AmendRequest,
        headers: RequestHeaders,
    ) -> PlacedOrder | DryRunResult | PendingResponse:
        """Change an open order, which stays the same one; raises as `cancel` and `place` do."""
        order = self._order(principal.account, order_id)
        if request.dry_run:
            return self._dry_runs.amend(principal, request, order)
        command = read_amendment(request, order)
        if not makes_smaller(command):
            self._require_trading(principal)
        options, allow = read_options(headers, principal.actor), self._require_level.of(principal)
        outcome = self._use_cases.amend(principal.account, command, options, allow)
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderAlreadyClosed):
            raise present.closed(order_id, "change")
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason, order.market)
        return present.placed_order(outcome, self._ids.of(principal.tenant))

    def replace(
        self,
        principal: Principal,
        order_id: str,
        request: ReplaceRequest,
        headers: RequestHeaders,
    ) -> ReplacedOrder | DryRunResult | PendingResponse:
        """Cancel an order and place another in one step; raises as `cancel` and `place` do."""
        order = self._order(principal.account, order_id)
        if request.dry_run:
            return self._dry_runs.replace(principal, request, order)
        command = ReplaceOrder(order, read_change(request, order.market), request.client_order_id)
        self._require_trading(principal)
        options, allow = read_options(headers, principal.actor), self._require_level.of(principal)
        outcome = self._use_cases.place(principal.account, command, options, allow)
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if outcome == OrderRejected(w.REASON_UNKNOWN_ORDER):
            raise present.closed(order_id, "replace")
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason, order.market)
        return present.replaced_order(outcome, order.order_id, self._ids.of(principal.tenant))

    def cancel(
        self, principal: Principal, order_id: str, headers: RequestHeaders
    ) -> OrderState | PendingResponse:
        """Cancel one order.

        Raises
        ------
        InvalidInput
            ``invalid_order_id``, ``invalid_idempotency_key``.
        NotFound
            ``unknown_order``: there is none, or it is another account's.
        Conflict
            ``order_closed``: it is filled or cancelled already.

        """
        number = self._ids.of(principal.tenant).read_order(order_id)
        return self._cancel(principal, CancelOrder(order_id=number), headers)

    def cancel_by_client_id(
        self, principal: Principal, client_order_id: str, headers: RequestHeaders
    ) -> OrderState | PendingResponse:
        """Cancel the order of a client order id.

        Raises as `cancel` does, ``invalid_client_order_id`` instead of ``invalid_order_id``.
        """
        known = read_client_order_id(client_order_id)
        return self._cancel(principal, CancelOrder(client_order_id=known), headers)

    def cancel_all_after(
        self, principal: Principal, body: str | None, headers: RequestHeaders
    ) -> Countdown | PendingResponse:
        """Start, renew or end the countdown to a cancel of all; raises as `read_countdown` does."""
        command = read_countdown(read_body(body, CancelAllAfterRequest))
        outcome = self._use_cases.cancel_all_after(
            principal.account, command, read_options(headers, principal.actor)
        )
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present.countdown(outcome)

    def cancel_all(
        self,
        principal: Principal,
        market: str | None,
        side: str | None,
        headers: RequestHeaders,
    ) -> CancelledOrders | PendingResponse:
        """Cancel all orders, or those in one market or on one side.

        Raises `NotFound` ``unknown_market`` and `InvalidInput` ``invalid_side``.
        """
        word = read_choice(side, "side", SIDES)
        command = CancelAllOrders(
            self._market(principal.account, market), None if word is None else SIDES[word]
        )
        outcome = self._use_cases.cancel_all(
            principal.account, command, read_options(headers, principal.actor)
        )
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present.cancelled_orders(outcome, self._ids.of(principal.tenant))

    # --- questions --------------------------------------------------------------------------------

    def order(self, account: AccountId, order_id: str) -> Order:
        """Return one order.

        Raises
        ------
        InvalidInput
            ``invalid_order_id``.
        NotFound
            ``unknown_order``; also for another account's.

        """
        ids = self._ids.of(account.tenant)
        return _known(self._use_cases.queries.order(account, ids.read_order(order_id)), ids)

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> Order:
        """Return the newest order under a client order id.

        Raises
        ------
        InvalidInput
            ``invalid_client_order_id``.
        NotFound
            ``unknown_order``.
        BursaError
            What the order was rejected for, as its placement said it.

        """
        known = read_client_order_id(client_order_id)
        found = self._use_cases.queries.order_by_client_id(account, known)
        if isinstance(found, OrderRejected):
            raise _rejected_before(found)
        return _known(found, self._ids.of(account.tenant))

    def settle(
        self, principal: Principal, client_order_id: str, headers: RequestHeaders
    ) -> Order | PendingResponse:
        """Return the order under a client order id, or make sure that there never is one.

        Raises
        ------
        NotFound
            ``never_accepted``: there is none, and none will ever be.
        NotAllowed
            ``scope_missing``: an id is used up by who may trade.
        BursaError
            What `order_by_client_id` raises.

        """
        known = read_client_order_id(client_order_id)
        if Scope.TRADE not in principal.scopes:
            raise NotAllowed("scope_missing", "Send a token or key that may trade.")
        outcome = self._use_cases.settle(
            principal.account, known, read_options(headers, principal.actor)
        )
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderRejected):
            raise _rejected_before(outcome)
        return present_order(outcome, self._ids.of(principal.tenant))

    def orders(self, account: AccountId, parameters: ListParameters) -> OrderPage:
        """Return a page of orders, newest first.

        Raises
        ------
        InvalidInput
            ``invalid_status``, ``invalid_side``, ``invalid_from``, ``invalid_to``,
            ``invalid_limit``, ``invalid_cursor``.
        NotFound
            ``unknown_market``.

        """
        status = read_choice(parameters.status, "status", STATUS_FILTERS)
        only = _read_only(parameters)
        scope = ("orders", account, parameters.market, status, *only)
        request = self._page_request(parameters, scope)
        market = self._market(account, parameters.market)
        statuses = None if status is None else STATUS_FILTERS[status]
        page = self._use_cases.queries.orders(account, market, statuses, request, only)
        ids = self._ids.of(account.tenant)
        return OrderPage(
            items=[present_order(order, ids) for order in page.items],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def fills(self, account: AccountId, parameters: ListParameters) -> FillPage:
        """Return a page of fills, newest first; raises like `orders`."""
        only = _read_only(parameters)
        scope = ("fills", account, parameters.market, *only)
        request = self._page_request(parameters, scope)
        market = self._market(account, parameters.market)
        page = self._use_cases.queries.fills(account, market, request, only)
        ids = self._ids.of(account.tenant)
        return FillPage(
            items=[fill_from_row(fill.row, fill.market, ids) for fill in page.items],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def balances(self, account: AccountId, min_sequence: str | None = None) -> BalancePage:
        """Return all balances; raises `InvalidInput` ``invalid_min_sequence``."""
        reflected = read_min_sequence(min_sequence)
        balances = self._use_cases.queries.balances(account, reflected)
        items = [balance_from_row(balance.row, balance.scale) for balance in balances]
        return BalancePage(items=items, next_cursor=None)

    def _cancel(
        self, principal: Principal, command: CancelOrder, headers: RequestHeaders
    ) -> OrderState | PendingResponse:
        options, ids = read_options(headers, principal.actor), self._ids.of(principal.tenant)
        outcome = self._use_cases.cancel(principal.account, command, options)
        if isinstance(outcome, Pending):
            return present.pending_response(outcome, self._ids.of(principal.tenant))
        if isinstance(outcome, OrderAlreadyClosed):
            raise present.closed(ids.order(outcome.order_id), "cancel")
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present_order_state(outcome.order, ids)

    def _order(self, account: AccountId, order_id: str) -> OrderView:
        """Return an order that a request means; raises `NotFound` ``unknown_order``."""
        number = self._ids.of(account.tenant).read_order(order_id)
        return _found(self._use_cases.queries.order(account, number))

    def _named(self, account: AccountId, name: OrderName) -> OrderView:
        """Return an order by either id; raises `NotFound` ``unknown_order``."""
        queries = self._use_cases.queries
        if name.client_order_id is None:
            return _found(queries.order(account, name.order_id or 0))
        found = queries.order_by_client_id(account, name.client_order_id)
        return _found(None if isinstance(found, OrderRejected) else found)

    def _require_trading(self, principal: Principal) -> None:
        self._require_level(principal.tenant, principal.level, Operation.TRADE)

    def _page_request(self, parameters: ListParameters, scope: ListScope) -> PageRequest:
        limit = read_number(parameters.limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        before = self._cursors.read(parameters.cursor, *scope)
        return PageRequest(limit, before, read_min_sequence(parameters.min_sequence))

    def _market(self, account: AccountId, symbol: str | None) -> Market | None:
        return None if symbol is None else named_market(self._catalogue, account.tenant, symbol)


def _read_only(parameters: ListParameters) -> Only:
    side = read_choice(parameters.side, "side", SIDES)
    from_ms, to_ms = read_period(parameters.from_ms, parameters.to_ms)
    return Only(None if side is None else SIDES[side], from_ms, to_ms)


def _rejected_before(rejected: OrderRejected) -> BursaError:
    """Return the error for an id under which no order was accepted."""
    if rejected == NEVER_ACCEPTED:
        return NotFound(
            "never_accepted",
            "No order came in under this id and none ever will; send it under a new one.",
        )
    return refusal(rejected.reason)


def _known(order: OrderView | None, ids: TenantIds) -> Order:
    return present_order(_found(order), ids)


def _found(order: OrderView | None) -> OrderView:
    if order is None:
        raise NotFound("unknown_order", "There is no such order; see GET /v1/orders.")
    return order
