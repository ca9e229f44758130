"""Which web pages belong to a tenant."""

from dataclasses import dataclass, field

import pytest

from bursa.kernel.errors import InvalidInput, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.origins import (
    ORIGINS_MAX,
    HostOrigins,
    TenantOrigins,
    check_origins,
    is_origin,
)

T1, T2 = TenantId(1), TenantId(2)
PAGE, OTHER = "https://trade.brand.example", "https://other.example"


@pytest.mark.parametrize(
    "text",
    [
        "https://brand.example",
        "https://trade.brand.example:8443",
        "https://xn--brnd-0qa.example",
        "http://localhost:5173",
        "http://demo.localhost:5173",
        "http://127.0.0.1:5173",
    ],
)
def test_an_origin(text: str) -> None:
    assert is_origin(text)
    check_origins(frozenset({text}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "https://*.brand.example",
        "https://",
        "brand.example",
        "http://brand.example",
        "http://localhost.brand.example",
        "http://10.0.0.1",
        "https://brand.example/",
        "https://brand.example/app",
        "https://Brand.example",
        "https://brand.example:443",
        "http://localhost:80",
        "https://brand.example:0",
        "https://user@brand.example",
        "https://brand.example\n",
        "https://brand.example https://other.example",
        "https://bränd.example",
        "file://brand.example",
        "https://" + "a." * 200 + "example",
    ],
)
def test_no_origin(text: str) -> None:
    assert not is_origin(text)
    with pytest.raises(InvalidInput) as caught:
        check_origins(frozenset({text}))
    assert caught.value.code == "invalid_origin"


def test_a_tenant_has_so_many_at_most() -> None:
    check_origins(frozenset(f"https://{at}.example" for at in range(ORIGINS_MAX)))
    with pytest.raises(InvalidInput):
        check_origins(frozenset(f"https://{at}.example" for at in range(ORIGINS_MAX + 1)))


@dataclass
class FakeDirectory:
    origins_of: dict[TenantId, frozenset[str]]
    asked: list[TenantId] = field(default_factory=list)
    is_away: bool = False

    def origins(self, tenant: TenantId) -> frozenset[str]:
        if self.is_away:
            raise Unavailable("directory_unavailable", "Later.")
        self.asked.append(tenant)
        return self.origins_of.get(tenant, frozenset())


@dataclass
class FakeClock:
    now_ms: float = 0.0

    def monotonic_ms(self) -> float:
        return self.now_ms


class Hosts:
    def resolve(self, host: str, named: str | None) -> TenantId:
        tenant = {"t1": T1, "t2": T2}.get(named or host)
        if tenant is None:
            raise NotFound("unknown_tenant", "Another.")
        return tenant


def test_they_are_read_twice_a_minute_however_often_they_are_asked_for() -> None:
    directory, clock = FakeDirectory({T1: frozenset({PAGE})}), FakeClock()
    origins = TenantOrigins(directory, clock)
    for second in range(60):
        clock.now_ms = second * 1_000
        assert origins.of(T1) == {PAGE}
    assert directory.asked == [T1, T1]


def test_what_is_taken_off_the_list_ends_within_half_a_minute() -> None:
    directory, clock = FakeDirectory({T1: frozenset({PAGE})}), FakeClock()
    origins = TenantOrigins(directory, clock)
    origins.of(T1)
    directory.origins_of.clear()
    clock.now_ms = 30_000
    assert origins.of(T1) == frozenset()


def test_while_the_directory_is_away_what_is_known_stays_and_nothing_else_is() -> None:
    directory, clock = FakeDirectory({T1: frozenset({PAGE}), T2: frozenset({OTHER})}), FakeClock()
    origins = TenantOrigins(directory, clock)
    origins.of(T1)
    directory.is_away = True
    clock.now_ms = 3_600_000
    assert origins.of(T1) == {PAGE}
    assert origins.of(T2) == frozenset()
    directory.is_away = False
    assert origins.of(T2) == {OTHER}


def host_origins(*, is_shared: bool) -> HostOrigins:
    directory = FakeDirectory({T1: frozenset({PAGE}), T2: frozenset({OTHER})})
    return HostOrigins(Hosts(), TenantOrigins(directory, FakeClock()), is_shared=is_shared)


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize(
    ("host", "named", "origin", "is_listed"),
    [
        ("t1", None, PAGE, True),
        ("t1", None, OTHER, False),
        ("t1", "t2", OTHER, True),
        ("t1", "t2", PAGE, False),
        ("unknown", None, PAGE, False),
        ("t1", None, "null", False),
    ],
)
def test_a_response_is_for_pages_of_its_own_tenant(
    host: str, named: str | None, origin: str, is_listed: bool, is_shared: bool
) -> None:
    assert host_origins(is_shared=is_shared).lists(host, named, origin) == is_listed


@pytest.mark.parametrize(
    ("is_shared", "origin", "lets_ask"),
    [
        pytest.param(False, PAGE, True, id="the host's tenant"),
        pytest.param(False, OTHER, False, id="another's, on a host of one"),
        pytest.param(True, OTHER, True, id="another's, where hosts are shared"),
        pytest.param(True, "https://evil.example", False, id="nobody's"),
    ],
)
def test_a_preflight_names_no_tenant(is_shared: bool, origin: str, lets_ask: bool) -> None:
    assert host_origins(is_shared=is_shared).lets_ask("t1", origin) == lets_ask
