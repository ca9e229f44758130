"""Assets, markets with their limits and states, and fee tiers."""

import cython

from engine.core.accounts import check_new_balances, is_tenant
from engine.core.auction import change_state
from engine.core.emit import emit_definition, emit_words, touch_market
from engine.core.index import find_market, open_account, open_balance
from engine.core.records import (
    ASSET_LIST,
    ASSET_SCALE,
    ASSET_SYMBOL_HIGH,
    ASSET_SYMBOL_LOW,
    ASSET_TENANT,
    ASSET_WORDS,
    ASSETS,
    B_BEST_IS_HIGHEST,
    B_LEVEL_EVENT,
    BOOK_WORDS,
    HIGHEST_FIRST,
    M_BASE,
    M_BOOKS,
    M_COLLAR_PPM,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LEAST_TRADED,
    M_LEAST_VALUE,
    M_LOT_UNITS,
    M_MARKET_BAND_PPM,
    M_MARKET_COLLAR_PPM,
    M_MAX_PRICE,
    M_MAX_QUANTITY,
    M_MIN_NOTIONAL,
    M_NUMBER,
    M_ORDER_EVENT,
    M_ORDERS_PER_MARKET,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_QUOTE,
    M_TENANT,
    M_TICK_UNITS,
    M_TRADE_EVENT,
    MARKET_BOOKS,
    MARKET_LIST,
    MARKET_WORDS,
    MARKETS,
    S_ASSET_COUNT,
    S_MARKET_COUNT,
    S_ORDERS_WATCH,
    TENANT_HOLDS,
    TENANT_ORDERS,
    TENANT_ORDERS_PER_MARKET,
    TENANT_WORDS,
    TENANTS,
    TIER_MAKER_PPM,
    TIER_SET,
    TIER_TAKER_PPM,
    TIER_WORDS,
)
from engine.core.reference_price import set_reference
from engine.core.store import Store, cut_record
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    AMOUNT_MAX,
    ASSET_LENGTH,
    ASSET_MAX,
    AUCTION_MS_MAX,
    COLLAR_PPM_MAX,
    DEFINE_ASSET_ASSET,
    DEFINE_ASSET_SCALE,
    DEFINE_ASSET_SYMBOL_HIGH,
    DEFINE_ASSET_SYMBOL_LOW,
    DEFINE_ASSET_TENANT,
    DEFINE_MARKET_BASE,
    DEFINE_MARKET_LOT_UNITS,
    DEFINE_MARKET_MARKET,
    DEFINE_MARKET_QUOTE,
    DEFINE_MARKET_STATE,
    DEFINE_MARKET_TENANT,
    DEFINE_MARKET_TICK_UNITS,
    DEFINITION_LENGTH,
    EVENT_ASSET,
    EVENT_FEE_TIER,
    EVENT_KIND_SHIFT,
    EVENT_LEVEL,
    EVENT_MARKET_DEFINITION,
    EVENT_MARKET_LIMITS,
    EVENT_MARKET_SHIFT,
    EVENT_ORDER,
    EVENT_TENANT_LIMITS,
    EVENT_TRADE,
    FEE_PPM_MAX,
    FEE_TIER_MAKER_PPM,
    FEE_TIER_TAKER_PPM,
    FEE_TIER_TENANT,
    FEE_TIER_TIER,
    HEADER_ACCOUNT,
    LEVEL_MARKET_SHIFT,
    LEVEL_SIDE_SHIFT,
    LIMITS_AUCTION_MS,
    LIMITS_BREAKER_PPM,
    LIMITS_COLLAR_PPM,
    LIMITS_LEAST_VALUE,
    LIMITS_MARKET,
    LIMITS_MARKET_COLLAR_PPM,
    LIMITS_MAX_PRICE,
    LIMITS_MAX_QUANTITY,
    LIMITS_MIN_NOTIONAL,
    LIMITS_REFERENCE_INTERVAL_MS,
    MARKET_LIMITS_LENGTH,
    MARKET_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    REASON_ALREADY_DEFINED,
    REASON_FEES_BELOW_REBATE,
    REASON_INVALID_SETTING,
    REASON_UNKNOWN_ASSET,
    REASON_UNKNOWN_MARKET,
    REASON_UNKNOWN_TENANT,
    REASON_WRONG_TENANT,
    SCALE_MAX,
    SET_STATE_MARKET,
    SET_STATE_REFERENCE_PRICE,
    SET_STATE_STATE,
    SIDE_BUY,
    STATE_AUCTION,
    STATE_OPEN,
    TENANT_LIMIT_MAX,
    TENANT_LIMITS_HOLDS,
    TENANT_LIMITS_ORDERS,
    TENANT_LIMITS_ORDERS_PER_MARKET,
    TENANT_LIMITS_TENANT,
    TENANT_MAX,
    TIER_MAX,
    TIME_MS_MAX,
)

# --- assets ---------------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def make_tenant(s: Store, tenant: cython.longlong) -> cython.longlong:
    """Make a tenant's record of tiers, unless there is one."""
    if not s.m[TENANTS + tenant]:
        s.m[TENANTS + tenant] = cut_record(s, TENANT_WORDS)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_asset(s: Store, number: cython.longlong, tenant: cython.longlong) -> cython.longlong:
    """Return why an asset is not one of the tenant's, or 0."""
    if number < 1 or number > ASSET_MAX:
        return REASON_UNKNOWN_ASSET
    owner = s.m[ASSETS + number * ASSET_WORDS + ASSET_TENANT]
    if not owner:
        return REASON_UNKNOWN_ASSET
    return 0 if owner == tenant else REASON_WRONG_TENANT


@cython.cfunc
def define_asset(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a DEFINE_ASSET command."""
    m = s.m
    number, tenant = command[DEFINE_ASSET_ASSET], command[DEFINE_ASSET_TENANT]
    scale = command[DEFINE_ASSET_SCALE]
    if tenant < 1 or tenant > TENANT_MAX:
        return REASON_UNKNOWN_TENANT
    in_range: cython.bint = 0 < number <= ASSET_MAX
    if in_range and m[ASSETS + number * ASSET_WORDS + ASSET_TENANT]:
        return REASON_ALREADY_DEFINED
    if not in_range or scale < 0 or scale > SCALE_MAX:
        return REASON_INVALID_SETTING
    record = ASSETS + number * ASSET_WORDS
    m[record + ASSET_TENANT] = tenant
    m[record + ASSET_SCALE] = scale
    m[record + ASSET_SYMBOL_HIGH] = command[DEFINE_ASSET_SYMBOL_HIGH]
    m[record + ASSET_SYMBOL_LOW] = command[DEFINE_ASSET_SYMBOL_LOW]
    make_tenant(s, tenant)
    m[ASSET_LIST + m[S_ASSET_COUNT]] = number
    m[S_ASSET_COUNT] += 1
    return emit_definition(s, EVENT_ASSET, command, DEFINE_ASSET_ASSET, ASSET_LENGTH)


# --- markets --------------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def make_market(s: Store, number: cython.longlong) -> cython.longlong:
    """Return a market's new record."""
    s.m[MARKETS + number] = cut_record(s, MARKET_WORDS)
    return s.m[MARKETS + number]


@cython.cfunc
@cython.exceptval(check=False)
def check_market_definition(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return why a DEFINE_MARKET is rejected, or 0."""
    number, tenant = command[DEFINE_MARKET_MARKET], command[DEFINE_MARKET_TENANT]
    base, quote = command[DEFINE_MARKET_BASE], command[DEFINE_MARKET_QUOTE]
    lot_units, tick_units = command[DEFINE_MARKET_LOT_UNITS], command[DEFINE_MARKET_TICK_UNITS]
    state = command[DEFINE_MARKET_STATE]
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    of_base, of_quote = check_asset(s, base, tenant), check_asset(s, quote, tenant)
    if of_base == REASON_UNKNOWN_ASSET or of_quote == REASON_UNKNOWN_ASSET:
        return REASON_UNKNOWN_ASSET
    if of_base or of_quote:
        return REASON_WRONG_TENANT
    if s.m[find_market(s, number) + M_NUMBER]:
        return REASON_ALREADY_DEFINED
    if number < 1 or number > MARKET_MAX or base == quote:
        return REASON_INVALID_SETTING
    if lot_units < 1 or lot_units > AMOUNT_MAX or tick_units < 1 or tick_units > AMOUNT_MAX:
        return REASON_INVALID_SETTING
    if state < STATE_OPEN or state > STATE_AUCTION:
        return REASON_INVALID_SETTING
    return check_new_balances(s, tenant << ACCOUNT_TENANT_SHIFT, base, quote)


@cython.cfunc
def define_market(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a DEFINE_MARKET command."""
    m = s.m
    reason = check_market_definition(s, command)
    if reason:
        return reason
    market = make_market(s, command[DEFINE_MARKET_MARKET])
    for index in range(DEFINITION_LENGTH - 1):
        m[market + M_NUMBER + index] = command[DEFINE_MARKET_MARKET + index]
    prepare_market(s, market)
    emit_definition(s, EVENT_MARKET_DEFINITION, command, DEFINE_MARKET_MARKET, DEFINITION_LENGTH)
    touch_market(s, market)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def prepare_market(s: Store, market: cython.longlong) -> cython.longlong:
    """Derive what a market needs from its definition, and list it by number."""
    m = s.m
    # The fee account's balances exist from the start, so that no trade has to make them.
    fee_account = open_account(s, m[market + M_TENANT] << ACCOUNT_TENANT_SHIFT)
    m[market + M_FEE_BASE] = open_balance(s, fee_account, m[market + M_BASE])
    m[market + M_FEE_QUOTE] = open_balance(s, fee_account, m[market + M_QUOTE])
    number = m[market + M_NUMBER] << EVENT_MARKET_SHIFT
    m[market + M_ORDER_EVENT] = EVENT_ORDER << EVENT_KIND_SHIFT | number
    m[market + M_TRADE_EVENT] = EVENT_TRADE << EVENT_KIND_SHIFT | number
    for position in range(MARKET_BOOKS):
        book = market + M_BOOKS + position * BOOK_WORDS
        if position < 2:
            m[book + B_LEVEL_EVENT] = (
                EVENT_LEVEL << EVENT_KIND_SHIFT
                | m[market + M_NUMBER] << LEVEL_MARKET_SHIFT
                | position + SIDE_BUY << LEVEL_SIDE_SHIFT
            )
        # Bids, sell stops, and the buys of trailing stops: the highest price comes first.
        is_highest: cython.bint = HIGHEST_FIRST >> position & 1
        m[book + B_BEST_IS_HIGHEST] = is_highest
    derive_bounds(s, market)
    derive_order_limit(s, market)
    position = m[S_MARKET_COUNT]
    while position and m[m[MARKET_LIST + position - 1] + M_NUMBER] > m[market + M_NUMBER]:
        m[MARKET_LIST + position] = m[MARKET_LIST + position - 1]
        position -= 1
    m[MARKET_LIST + position] = market
    m[S_MARKET_COUNT] += 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def derive_bounds(s: Store, market: cython.longlong) -> cython.longlong:
    """Derive the limits as they apply: bounds of price and quantity, the band of market orders."""
    m = s.m
    least = m[market + M_LEAST_VALUE]
    m[market + M_LEAST_TRADED] = least if least else 1
    band = m[market + M_MARKET_COLLAR_PPM]
    m[market + M_MARKET_BAND_PPM] = band if band else m[market + M_COLLAR_PPM]
    bound = AMOUNT_MAX // m[market + M_TICK_UNITS]
    if bound > PRICE_MAX:
        bound = PRICE_MAX
    limit = m[market + M_MAX_PRICE]
    m[market + M_PRICE_BOUND] = limit if limit and limit < bound else bound
    bound = AMOUNT_MAX // m[market + M_LOT_UNITS]
    if bound > QUANTITY_MAX:
        bound = QUANTITY_MAX
    limit = m[market + M_MAX_QUANTITY]
    m[market + M_QUANTITY_BOUND] = limit if limit and limit < bound else bound
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_between(word: cython.longlong, most: cython.longlong) -> cython.bint:
    """Whether a word is from 0 to a bound."""
    return word >= 0 and word <= most


@cython.cfunc
@cython.exceptval(check=False)
def check_own_market(
    s: Store, market: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return why a market is none, or not of the tenant in whose name a command is, or 0."""
    m, account = s.m, command[HEADER_ACCOUNT]
    if not m[market + M_NUMBER]:
        return REASON_UNKNOWN_MARKET
    if account and m[market + M_TENANT] != account >> ACCOUNT_TENANT_SHIFT:
        return REASON_WRONG_TENANT
    return 0


@cython.cfunc
def set_market_limits(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_MARKET_LIMITS command."""
    m = s.m
    market = find_market(s, command[LIMITS_MARKET])
    reason = check_own_market(s, market, command)
    if reason:
        return reason
    quantity_bound = AMOUNT_MAX // m[market + M_LOT_UNITS]
    price_bound = AMOUNT_MAX // m[market + M_TICK_UNITS]
    valid: cython.bint = (
        is_between(command[LIMITS_MIN_NOTIONAL], AMOUNT_MAX)
        and is_between(command[LIMITS_MAX_QUANTITY], QUANTITY_MAX)
        and is_between(command[LIMITS_MAX_QUANTITY], quantity_bound)
        and is_between(command[LIMITS_MAX_PRICE], PRICE_MAX)
        and is_between(command[LIMITS_MAX_PRICE], price_bound)
        and is_between(command[LIMITS_COLLAR_PPM], COLLAR_PPM_MAX)
        and is_between(command[LIMITS_MARKET_COLLAR_PPM], COLLAR_PPM_MAX)
        and is_between(command[LIMITS_BREAKER_PPM], COLLAR_PPM_MAX)
        and is_between(command[LIMITS_REFERENCE_INTERVAL_MS], TIME_MS_MAX)
        and is_between(command[LIMITS_LEAST_VALUE], AMOUNT_MAX)
        and is_between(command[LIMITS_AUCTION_MS], AUCTION_MS_MAX)
    )
    if not valid:
        return REASON_INVALID_SETTING
    for index in range(MARKET_LIMITS_LENGTH - 2):
        m[market + M_MIN_NOTIONAL + index] = command[LIMITS_MIN_NOTIONAL + index]
    derive_bounds(s, market)
    return emit_definition(s, EVENT_MARKET_LIMITS, command, LIMITS_MARKET, MARKET_LIMITS_LENGTH)


@cython.cfunc
def set_market_state(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_MARKET_STATE command."""
    market = find_market(s, command[SET_STATE_MARKET])
    state, reference = command[SET_STATE_STATE], command[SET_STATE_REFERENCE_PRICE]
    reason = check_own_market(s, market, command)
    if reason:
        return reason
    if state < STATE_OPEN or state > STATE_AUCTION or not is_between(reference, PRICE_MAX):
        return REASON_INVALID_SETTING
    if reference:
        set_reference(s, market, reference)
    return change_state(s, market, state)


# --- fee tiers ------------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def covers_rebates(
    s: Store,
    tenant: cython.longlong,
    tier: cython.longlong,
    maker_ppm: cython.longlong,
    taker_ppm: cython.longlong,
) -> cython.bint:
    """Whether the least taker fee would pay the largest rebate: any two accounts may meet."""
    m = s.m
    least_maker, least_taker = maker_ppm, taker_ppm
    for other in range(TIER_MAX + 1):
        row = m[TENANTS + tenant] + other * TIER_WORDS
        # Tier 0 exists from the start, with no fees.
        if other != tier and (m[row + TIER_SET] or not other):
            if m[row + TIER_MAKER_PPM] < least_maker:
                least_maker = m[row + TIER_MAKER_PPM]
            if m[row + TIER_TAKER_PPM] < least_taker:
                least_taker = m[row + TIER_TAKER_PPM]
    return least_maker + least_taker >= 0


@cython.cfunc
@cython.exceptval(check=False)
def derive_order_limit(s: Store, market: cython.longlong) -> cython.longlong:
    """Derive how many open orders an account may have in a market; 0 = as many as fit."""
    m = s.m
    tenant = m[TENANTS + m[market + M_TENANT]]
    m[market + M_ORDERS_PER_MARKET] = m[tenant + TENANT_ORDERS_PER_MARKET] if tenant else 0
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def derive_watch(s: Store) -> cython.longlong:
    """Derive how many orders there may be before one tenant alone may have too many."""
    m = s.m
    m[S_ORDERS_WATCH] = s.capacity_orders
    for tenant in range(TENANT_MAX + 1):
        limit = m[m[TENANTS + tenant] + TENANT_ORDERS] if m[TENANTS + tenant] else 0
        if limit and limit < m[S_ORDERS_WATCH]:
            m[S_ORDERS_WATCH] = limit
    return 0


@cython.cfunc
def set_tenant_limits(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_TENANT_LIMITS command."""
    m = s.m
    tenant = command[TENANT_LIMITS_TENANT]
    per_market, orders = command[TENANT_LIMITS_ORDERS_PER_MARKET], command[TENANT_LIMITS_ORDERS]
    holds = command[TENANT_LIMITS_HOLDS]
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    if not is_between(per_market, TENANT_LIMIT_MAX) or not is_between(orders, TENANT_LIMIT_MAX):
        return REASON_INVALID_SETTING
    if not is_between(holds, TENANT_LIMIT_MAX):
        return REASON_INVALID_SETTING
    record = m[TENANTS + tenant]
    m[record + TENANT_ORDERS_PER_MARKET] = per_market
    m[record + TENANT_ORDERS] = orders
    m[record + TENANT_HOLDS] = holds
    derive_watch(s)
    for position in range(m[S_MARKET_COUNT]):
        derive_order_limit(s, m[MARKET_LIST + position])
    emit_words(s, EVENT_TENANT_LIMITS, tenant, per_market, orders, holds)
    return 0


@cython.cfunc
def set_fee_tier(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_FEE_TIER command."""
    m = s.m
    tenant, tier = command[FEE_TIER_TENANT], command[FEE_TIER_TIER]
    maker_ppm, taker_ppm = command[FEE_TIER_MAKER_PPM], command[FEE_TIER_TAKER_PPM]
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    if not is_between(tier, TIER_MAX) or not is_between(taker_ppm, FEE_PPM_MAX):
        return REASON_INVALID_SETTING
    if maker_ppm < -FEE_PPM_MAX or maker_ppm > FEE_PPM_MAX:
        return REASON_INVALID_SETTING
    if not covers_rebates(s, tenant, tier, maker_ppm, taker_ppm):
        return REASON_FEES_BELOW_REBATE
    row = m[TENANTS + tenant] + tier * TIER_WORDS
    m[row + TIER_SET] = 1
    m[row + TIER_MAKER_PPM] = maker_ppm
    m[row + TIER_TAKER_PPM] = taker_ppm
    emit_words(s, EVENT_FEE_TIER, tenant, tier, maker_ppm, taker_ppm)
    return 0
