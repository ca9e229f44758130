"""Names of lists all of whose orders have names of their own, as ccxt sends them.

Such a name is the idempotency key that the list is sent with: for a day, another list under it is
refused, and it leads to the list by the reply (docs/adr/0094). As with client order ids, it may be
used again once its list is closed or was rejected: by another attempt, of which each has a key.
"""

from bursa.dialects.binance.client_order_ids import Attempt, ClientOrderIds
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId
from bursa.trading.outcomes import OrderRejected


def key_of(stored: str) -> str:
    """Return the request key of an attempt of a name."""
    return f"list:{stored}"


class ListNames(ClientOrderIds):
    """The attempts of an account's names of lists; the order of one is the last of its list."""

    def _attempt_under(
        self, account: AccountId, stored: str, number: int, *, may_wait: bool
    ) -> Attempt | None:
        found = self._queries.list_of_request(account, key_of(stored))
        if found is None:
            return None
        if isinstance(found, OrderRejected):
            return Attempt(number, None, is_over=True)
        try:
            listed = self._queries.order_list(account, found) if found else None
        except NotFound:
            if may_wait:
                raise
            listed = None
        if listed is None:
            return Attempt(number, None, is_over=False)  # not decided, or not readable yet
        return Attempt(number, listed.orders[-1], is_over=not listed.is_open)
