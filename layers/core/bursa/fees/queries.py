"""What a user is told of its fees, and what its orders are charged."""

from collections.abc import Mapping
from dataclasses import dataclass

from bursa.fees.ports import Schedules, Settings, TierRates
from bursa.fees.schedule import DEFAULT_TIER, FeeSchedule, Rates
from bursa.fees.user_fees import UserFees
from bursa.kernel.identifiers import AccountId, TenantId


@dataclass(frozen=True, slots=True)
class OwnFees:
    """An account's fees.

    Attributes
    ----------
    tier
        What the engine charges it by.
    rates
        Of all tiers of the tenant.
    schedule
        None where all users have the same tier.
    counted
        What is kept of its user.

    """

    tier: int
    rates: Mapping[int, Rates]
    schedule: FeeSchedule | None
    counted: UserFees

    @property
    def next_tier(self) -> int | None:
        """The tier after its own; None for the last one, and for one that was pinned."""
        if self.schedule is None or self.counted.pinned_tier is not None:
            return None
        return self.tier + 1 if self.tier + 1 in self.schedule.tiers else None


class FeeQueries:
    """Fees of accounts; each method raises `Unavailable`."""

    def __init__(self, rates: TierRates, settings: Settings, schedules: Schedules) -> None:
        self._rates = rates
        self._settings = settings
        self._schedules = schedules

    def of(self, account: AccountId) -> OwnFees:
        """Return an account's fees, and what led to them."""
        return OwnFees(
            self.tier(account),
            self._rates.fee_rates(account.tenant),
            self._schedules.schedule(account.tenant),
            self._schedules.user(account.owner),
        )

    def tier(self, account: AccountId) -> int:
        """Return an account's tier, as the engine has it."""
        row = self._settings.settings(account)
        return DEFAULT_TIER if row is None else row.tier

    def charged(self, account: AccountId) -> Rates:
        """Return what an account's orders are charged."""
        return rates_of(self._rates.fee_rates(account.tenant), self.tier(account))

    def schedule(self, tenant: TenantId) -> tuple[FeeSchedule | None, Mapping[int, Rates]]:
        """Return a tenant's schedule, and the rates of its tiers."""
        return self._schedules.schedule(tenant), self._rates.fee_rates(tenant)


def rates_of(rates: Mapping[int, Rates], tier: int) -> Rates:
    """Return the rates of a tier; of one that was set a moment ago those of the default tier."""
    return rates.get(tier, rates[DEFAULT_TIER])
