"""How a tenant is opened: its profile, its assets and markets, its users and their money.

Assets, markets, fees and credits are commands like any other, so the journal holds them. Every step
may be repeated: what exists is found again, and what must happen once goes through
`bursa.intake.once`.
"""

from collections.abc import Sequence
from typing import Protocol

from bursa.fees.schedule import DEFAULT_TIER, Rates
from bursa.identity.pool_user import PoolUser
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import parse_units
from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.life import TenantState
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits, check_limits
from bursa.tenants.listing import (
    AssetListing,
    Deposit,
    Listing,
    MarketListing,
    PriceProtection,
    check_opening,
    market_steps,
    opening_ticks,
)
from bursa.tenants.origins import check_origins
from bursa.tenants.profile import SignUp, TenantProfile
from wire import codec, layout

_OPENING = "opening"
_LISTS = frozenset({TenantState.OPENING, TenantState.ACTIVE})


class Directory(Protocol):
    """Keeps tenants, their users' accounts, and the engine's numbers of their assets."""

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
        """Write a tenant's settings; an issuer keeps its tenant, a tenant its shard."""

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings; None for an unknown tenant."""

    def add_host(self, tenant: TenantId, host: str) -> None:
        """Assign a host name to a tenant; raises `Conflict` ``host_taken``."""

    def get_or_assign_asset_number(self, tenant: TenantId, symbol: str, scale: int) -> int:
        """Return the engine's number of an asset, which is a new one when it has none.

        Raises `Conflict` ``asset_fixed``.
        """

    def get_or_assign_market_number(
        self, tenant: TenantId, symbol: str, steps: tuple[int, int]
    ) -> int:
        """Return the engine's number of a market, which is a new one when it has none.

        Raises `Conflict` ``market_fixed``, ``market_listed_elsewhere``.
        """

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Return the account of a signed-in user; None when the user has none yet."""

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account, which is a new one when there is none."""

    def vouch(self, tenant: TenantId, subject: str, level: int) -> None:
        """Write the level at which an operator knows a user, unless it has applied itself."""


class UserPool(Protocol):
    """One tenant's users."""

    def add_user(self, email: str, *, is_invited: bool) -> PoolUser:
        """Create a user, or find it; a new one may get a mail with a password that is good once."""

    def set_password(self, email: str, password: str) -> None:
        """Let a user sign in with this password from now on."""


class OnceSubmitter(Protocol):
    """Submits requests that must happen once; see `bursa.intake.once.OnceIntake`."""

    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        """Have commands carried out, unless they were under the same kind and key."""


class Onboarding:
    """Opens one tenant."""

    def __init__(self, directory: Directory, users: UserPool, intake: OnceSubmitter) -> None:
        self._directory = directory
        self._users = users
        self._intake = intake

    def open_tenant(
        self,
        name: str,
        issuer: str,
        client_ids: frozenset[str],
        shard: int,
        limits: TenantLimits = DEFAULT_LIMITS,
        *,
        origins: frozenset[str] = frozenset(),
        sign_up: SignUp = SignUp.CLOSED,
    ) -> TenantProfile:
        """Return a brand's profile on a shard, and let its users' tokens lead to it.

        A repeat writes the limits, the origins of its web pages and the sign-up that it is called
        with.

        Raises
        ------
        InvalidInput
            ``invalid_limits``, ``invalid_origin``

        """
        check_limits(limits)
        check_origins(origins)
        return self._directory.open_tenant(
            name, issuer, client_ids, shard, limits, origins=origins, sign_up=sign_up
        )

    def add_host(self, tenant: TenantId, host: str) -> None:
        """Assign a host name to a tenant, for public requests; raises `Conflict` ``host_taken``."""
        self._directory.add_host(tenant, host)

    def list_markets(self, tenant: TenantId, listing: Listing, key: str) -> None:
        """Define assets, fees, markets, and how much may be open; then open the markets.

        A market opens once with its opening price, whatever another listing says of that later.

        Parameters
        ----------
        tenant
            Whose.
        listing
            All of them: a market may only name assets of the same listing.
        key
            The caller's name for this request; the same key again changes nothing.

        Raises
        ------
        InvalidInput
            What `market_steps` and `check_opening` raise, or ``unknown_asset``.
        Conflict
            ``wrong_tenant_state``: it stands still; what the directory's numbers raise.
        Refused
            The engine's reason.
        Unavailable
            ``no_answer``: it may have been done all the same; repeat it.

        """
        profile = self._directory.profile(tenant)
        if profile is not None and profile.state not in _LISTS:
            raise Conflict(
                "wrong_tenant_state", f"{profile.name} is {profile.state}; resume it, then list."
            )
        scales = {asset.symbol: asset.scale for asset in listing.assets}
        commands = [self._define_asset(tenant, asset) for asset in listing.assets]
        commands.append(
            _command(
                layout.COMMAND_SET_FEE_TIER,
                0,
                tenant.number,
                DEFAULT_TIER,
                listing.maker_ppm,
                listing.taker_ppm,
            )
        )
        limits = listing.open_limits
        commands.append(
            _command(
                layout.COMMAND_SET_TENANT_LIMITS,
                0,
                tenant.number,
                limits.orders_per_market,
                limits.orders,
                limits.holds,
            )
        )
        for market in listing.markets:
            commands += self._define_market(tenant, market, scales)
        self._intake.submit_once(tenant.fee_account, "listing", key, commands)
        for market in listing.markets:
            if market.opening_price:
                opening = [self._open_market(tenant, market, scales)]
                self._intake.submit_once(tenant.fee_account, _OPENING, market.symbol, opening)

    def set_fee_tiers(self, tenant: TenantId, rates: Sequence[Rates]) -> None:
        """Set the rates of the tiers above the default one, once; raises as `list_markets` does."""
        commands = [
            _command(layout.COMMAND_SET_FEE_TIER, 0, tenant.number, tier, *one)
            for tier, one in enumerate(rates, start=DEFAULT_TIER + 1)
        ]
        # Other rates are another request, of which nothing is known yet.
        key = ",".join(f"{one.maker_ppm}/{one.taker_ppm}" for one in rates)
        self._intake.submit_once(tenant.fee_account, "fee-tiers", key, commands)

    def open_account(
        self,
        tenant: TenantId,
        email: str,
        password: str | None,
        *,
        confirmed_subject: str = "",
        level: int = 0,
    ) -> AccountId:
        """Create a user and its account; one that has both keeps its password.

        Parameters
        ----------
        tenant, email
            Whose user.
        password
            What it signs in with; None sends it an invitation, and only it knows its password.
        confirmed_subject
            The subject of an existing user of whom the caller knows that the address is its own.
        level
            At which the operator knows the user from elsewhere (docs/compliance.md).

        Raises
        ------
        Conflict
            ``user_not_ours``: somebody else has made the user, and may know its password. Nothing
            has changed.

        """
        user = self._users.add_user(email, is_invited=password is None)
        if user.is_claimed and user.subject != confirmed_subject:
            account = self._directory.account_of(tenant, user.subject)
            if account is None:
                raise Conflict(
                    "user_not_ours",
                    f"{email} exists with the subject {user.subject} and has no account. Name that "
                    "subject as confirmed once you know that it is the owner of the address.",
                )
        else:
            # The account first: while the user has no password, a repeat still knows it for ours.
            account = self._directory.open_account(tenant, user.subject)
            if password is not None and not user.is_claimed:
                self._users.set_password(email, password)
        if level:
            self._directory.vouch(tenant, user.subject, level)
        return account

    def credit(
        self, account: AccountId, listing: Listing, deposits: Sequence[Deposit], key: str
    ) -> None:
        """Credit an account; raises as `list_markets` does."""
        scales = {asset.symbol: asset.scale for asset in listing.assets}
        commands = [
            _command(
                layout.COMMAND_CREDIT,
                account.number,
                self._asset(account.tenant, deposit.asset, scales),
                parse_units(deposit.amount, _scale(scales, deposit.asset), "amount"),
            )
            for deposit in deposits
        ]
        self._intake.submit_once(account, "credit", key, commands)

    def _define_asset(self, tenant: TenantId, asset: AssetListing) -> CommandBuilder:
        number = self._directory.get_or_assign_asset_number(tenant, asset.symbol, asset.scale)
        return _command(
            layout.COMMAND_DEFINE_ASSET,
            0,
            number,
            tenant.number,
            asset.scale,
            *codec.pack_symbol(asset.symbol),
        )

    def _define_market(
        self, tenant: TenantId, market: MarketListing, scales: dict[str, int]
    ) -> list[CommandBuilder]:
        base_scale, quote_scale = _scale(scales, market.base), _scale(scales, market.quote)
        lot_units, tick_units = market_steps(market, base_scale, quote_scale)
        check_opening(market)
        number = self._market(tenant, market, scales)
        define = _command(
            layout.COMMAND_DEFINE_MARKET,
            0,
            number,
            tenant.number,
            self._asset(tenant, market.base, scales),
            self._asset(tenant, market.quote, scales),
            lot_units,
            tick_units,
            layout.STATE_HALTED if market.opening_price else layout.STATE_OPEN,
            *codec.pack_symbol(market.symbol),
        )
        least = parse_units(market.min_notional, quote_scale, "min_notional")
        return [define, _set_limits(tenant, number, least, market.protection)]

    def _open_market(
        self, tenant: TenantId, market: MarketListing, scales: dict[str, int]
    ) -> CommandBuilder:
        return _command(
            layout.COMMAND_SET_MARKET_STATE,
            tenant.fee_account.number,
            self._market(tenant, market, scales),
            layout.STATE_OPEN,
            opening_ticks(market),
        )

    def _asset(self, tenant: TenantId, symbol: str, scales: dict[str, int]) -> int:
        scale = _scale(scales, symbol)
        return self._directory.get_or_assign_asset_number(tenant, symbol, scale)

    def _market(self, tenant: TenantId, market: MarketListing, scales: dict[str, int]) -> int:
        steps = market_steps(market, _scale(scales, market.base), _scale(scales, market.quote))
        return self._directory.get_or_assign_market_number(tenant, market.symbol, steps)


def _set_limits(
    tenant: TenantId, number: int, least: int, protection: PriceProtection
) -> CommandBuilder:
    return _command(
        layout.COMMAND_SET_MARKET_LIMITS,
        tenant.fee_account.number,
        number,
        least,
        0,
        0,
        protection.collar_ppm,
        protection.market_collar_ppm,
        protection.breaker_ppm,
        protection.reference_interval_ms,
        least * protection.least_orders,
        protection.auction_ms,
    )


def _scale(scales: dict[str, int], symbol: str) -> int:
    try:
        return scales[symbol]
    except KeyError:
        raise InvalidInput("unknown_asset", f"{symbol} is not in the listing.") from None


def _command(kind: int, account: int, *body: int) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        return codec.encode(kind, account, *body, **header.words())

    return build
