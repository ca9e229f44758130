"""Which tenant a public request is for."""

from dataclasses import dataclass, field

import pytest

from bursa.kernel.errors import NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.hosts import ANY_HOST, HostTenants

T1, T2 = TenantId(1), TenantId(2)


@dataclass
class FakeDirectory:
    hosts: dict[str, TenantId]
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def tenant_of_host(self, host: str) -> TenantId | None:
        if self.is_away:
            raise Unavailable("directory_unavailable", "Later.")
        self.asked.append(host)
        return self.hosts.get(host)

    def has_tenant(self, tenant: TenantId) -> bool:
        return tenant in {T1, T2}


@dataclass
class FakeClock:
    now_ms: float = 0.0

    def monotonic_ms(self) -> float:
        return self.now_ms


def tenants(*, is_shared: bool, **hosts: TenantId) -> HostTenants:
    known = {name.replace("_", "."): tenant for name, tenant in hosts.items()} | {ANY_HOST: T1}
    return HostTenants(FakeDirectory(known), FakeClock(), is_shared=is_shared)


@pytest.mark.parametrize(
    ("host", "named", "tenant"),
    [
        pytest.param("brand.example", None, T2, id="a tenant's host"),
        pytest.param("127.0.0.1:4566", None, T1, id="any host"),
        pytest.param("", None, T1, id="no host"),
        pytest.param("127.0.0.1:4566", "t2", T2, id="named"),
        pytest.param("brand.example", "t1", T1, id="named, at another's host"),
    ],
)
def test_where_hosts_are_shared_the_header_counts(
    host: str, named: str | None, tenant: TenantId
) -> None:
    assert tenants(is_shared=True, brand_example=T2).resolve(host, named) == tenant


@pytest.mark.parametrize("named", [None, "t1", "nonsense"])
def test_where_hosts_are_not_shared_the_host_alone_counts(named: str | None) -> None:
    assert tenants(is_shared=False, brand_example=T2).resolve("brand.example", named) == T2


@pytest.mark.parametrize(
    ("is_shared", "host", "named"),
    [
        pytest.param(False, "other.example", None, id="unknown host"),
        pytest.param(False, "other.example", "t1", id="unknown host with a name"),
        pytest.param(False, "", None, id="no host"),
        pytest.param(True, "brand.example", "t3", id="unknown tenant"),
        pytest.param(True, "brand.example", "nonsense", id="no tenant id"),
        pytest.param(True, "brand.example", "", id="empty name"),
    ],
)
def test_unknown_tenant_is_not_found(is_shared: bool, host: str, named: str | None) -> None:
    with pytest.raises(NotFound) as caught:
        tenants(is_shared=is_shared, brand_example=T2).resolve(host, named)
    assert caught.value.code == "unknown_tenant"


def test_host_is_looked_up_once_a_minute_and_an_unknown_one_once_a_second() -> None:
    directory, clock = FakeDirectory({"brand.example": T2}), FakeClock()
    hosts = HostTenants(directory, clock, is_shared=False)

    for _ in range(3):
        assert hosts.resolve("brand.example", None) == T2
    clock.now_ms = 59_999
    hosts.resolve("brand.example", None)
    assert directory.asked == ["brand.example"]
    clock.now_ms = 60_000
    hosts.resolve("brand.example", None)
    assert directory.asked == ["brand.example"] * 2

    for now_ms in (60_000, 60_999):
        clock.now_ms = now_ms
        with pytest.raises(NotFound):
            hosts.resolve("new.example", None)
    directory.hosts["new.example"] = T1
    clock.now_ms = 61_000
    assert hosts.resolve("new.example", None) == T1


def test_names_that_a_client_chooses_do_not_fill_the_memory() -> None:
    hosts = tenants(is_shared=True)
    for number in range(3_000):
        hosts.resolve(f"host-{number}.example", None)
    assert len(hosts._known) <= 1_000


def test_while_the_directory_is_away_what_is_known_stays_valid() -> None:
    directory, clock = FakeDirectory({"brand.example": T2}), FakeClock()
    resolver = HostTenants(directory, clock, is_shared=False)
    resolver.resolve("brand.example", None)
    directory.is_away = True
    clock.now_ms = 1e9

    assert resolver.resolve("brand.example", None) == T2
    with pytest.raises(Unavailable):
        resolver.resolve("other.example", None)


def test_any_host_is_no_host_that_a_request_can_name() -> None:
    with pytest.raises(NotFound):
        tenants(is_shared=False).resolve(ANY_HOST, None)
