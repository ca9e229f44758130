"""Days and months of UTC as numbers, because the pure parts of the product have no `datetime`.

Sources: days of the proleptic Gregorian calendar after Howard Hinnant's "chrono-Compatible
Low-Level Date Algorithms", `days_from_civil` and `civil_from_days`.
"""

import re
from typing import Final, NamedTuple

DAY_MS: Final = 86_400_000
# Days from 0000-03-01, where the algorithm's years begin, to 1970-01-01.
_EPOCH_DAYS: Final = 719_468
_ERA_DAYS: Final = 146_097
_ERA_YEARS: Final = 400
_MONTHS: Final = 12
_FEBRUARY: Final = 2
_MONTH_DAYS_MAX: Final = 31
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?(?:Z|\+00:?00)?"
)


class CalendarDate(NamedTuple):
    """A day of the calendar."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"

    @property
    def day_number(self) -> int:
        """Days since 1970-01-01."""
        year = self.year - (self.month <= _FEBRUARY)
        era, year_of_era = divmod(year, _ERA_YEARS)
        day_of_year = (153 * ((self.month + 9) % _MONTHS) + 2) // 5 + self.day - 1
        day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
        return era * _ERA_DAYS + day_of_era - _EPOCH_DAYS


def date_of(day_number: int) -> CalendarDate:
    """Return the date that is so many days after 1970-01-01."""
    era, day_of_era = divmod(day_number + _EPOCH_DAYS, _ERA_DAYS)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004 - March is the first
    year = year_of_era + era * _ERA_YEARS + (month <= _FEBRUARY)
    return CalendarDate(year, month, day_of_year - (153 * shifted + 2) // 5 + 1)


def day_at(time_ms: int) -> int:
    """Return the number of the day at a time, UTC, as `CalendarDate.day_number` counts."""
    return time_ms // DAY_MS


def month_at(time_ms: int) -> int:
    """Return the number of the month at a time, UTC; the year times twelve and the month."""
    date = date_of(day_at(time_ms))
    return date.year * _MONTHS + date.month - 1


def first_day_of_month(day_number: int) -> int:
    """Return the number of the first day of the month that a day is in."""
    return day_number - date_of(day_number).day + 1


def next_month(day_number: int) -> int:
    """Return the number of the first day of the month after the one that a day is in."""
    # No month has more days, and the one after has at least as many as are left over.
    return first_day_of_month(first_day_of_month(day_number) + _MONTH_DAYS_MAX)


def parse_date(text: str) -> CalendarDate | None:
    """Read ``1990-02-28``; None for anything else, also for a day that no month has."""
    found = _ISO_DATE.fullmatch(text)
    if found is None:
        return None
    date = CalendarDate(int(found[1]), int(found[2]), int(found[3]))
    # A day that does not exist comes back as another.
    is_real = 1 <= date.month <= _MONTHS and date.day and date_of(date.day_number) == date
    return date if is_real else None


def parse_time_ms(text: str) -> int | None:
    """Read a UTC time, ``2026-11-29 03:30:00.123`` or ISO 8601; None for anything else."""
    found = _TIME.fullmatch(text)
    date = None if found is None else parse_date(found[1])
    if found is None or date is None:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    fraction_ms = int((found[5] or "0").ljust(3, "0")[:3])
    return date.day_number * DAY_MS + seconds * 1000 + fraction_ms
