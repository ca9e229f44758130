"""How many requests an API key may send, when it was made with a rate of its own.

A key's bucket is one of those in `bursa.intake.budgets`, kept in the same two places; what its
requests do is charged to its account as well.
"""

from typing import Final

from bursa.intake.budgets import ACCOUNT_SHARE, Report, SharedBudget, patient
from bursa.intake.shared_buckets import SharedBuckets
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import TenantId
from bursa.kernel.rates import MICROSECONDS_PER_SECOND, Rate

_REQUESTS: Final = "requests"
_CODE: Final = "too_many_requests_of_key"


class KeyBudgets:
    """The budgets of API keys, as one container keeps them."""

    def __init__(self, shared: SharedBuckets, clock: WallClock, report: Report) -> None:
        reached = patient(shared, report)
        self._buckets = SharedBudget(reached, ACCOUNT_SHARE, restrains=frozenset({_REQUESTS}))
        self._clock = clock
        self._report = report

    def require(self, tenant: TenantId, key_id: str, rate: Rate, count: int = 1) -> None:
        """Charge a request that counts as several; one of more than the burst takes all of it.

        Raises `TooManyRequests` ``too_many_requests_of_key``.
        """
        count = min(count, rate.burst)
        now_us = self._clock.now_ms() * 1_000
        bucket = self._buckets.bucket(key_id, _REQUESTS, now_us)
        if not bucket.is_restrained and bucket.take_own(count, rate, now_us):
            return
        refusal = self._buckets.take_shared(key_id, _REQUESTS, count, rate, now_us)
        if refusal is None:
            return
        self._report.refused(tenant, _CODE)
        raise TooManyRequests(
            _CODE,
            "Send fewer requests a second with this key, or make one with a higher rate.",
            retry_after_s=max(1, -(-refusal.wait_us // MICROSECONDS_PER_SECOND)),
            state=bucket.state(rate, now_us),
        )
