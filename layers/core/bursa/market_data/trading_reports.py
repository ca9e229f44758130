"""Reports of what traded on a tenant's markets, day by day, and of what the tenant took in fees.

A day is one of UTC by the engine's own clock. It is a market's daily candle, which counts each
trade once and is the same from a rebuild; so the fees of all days are, to the unit, what the
tenant's fee account has got by trades.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import InvalidInput, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market
from bursa.market_data.candles import StoredCandles
from bursa.read_models.book_format import unpack_going_on
from bursa.read_models.candles import STORED_MS, Candle
from bursa.read_models.rows import CANDLES_SCHEMA
from bursa.trading.catalogue import MarketCatalogue

_DAY: Final = "1d"
_POSITION: Final = list(STORED_MS).index(_DAY)
DAYS_MAX: Final = 366
# Days of markets: more than a response may have room for.
ROWS_MAX: Final = 10_000


class Days(NamedTuple):
    """From a day to another, both included; days since 1970-01-01."""

    first: int
    last: int

    @property
    def end_ms(self) -> int:
        """When the last day is over, UTC milliseconds."""
        return (self.last + 1) * DAY_MS


class MarketDay(NamedTuple):
    """What traded in a market on a day, and its fees."""

    day: int
    market: Market
    traded: Candle


class Fee(NamedTuple):
    """Ledger units of an asset, and its number of decimal places."""

    units: int
    scale: int


@dataclass(frozen=True, slots=True)
class TradingReport:
    """A report.

    Attributes
    ----------
    items
        The days on which something traded, by day and market.
    is_final
        Whether nothing can be added any more.

    """

    days: Days
    items: Sequence[MarketDay]
    is_final: bool

    def fees(self) -> Mapping[str, Fee]:
        """Return what the tenant took of each asset, after rebates."""
        found: dict[str, Fee] = {}
        for one in self.items:
            units = one.market.units
            for asset, scale, fees in (
                (units.base, units.base_scale, one.traded.base_fees),
                (units.quote, units.quote_scale, one.traded.quote_fees),
            ):
                before = found.get(asset)
                found[asset] = Fee(fees + (before.units if before else 0), scale)
        return found

    def by_market(self) -> Sequence[MarketDay]:
        """Return what traded in each market on all the days together, as of the first of them."""
        found: dict[str, MarketDay] = {}
        for one in self.items:
            before = found.get(one.market.symbol)
            traded = before.traded.followed_by(one.traded) if before else one.traded
            found[one.market.symbol] = MarketDay(self.days.first, one.market, traded)
        return [found[symbol] for symbol in sorted(found)]


class Positions(Protocol):
    """How far the read models are; each method raises `Unavailable`."""

    def position_and_time(self, account: AccountId) -> tuple[int, int]:
        """Return the sequence that an account's rows reflect, and the exchange's time there."""

    def is_current(self, account: AccountId, schema: int) -> bool:
        """Return whether an account's rows are at least of a schema."""


class TradingReports:
    """Makes reports."""

    def __init__(
        self, catalogue: MarketCatalogue, data: StoredCandles, positions: Positions
    ) -> None:
        self._catalogue = catalogue
        self._data = data
        self._positions = positions

    def of(self, tenant: TenantId, days: Days) -> TradingReport:
        """Return the report of some days.

        Raises
        ------
        InvalidInput
            ``invalid_last_day``: it is before the first; ``too_many_days``: they are more than a
            report may have, or have more markets that traded.
        Unavailable
            ``read_models_unavailable``

        """
        if days.last < days.first:
            raise InvalidInput(
                "invalid_last_day",
                "Send a last_day that is not before first_day.",
                field="last_day",
            )
        if days.last - days.first >= DAYS_MAX:
            raise _too_many_days()
        # A tenant is on one shard, and so is its fee account.
        if not self._positions.is_current(tenant.fee_account, CANDLES_SCHEMA):
            raise Unavailable(
                "read_models_unavailable", "Reports are not ready: the operator rebuilds them."
            )
        # Before anything else is read: what comes later is not before the time there.
        time_ms = self._positions.position_and_time(tenant.fee_account)[1]
        found: list[MarketDay] = []
        for market in self._catalogue.all(tenant):
            found += (
                MarketDay(one.start_ms // DAY_MS, market, one)
                for one in self._days_of(tenant, market.symbol, days)
            )
            if len(found) > ROWS_MAX:
                raise _too_many_days()
        found.sort(key=lambda one: (one.day, one.market.symbol))
        return TradingReport(days, found, is_final=time_ms >= days.end_ms)

    def _days_of(self, tenant: TenantId, symbol: str, days: Days) -> Iterator[Candle]:
        # The book first: the day that it has no more is among the rows then.
        row = self._data.newest_book(tenant, symbol)
        if row is None or row.candles is None:
            return
        first_ms = days.first * DAY_MS
        ended = self._data.candles(tenant, symbol, _DAY, first_ms, days.end_ms)
        yield from ended
        today = unpack_going_on(row.candles)[_POSITION]
        if first_ms <= today.start_ms < days.end_ms and (
            not ended or ended[-1].start_ms < today.start_ms
        ):
            yield today


def _too_many_days() -> InvalidInput:
    return InvalidInput(
        "too_many_days",
        f"Ask for fewer days: {DAYS_MAX} at most, and {ROWS_MAX} days of markets that traded.",
        field="first_day",
    )
