"""Carries a plan out. Every step may be repeated, so what broke off is taken up again."""

import secrets
import string
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bursa.compliance.steps import Rules
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.branding import Branding
from bursa.tenants.limits import TenantLimits
from bursa.tenants.listings_dynamodb import SentListing
from bursa.tenants.onboarding import Deposit, Listing
from bursa.tenants.profile import SignUp, TenantProfile
from bursa.tenants.stacks import StackKind, TenantStacks
from scripts.onboard.place import Place, Pool
from scripts.onboard.plan import Plan
from scripts.onboard.tenant_file import TenantFile, UserPart

# Of the one credit that an account gets when it is opened.
_OPENING = "opening"
_PASSWORD_CHARACTERS = 20


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


class Brandings(Protocol):
    """Keeps how tenants look."""

    def write(self, tenant: TenantId, branding: Branding) -> None:
        """Replace a tenant's branding."""


class IdentityChecks(Protocol):
    """Keeps how tenants learn who their users are."""

    def write(self, tenant: TenantId, rules: Rules) -> None:
        """Replace a tenant's rules."""


class Passwords(Protocol):
    """What a user signs in with."""

    def of(self, email: str) -> str | None:
        """Return a user's password; None for one that gets an invitation instead."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A tenant that is open, and the accounts of its users by e-mail address."""

    profile: TenantProfile
    accounts: Mapping[str, AccountId]

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
    step
        Tells what is being done, for as long as it is.

    """

    directory: Directory
    stacks: TenantStacks
    onboarding_at: Callable[[Pool], Onboarding]
    listings: Listings
    brandings: Brandings
    checks: IdentityChecks
    passwords: Passwords
    step: Callable[[str], AbstractContextManager[None]] = _silently

    def carry_out(self, tenant: TenantFile, place: Place, plan: Plan) -> Opened:
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
        with self.step(f"Opening the accounts of {tenant.name}"):
            accounts = {
                user.email: self._open(onboarding, tenant, profile.tenant, user)
                for user in tenant.everybody()
            }
        return Opened(profile, accounts)

    def _pool(self, tenant: TenantFile, number: TenantId, place: Place) -> Pool:
        if not place.has_own_pool and place.pool is not None:
            return place.pool
        with self.step(f"Making the user pool of {tenant.name}"):
            made = self.stacks.ensure(
                number, StackKind.USERS, tenant.name, tenant.choices(StackKind.USERS)
            )
        return Pool(made["Issuer"], frozenset({made["UserPoolClientId"]}))

    def _open(
        self, onboarding: Onboarding, tenant: TenantFile, number: TenantId, user: UserPart
    ) -> AccountId:
        account = onboarding.open_account(
            number,
            user.email,
            self.passwords.of(user.email),
            confirmed_subject=user.confirmed_subject,
            level=user.level,
        )
        deposits = tenant.deposits(user)
        if deposits:
            onboarding.credit(account, tenant.listing(), deposits, _OPENING)
        return account


class Invitations:
    """Nobody but the user ever knows the password: the pool sends one that is good once."""

    def of(self, email: str) -> None:
        """Return None."""
        del email


@dataclass(frozen=True, slots=True)
class GeneratedPasswords:
    """Passwords for play, kept in a file of their owner's.

    Parameters
    ----------
    known
        By e-mail address; new ones are added.
    keep
        Called with all of them before a new one is used, so that none is lost.

    """

    known: MutableMapping[str, str]
    keep: Callable[[Mapping[str, str]], None]

    def of(self, email: str) -> str:
        """Return the password of a user, which is a new one when there is none."""
        if email not in self.known:
            self.known[email] = generated()
            self.keep(self.known)
        return self.known[email]


def generated() -> str:
    """Return a password that every pool of ours accepts: small, large, digit, and long."""
    characters = string.ascii_letters + string.digits
    drawn = "".join(secrets.choice(characters) for _ in range(_PASSWORD_CHARACTERS - 3))
    return "".join(
        (secrets.choice(string.ascii_lowercase), secrets.choice(string.ascii_uppercase),
         secrets.choice(string.digits), drawn)
    )  # fmt: skip
