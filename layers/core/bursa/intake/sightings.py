"""Accounts whose requests are spread so thinly over containers that none of them takes notice.

A container admits a little of a budget by itself (`bursa.intake.budgets`). What reaches the worker
is seen there; of what does not, as reads, a flood over very many containers would stay below every
container's own share. So chance sees it: of what a container admits by itself, one request in so
many is counted for all containers, as so many. When several were seen within a moment, the account
is named for its tenant, and containers that serve an account again within some seconds look at the
names once a second. Of a named account they admit nothing by themselves for a while: every request
takes from the shared bucket, which is exact. So to be named costs writes and never a request.

An ordinary user pays one write for each `sample_size` reads. A flood of x times the rate is named
after about 3 `sample_size` / (x rate) seconds, and known everywhere a second later.
"""

from collections.abc import Callable
from typing import Protocol

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import MICROSECONDS_PER_SECOND, Rate

# What is seen in so long a window is added up.
WINDOW_US = 2 * MICROSECONDS_PER_SECOND
# By so many sights in a window an account is named; fewer may be chance.
SIGHTS_MIN = 3
SAMPLE_MAX = 64
SAMPLE_MIN = 8
# An account is named until the end of the next period.
PERIOD_US = 10 * MICROSECONDS_PER_SECOND
LOOK_EVERY_US = MICROSECONDS_PER_SECOND
# Who comes again to a container within so long may be everywhere; others cost no look.
SERVED_AGAIN_US = 4 * MICROSECONDS_PER_SECOND
_SERVED_KEPT_MAX = 10_000
# When the shared rows can't be reached, they are left alone for so long.
_AWAY_US = 5 * MICROSECONDS_PER_SECOND


class SharedSightings(Protocol):
    """What all containers have seen."""

    def see(self, holder: str, budget: str, window: int, amount: int) -> int:
        """Add what was seen in a window; return all that was. Raises `Unavailable`."""

    def name(self, tenant: str, account: str, period: int) -> None:
        """Name an account in a period. Raises `Unavailable`."""

    def named(self, tenant: str, period: int) -> frozenset[str]:
        """Return the accounts of a tenant that are named in a period. Raises `Unavailable`."""


class Sightings:
    """What one container sees, and who has been named.

    Parameters
    ----------
    one_in
        Returns True for one call in so many, by chance.

    """

    def __init__(self, shared: SharedSightings, one_in: Callable[[int], bool]) -> None:
        self._shared = shared
        self._one_in = one_in
        self._served_at_us: dict[AccountId, int] = {}
        self._named: dict[TenantId, tuple[int, frozenset[str]]] = {}
        self._away_until_us = 0

    def is_named(self, account: AccountId, now_us: int) -> bool:
        """Return whether an account's requests are to be counted one by one."""
        served_at_us = self._served_at_us.pop(account, 0)
        if len(self._served_at_us) >= _SERVED_KEPT_MAX:
            self._served_at_us.clear()
        self._served_at_us[account] = now_us
        looked_at_us, names = self._named.get(account.tenant, (0, frozenset()))
        is_due = now_us - looked_at_us >= LOOK_EVERY_US and now_us >= self._away_until_us
        if is_due and now_us - served_at_us < SERVED_AGAIN_US:
            names = self._look(account.tenant, now_us)
        elif now_us - looked_at_us >= PERIOD_US:
            return False
        return str(account) in names

    def _look(self, tenant: TenantId, now_us: int) -> frozenset[str]:
        try:
            names = self._shared.named(str(tenant), now_us // PERIOD_US)
        except Unavailable:
            self._away_until_us = now_us + _AWAY_US
            names = frozenset()
        self._named[tenant] = (now_us, names)
        return names

    def admitted(
        self, account: AccountId, budget: str, amount: int, rate: Rate, now_us: int
    ) -> None:
        """Note, by chance, what this container has admitted by itself."""
        size = sample_size(rate)
        if now_us < self._away_until_us or not self._one_in(size):
            return
        try:
            seen = self._shared.see(str(account), budget, now_us // WINDOW_US, amount * size)
            if seen >= max(SIGHTS_MIN * size, rate.per_s * WINDOW_US // MICROSECONDS_PER_SECOND):
                period = now_us // PERIOD_US
                for one in (period, period + 1):
                    self._shared.name(str(account.tenant), str(account), one)
        except Unavailable:
            self._away_until_us = now_us + _AWAY_US


def sample_size(rate: Rate) -> int:
    """Return how many requests one is counted for."""
    return max(SAMPLE_MIN, min(SAMPLE_MAX, 2 * rate.per_s))
