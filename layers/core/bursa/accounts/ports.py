"""The read models of one account: its orders, fills and balances."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from bursa.kernel.amounts import Lots
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import BalanceRow, ClientOrderRow, FillRow, OrderRow


class OrderReader(Protocol):
    """The orders of an account."""

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Return one order; None when the account has none of that id."""

    def of_list(self, account: AccountId, list_id: int) -> Sequence[OrderRow]:
        """Return the orders of a list, by id; none when the account has no list of that id."""

    def by_client_ids(
        self, account: AccountId, client_order_ids: Collection[str], *, latest: bool
    ) -> Mapping[str, ClientOrderRow]:
        """Return what became of the newest orders under these client order ids, where known.

        It may be some moments old unless the latest is asked for.
        """

    def newest(
        self,
        account: AccountId,
        *,
        market: str | None,
        statuses: Collection[str] | None,
        before: str | None,
        limit: int,
        latest: bool = False,
    ) -> Page[OrderRow]:
        """Return orders that match, newest first; a page may be short before the last one.

        Open orders are the latest. A list of closed ones, or of one market whatever their status,
        may miss what was closed some moments ago.
        """

    def position_at(self, account: AccountId, time_ms: int) -> str | None:
        """Return the position before which all orders were placed before a time.

        None where all there are were.
        """


class FillReader(Protocol):
    """The fills of an account."""

    def newest(
        self,
        account: AccountId,
        *,
        market: str | None,
        before: str | None,
        limit: int,
        latest: bool = False,
    ) -> Page[FillRow]:
        """Return fills, newest first."""

    def position_at(self, account: AccountId, time_ms: int) -> str | None:
        """Return the position before which all fills are from before a time; None as for orders."""

    def at_placement(
        self, account: AccountId, order_id: int, filled: Lots, most: int
    ) -> Sequence[FillRow]:
        """Return what an order traded in the moment it was placed, ``most`` fills of it at most.

        ``filled`` is how much of it has been filled until now.
        """


class BalanceReader(Protocol):
    """The balances of an account."""

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """Return the balances by asset."""
