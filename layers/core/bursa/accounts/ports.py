"""The read models of one account: its orders, fills and balances."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import BalanceRow, FillRow, OrderRow


class OrderReader(Protocol):
    """The orders of an account."""

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Return one order; None when the account has none of that id."""

    def by_client_id(self, account: AccountId, client_order_id: str) -> OrderRow | None:
        """Return the newest order under a client order id."""

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
        """Return orders that match, newest first."""


class FillReader(Protocol):
    """The fills of an account."""

    def newest(
        self, account: AccountId, *, market: str | None, before: str | None, limit: int
    ) -> Page[FillRow]:
        """Return fills, newest first."""

    def at_placement(self, account: AccountId, order_id: int) -> Sequence[FillRow]:
        """Return what an order traded in the moment it was placed."""


class BalanceReader(Protocol):
    """The balances of an account."""

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """Return the balances by asset."""
