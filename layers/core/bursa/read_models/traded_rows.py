"""What users trade each day, and what each market's day ended at.

A row of traded amounts is one user's, whichever of its accounts traded: how much of a quote asset
its trades of a day (UTC) were worth, both sides of a trade counting. It holds no value in any other
currency: `bursa.market_data.traded_value` works that out from the days' last prices, so the same
rows serve whatever currency a tenant counts in.

Amounts are sums, so they are not written as a state but added, each command's once: a row says up
to which sequence it holds them.
"""

from collections.abc import Mapping

import msgspec

from bursa.kernel.amounts import Ticks, Units

DAY_MS = 86_400_000

# Owner, day and asset; and what each sequence adds.
TradedKey = tuple[str, int, str]
Additions = Mapping[int, int]


class TradedRow(msgspec.Struct, frozen=True):
    """How much of a quote asset a user's accounts have traded on one day.

    Attributes
    ----------
    account
        The user's main account.
    day
        Days since 1970-01-01, UTC.
    amount
        Ledger units of the asset.

    """

    account: str
    day: int
    asset: str
    amount: Units
    sequence: int


class ClosingPriceRow(msgspec.Struct, frozen=True):
    """The last price of a market on a day on which it traded; that of today still changes."""

    tenant: str
    market: str
    day: int
    price: Ticks
    sequence: int


def not_added(additions: Additions, sequence: int) -> Additions:
    """Return what a row lacks that holds everything up to a sequence."""
    return {at: amount for at, amount in additions.items() if at > sequence}
