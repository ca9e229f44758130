"""Whether all that was traded on the days that a run counts is added up."""

from dataclasses import dataclass, field

import pytest

from bursa.fees.counted_days import DELAYS_MS, CountedDays
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.read_models.rows import TRADED_SCHEMA

TENANT = TenantId(1)
MIDNIGHT_MS = 20_000 * 86_400_000


@dataclass
class Shard:
    """A shard whose read models are late by so much, on a clock that only waiting moves."""

    whole_until_ms_: int = MIDNIGHT_MS - 1
    schema: int = TRADED_SCHEMA
    late_ms: float = 0
    time_ms: float = MIDNIGHT_MS + 20 * 60_000
    committed: list[float] = field(default_factory=list)

    def whole_until_ms(self, _tenant: TenantId) -> int:
        shown = [at for at in self.committed if at + self.late_ms <= self.time_ms]
        return int(max(shown, default=self.whole_until_ms_))

    def has_schema(self, _tenant: TenantId, schema: int) -> bool:
        return self.schema >= schema

    def do_nothing(self, _tenant: TenantId) -> None:
        self.committed.append(self.time_ms)

    def now_ms(self) -> int:
        return int(self.time_ms)

    def monotonic_ms(self) -> float:
        return self.time_ms

    def sleep_ms(self, duration_ms: float) -> None:
        self.time_ms += duration_ms

    def require(self) -> None:
        CountedDays(self, self.do_nothing, self).require(TENANT, MIDNIGHT_MS)


@pytest.mark.parametrize(("after_ms", "commits"), [(-1, 1), (0, 0), (1, 0)])
def test_a_record_of_the_day_after_says_that_a_day_is_whole(after_ms: int, commits: int) -> None:
    shard = Shard(MIDNIGHT_MS + after_ms)
    shard.require()
    assert len(shard.committed) == commits


@pytest.mark.parametrize(
    ("late_ms", "waits_ms"), [(0, 0), (60, 150), (sum(DELAYS_MS), sum(DELAYS_MS))]
)
def test_a_shard_without_records_is_asked_for_one(late_ms: int, waits_ms: int) -> None:
    shard = Shard(late_ms=late_ms)
    began = shard.time_ms
    shard.require()
    assert shard.time_ms - began == waits_ms
    assert len(shard.committed) == 1


def test_read_models_that_are_late_are_no_day() -> None:
    shard = Shard(late_ms=sum(DELAYS_MS) + 1)
    with pytest.raises(Unavailable) as caught:
        shard.require()
    assert caught.value.code == "read_models_late"
    # Once they are there, nothing more is committed for it.
    shard.late_ms = 0
    shard.require()
    assert len(shard.committed) == 1


def test_an_exchange_whose_clock_is_still_of_the_day_is_waited_for() -> None:
    shard = Shard(time_ms=MIDNIGHT_MS - 60_000)
    with pytest.raises(Unavailable) as caught:
        shard.require()
    assert caught.value.code == "read_models_late"


def test_rows_of_before_amounts_were_added_up_are_no_day() -> None:
    shard = Shard(MIDNIGHT_MS + 1, schema=TRADED_SCHEMA - 1)
    with pytest.raises(Unavailable) as caught:
        shard.require()
    assert caught.value.code == "read_models_unavailable"
    assert not shard.committed
