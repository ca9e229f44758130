"""Where a principal stands: who it is, what protects its account, and what holds it back."""

from dataclasses import dataclass
from typing import Protocol

from bursa.identity.pool_user import PoolAddress
from bursa.identity.principal import Principal
from bursa.identity.security_events import WithdrawalPause
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.account_limits import limits_with_own
from bursa.tenants.limits import TenantLimits


@dataclass(frozen=True, slots=True)
class Standing:
    """What a client shows of who is signed in, beside the principal itself.

    Attributes
    ----------
    tenant_name
        The brand's name.
    address
        The user's e-mail address; None where the caller may not know it.
    second_factor_since_ms
        Since when codes are asked for, UTC; 0 while they are not.
    limits
        What the account may use of what all share.
    pause
        Until when it may not withdraw, and why; None when it may.

    """

    tenant_name: str
    address: PoolAddress | None
    second_factor_since_ms: int
    limits: TenantLimits
    pause: WithdrawalPause | None


class Tenants(Protocol):
    """What the directory has of tenants; each method raises `Unavailable`."""

    def brand_name(self, tenant: TenantId) -> str:
        """Return a tenant's name."""


class Limits(Protocol):
    """What each tenant's accounts may use."""

    def __call__(self, tenant: TenantId) -> TenantLimits:
        """Return a tenant's limits; raises `Unavailable`."""


class Addresses(Protocol):
    """What user pools know of their users."""

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user; None where the token is not for that."""


class Factors(Protocol):
    """Since when second factors are required."""

    def since_ms(self, principal: Principal) -> int:
        """Return the time, UTC; 0 for not at all. Raises `Unavailable`."""


class Pauses(Protocol):
    """Until when accounts may not withdraw."""

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        """Return the latest pause, which may be over; None for none. Raises `Unavailable`."""


class Standings:
    """Looks up where principals stand."""

    def __init__(  # noqa: PLR0917 - one for each thing that is looked up
        self,
        tenants: Tenants,
        limits: Limits,
        addresses: Addresses,
        factors: Factors,
        pauses: Pauses,
        clock: WallClock,
    ) -> None:
        self._tenants = tenants
        self._limits = limits
        self._addresses = addresses
        self._factors = factors
        self._pauses = pauses
        self._clock = clock

    def of(self, principal: Principal, token: str | None) -> Standing:
        """Return where a principal stands.

        Parameters
        ----------
        principal
            Whose.
        token
            The access token that it has signed in with; None for an API key, whose program is not
            told its maker's address.

        Raises
        ------
        Unavailable
            ``directory_unavailable``, ``identity_unavailable``, ``user_pool_unavailable``.

        """
        pause = self._pauses.pause(principal.account)
        is_paused = pause is not None and pause.until_ms > self._clock.now_ms()
        return Standing(
            tenant_name=self._tenants.brand_name(principal.tenant),
            address=None if token is None else self._addresses.of(token),
            second_factor_since_ms=self._factors.since_ms(principal),
            limits=limits_with_own(self._limits(principal.tenant), principal.own_limits),
            pause=pause if is_paused else None,
        )
