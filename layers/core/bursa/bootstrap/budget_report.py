"""Metrics of refusals, by tenant, and of counters that can't be reached.

A flood is refused a thousand times a second; a line for each would cost more than it. So refusals
are added up and written every ten seconds at most, with the next refusal after that.
"""

from collections import Counter

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import TenantId

_WRITTEN_EVERY_MS = 10_000


class BudgetReport:
    """Writes OverBudget by tenant, TenantsOverBudget and BudgetCountersFailed."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._refused: Counter[tuple[str, str]] = Counter()
        self._written_at_ms = float("-inf")

    def refused(self, tenant: TenantId, code: str) -> None:
        """Count a refusal."""
        self._refused[str(tenant), code] += 1
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._written_at_ms < _WRITTEN_EVERY_MS:
            return
        self._written_at_ms = now_ms
        for (name, why), count in self._refused.items():
            with single_metric("OverBudget", MetricUnit.Count, count) as metric:
                metric.add_dimension("tenant", name)
                metric.add_dimension("code", why)
            if why == "tenant_over_budget":
                self._write("TenantsOverBudget", count)
        self._refused.clear()

    def counters_failed(self) -> None:
        """Count a failed look at the shared buckets."""
        self._write("BudgetCountersFailed", 1)

    @staticmethod
    def _write(name: str, count: int) -> None:
        with single_metric(name, MetricUnit.Count, count):
            pass
