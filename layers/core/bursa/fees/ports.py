"""What fee tiers are made from and set with. All raise `Unavailable`."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from bursa.fees.schedule import FeeSchedule, Rates
from bursa.fees.user_fees import UserFees
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.account_rows import AccountRow


class Settings(Protocol):
    """The settings of accounts, as the engine has them."""

    def settings(self, account: AccountId) -> AccountRow | None:
        """Return them; None for an account whose settings nobody has set."""


class Schedules(Protocol):
    """Fee schedules of tenants, and what is kept of users."""

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        """Return a tenant's schedule; None for one whose users all have the same tier."""

    def user(self, owner: AccountId) -> UserFees:
        """Return what is kept of a user, the latest."""


class TierRates(Protocol):
    """The rates of a tenant's tiers."""

    def fee_rates(self, tenant: TenantId) -> Mapping[int, Rates]:
        """Return them by tier; tier 0 is always there."""


class TierChange(NamedTuple):
    """That a user has another tier: what it is told; and since when the schedule holds."""

    account: AccountId
    tier: int
    before: int
    volume: str
    currency: str
    day: str
    since_ms: int
