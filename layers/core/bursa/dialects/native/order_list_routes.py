"""The signed-in routes of lists of orders: from text to a typed command, from its outcome to JSON.

Lists are for users whose level allows to trade; whoever has one may cancel it.
"""

from collections.abc import Callable

from bursa.accounts.queries import PageRequest
from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.native import order_list_presentation as present
from bursa.dialects.native.commands import read_list
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.dry_run_presentation import dry_run_list, list_refusal, refused_list
from bursa.dialects.native.dry_run_responses import DryRunList
from bursa.dialects.native.order_list_responses import (
    CancelledOrderList,
    OrderList,
    OrderListPage,
    PlacedOrderList,
)
from bursa.dialects.native.outcome_presentation import pending_response
from bursa.dialects.native.parameters import (
    ListParameters,
    RequestHeaders,
    read_min_sequence,
    read_number,
)
from bursa.dialects.native.public_ids import PublicIds
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.requests import OrderListRequest
from bursa.dialects.native.responses import PendingResponse
from bursa.dialects.native.submit_options import read_options
from bursa.identity.principal import Principal
from bursa.intake.submission import Pending
from bursa.kernel.errors import Conflict, InvalidInput, NotFound, Refused
from bursa.kernel.identifiers import AccountId
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.order_lists import ListAlreadyClosed, check_list
from bursa.trading.orders import OPEN_STATUSES
from bursa.trading.outcomes import OrderRejected
from bursa.trading.use_cases import TradingUseCases
from wire import layout as w

LIMIT_DEFAULT = 25
LIMIT_MAX = 100


class OrderListRoutes:
    """The routes of lists of all tenants."""

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

    def place(
        self, principal: Principal, request: OrderListRequest, headers: RequestHeaders
    ) -> PlacedOrderList | PendingResponse:
        """Place a list.

        Raises what `read_list`, `check_list` and the use case raise, and `Refused`
        ``level_too_low``, ``level_limit_reached``, ``no_reference_price``.
        """
        wanted = read_list(request, self._catalogue, principal.tenant)
        self._require_level(principal.tenant, principal.level, Operation.TRADE)
        options, allow = read_options(headers, principal.actor), self._require_level.of(principal)
        outcome = self._use_cases.place_list(principal.account, wanted, options, allow)
        ids = self._ids.of(principal.tenant)
        if isinstance(outcome, Pending):
            return pending_response(outcome, ids)
        if isinstance(outcome, OrderRejected):
            position = self._use_cases.dry_run.rejected(principal.account, wanted, outcome.reason)
            raise list_refusal(wanted, outcome.reason, position)
        return present.placed_list(outcome, ids)

    def dry_run(self, principal: Principal, request: OrderListRequest) -> DryRunList:
        """Return what would become of a list, and send nothing; raises as `place` does.

        But for what would refuse it: that is in the result.
        """
        wanted = read_list(request, self._catalogue, principal.tenant)
        try:
            self._require_level(principal.tenant, principal.level, Operation.TRADE)
            check_list(wanted)
        except Refused as error:
            return refused_list(error)
        found, view = self._use_cases.dry_run.order_list(principal.account, wanted)
        return dry_run_list(wanted, found, view)

    def order_list(self, account: AccountId, list_id: str) -> OrderList:
        """Return a list with its orders.

        Raises
        ------
        InvalidInput
            ``invalid_list_id``.
        NotFound
            ``unknown_list``; also for another account's.

        """
        found = self._use_cases.queries.order_list(account, self._read(account, list_id))
        if found is None:
            raise _unknown()
        return present.order_list(found, self._ids.of(account.tenant))

    def open_lists(
        self, account: AccountId, parameters: ListParameters, charge: Callable[[int], object]
    ) -> OrderListPage:
        """Return a page of lists of which anything is open, newest first.

        It looks through as many open orders as it may have. ``charge`` charges the caller for so
        many reads: one for each list.

        Raises
        ------
        InvalidInput
            ``invalid_limit``, ``invalid_cursor``, ``invalid_min_sequence``.
        NotFound
            ``unknown_market``.

        """
        scope = ("order-lists", account, parameters.market)
        limit = read_number(parameters.limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        before = self._cursors.read(parameters.cursor, *scope)
        market = None
        if parameters.market is not None:
            market = named_market(self._catalogue, account.tenant, parameters.market)
        request = PageRequest(limit, before, read_min_sequence(parameters.min_sequence))
        queries, ids = self._use_cases.queries, self._ids.of(account.tenant)
        page = queries.orders(account, market, OPEN_STATUSES, request)
        newest: dict[int, int] = {}
        for order in page.items:
            if order.list_id:
                newest.setdefault(order.list_id, order.order_id)
        if newest:
            charge(len(newest))
        found = [(queries.order_list(account, list_id), at) for list_id, at in newest.items()]
        return OrderListPage(
            items=[
                present.order_list(one, ids)
                for one, at in found
                # One that has a newer order on the page before was on that page.
                if one is not None and one.newest_open_id <= at
            ],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def cancel(
        self, principal: Principal, list_id: str, headers: RequestHeaders
    ) -> CancelledOrderList | PendingResponse:
        """Cancel all that is left of a list.

        Raises
        ------
        InvalidInput
            ``invalid_list_id``, ``invalid_idempotency_key``.
        NotFound
            ``unknown_list``: there is none, or it is another account's.
        Conflict
            ``list_closed``: nothing of it is open.

        """
        number, ids = self._read(principal.account, list_id), self._ids.of(principal.tenant)
        options = read_options(headers, principal.actor)
        outcome = self._use_cases.cancel_list(principal.account, number, options)
        if isinstance(outcome, Pending):
            return pending_response(outcome, ids)
        if isinstance(outcome, ListAlreadyClosed):
            raise Conflict(
                "list_closed",
                f"Nothing is left to cancel; see GET {present.LISTS_PATH}/{list_id}.",
            )
        if isinstance(outcome, OrderRejected):
            raise (
                _unknown() if outcome.reason == w.REASON_UNKNOWN_ORDER else refusal(outcome.reason)
            )
        return present.cancelled_list(outcome, ids)

    def _read(self, account: AccountId, list_id: str) -> int:
        try:
            return self._ids.of(account.tenant).read_order(list_id)
        except InvalidInput:
            raise InvalidInput(
                "invalid_list_id", "Send list_id as we gave it: 32 characters.", field="list_id"
            ) from None


def _unknown() -> NotFound:
    return NotFound("unknown_list", "There is no such list; an order's list_id names its list.")
