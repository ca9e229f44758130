"""When intervals begin."""

from datetime import UTC, datetime

import pytest

from bursa.market_data.intervals import INTERVALS

SECOND_MS = 1_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_MS


@pytest.mark.parametrize(
    ("name", "start", "after"),
    [
        ("1m", "2026-12-31T22:47:00", "2026-12-31T22:48:00"),
        ("3m", "2026-12-31T22:45:00", "2026-12-31T22:48:00"),
        ("5m", "2026-12-31T22:45:00", "2026-12-31T22:50:00"),
        ("15m", "2026-12-31T22:45:00", "2026-12-31T23:00:00"),
        ("30m", "2026-12-31T22:30:00", "2026-12-31T23:00:00"),
        ("1h", "2026-12-31T22:00:00", "2026-12-31T23:00:00"),
        ("2h", "2026-12-31T22:00:00", "2027-01-01T00:00:00"),
        ("4h", "2026-12-31T20:00:00", "2027-01-01T00:00:00"),
        ("6h", "2026-12-31T18:00:00", "2027-01-01T00:00:00"),
        ("8h", "2026-12-31T16:00:00", "2027-01-01T00:00:00"),
        ("12h", "2026-12-31T12:00:00", "2027-01-01T00:00:00"),
        ("1d", "2026-12-31T00:00:00", "2027-01-01T00:00:00"),
        ("3d", "2026-12-30T00:00:00", "2027-01-02T00:00:00"),
        ("1w", "2026-12-28T00:00:00", "2027-01-04T00:00:00"),
        ("1M", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_beginnings(name: str, start: str, after: str) -> None:
    interval, time_ms = INTERVALS[name], ms("2026-12-31T22:47:11")
    assert interval.start_of(time_ms) == ms(start)
    assert interval.after(ms(start)) == ms(after)
    assert interval.after(ms(after), -1) == ms(start)
    assert interval.start_from(time_ms) == ms(after)
    assert interval.start_from(ms(start)) == ms(start)
    assert list(interval.starts(ms(start), ms(after))) == [ms(start), ms(after)]


def test_months_are_counted_over_years_and_no_further_than_1970() -> None:
    month = INTERVALS["1M"]
    assert month.after(ms("2024-02-01"), 12) == ms("2025-02-01")
    assert month.after(ms("2024-02-01"), 1) == ms("2024-03-01")
    assert month.after(ms("2024-02-01"), -1_000) == 0


def test_each_of_a_stored_interval_is_within_one() -> None:
    for interval in INTERVALS.values():
        stored = INTERVALS[interval.stored]
        for start_ms in interval.starts(ms("2024-02-01"), ms("2024-02-03")):
            begin_ms = interval.start_of(start_ms)
            assert stored.start_of(begin_ms) == begin_ms
