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
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    names: set[tuple[str, str, int]] = field(default_factory=set)
    writes: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    is_away: bool = False

    def take(self, holder: str, budget: str, ask: Ask) -> Taken:
        self.calls[holder, budget] += 1
        self.writes[holder] += 1
        if self.is_away:
            raise Unavailable("budgets_unavailable", "Away.")
        taken = ask.after(self.full_at_us.get((holder, budget), 0))
        if taken.is_taken:
            self.full_at_us[holder, budget] = taken.full_at_us
        return taken

    def see(self, holder: str, budget: str, window: int, amount: int) -> int:
        self._require_here()
        self.writes[holder] += 1
        self.seen[holder, budget, window] += amount
        return self.seen[holder, budget, window]

    def name(self, tenant: str, account: str, period: int) -> None:
        self._require_here()
        self.writes[account] += 1
        self.names.add((tenant, account, period))

    def named(self, tenant: str, period: int) -> frozenset[str]:
        self._require_here()
        self.looks += 1
        return frozenset(name for whose, name, at in self.names if (whose, at) == (tenant, period))

    def _require_here(self) -> None:
        if self.is_away:
            raise Unavailable("budgets_unavailable", "Away.")


@dataclass
class CountingReport:
    """What was reported."""

    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: int = 0

    def refused(self, tenant: TenantId, code: str) -> None:
        self.codes[str(tenant), code] += 1

    def counters_failed(self) -> None:
        self.failures += 1
