"""Client order ids that are unique among open orders, over ids that are one order's for good.

The first order under ``x`` is the order ``x`` of the exchange. Once that is closed, or was
rejected, the next one is ``x::2``, then ``x::3``: attempts of the same id (docs/adr/0077).
An attempt is only made when the one before it is known to be over, and never opens again; so at
most one order under ``x`` is open, and of two that come at once the exchange takes one.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from bursa.accounts.queries import AccountQueries
from bursa.dialects.binance.errors import DUPLICATE_ORDER, error
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId
from bursa.trading.orders import OPEN_STATUSES, OrderView
from bursa.trading.outcomes import OrderRejected
from bursa.trading.settle import NEVER_ACCEPTED

LENGTH_MAX: Final = 36
# As Binance has it without the slash, which the exchange's own ids don't have; and two colons are
# before an attempt's number.
FORM: Final = re.compile(r"(?!.*::)[.A-Z:a-z0-9_-]{1,36}", re.ASCII)
_ATTEMPT: Final = re.compile(r"(.+)::([1-9][0-9]*)", re.ASCII | re.DOTALL)
_ATTEMPTS_MAX: Final = 1 << 30
_GENERATED_LENGTH: Final = 22


def stored_id(client_order_id: str, attempt: int) -> str:
    """Return what the exchange knows an attempt by."""
    return client_order_id if attempt == 1 else f"{client_order_id}::{attempt}"


def shown_id(stored: str | None) -> str:
    """Return what a client knows an order by; empty for an order without an id."""
    if stored is None:
        return ""
    match = _ATTEMPT.fullmatch(stored)
    return stored if match is None else match[1]


def generated_id(random_key: Callable[[], str]) -> str:
    """Return an id for an order whose client has sent none."""
    return random_key()[:_GENERATED_LENGTH]


class Attempt(NamedTuple):
    """An attempt that there was; `order` is None for one that was rejected, or is not to be seen.

    ``is_over`` is whether nothing of it is open, now and ever.
    """

    number: int
    order: OrderView | None
    is_over: bool


class ClientOrderIds:
    """The attempts of an account's client order ids.

    Parameters
    ----------
    pays
        Charges an account for a look beyond the first; raises `TooManyRequests`.

    """

    def __init__(self, queries: AccountQueries, pays: Callable[[AccountId], None]) -> None:
        self._queries = queries
        self._pays = pays

    def free(self, account: AccountId, client_order_id: str) -> str:
        """Return what a new order is to be stored under; raises `BinanceError` -2010 (duplicate).

        An order that nobody was told of yet may be missed. Then the exchange says that the id is
        taken, or that the order is there already, and takes no second one.
        """
        newest = self._newest(account, client_order_id, may_wait=False)
        if newest is None:
            return stored_id(client_order_id, 1)
        if not newest.is_over:
            raise error(DUPLICATE_ORDER)
        return stored_id(client_order_id, newest.number + 1)

    def order(self, account: AccountId, client_order_id: str) -> OrderView | None:
        """Return the newest order under an id; None where there is none, or it was rejected."""
        newest = self._newest(account, client_order_id, may_wait=True)
        return None if newest is None else newest.order

    def _newest(
        self, account: AccountId, client_order_id: str, *, may_wait: bool
    ) -> Attempt | None:
        """Find the last attempt in few looks: there is each one up to it, and none after it."""
        last = self._attempt(account, client_order_id, 1, may_wait=may_wait)
        if last is None or not last.is_over:
            return last
        step = 1
        beyond = _ATTEMPTS_MAX
        while last.number + 1 < beyond:
            self._pays(account)
            number = min(last.number + step, (last.number + beyond) // 2)
            found = self._attempt(account, client_order_id, number, may_wait=False)
            if found is None:
                beyond, step = number, max(1, step // 2)
            elif not found.is_over:
                return found
            else:
                last, step = found, step * 2
        return last

    def _attempt(
        self, account: AccountId, client_order_id: str, number: int, *, may_wait: bool
    ) -> Attempt | None:
        stored = stored_id(client_order_id, number)
        return self._attempt_under(account, stored, number, may_wait=may_wait)

    def _attempt_under(
        self, account: AccountId, stored: str, number: int, *, may_wait: bool
    ) -> Attempt | None:
        try:
            found = self._queries.order_by_client_id(account, stored, may_wait=may_wait)
        except NotFound:
            if may_wait:
                raise
            return Attempt(number, None, is_over=False)  # there, and not readable yet
        if found is None:
            return None
        if found == NEVER_ACCEPTED:
            # Settled by another dialect: whatever was on its way must not come in any more.
            return Attempt(number, None, is_over=False)
        if isinstance(found, OrderRejected):
            return Attempt(number, None, is_over=True)
        return Attempt(number, found, is_over=found.status not in OPEN_STATUSES)
