"""Lists of an account that are read page by page, and paid for."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from bursa.accounts.queries import PageRequest
from bursa.dialects.binance.errors import LOOKUP_TOO_BIG, error, invalid
from bursa.dialects.binance.parameters import Parameters
from bursa.dialects.binance.rates import Budgets
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from wire import layout as w

LIMIT_DEFAULT: Final = 500
LIMIT_MAX: Final = 1_000
_PAGE: Final = 500
# A list is read from its newest end; no further back than so many pages of it.
_PAGES_MAX: Final = 20
_Row = TypeVar("_Row")


def pages_of(
    budgets: Budgets, account: AccountId, read: Callable[[PageRequest], Page[_Row]]
) -> Iterator[list[_Row]]:
    """Yield pages from the newest on; each but the first is charged as a read.

    Raises `BinanceError` -1127 where there are too many.
    """
    before = None
    for number in range(_PAGES_MAX):
        if number:
            budgets.require(account, (Charge(Budget.READS, 1),))
        page = read(PageRequest(_PAGE, before))
        yield list(page.items)
        before = page.next_position
        if before is None:
            return
    raise error(LOOKUP_TOO_BIG)


def times_of(parameters: Parameters) -> tuple[int | None, int | None]:
    """Return from when until when a list is asked for, in milliseconds; None for no end."""
    start_ms, end_ms = (
        parameters.number(name, most=w.TIME_MS_MAX) for name in ("startTime", "endTime")
    )
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        raise invalid("endTime")
    return start_ms, end_ms
