"""The reports that a tenant's back office makes of all its markets."""

import csv
import io
from typing import Final, NamedTuple, Protocol

from bursa.back_office.desk import Envelope
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.dialects.native.parameters import read_choice
from bursa.dialects.native.report_responses import (
    FeeReport,
    MarketDayReport,
    MarketReport,
    TradingReportResponse,
)
from bursa.dialects.native.tables import FORMATS, Table
from bursa.identity.principal import Principal
from bursa.kernel.amounts import Lots, Units, format_units
from bursa.kernel.calendar_time import date_of, parse_date
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.market_data.trading_reports import Days, MarketDay, TradingReport

TRADING: Final = "report:trading"
_COLUMNS: Final = tuple(MarketDayReport.__annotations__)


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""


class Desk(Protocol):
    """Logs reads; see `bursa.back_office.desk.Desk`."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class Reports(Protocol):
    """Makes reports; see `bursa.market_data.trading_reports.TradingReports`."""

    def of(self, tenant: TenantId, days: Days) -> TradingReport:
        """Return the report of some days."""


class Asked(NamedTuple):
    """The query parameters of a report."""

    first_day: str | None
    last_day: str | None
    format: str | None


class ReportRoutes:
    """What `functions/admin_api` serves of reports."""

    def __init__(self, admission: Admission, desk: Desk, reports: Reports) -> None:
        self._admit = admission
        self._desk = desk
        self._reports = reports

    def trading(
        self, principal: Principal, asked: Asked, envelope: Envelope
    ) -> TradingReportResponse | Table:
        """Return what traded on some days, and its fees."""
        staff = self._admit(principal, Action.READ_REPORTS)
        days = Days(_day(asked.first_day, "first_day"), _day(asked.last_day, "last_day"))
        is_table = read_choice(asked.format, "format", FORMATS) == "csv"
        self._desk.read(staff, Action.READ_REPORTS, TRADING, envelope)
        report = self._reports.of(staff.tenant, days)
        if is_table:
            return _table(report)
        return TradingReportResponse(
            first_day=_date(days.first),
            last_day=_date(days.last),
            final=report.is_final,
            fees=[
                FeeReport(asset=asset, amount=format_units(fee.units, fee.scale))
                for asset, fee in sorted(report.fees().items())
            ],
            markets=[_market(one) for one in report.by_market()],
            days=[_market_day(one) for one in report.items],
        )


def _day(text: str | None, field: str) -> int:
    if text is None:
        raise InvalidInput(f"missing_{field}", f"Send {field}, a date of UTC.", field=field)
    date = parse_date(text)
    if date is None:
        raise InvalidInput(
            f"invalid_{field}", f"Send {field} as a date of UTC: 2026-11-30.", field=field
        )
    return date.day_number


def _date(day: int) -> str:
    return str(date_of(day))


def _market(one: MarketDay) -> MarketReport:
    units, traded = one.market.units, one.traded
    return MarketReport(
        market=one.market.symbol,
        trades=traded.trades,
        volume=units.quantity_text(Lots(traded.volume)),
        quote_volume=units.amount_text(Units(traded.quote_volume), units.quote),
        base_fees=units.amount_text(Units(traded.base_fees), units.base),
        quote_fees=units.amount_text(Units(traded.quote_fees), units.quote),
    )


def _market_day(one: MarketDay) -> MarketDayReport:
    return MarketDayReport(day=_date(one.day), **_market(one))


def _table(report: TradingReport) -> Table:
    """Return a report in CSV: a row for each day of each market that traded."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, ("day", *(one for one in _COLUMNS if one != "day")))
    rows.writeheader()
    rows.writerows(_market_day(one) for one in report.items)
    name = f"trading-{_date(report.days.first)}-{_date(report.days.last)}.csv"
    return Table(text.getvalue(), name)
