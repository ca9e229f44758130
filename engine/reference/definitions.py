"""Assets, markets and fee tiers: what a tenant's exchange is made of."""

from engine.reference.accounts import check_new_balances, is_tenant
from engine.reference.auction import change_state
from engine.reference.emit import emit_definition, emit_words, touch_market
from engine.reference.index import find_market, open_account, open_balance
from engine.reference.model import Asset, Command, Limits, Market, Rejected, TenantLimits
from engine.reference.reference_price import set_reference
from engine.reference.state import State
from wire import layout as w

# --- assets and markets ---------------------------------------------------------------------------


def define_asset(state: State, command: Command) -> None:
    """Decide a DEFINE_ASSET command; a tenant's first asset makes the tenant."""
    words = command[w.DEFINE_ASSET_ASSET : w.DEFINE_ASSET_SYMBOL_LOW + 1]
    asset = Asset(*words)
    if not 0 < asset.tenant <= w.TENANT_MAX:
        raise Rejected(w.REASON_UNKNOWN_TENANT)
    if asset.number in state.assets:
        raise Rejected(w.REASON_ALREADY_DEFINED)
    if not 0 < asset.number <= w.ASSET_MAX or not 0 <= asset.scale <= w.SCALE_MAX:
        raise Rejected(w.REASON_INVALID_SETTING)

    state.assets[asset.number] = asset
    state.tenants.add(asset.tenant)
    emit_definition(state, w.EVENT_ASSET, words)


def check_asset(state: State, command: Command) -> Asset:
    """Return the asset a command names, which must be one of its account's tenant."""
    asset = state.assets.get(command[w.FUNDS_ASSET])
    if asset is None:
        raise Rejected(w.REASON_UNKNOWN_ASSET)
    if asset.tenant != w.account_tenant(command[w.HEADER_ACCOUNT]):
        raise Rejected(w.REASON_WRONG_TENANT)
    return asset


def define_market(state: State, command: Command) -> None:
    """Decide a DEFINE_MARKET command.

    The fee account's balances are made here, so that no trade ever has to make them.
    """
    words = command[w.DEFINE_MARKET_MARKET : w.DEFINE_MARKET_SYMBOL_LOW + 1]
    market = Market.of_words(words)
    fee_number = w.account_number(market.tenant, 0)
    check_market_definition(state, market)
    check_new_balances(state, fee_number, market.base, market.quote)

    fee_account = open_account(state, fee_number)
    open_balance(state, fee_account, market.base)
    open_balance(state, fee_account, market.quote)
    state.markets[market.number] = market
    emit_definition(state, w.EVENT_MARKET_DEFINITION, words)
    touch_market(state, market)


def check_market_definition(state: State, market: Market) -> None:
    """Reject a market that exists, crosses tenants, or whose words are out of range."""
    if not is_tenant(state, market.tenant):
        raise Rejected(w.REASON_UNKNOWN_TENANT)
    base, quote = state.assets.get(market.base), state.assets.get(market.quote)
    if base is None or quote is None:
        raise Rejected(w.REASON_UNKNOWN_ASSET)
    if base.tenant != market.tenant or quote.tenant != market.tenant:
        raise Rejected(w.REASON_WRONG_TENANT)
    if market.number in state.markets:
        raise Rejected(w.REASON_ALREADY_DEFINED)
    if (
        not 0 < market.number <= w.MARKET_MAX
        or market.base == market.quote
        or not 0 < market.lot_units <= w.AMOUNT_MAX
        or not 0 < market.tick_units <= w.AMOUNT_MAX
        or not w.STATE_OPEN <= market.state <= w.STATE_AUCTION
    ):
        raise Rejected(w.REASON_INVALID_SETTING)


def check_own_market(state: State, command: Command, number: int) -> Market:
    """Return a market to set, which must be of the tenant in whose name the command is, if any."""
    market, account = find_market(state, number), command[w.HEADER_ACCOUNT]
    if account and market.tenant != w.account_tenant(account):
        raise Rejected(w.REASON_WRONG_TENANT)
    return market


def set_market_limits(state: State, command: Command) -> None:
    """Decide a SET_MARKET_LIMITS command; open orders are not judged again."""
    words = command[w.LIMITS_MARKET : w.LIMITS_AUCTION_MS + 1]
    market = check_own_market(state, command, words[0])
    bounds = (
        w.AMOUNT_MAX,
        min(w.QUANTITY_MAX, w.AMOUNT_MAX // market.lot_units),
        min(w.PRICE_MAX, w.AMOUNT_MAX // market.tick_units),
        w.COLLAR_PPM_MAX,
        w.COLLAR_PPM_MAX,
        w.COLLAR_PPM_MAX,
        w.TIME_MS_MAX,
        w.AMOUNT_MAX,
        w.AUCTION_MS_MAX,
    )
    if not all(0 <= word <= most for word, most in zip(words[1:], bounds, strict=True)):
        raise Rejected(w.REASON_INVALID_SETTING)

    market.limits = Limits(*words[1:])
    emit_definition(state, w.EVENT_MARKET_LIMITS, words)


def set_market_state(state: State, command: Command) -> None:
    """Decide a SET_MARKET_STATE command, which may set the reference price as well."""
    market = check_own_market(state, command, command[w.SET_STATE_MARKET])
    market_state = command[w.SET_STATE_STATE]
    reference = command[w.SET_STATE_REFERENCE_PRICE]
    if not w.STATE_OPEN <= market_state <= w.STATE_AUCTION or not 0 <= reference <= w.PRICE_MAX:
        raise Rejected(w.REASON_INVALID_SETTING)

    if reference:
        set_reference(state, market, reference)
    change_state(state, market, market_state)


# --- tenants: limits and fee tiers ----------------------------------------------------------------


def set_tenant_limits(state: State, command: Command) -> None:
    """Decide a SET_TENANT_LIMITS command; what is open or held already stays."""
    words = command[w.TENANT_LIMITS_TENANT : w.TENANT_LIMITS_HOLDS + 1]
    if not is_tenant(state, words[0]):
        raise Rejected(w.REASON_UNKNOWN_TENANT)
    if not all(0 <= word <= w.TENANT_LIMIT_MAX for word in words[1:]):
        raise Rejected(w.REASON_INVALID_SETTING)

    state.tenant_limits[words[0]] = TenantLimits(*words[1:])
    emit_words(state, w.EVENT_TENANT_LIMITS, *words)


def find_tenant_limits(state: State, tenant: int) -> TenantLimits:
    """Return a tenant's limits; without a command it has none."""
    return state.tenant_limits.get(tenant, TenantLimits())


def set_fee_tier(state: State, command: Command) -> None:
    """Decide a SET_FEE_TIER command; a negative maker fee is a rebate."""
    tenant, tier, maker_ppm, taker_ppm = command[w.FEE_TIER_TENANT : w.FEE_TIER_TAKER_PPM + 1]
    if not is_tenant(state, tenant):
        raise Rejected(w.REASON_UNKNOWN_TENANT)
    if (
        not 0 <= tier <= w.TIER_MAX
        or not -w.FEE_PPM_MAX <= maker_ppm <= w.FEE_PPM_MAX
        or not 0 <= taker_ppm <= w.FEE_PPM_MAX
    ):
        raise Rejected(w.REASON_INVALID_SETTING)
    if not covers_rebates(state, tenant, tier, maker_ppm, taker_ppm):
        raise Rejected(w.REASON_FEES_BELOW_REBATE)

    state.tiers[tenant, tier] = (maker_ppm, taker_ppm)
    emit_words(state, w.EVENT_FEE_TIER, tenant, tier, maker_ppm, taker_ppm)


def covers_rebates(state: State, tenant: int, tier: int, maker_ppm: int, taker_ppm: int) -> bool:
    """Whether the least taker fee would pay the largest rebate: any two accounts may meet.

    Tier 0 exists from the start, with no fees.
    """
    tiers = {(tenant, 0): (0, 0), **state.tiers, (tenant, tier): (maker_ppm, taker_ppm)}
    fees = [pair for (owner, _), pair in tiers.items() if owner == tenant]
    return min(maker for maker, _ in fees) + min(taker for _, taker in fees) >= 0
