"""A tenant's public side on the wire: what a client needs to know before it shows anything."""

from collections.abc import Sequence

from bursa.dialects.native.responses import (
    AssetDefinition,
    BrandColours,
    BudgetRate,
    ClientLimits,
    SignInPool,
    Tenant,
)
from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.kernel.markets import Market
from bursa.kernel.rates import Rate
from bursa.tenants.limits import TenantLimits
from bursa.tenants.profile import TenantProfile
from bursa.tenants.public_tenant import PublicTenant


def tenant_response(
    tenant: PublicTenant,
    markets: Sequence[Market],
    websocket_url: str,
    public_websocket_url: str | None,
) -> Tenant:
    """Return what anyone may know of a tenant; what it has not said is null or its default."""
    profile, branding = tenant.profile, tenant.branding
    colours = branding.colours
    return Tenant(
        name=profile.name,
        display_name=tenant.display_name,
        state=tenant.state.value,
        sign_in_ends_at_ms=profile.sign_in_ends_at_ms,
        closes_at_ms=profile.delete_after_ms,
        logo_url=branding.logo_url or None,
        support_url=branding.support_url or None,
        colours=BrandColours(
            primary=colours.primary,
            on_primary=colours.on_primary,
            background=colours.background,
            text=colours.text,
        ),
        languages=list(branding.languages),
        legal={language: dict(documents) for language, documents in branding.legal.items()},
        sign_in=_sign_in(profile),
        assets=_assets(markets),
        markets=[market.symbol for market in markets],
        limits=client_limits(profile.limits),
        websocket_url=websocket_url,
        public_websocket_url=public_websocket_url,
    )


def _sign_in(profile: TenantProfile) -> SignInPool:
    """Return where users sign in. A pool's id begins with its region."""
    pool = profile.issuer.rpartition("/")[2]
    return SignInPool(
        issuer=profile.issuer,
        region=pool.partition("_")[0],
        user_pool_id=pool,
        client_ids=sorted(profile.client_ids),
        sign_up=profile.sign_up.value,
        first_factors=["password"],
        second_factors=["totp"],
    )


def _assets(markets: Sequence[Market]) -> list[AssetDefinition]:
    """Return what the markets trade; an asset that none has is of no use to a client yet."""
    decimals = {
        asset: places
        for market in markets
        for asset, places in (
            (market.units.base, market.units.base_scale),
            (market.units.quote, market.units.quote_scale),
        )
    }
    return [AssetDefinition(asset=asset, decimals=decimals[asset]) for asset in sorted(decimals)]


def client_limits(limits: TenantLimits) -> ClientLimits:
    """Return what an account may use, of what a tenant's limits say."""
    return ClientLimits(
        commands=budget_rate(limits.account_commands),
        cancels=budget_rate(limits.account_cancels),
        reads=budget_rate(limits.account_reads),
        connections=limits.account_connections,
        subscriptions=limits.account_subscriptions,
        connection_messages=budget_rate(limits.connection_messages),
        batch_operations=COMMANDS_PER_MESSAGE_MAX,
    )


def budget_rate(rate: Rate) -> BudgetRate:
    """Return a rate as clients see it."""
    return BudgetRate(per_s=rate.per_s, burst=rate.burst)
