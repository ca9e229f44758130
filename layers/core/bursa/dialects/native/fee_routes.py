"""The routes about fees: what a user pays, and why."""

from bursa.dialects.native.fee_responses import FeeTier, MarketFees, OwnFees
from bursa.fees.queries import FeeQueries, rates_of
from bursa.fees.queries import OwnFees as Found
from bursa.fees.schedule import FeeSchedule
from bursa.kernel.amounts import format_units
from bursa.kernel.calendar_time import date_of
from bursa.kernel.identifiers import AccountId
from bursa.trading.catalogue import MarketCatalogue


class FeeRoutes:
    """What `functions/trading_api` serves of fees."""

    def __init__(self, fees: FeeQueries, catalogue: MarketCatalogue) -> None:
        self._fees = fees
        self._catalogue = catalogue

    def own(self, account: AccountId) -> OwnFees:
        """Return an account's fees."""
        found = self._fees.of(account)
        markets = [one.symbol for one in self._catalogue.all(account.tenant)]
        return present_own_fees(found, markets)


def present_own_fees(found: Found, markets: list[str]) -> OwnFees:
    """Return fees with volumes as decimals."""
    schedule, counted = found.schedule or FeeSchedule("", 0, ()), found.counted
    is_counted = bool(counted.counted_day) and counted.currency == schedule.currency
    rates, next_tier = rates_of(found.rates, found.tier), found.next_tier

    def tier_of(tier: int) -> FeeTier:
        return FeeTier(
            tier=tier,
            volume=format_units(schedule.least(tier), schedule.scale),
            maker_ppm=rates_of(found.rates, tier).maker_ppm,
            taker_ppm=rates_of(found.rates, tier).taker_ppm,
        )

    return OwnFees(
        tier=found.tier,
        pinned=counted.pinned_tier is not None,
        volume=format_units(counted.volume, schedule.scale) if is_counted else None,
        currency=schedule.currency or None,
        counted_day=str(date_of(counted.counted_day)) if is_counted else None,
        next_tier=None if next_tier is None else tier_of(next_tier),
        tiers=[tier_of(tier) for tier in schedule.tiers],
        markets=[
            MarketFees(market=one, maker_ppm=rates.maker_ppm, taker_ppm=rates.taker_ppm)
            for one in markets
        ],
    )
