"""Looking up a tenant's shard: rarely, and never for another tenant."""

from dataclasses import dataclass, field

import pytest

from bursa.kernel.errors import InternalError, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.profile import IntakeProfile
from bursa.tenants.shards import TenantShards

T1, T2 = TenantId(1), TenantId(2)


@dataclass
class FakeDirectory:
    shards: dict[TenantId, int]
    asked: list[TenantId] = field(default_factory=list)
    is_away: bool = False

    def intake_profile(self, tenant: TenantId) -> IntakeProfile | None:
        self.asked.append(tenant)
        if self.is_away:
            raise Unavailable("directory_unavailable", "Try again.")
        return IntakeProfile(self.shards[tenant]) if tenant in self.shards else None


@dataclass
class FakeClock:
    now_ms: float = 0.0

    def monotonic_ms(self) -> float:
        return self.now_ms


def test_each_tenant_has_its_own_shard_and_is_looked_up_once_a_minute() -> None:
    directory, clock = FakeDirectory({T1: 0, T2: 1}), FakeClock()
    shards = TenantShards(directory, clock)

    assert [shards(T1), shards(T2), shards(T1), shards(T2)] == [0, 1, 0, 1]
    assert directory.asked == [T1, T2]

    clock.now_ms = 59_999
    shards(T1)
    assert directory.asked == [T1, T2]

    clock.now_ms = 60_000
    shards(T1)
    assert directory.asked == [T1, T2, T1]


def test_unknown_tenant_is_an_error_and_is_looked_up_again() -> None:
    directory = FakeDirectory({})
    shards = TenantShards(directory, FakeClock())
    with pytest.raises(InternalError) as refused:
        shards(T1)
    assert refused.value.code == "unknown_tenant"

    directory.shards[T1] = 5
    assert shards(T1) == 5


def test_a_known_shard_stays_in_force_while_the_directory_is_away() -> None:
    directory, clock = FakeDirectory({T1: 3, T2: 4}), FakeClock()
    shards = TenantShards(directory, clock)
    shards(T1)
    directory.is_away = True
    clock.now_ms = 3_600_000

    assert shards(T1) == 3
    with pytest.raises(Unavailable):
        shards(T2)
