"""The shapes of a user's limits, as the back office reads them."""

from typing_extensions import TypedDict

from bursa.dialects.native.responses import BudgetRate, ClientLimits


class OwnLimits(TypedDict):
    """A user's own limits; null for what the tenant's users have."""

    commands: BudgetRate | None
    cancels: BudgetRate | None
    reads: BudgetRate | None
    connections: int | None
    subscriptions: int | None


class TenantTotals(TypedDict):
    """What all users of the tenant have together, above which no user's own limit may be."""

    commands: BudgetRate
    cancels: BudgetRate
    reads: BudgetRate
    connections: int


class LimitsOfUser(TypedDict):
    """What each account of a user may use: what of it is its own, and all of it as it is in force.

    A limit of its own that is above what the tenant has by now is in force as far as that goes.
    """

    own: OwnLimits
    limits: ClientLimits
    tenant: TenantTotals
