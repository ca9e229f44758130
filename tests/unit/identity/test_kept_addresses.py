"""Addresses are kept by token: for how long, and what is not kept."""

import pytest

from bursa.identity.kept_addresses import OTHER_MS_MAX, VERIFIED_MS_MAX, KeptAddresses
from bursa.identity.pool_user import PoolAddress
from bursa.kernel.errors import Unavailable

VERIFIED = PoolAddress("carol@example.com", is_verified=True)


class Pool:
    """Tells an address, and counts; also the clock."""

    def __init__(self, told: PoolAddress | None = VERIFIED) -> None:
        self.told = told
        self.is_away = False
        self.asked: list[str] = []
        self.time_ms = 7.0

    def of(self, token: str) -> PoolAddress | None:
        self.asked.append(token)
        if self.is_away:
            raise Unavailable("user_pool_unavailable", "Later.")
        return self.told

    def monotonic_ms(self) -> float:
        return self.time_ms


@pytest.mark.parametrize(
    ("told", "kept_ms"),
    [
        (VERIFIED, VERIFIED_MS_MAX),
        (VERIFIED._replace(is_verified=False), OTHER_MS_MAX),
        (None, OTHER_MS_MAX),
    ],
    ids=["verified", "not verified", "none"],
)
def test_what_the_pool_told_is_kept(told: PoolAddress | None, kept_ms: int) -> None:
    pool = Pool(told)
    kept = KeptAddresses(pool, pool)
    assert kept.of("token") == told
    pool.time_ms += kept_ms - 1
    assert kept.of("token") == told
    assert len(pool.asked) == 1
    pool.time_ms += 1
    pool.told = VERIFIED
    assert kept.of("token") == VERIFIED
    assert len(pool.asked) == 2


def test_each_token_is_told_its_own() -> None:
    pool = Pool()
    kept = KeptAddresses(pool, pool)
    kept.of("one")
    pool.told = None
    assert kept.of("another") is None
    assert kept.of("one") == VERIFIED


def test_an_outage_is_not_kept() -> None:
    pool = Pool()
    pool.is_away = True
    kept = KeptAddresses(pool, pool)
    with pytest.raises(Unavailable):
        kept.of("token")
    pool.is_away = False
    assert kept.of("token") == VERIFIED


def test_a_flood_of_tokens_does_not_grow_what_is_kept() -> None:
    pool = Pool()
    kept = KeptAddresses(pool, pool)
    for number in range(2_500):
        kept.of(str(number))
    assert len(kept._kept) <= 1_000
