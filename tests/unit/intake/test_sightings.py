"""Reads that are spread over very many containers: who is found, how soon, and what it costs."""

from dataclasses import dataclass, field
from random import Random

import pytest

from bursa.intake.budgets import Budget, Budgets, Charge
from bursa.intake.sightings import Sightings, sample_size
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.buckets import CountingReport, MemoryBuckets

ALICE, BOB = AccountId(TenantId(1), 1), AccountId(TenantId(1), 2)
READ = (Charge(Budget.READS, 1),)
RATE, BURST = DEFAULT_LIMITS.account_reads
CONTAINERS = 200


@dataclass
class Fleet:
    """Containers that share their buckets and their sightings; chance is seeded."""

    seed: int
    sees: bool = True
    time_ms: int = 1_795_291_200_000
    shared: MemoryBuckets = field(default_factory=MemoryBuckets)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        sightings = [
            Sightings(self.shared, self._one_in) if self.sees else None for _ in range(CONTAINERS)
        ]
        self.containers = [
            Budgets(
                lambda _: DEFAULT_LIMITS,
                self.shared,
                self,
                CountingReport(),
                lambda _: False,
                sightings=one,
            )
            for one in sightings
        ]

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def now_ms(self) -> int:
        return self.time_ms

    def reads(self, container: int, account: AccountId) -> bool:
        try:
            self.containers[container].require(account, READ)
        except TooManyRequests:
            return False
        return True

    def spread(self, per_s: int, seconds: int, account: AccountId = ALICE) -> list[int]:
        """Read evenly through all containers in turn; return how many pass in each second."""
        admitted, sent = [0] * seconds, 0
        for step in range(seconds * 100):
            self.time_ms += 10
            for _ in range((step + 1) * per_s // 100 - step * per_s // 100):
                admitted[step // 100] += self.reads(sent % CONTAINERS, account)
                sent += 1
        return admitted


@pytest.mark.parametrize("seed", range(10))
def test_a_flood_below_every_containers_share_is_held_to_its_budget(seed: int) -> None:
    """200 containers with a twenty-fifth of the rate each: eight times the budget."""
    per_s = CONTAINERS * RATE // 25
    before = Fleet(seed, sees=False).spread(per_s, 5)
    assert sum(before) == per_s * 5

    admitted = Fleet(seed).spread(per_s, 30)

    assert sum(admitted[:10]) <= 1.5 * (BURST + RATE * 10)
    assert sum(admitted[2:12]) <= BURST + RATE * 10
    assert sum(admitted[15:]) <= RATE * 15


@pytest.mark.parametrize(
    ("per_s", "writes_per_1000_max"),
    [pytest.param(1, 25, id="1 a second"), pytest.param(20, 30, id="20 a second")],
)
def test_an_ordinary_user_costs_few_writes(per_s: int, writes_per_1000_max: int) -> None:
    """One for each `sample_size`, 50 for the default rate, and hardly any by false names."""
    reads = 3_000
    writes = 0
    for seed in range(4):
        fleet = Fleet(seed)
        assert sum(fleet.spread(per_s, reads // per_s)) == reads
        writes += fleet.shared.writes[str(ALICE)]
    assert writes / 4 / reads * 1_000 <= writes_per_1000_max


@pytest.mark.parametrize("seed", range(10))
def test_an_account_within_its_budget_is_refused_nothing(seed: int) -> None:
    """Also when it is named: being named costs writes, never a request."""
    fleet = Fleet(seed)
    assert sum(fleet.spread(RATE, 20)) == RATE * 20
    fleet.time_ms += BURST // RATE * 1_000
    assert sum(fleet.reads(number % CONTAINERS, ALICE) for number in range(BURST)) == BURST


def test_others_are_not_named_with_it_and_who_stops_is_ordinary_again() -> None:
    fleet = Fleet(0)
    fleet.spread(200, 5)
    assert {name for _, name, _ in fleet.shared.names} == {str(ALICE)}
    assert fleet.reads(0, BOB)
    fleet.time_ms += 60_000
    # A container that has held it to its budget looks once whether it still must.
    assert all(fleet.reads(number, ALICE) for number in range(50, 55))
    before = fleet.shared.calls.total()
    assert all(fleet.reads(number, ALICE) for number in range(50, 55))
    assert fleet.shared.calls.total() == before


def test_who_comes_seldom_costs_no_look_and_others_one_a_second() -> None:
    fleet = Fleet(1)
    for _ in range(20):
        fleet.time_ms += 5_000
        fleet.reads(0, ALICE)
    assert fleet.shared.looks == 0
    for _ in range(100):
        fleet.time_ms += 100
        fleet.reads(0, BOB)
    assert fleet.shared.looks <= 11


def test_without_the_shared_rows_requests_pass_and_they_are_left_alone() -> None:
    fleet = Fleet(2)
    fleet.shared.is_away = True
    assert sum(fleet.spread(100, 2)) == 200
    assert fleet.shared.looks == 0


@pytest.mark.parametrize(("per_s", "size"), [(1, 8), (4, 8), (25, 50), (32, 64), (100_000, 64)])
def test_the_sample_depends_on_the_rate(per_s: int, size: int) -> None:
    assert sample_size(Rate(per_s, 50)) == size
