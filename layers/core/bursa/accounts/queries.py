"""What an account may read of its own: orders, fills, balances."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from bursa.accounts.ports import BalanceReader, FillReader, OrderReader
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.read_models.rows import BalanceRow, FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market, stored_scale
from bursa.trading.orders import OrderStatus, OrderView, order_from_row
from bursa.trading.outcomes import OrderRejected


class PageRequest(NamedTuple):
    """How many items to return, and the position after which they begin; None for the newest."""

    limit: int
    before: str | None = None


class MarketFill(NamedTuple):
    """A fill and the market it is in."""

    row: FillRow
    market: Market


class AssetBalance(NamedTuple):
    """A balance and the decimal places of its asset's unit."""

    row: BalanceRow
    scale: int


class AccountQueries:
    """Queries of an account about itself; nothing here can reach another account.

    Every method raises `Unavailable` ``read_models_unavailable``.
    """

    def __init__(
        self,
        catalogue: MarketCatalogue,
        orders: OrderReader,
        fills: FillReader,
        balances: BalanceReader,
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._balances = balances

    def order(self, account: AccountId, order_id: int) -> OrderView | None:
        """Return one order; None for one that is not the account's, or that there is none of."""
        row = self._orders.get(account, order_id)
        return None if row is None else self._view(account, row)

    def order_by_client_id(
        self, account: AccountId, client_order_id: str
    ) -> OrderView | OrderRejected | None:
        """Return the newest order under a client order id, or why there is none."""
        known = self._orders.by_client_ids(account, [client_order_id], latest=True)
        row = known.get(client_order_id)
        if row is None:
            return None
        if row.reason is not None:
            return OrderRejected.named(row.reason)
        return self.order(account, row.order_id)

    def orders(
        self,
        account: AccountId,
        market: Market | None,
        statuses: AbstractSet[OrderStatus] | None,
        page: PageRequest,
    ) -> Page[OrderView]:
        """Return orders in a market and of some statuses, newest first; None is for any."""
        found = self._orders.newest(
            account,
            market=None if market is None else market.symbol,
            statuses=None if statuses is None else {status.word for status in statuses},
            before=page.before,
            limit=page.limit,
        )
        return Page([self._view(account, row) for row in found.items], found.next_position)

    def fills(
        self, account: AccountId, market: Market | None, page: PageRequest
    ) -> Page[MarketFill]:
        """Return fills in a market or, when None, in all, newest first."""
        found = self._fills.newest(
            account,
            market=None if market is None else market.symbol,
            before=page.before,
            limit=page.limit,
        )
        items = [
            MarketFill(row, stored_market(self._catalogue, account.tenant, row.market))
            for row in found.items
        ]
        return Page(items, found.next_position)

    def balances(self, account: AccountId) -> list[AssetBalance]:
        """Return the account's balances by asset."""
        return [
            AssetBalance(row, stored_scale(self._catalogue, account.tenant, row.asset))
            for row in self._balances.all(account)
        ]

    def _view(self, account: AccountId, row: OrderRow) -> OrderView:
        return order_from_row(row, stored_market(self._catalogue, account.tenant, row.market))
