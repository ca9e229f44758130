"""What an operator says of a tenant, whatever form it has: a file's, or a request's.

The form is its dialect's (`bursa.dialects.operator.tenant_file`), which finds every fault first.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from bursa.compliance.steps import Rules
from bursa.fees.schedule import FeeTiers
from bursa.tenants.branding import Branding
from bursa.tenants.limits import TenantLimits
from bursa.tenants.listing import Deposit, Listing
from bursa.tenants.stacks import StackKind


class UserDescription(Protocol):
    """A user to invite; see docs/onboarding.md."""

    @property
    def email(self) -> str:
        """Its address, in lower case."""

    @property
    def confirmed_subject(self) -> str:
        """The subject of an existing user who is known to own the address; empty for none."""

    @property
    def level(self) -> int:
        """At which the operator knows who the user is."""

    def deposits(self) -> tuple[Deposit, ...]:
        """Return what it is credited with, once."""


class SignInDescription(Protocol):
    """A user pool that the operator has made."""

    @property
    def user_pool_id(self) -> str:
        """Its id."""

    @property
    def client_ids(self) -> Sequence[str]:
        """The clients that its tokens may be made for."""


class BrandingDescription(Protocol):
    """How the tenant looks."""

    def branding(self) -> Branding:
        """Return it as it is kept."""


class ChecksDescription(Protocol):
    """How the tenant learns who its users are."""

    def rules(self) -> Rules:
        """Return it as it is kept."""


class TenantDescription(Protocol):
    """A tenant; see docs/onboarding.md."""

    @property
    def name(self) -> str:
        """For good."""

    @property
    def hosts(self) -> Sequence[str]:
        """Of public requests."""

    @property
    def origins(self) -> Sequence[str]:
        """Of its web pages."""

    @property
    def shard(self) -> int | None:
        """For good; None for the first."""

    @property
    def sign_in(self) -> SignInDescription | None:
        """None for a pool that is made for it."""

    @property
    def sign_up(self) -> str:
        """``open`` or ``closed``."""

    @property
    def withdrawal_pause_s(self) -> int | None:
        """How long a security event pauses withdrawals; None for as the deployment says."""

    @property
    def branding(self) -> BrandingDescription | None:
        """None leaves it as it is."""

    @property
    def kyc(self) -> ChecksDescription | None:
        """None leaves it as it is."""

    @property
    def admin(self) -> UserDescription:
        """The first user, the back office's owner."""

    @property
    def markets(self) -> Mapping[str, object]:
        """By their names."""

    def everybody(self) -> Iterator[UserDescription]:
        """Yield the admin, then the other users."""

    def listing(self) -> Listing:
        """Return what the tenant trades."""

    def fee_tiers(self) -> FeeTiers | None:
        """Return the tiers that it begins with; None for one tier."""

    def tenant_limits(self) -> TenantLimits:
        """Return its limits."""

    def choices(self, kind: StackKind) -> dict[str, str]:
        """Return the parameters that it chooses of a stack of its own."""
