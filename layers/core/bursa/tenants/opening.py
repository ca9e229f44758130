"""Carries a plan out. Every step may be repeated, so what broke off is taken up again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bursa.back_office.roles import Role, group_of
from bursa.compliance.steps import Rules
from bursa.fees.schedule import FeeSchedule, Rates
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.branding import Branding
from bursa.tenants.description import TenantDescription, UserDescription
from bursa.tenants.limits import TenantLimits
from bursa.tenants.listing import Deposit, Listing
from bursa.tenants.listings import SentListing
from bursa.tenants.place import Place, Pool
from bursa.tenants.plan import Plan
from bursa.tenants.profile import SignUp, TenantProfile
from bursa.tenants.stacks import StackKind, TenantStacks

# Of the one credit that an account gets when it is opened.
_OPENING = "opening"


class Onboarding(Protocol):
    """The use case; see `bursa.tenants.onboarding.Onboarding`."""

    def open_tenant(
        self,
        name: str,
        issuer: str,
        client_ids: frozenset[str],
        shard: int,
        limits: TenantLimits,
        *,
        origins: frozenset[str],
        sign_up: SignUp,
    ) -> TenantProfile:
        """Return a brand's profile on a shard."""

    def add_host(self, tenant: TenantId, host: str) -> None:
        """Assign a host name to a tenant."""

    def list_markets(self, tenant: TenantId, listing: Listing, key: str) -> None:
        """Define assets, fees, markets, and how much may be open."""

    def set_fee_tiers(self, tenant: TenantId, rates: Sequence[Rates]) -> None:
        """Set the rates of the tiers above the default one, once."""

    def open_account(
        self,
        tenant: TenantId,
        email: str,
        password: str | None,
        *,
        confirmed_subject: str = "",
        level: int = 0,
    ) -> AccountId:
        """Create a user and its account."""

    def credit(
        self, account: AccountId, listing: Listing, deposits: tuple[Deposit, ...], key: str
    ) -> None:
        """Credit an account."""


class Listings(Protocol):
    """Keeps what was listed."""

    def write(self, tenant: TenantId, listing: SentListing) -> None:
        """Keep a listing that follows the last one, or the last one again."""


class Directory(Protocol):
    """Numbers tenants by their names."""

    def claim_name(self, name: str, tenant: TenantId | None) -> TenantId:
        """Return the tenant that goes by a name: this one, or a new one."""

    def set_withdrawal_pause(self, tenant: TenantId, seconds: int | None) -> None:
        """Write how long a security event pauses withdrawals; None for as the deployment says."""


class Brandings(Protocol):
    """Keeps how tenants look."""

    def write(self, tenant: TenantId, branding: Branding) -> None:
        """Replace a tenant's branding."""


class IdentityChecks(Protocol):
    """Keeps how tenants learn who their users are."""

    def write(self, tenant: TenantId, rules: Rules) -> None:
        """Replace a tenant's rules."""


class FeeSchedules(Protocol):
    """Keeps from which volume on users have which fee tier."""

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        """Return a tenant's schedule; None for one tier."""

    def write_schedule(self, tenant: TenantId, schedule: FeeSchedule) -> None:
        """Replace a tenant's schedule; raises `Conflict` ``overtaken``."""


class Passwords(Protocol):
    """What a user signs in with."""

    def of(self, email: str) -> str | None:
        """Return a user's password; None for one that gets an invitation instead."""


class PoolUsers(Protocol):
    """The users of a tenant's pool."""

    def set_password(self, email: str, password: str) -> None:
        """Let a user sign in with this password from now on."""

    def join(self, email: str, group: str) -> bool:
        """Put a user into a group; return False when the pool has no such group."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A tenant that is open.

    Attributes
    ----------
    accounts
        Of its users by e-mail address.
    has_owner
        Whether somebody owns the back office: not in a pool without such a group.

    """

    profile: TenantProfile
    accounts: Mapping[str, AccountId]
    has_owner: bool

    def described(self, markets: tuple[str, ...]) -> dict[str, Any]:
        """Return it as plain values."""
        pool = Pool(self.profile.issuer, self.profile.client_ids)
        return {
            "tenant": {"id": str(self.profile.tenant), "name": self.profile.name},
            "sign_in": {
                "issuer": pool.issuer,
                "user_pool_id": pool.user_pool_id,
                "client_ids": sorted(pool.client_ids),
            },
            "markets": list(markets),
            "users": [
                {"email": email, "account": str(account)}
                for email, account in self.accounts.items()
            ],
        }


def _silently(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens what a file describes.

    Attributes
    ----------
    onboarding_at
        The onboarding of a tenant whose users are in a pool.
    users_at
        The users of a pool.
    step
        Tells what is being done, for as long as it is.

    """

    directory: Directory
    stacks: TenantStacks
    onboarding_at: Callable[[Pool], Onboarding]
    users_at: Callable[[Pool], PoolUsers]
    listings: Listings
    brandings: Brandings
    checks: IdentityChecks
    fees: FeeSchedules
    passwords: Passwords
    step: Callable[[str], AbstractContextManager[None]] = _silently

    def carry_out(self, tenant: TenantDescription, place: Place, plan: Plan) -> Opened:
        """Make it so; raises what `bursa.tenants.onboarding` does. What was done stays done.

        The number comes first: what the tenant has of its own is tagged with it, so that a repeat
        finds what an attempt that broke off has made.
        """
        number = self.directory.claim_name(tenant.name, place.tenant)
        with self.step(f"Making the keys of {tenant.name}"):
            self.stacks.ensure(number, StackKind.KEYS, tenant.name)
        pool = self._pool(tenant, number, place)
        onboarding = self.onboarding_at(pool)
        profile = onboarding.open_tenant(
            tenant.name,
            pool.issuer,
            pool.client_ids,
            place.shard,
            tenant.tenant_limits(),
            origins=frozenset(tenant.origins),
            sign_up=SignUp(tenant.sign_up),
        )
        self.directory.set_withdrawal_pause(profile.tenant, tenant.withdrawal_pause_s)
        if tenant.kyc is not None:
            # Before anybody can sign in: who is asked nothing may do everything.
            self.checks.write(profile.tenant, tenant.kyc.rules())
        for host in tenant.hosts:
            onboarding.add_host(profile.tenant, host)
        if tenant.branding is not None:
            self.brandings.write(profile.tenant, tenant.branding.branding())
        listing = tenant.listing()
        if plan.listing is not None:
            with self.step(f"Listing the markets of {tenant.name}"):
                self.listings.write(profile.tenant, plan.listing)
                onboarding.list_markets(profile.tenant, listing, str(plan.listing.number))
                self.listings.write(profile.tenant, replace(plan.listing, is_done=True))
        self._begin_tiers(onboarding, tenant, profile.tenant)
        with self.step(f"Opening the accounts of {tenant.name}"):
            accounts = {
                user.email: self._open(onboarding, tenant, profile.tenant, user)
                for user in tenant.everybody()
            }
            users = self.users_at(pool)
            self._keep_passwords(users, tenant)
            has_owner = users.join(tenant.admin.email, group_of(Role.OWNER))
        return Opened(profile, accounts, has_owner)

    def _begin_tiers(
        self, onboarding: Onboarding, tenant: TenantDescription, number: TenantId
    ) -> None:
        """Set the tiers of a tenant that has none; from then on they are its back office's."""
        tiers = tenant.fee_tiers()
        if tiers is not None and self.fees.schedule(number) is None:
            onboarding.set_fee_tiers(number, tiers.rates[1:])
            self.fees.write_schedule(number, tiers.schedule)

    def _keep_passwords(self, users: PoolUsers, tenant: TenantDescription) -> None:
        """Set those for play again: what was kept of them may be gone, and made anew."""
        for user in tenant.everybody():
            password = None if user.confirmed_subject else self.passwords.of(user.email)
            if password is not None:
                users.set_password(user.email, password)

    def _pool(self, tenant: TenantDescription, number: TenantId, place: Place) -> Pool:
        if not place.has_own_pool and place.pool is not None:
            return place.pool
        with self.step(f"Making the user pool of {tenant.name}"):
            made = self.stacks.ensure(
                number, StackKind.USERS, tenant.name, tenant.choices(StackKind.USERS)
            )
        return Pool(made["Issuer"], frozenset({made["UserPoolClientId"]}))

    def _open(
        self,
        onboarding: Onboarding,
        tenant: TenantDescription,
        number: TenantId,
        user: UserDescription,
    ) -> AccountId:
        account = onboarding.open_account(
            number,
            user.email,
            # Who was there before keeps the password that it has chosen.
            None if user.confirmed_subject else self.passwords.of(user.email),
            confirmed_subject=user.confirmed_subject,
            level=user.level,
        )
        deposits = user.deposits()
        if deposits:
            onboarding.credit(account, tenant.listing(), deposits, _OPENING)
        return account
