"""The signed-in routes: from text to a typed command, from its outcome to JSON."""

from collections.abc import Mapping

from bursa.accounts.queries import PageRequest
from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.native import outcome_presentation as present
from bursa.dialects.native.commands import read_batch, read_order
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.order_presentation import present_order, present_order_state
from bursa.dialects.native.parameters import (
    ListParameters,
    RequestHeaders,
    read_choice,
    read_min_sequence,
    read_number,
)
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import (
    BatchRequest,
    OrderRequest,
    read_client_order_id,
    read_order_id,
)
from bursa.dialects.native.responses import (
    BalancePage,
    BatchResults,
    CancelledOrders,
    FillPage,
    Order,
    OrderPage,
    OrderState,
    PendingResponse,
    PlacedOrder,
)
from bursa.dialects.native.row_presentation import balance_from_row, fill_from_row
from bursa.dialects.native.submit_options import read_options
from bursa.identity.principal import Principal
from bursa.intake.submission import Pending
from bursa.kernel.errors import Conflict, NotFound
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.commands import CancelAllOrders, CancelOrder, PlaceOrder
from bursa.trading.orders import OPEN_STATUSES, OrderStatus, OrderView
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected
from bursa.trading.use_cases import TradingUseCases

# Names a list (`Cursors`).
Scope = tuple[object, ...]

LIMIT_DEFAULT = 100
LIMIT_MAX = 500

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
        require_level: LevelCheck,
    ) -> None:
        self._catalogue = catalogue
        self._use_cases = use_cases
        self._cursors = cursors
        self._require_level = require_level

    # --- commands ---------------------------------------------------------------------------------

    def place(
        self, principal: Principal, body: str | None, headers: RequestHeaders
    ) -> PlacedOrder | PendingResponse:
        """Place an order.

        Raises what `read_body`, `read_order` and the use case raise, and `Refused`
        ``level_too_low``.
        """
        order = read_order(read_body(body, OrderRequest), self._catalogue, principal.tenant)
        self._require_trading(principal)
        outcome = self._use_cases.place(
            principal.account, order, read_options(headers, principal.actor)
        )
        if isinstance(outcome, Pending):
            return present.pending_response(outcome)
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present.placed_order(outcome)

    def batch(
        self, principal: Principal, body: str | None, headers: RequestHeaders
    ) -> BatchResults | PendingResponse:
        """Carry out several operations in order; raises as `place` does unless all are cancels."""
        request, options = read_body(body, BatchRequest), read_options(headers, principal.actor)
        batch = read_batch(request, self._catalogue, principal.tenant)
        if any(isinstance(one, PlaceOrder) for one in batch.operations):
            self._require_trading(principal)
        outcomes = self._use_cases.batch(principal.account, batch, options)
        if isinstance(outcomes, Pending):
            return present.pending_response(outcomes)
        return present.batch_results(batch, outcomes)

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
        options = read_options(headers, principal.actor)
        command = CancelOrder(order_id=read_order_id(order_id))
        outcome = self._use_cases.cancel(principal.account, command, options)
        if isinstance(outcome, Pending):
            return present.pending_response(outcome)
        if isinstance(outcome, OrderAlreadyClosed):
            raise Conflict(
                "order_closed", f"Nothing is left to cancel; see GET /v1/orders/{outcome.order_id}."
            )
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present_order_state(outcome.order)

    def cancel_all(
        self, principal: Principal, market: str | None, headers: RequestHeaders
    ) -> CancelledOrders | PendingResponse:
        """Cancel all orders, or those in one market."""
        command = CancelAllOrders(self._market(principal.account, market))
        outcome = self._use_cases.cancel_all(
            principal.account, command, read_options(headers, principal.actor)
        )
        if isinstance(outcome, Pending):
            return present.pending_response(outcome)
        if isinstance(outcome, OrderRejected):
            raise refusal(outcome.reason)
        return present.cancelled_orders(outcome)

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
        return _known(self._use_cases.queries.order(account, read_order_id(order_id)))

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
            raise refusal(found.reason)
        return _known(found)

    def orders(self, account: AccountId, parameters: ListParameters) -> OrderPage:
        """Return a page of orders, newest first.

        Raises
        ------
        InvalidInput
            ``invalid_status``, ``invalid_limit``, ``invalid_cursor``.
        NotFound
            ``unknown_market``.

        """
        status = read_choice(parameters.status, "status", STATUS_FILTERS)
        scope = ("orders", account, parameters.market, status)
        request = self._page_request(parameters, scope)
        market = self._market(account, parameters.market)
        statuses = None if status is None else STATUS_FILTERS[status]
        page = self._use_cases.queries.orders(account, market, statuses, request)
        return OrderPage(
            items=[present_order(order) for order in page.items],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def fills(self, account: AccountId, parameters: ListParameters) -> FillPage:
        """Return a page of fills, newest first; raises like `orders`."""
        scope = ("fills", account, parameters.market)
        request = self._page_request(parameters, scope)
        market = self._market(account, parameters.market)
        page = self._use_cases.queries.fills(account, market, request)
        return FillPage(
            items=[fill_from_row(fill.row, fill.market) for fill in page.items],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def balances(self, account: AccountId, min_sequence: str | None = None) -> BalancePage:
        """Return all balances; raises `InvalidInput` ``invalid_min_sequence``."""
        reflected = read_min_sequence(min_sequence)
        balances = self._use_cases.queries.balances(account, reflected)
        items = [balance_from_row(balance.row, balance.scale) for balance in balances]
        return BalancePage(items=items, next_cursor=None)

    def _require_trading(self, principal: Principal) -> None:
        self._require_level(principal.tenant, principal.level, Operation.TRADE)

    def _page_request(self, parameters: ListParameters, scope: Scope) -> PageRequest:
        limit = read_number(parameters.limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        before = self._cursors.read(parameters.cursor, *scope)
        return PageRequest(limit, before, read_min_sequence(parameters.min_sequence))

    def _market(self, account: AccountId, symbol: str | None) -> Market | None:
        return None if symbol is None else named_market(self._catalogue, account.tenant, symbol)


def _known(order: OrderView | None) -> Order:
    if order is None:
        raise NotFound("unknown_order", "There is no such order; see GET /v1/orders.")
    return present_order(order)
