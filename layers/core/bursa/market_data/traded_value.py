"""How much a user has traded each day, in a currency that the tenant counts in.

Both sides of a trade count, a user's sub-accounts with the user. What one's trades of a day were
worth is the sum of what each quote asset's amount was worth at that day's prices
(`bursa.market_data.valuation`), each rounded up.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market
from bursa.market_data.valuation import ClosingPrices, Reference, Valuation
from bursa.read_models.traded_rows import TradedRow


class TradedRows(Protocol):
    """What users have traded, and what markets' days ended at. Reads raise `Unavailable`."""

    def traded(self, owner: AccountId, first_day: int, last_day: int) -> Sequence[TradedRow]:
        """Read a user's amounts of some days."""

    def closing_prices(self, tenant: TenantId, market: str) -> ClosingPrices:
        """Read the last prices of a market's newest days on which it traded, 62 at least."""


class TradedValue(NamedTuple):
    """What was traded by day, in units of the reference; and assets that have no price yet.

    Amounts of assets without a price are in no day.
    """

    by_day: Mapping[int, int]
    without_price: frozenset[str]

    def between(self, first_day: int, last_day: int) -> int:
        """Return the sum of some days, the first and the last included."""
        return sum(value for day, value in self.by_day.items() if first_day <= day <= last_day)


class TradedValues:
    """Values of what users trade.

    Parameters
    ----------
    markets_of
        Returns a tenant's markets.

    """

    def __init__(
        self, rows: TradedRows, markets_of: Callable[[TenantId], Sequence[Market]]
    ) -> None:
        self._rows = rows
        self.markets_of = markets_of

    def valuation(self, tenant: TenantId, reference: Reference) -> Valuation:
        """Return how a tenant's amounts are valued."""
        return Valuation(
            [market.units for market in self.markets_of(tenant)],
            lambda market: self._rows.closing_prices(tenant, market),
            reference,
        )

    def closing_prices(self, tenant: TenantId, market: str) -> ClosingPrices:
        """Return the last prices of a market's days, the newest first; raises `Unavailable`."""
        return self._rows.closing_prices(tenant, market)

    def of_user(
        self, account: AccountId, reference: Reference, first_day: int, last_day: int
    ) -> TradedValue:
        """Return what the user whose account this is has traded on each of some days.

        Days are numbers since 1970-01-01 (UTC). It lacks what was committed in the last moments,
        as read models do. Raises `Unavailable`.
        """
        valuation = self.valuation(account.tenant, reference)
        by_day: Counter[int] = Counter()
        without_price: set[str] = set()
        for row in self._rows.traded(account.owner, first_day, last_day):
            value = valuation.value(row.asset, row.amount, row.day)
            if value is None:
                without_price.add(row.asset)
            else:
                by_day[row.day] += value
        return TradedValue(by_day, frozenset(without_price))
