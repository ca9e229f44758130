"""Reports of tenants' back offices, as they are sent. Amounts are decimals, days UTC dates."""

from typing_extensions import TypedDict


class MarketReport(TypedDict):
    """What traded in a market, and what the tenant took of it in fees, after rebates.

    Fees that are negative are rebates that other markets' fees have paid.
    """

    market: str
    trades: int
    volume: str
    quote_volume: str
    base_fees: str
    quote_fees: str


class MarketDayReport(MarketReport):
    """The same of one day."""

    day: str


class FeeReport(TypedDict):
    """What the tenant took of an asset, on all markets together."""

    asset: str
    amount: str


class TradingReportResponse(TypedDict):
    """What traded on the days from the first to the last, by the exchange's own clock.

    days and markets without a trade are left out. final is false while something may still be
    added: the last day is not over.
    """

    first_day: str
    last_day: str
    final: bool
    fees: list[FeeReport]
    markets: list[MarketReport]
    days: list[MarketDayReport]
