"""What an account may read of its own: orders, fills, balances."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.dialects.native.cursors import read_cursor, write_cursor
from bursa.dialects.native.parameters import read_choice, read_number
from bursa.dialects.native.presentation import balance_from_row, fill_from_row, order_from_row
from bursa.dialects.native.requests import read_client_order_id, read_order_id
from bursa.dialects.native.responses import BalancePage, FillPage, Order, OrderPage
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import BalanceRow, FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, named_market, stored_market, stored_scale
from wire import layout as w

LIMIT_DEFAULT = 100
LIMIT_MAX = 500

OPEN = "open"
CLOSED = "closed"
_OPEN_STATUSES = frozenset(
    w.STATUS_NAMES[status]
    for status in (w.STATUS_OPEN, w.STATUS_PARTIALLY_FILLED, w.STATUS_PENDING_TRIGGER)
)
_CLOSED_STATUSES = frozenset(w.STATUS_NAMES.values()) - _OPEN_STATUSES
# ``open`` means all that can still trade, whether it has traded or not.
STATUS_FILTERS: Mapping[str, frozenset[str]] = {
    OPEN: _OPEN_STATUSES,
    CLOSED: _CLOSED_STATUSES,
} | {
    status: frozenset([status])
    for status in sorted(_OPEN_STATUSES | _CLOSED_STATUSES)
    if status != OPEN
}


@dataclass(frozen=True, slots=True)
class ListParameters:
    """Query parameters of a list, as they came; None for what was not sent."""

    market: str | None = None
    status: str | None = None
    limit: str | None = None
    cursor: str | None = None


class OrderList(Protocol):
    """The orders read model, one account's part of it."""

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Read one order; None when the account has none of that id."""

    def by_client_id(self, account: AccountId, client_order_id: str) -> OrderRow | None:
        """Read the newest order under a client order id."""

    def newest(
        self,
        account: AccountId,
        *,
        market: str | None,
        statuses: Collection[str] | None,
        open_only: bool,
        before: str | None,
        limit: int,
    ) -> Page[OrderRow]:
        """List orders that match, newest first."""


class FillList(Protocol):
    """The fills read model, one account's part of it."""

    def newest(
        self, account: AccountId, *, market: str | None, before: str | None, limit: int
    ) -> Page[FillRow]:
        """List fills, newest first."""


class BalanceList(Protocol):
    """The balances read model, one account's part of it."""

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """List balances by asset."""


class AccountQueries:
    """Answers an account's questions about itself; nothing here can reach another account."""

    def __init__(
        self,
        catalogue: MarketCatalogue,
        orders: OrderList,
        fills: FillList,
        balances: BalanceList,
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._balances = balances

    def order(self, account: AccountId, order_id: str) -> Order:
        """Read one order.

        Raises
        ------
        InvalidInput
            ``invalid_order_id``.
        NotFound
            ``unknown_order``; also for another account's.

        """
        return self._order(account, self._orders.get(account, read_order_id(order_id)))

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> Order:
        """Read the order under a client order id; raises like `order`."""
        row = self._orders.by_client_id(account, read_client_order_id(client_order_id))
        return self._order(account, row)

    def orders(self, account: AccountId, parameters: ListParameters) -> OrderPage:
        """List orders, newest first.

        Raises
        ------
        InvalidInput
            ``invalid_status``, ``invalid_limit``, ``invalid_cursor``.
        NotFound
            ``unknown_market``.

        """
        status = read_choice(parameters.status, "status", STATUS_FILTERS)
        limit = _read_limit(parameters)
        scope = f"orders {account} {parameters.market} {status}"
        before = read_cursor(parameters.cursor, scope)
        self._require_known(account, parameters.market)
        statuses = None if status is None else STATUS_FILTERS[status]
        page = self._orders.newest(
            account,
            market=parameters.market,
            statuses=None if status == OPEN else statuses,
            open_only=statuses is not None and statuses <= _OPEN_STATUSES,
            before=before,
            limit=limit,
        )
        return OrderPage(
            items=[self._order(account, row) for row in page.items],
            next_cursor=_next_cursor(page, scope),
        )

    def fills(self, account: AccountId, parameters: ListParameters) -> FillPage:
        """List fills, newest first; raises like `orders`."""
        limit = _read_limit(parameters)
        scope = f"fills {account} {parameters.market}"
        before = read_cursor(parameters.cursor, scope)
        self._require_known(account, parameters.market)
        page = self._fills.newest(account, market=parameters.market, before=before, limit=limit)
        return FillPage(
            items=[
                fill_from_row(row, stored_market(self._catalogue, account.tenant, row.market))
                for row in page.items
            ],
            next_cursor=_next_cursor(page, scope),
        )

    def balances(self, account: AccountId) -> BalancePage:
        """List the account's balances."""
        items = [
            balance_from_row(row, stored_scale(self._catalogue, account.tenant, row.asset))
            for row in self._balances.all(account)
        ]
        return BalancePage(items=items, next_cursor=None)

    def _order(self, account: AccountId, row: OrderRow | None) -> Order:
        if row is None:
            raise NotFound("unknown_order", "There is no such order; see GET /v1/orders.")
        return order_from_row(row, stored_market(self._catalogue, account.tenant, row.market))

    def _require_known(self, account: AccountId, market: str | None) -> None:
        if market is not None:
            named_market(self._catalogue, account.tenant, market)


def _read_limit(parameters: ListParameters) -> int:
    return read_number(parameters.limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)


def _next_cursor(page: Page[OrderRow] | Page[FillRow], scope: str) -> str | None:
    return None if page.next_position is None else write_cursor(page.next_position, scope)
