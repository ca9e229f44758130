"""What would become of orders, lists, changes and batches that are not sent.

By what the read models know of the markets and the account now; all of it may be another when they
come. Nothing is sent, and no id is used up.
"""

from typing import Protocol

from bursa.accounts.ports import BalanceReader
from bursa.accounts.queries import AccountQueries
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market
from bursa.trading.commands import AmendOrder, Batch, CancelOrder, PlaceOrder, ReplaceOrder
from bursa.trading.dry_run_batches import Assessed, Reads, Told, assess_batch
from bursa.trading.dry_run_changes import OpenOrder, assess_change
from bursa.trading.dry_run_lists import ListAssessment, assess_list
from bursa.trading.dry_run_rules import Assessment, MarketView, assess, order_assets
from bursa.trading.order_lists import PlaceList
from bursa.trading.orders import OPEN_STATUSES, OrderView
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected


class ViewReader(Protocol):
    """Reads markets."""

    def __call__(self, tenant: TenantId, market: Market) -> MarketView:
        """Return what is known of a market now; raises `Unavailable`."""


class DryRun:
    """Dry runs: what would become of each.

    Every method raises `Unavailable` ``read_models_unavailable``.
    """

    def __init__(
        self, view: ViewReader, balances: BalanceReader, queries: AccountQueries, clock: WallClock
    ) -> None:
        self._view = view
        self._balances = balances
        self._queries = queries
        self._clock = clock

    def __call__(self, account: AccountId, order: PlaceOrder) -> tuple[Assessment, MarketView]:
        """Return what would become of an order, and the market by which that was found."""
        view, balances = self._view(account.tenant, order.market), self._available(account)
        available = None if balances is None else balances.get(order_assets(order)[0], 0)
        return assess(order, view, available, self._clock.now_ms()), view

    def change(
        self, account: AccountId, change: AmendOrder | ReplaceOrder
    ) -> Assessed | OrderAlreadyClosed:
        """Return what would become of a change of an order that does not trail."""
        if change.order.status not in OPEN_STATUSES:
            return OrderAlreadyClosed(change.order.order_id)
        order, view = OpenOrder.of(change.order), self._view(account.tenant, change.order.market)
        balances = self._available(account) or {}
        available = balances.get(order_assets(order.stated)[0], 0)
        replaces = isinstance(change, ReplaceOrder)
        told = assess_change(order, change.change, view, available, replaces=replaces)
        return Assessed(told.after.arriving(view).order, told.assessment, view)

    def order_list(
        self, account: AccountId, wanted: PlaceList
    ) -> tuple[ListAssessment, MarketView]:
        """Return what would become of a list, and the market by which that was found."""
        view, balances = self._view(account.tenant, wanted.last.market), self._available(account)
        return assess_list(wanted, view, balances or {}, self._clock.now_ms()), view

    def batch(self, account: AccountId, batch: Batch) -> tuple[Told, ...]:
        """Return what would become of each operation of a batch; none changes one that trails."""

        def find(cancel: CancelOrder) -> OrderView | None:
            if cancel.client_order_id is None:
                return self._queries.order(account, cancel.order_id or 0)
            found = self._queries.order_by_client_id(account, cancel.client_order_id)
            return None if isinstance(found, OrderRejected) else found

        def view(market: Market) -> MarketView:
            return self._view(account.tenant, market)

        reads = Reads(view, find, self._available(account), self._clock.now_ms())
        return assess_batch(batch, reads)

    def rejected(self, account: AccountId, wanted: PlaceList, reason: int) -> int | None:
        """Return which order of a list was rejected, by position; None where that is not known.

        It is the one that the same rules reject for the same reason just after, by what is known
        then: the engine says the reason only.
        """
        try:
            told, _ = self.order_list(account, wanted)
        except Unavailable:
            return None
        return told.position if told.reason == reason else None

    def _available(self, account: AccountId) -> dict[str, int] | None:
        """Return what is available of each asset.

        An account that has never had anything is none to the engine.
        """
        rows = self._balances.all(account)
        return {row.asset: row.available for row in rows} if rows else None
