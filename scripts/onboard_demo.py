"""Open the demo tenant on a deployment: three markets, and two users with play money.

Reads the deployment from its environment (`OnboardingSettings`), prints the users as JSON. Running
it again changes nothing.
"""

import json
import sys

from bursa.bootstrap.onboarding import open_onboarding
from bursa.kernel.errors import BursaError
from bursa.kernel.rates import Rate
from bursa.kernel.settings import OnboardingSettings, SettingsError, read_settings
from bursa.tenants.limits import TenantLimits
from bursa.tenants.onboarding import (
    AssetListing,
    Deposit,
    Listing,
    MarketListing,
    OpenLimits,
    PriceProtection,
)

KEY = "demo"

# `make replay` plays a day of 2015 here, at prices far from those of who has tried the market out.
UNPROTECTED = PriceProtection(0, 0, 0, 0, 0, 0)
# A recorded day has tens of thousands of orders open at a time, and one account places them.
OPEN_LIMITS = OpenLimits(orders_per_market=1 << 19)
# Scales are such that a tick of a lot is a whole unit (DESIGN D6).
LISTING = Listing(
    assets=(
        AssetListing("BTC", 8),
        AssetListing("ETH", 8),
        AssetListing("USDT", 10),
        AssetListing("IDR", 2),
    ),
    markets=(
        MarketListing("BTC", "USDT", "0.01", "0.00000001", "1", UNPROTECTED),
        MarketListing("ETH", "USDT", "0.01", "0.00000001", "1"),
        MarketListing("BTC", "IDR", "1000", "0.00001", "10000"),
    ),
    maker_ppm=1_000,
    taker_ppm=2_000,
    open_limits=OPEN_LIMITS,
)
# Enough to play a whole recorded day of order flow from one account.
DEPOSITS = (
    Deposit("BTC", "30000"),
    Deposit("ETH", "100000"),
    Deposit("USDT", "120000000"),
    Deposit("IDR", "1000000000000"),
)
# The demo is there to be tried out: `make replay` sends a recorded day from one account, as fast as
# it is carried out. Other tenants have the defaults (docs/api.md).
LIMITS = TenantLimits(
    account_commands=Rate(10_000, 50_000),
    account_cancels=Rate(10_000, 50_000),
    account_reads=Rate(1_000, 10_000),
    tenant_commands=Rate(20_000, 100_000),
    tenant_cancels=Rate(20_000, 100_000),
    tenant_reads=Rate(2_000, 20_000),
    account_connections=50,
)
# Play money only: everyone who can reach this deployment may know them.
PASSWORDS = {
    "alice@demo.example": "Alice-Plays-2026",
    "bob@demo.example": "Bob-Plays-2026",
}


def main() -> int:
    """Open the tenant; returns the exit status."""
    try:
        print(json.dumps(open_demo(read_settings(OnboardingSettings)), indent=2))
    except (SettingsError, BursaError) as error:
        print(f"The demo tenant could not be opened: {error}", file=sys.stderr)
        return 1
    return 0


def open_demo(settings: OnboardingSettings) -> dict[str, object]:
    """Open the tenant and describe it: its id, name, and users with their accounts."""
    onboarding = open_onboarding(settings)
    profile = onboarding.open_tenant(
        settings.tenant_name,
        settings.issuer,
        frozenset({settings.user_pool_client_id}),
        settings.shard,
        LIMITS,
    )
    for host in settings.hosts.split(","):
        onboarding.add_host(profile.tenant, host)
    onboarding.list_markets(profile.tenant, LISTING, KEY)
    users = []
    for email, password in PASSWORDS.items():
        account = onboarding.open_account(profile.tenant, email, password)
        onboarding.credit(account, LISTING, DEPOSITS, KEY)
        users.append({"email": email, "password": password, "account": str(account)})
    return {
        "tenant": {"id": str(profile.tenant), "name": profile.name},
        "markets": [market.symbol for market in LISTING.markets],
        "users": users,
    }


if __name__ == "__main__":
    sys.exit(main())
