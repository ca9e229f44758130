"""A brand's own settings, as the deployment's directory keeps them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bursa.compliance.levels import Levels
from bursa.kernel.identifiers import TenantId
from bursa.tenants.life import TenantState
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits


class SignUp(StrEnum):
    """Whether users sign up by themselves, or are invited only; the words that are stored."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class TenantProfile:
    """A tenant's own settings.

    Attributes
    ----------
    tenant
        Whose they are.
    shard
        The shard that carries out its commands; all of a tenant is in one shard, for good.
    name
        The brand's name, for people.
    issuer
        The issuer its users' tokens must name: the URL of its user pool.
    client_ids
        The app clients that its tokens may be made for (their audience).
    limits
        How much it and each of its accounts may use of what all tenants share.
    state
        Where it is in its life.
    sign_in_ends_at_ms
        From when on its users are refused, UTC; None while there is no such time.
    delete_after_ms
        From when on it may be deleted, UTC; None unless it is closing.
    origins
        The origins of its web pages (`bursa.tenants.origins`).
    sign_up
        Whether a user who has signed up by itself gets an account.

    """

    tenant: TenantId
    shard: int
    name: str
    issuer: str
    client_ids: frozenset[str]
    limits: TenantLimits = DEFAULT_LIMITS
    state: TenantState = TenantState.ACTIVE
    sign_in_ends_at_ms: int | None = None
    delete_after_ms: int | None = None
    origins: frozenset[str] = frozenset()
    sign_up: SignUp = SignUp.CLOSED

    def lets_in(self, now_ms: int) -> bool:
        """Return whether its users may sign in."""
        if self.state is TenantState.DELETED:
            return False
        return self.sign_in_ends_at_ms is None or now_ms < self.sign_in_ends_at_ms


class IntakeProfile(NamedTuple):
    """What intake needs of a profile: the tenant's shard, its limits, and its users' levels.

    ``levels`` is None where a tenant asks nobody who they are.
    """

    shard: int
    limits: TenantLimits = DEFAULT_LIMITS
    levels: Levels | None = None
