"""The shared buckets in memory, with what DynamoDB's conditions would allow."""

from collections import Counter
from dataclasses import dataclass, field

from bursa.intake.shared_buckets import Ask, Taken
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId


@dataclass
class MemoryBuckets:
    """Buckets by holder and budget; `calls` counts the looks at each."""

    full_at_us: dict[tuple[str, str], int] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_away: bool = False

    def take(self, holder: str, budget: str, ask: Ask) -> Taken:
        self.calls[holder, budget] += 1
        if self.is_away:
            raise Unavailable("budgets_unavailable", "Away.")
        taken = ask.after(self.full_at_us.get((holder, budget), 0))
        if taken.is_taken:
            self.full_at_us[holder, budget] = taken.full_at_us
        return taken


@dataclass
class CountingReport:
    """What was reported."""

    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: int = 0

    def refused(self, tenant: TenantId, code: str) -> None:
        self.codes[str(tenant), code] += 1

    def counters_failed(self) -> None:
        self.failures += 1
