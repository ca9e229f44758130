"""Assets, markets, tiers, accounts, time and epochs."""

import cython

from engine.core.auction import change_state, publish_indicative, set_reference
from engine.core.changing import close_all
from engine.core.countdown import put_countdown, unschedule_countdown
from engine.core.funds import refuse_asset, refuse_new_balances
from engine.core.index import find_account, open_account, open_balance
from engine.core.ledger import put4, touch_market
from engine.core.orders import close_order
from engine.core.records import (
    A_DEADLINE_MS,
    A_FEES,
    A_GROUP,
    A_STATE,
    A_TIER,
    ASSET_LIST,
    ASSETS,
    B_BEST_IS_HIGHEST,
    B_NUMBER,
    B_SIDE,
    BOOK_WORDS,
    COIN_SCALE,
    COIN_SYMBOL_HIGH,
    COIN_SYMBOL_LOW,
    COIN_TENANT,
    COIN_WORDS,
    M_BASE,
    M_BOOKS,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LOT_UNITS,
    M_MAX_PRICE,
    M_MAX_QUANTITY,
    M_MIN_NOTIONAL,
    M_NUMBER,
    M_ORDER_EVENT,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_QUOTE,
    M_STATE,
    M_TENANT,
    M_TICK_UNITS,
    M_TRADE_EVENT,
    MARKET_LIST,
    MARKET_WORDS,
    MARKETS,
    O_RARE,
    S_ACCOUNT_COUNT,
    S_ASSET_COUNT,
    S_COUNTDOWN_COUNT,
    S_EPOCH,
    S_EXPIRY_COUNT,
    S_MARKET_COUNT,
    S_RESULT_EVENT,
    S_TIME_MS,
    TENANT_WORDS,
    TENANTS,
    TIER_MAKER_PPM,
    TIER_SET,
    TIER_TAKER_PPM,
    TIER_WORDS,
    X_EXPIRE_MS,
)
from engine.core.refusing import market_at
from engine.core.store import Store, cut_record, make_room, note_time
from wire.layout import (
    ACCOUNT_INDEX_MAX,
    ACCOUNT_STATE_FROZEN,
    ACCOUNT_TENANT_SHIFT,
    AMOUNT_MAX,
    ASSET_LENGTH,
    ASSET_MAX,
    CLOSE_COUNTDOWN_ELAPSED,
    CLOSE_EXPIRED,
    COLLAR_PPM_MAX,
    COMMAND_ADVANCE_TIME,
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
    EPOCH_EPOCH,
    EPOCH_LENGTH,
    EVENT_ACCOUNT,
    EVENT_ASSET,
    EVENT_EPOCH,
    EVENT_FEE_TIER,
    EVENT_KIND_SHIFT,
    EVENT_MARKET_DEFINITION,
    EVENT_MARKET_LIMITS,
    EVENT_MARKET_SHIFT,
    EVENT_ORDER,
    EVENT_TRADE,
    FEE_PPM_MAX,
    FEE_TIER_MAKER_PPM,
    FEE_TIER_TAKER_PPM,
    FEE_TIER_TENANT,
    FEE_TIER_TIER,
    HEADER_ACCOUNT,
    HEADER_TIME_MS,
    LIMITS_BREAKER_PPM,
    LIMITS_COLLAR_PPM,
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
    REASON_CAPACITY_EXHAUSTED,
    REASON_FEES_BELOW_REBATE,
    REASON_INVALID_SETTING,
    REASON_LAST,
    REASON_MALFORMED_COMMAND,
    REASON_UNKNOWN_ASSET,
    REASON_UNKNOWN_MARKET,
    REASON_UNKNOWN_TENANT,
    REASON_WRONG_TENANT,
    REJECT_REASON,
    SCALE_MAX,
    SET_ACCOUNT_STATE,
    SET_ACCOUNT_STP_GROUP,
    SET_ACCOUNT_TIER,
    SET_STATE_MARKET,
    SET_STATE_REFERENCE_PRICE,
    SET_STATE_STATE,
    SIDE_BOTH,
    SIDE_BUY,
    STATE_AUCTION,
    STATE_OPEN,
    STATUS_EXPIRED,
    TENANT_MAX,
    TIER_MAX,
    TIME_MS_MAX,
)

# --- assets and markets ---------------------------------------------------------------------------


@cython.cfunc
def copy_event(
    s: Store,
    kind: cython.longlong,
    command: cython.p_longlong,
    first: cython.longlong,
    length: cython.longlong,
) -> cython.longlong:
    """State a definition: an event whose words are the command's."""
    make_room(s)
    s.out[s.end] = kind << EVENT_KIND_SHIFT
    for index in range(length - 1):
        s.out[s.end + 1 + index] = command[first + index]
    s.end += length
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def make_tenant(s: Store, tenant: cython.longlong) -> cython.longlong:
    """Make a tenant's record of tiers, unless there is one."""
    if not s.m[TENANTS + tenant]:
        s.m[TENANTS + tenant] = cut_record(s, TENANT_WORDS)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def make_market(s: Store, number: cython.longlong) -> cython.longlong:
    """Return a market's new record."""
    s.m[MARKETS + number] = cut_record(s, MARKET_WORDS)
    return s.m[MARKETS + number]


@cython.cfunc
def define_asset(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a DEFINE_ASSET command."""
    m = s.m
    number, tenant = command[DEFINE_ASSET_ASSET], command[DEFINE_ASSET_TENANT]
    scale = command[DEFINE_ASSET_SCALE]
    if tenant < 1 or tenant > TENANT_MAX:
        return REASON_UNKNOWN_TENANT
    in_range: cython.bint = 0 < number <= ASSET_MAX
    if in_range and m[ASSETS + number * COIN_WORDS + COIN_TENANT]:
        return REASON_ALREADY_DEFINED
    if not in_range or scale < 0 or scale > SCALE_MAX:
        return REASON_INVALID_SETTING
    coin = ASSETS + number * COIN_WORDS
    m[coin + COIN_TENANT] = tenant
    m[coin + COIN_SCALE] = scale
    m[coin + COIN_SYMBOL_HIGH] = command[DEFINE_ASSET_SYMBOL_HIGH]
    m[coin + COIN_SYMBOL_LOW] = command[DEFINE_ASSET_SYMBOL_LOW]
    make_tenant(s, tenant)
    m[ASSET_LIST + m[S_ASSET_COUNT]] = number
    m[S_ASSET_COUNT] += 1
    return copy_event(s, EVENT_ASSET, command, DEFINE_ASSET_ASSET, ASSET_LENGTH)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_tenant(s: Store, tenant: cython.longlong) -> cython.bint:
    """Whether a tenant has anything defined."""
    return 0 < tenant <= TENANT_MAX and s.m[TENANTS + tenant]


@cython.cfunc
@cython.exceptval(check=False)
def refuse_define_market(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return why a DEFINE_MARKET is refused, or 0."""
    number, tenant = command[DEFINE_MARKET_MARKET], command[DEFINE_MARKET_TENANT]
    base, quote = command[DEFINE_MARKET_BASE], command[DEFINE_MARKET_QUOTE]
    lot_units, tick_units = command[DEFINE_MARKET_LOT_UNITS], command[DEFINE_MARKET_TICK_UNITS]
    state = command[DEFINE_MARKET_STATE]
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    of_base, of_quote = refuse_asset(s, base, tenant), refuse_asset(s, quote, tenant)
    if of_base == REASON_UNKNOWN_ASSET or of_quote == REASON_UNKNOWN_ASSET:
        return REASON_UNKNOWN_ASSET
    if of_base or of_quote:
        return REASON_WRONG_TENANT
    if s.m[market_at(s, number) + M_NUMBER]:
        return REASON_ALREADY_DEFINED
    if number < 1 or number > MARKET_MAX or base == quote:
        return REASON_INVALID_SETTING
    if lot_units < 1 or lot_units > AMOUNT_MAX or tick_units < 1 or tick_units > AMOUNT_MAX:
        return REASON_INVALID_SETTING
    if state < STATE_OPEN or state > STATE_AUCTION:
        return REASON_INVALID_SETTING
    return refuse_new_balances(s, tenant << ACCOUNT_TENANT_SHIFT, base, quote)


@cython.cfunc
def define_market(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a DEFINE_MARKET command."""
    m = s.m
    reason = refuse_define_market(s, command)
    if reason:
        return reason
    market = make_market(s, command[DEFINE_MARKET_MARKET])
    for index in range(DEFINITION_LENGTH - 1):
        m[market + M_NUMBER + index] = command[DEFINE_MARKET_MARKET + index]
    prepare_market(s, market)
    copy_event(s, EVENT_MARKET_DEFINITION, command, DEFINE_MARKET_MARKET, DEFINITION_LENGTH)
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
    for place in range(4):
        book = market + M_BOOKS + place * BOOK_WORDS
        m[book + B_NUMBER] = m[market + M_NUMBER]
        m[book + B_SIDE] = place + SIDE_BUY if place < 2 else 0
        # Bids and sell stops: the highest price comes first.
        m[book + B_BEST_IS_HIGHEST] = place == 0 or place == 3
    bound_market(s, market)
    place = m[S_MARKET_COUNT]
    while place and m[m[MARKET_LIST + place - 1] + M_NUMBER] > m[market + M_NUMBER]:
        m[MARKET_LIST + place] = m[MARKET_LIST + place - 1]
        place -= 1
    m[MARKET_LIST + place] = market
    m[S_MARKET_COUNT] += 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def bound_market(s: Store, market: cython.longlong) -> cython.longlong:
    """Derive the largest price and quantity that an order may have."""
    m = s.m
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
def set_market_limits(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_MARKET_LIMITS command."""
    m = s.m
    market = market_at(s, command[LIMITS_MARKET])
    if not m[market + M_NUMBER]:
        return REASON_UNKNOWN_MARKET
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
    )
    if not valid:
        return REASON_INVALID_SETTING
    for index in range(MARKET_LIMITS_LENGTH - 2):
        m[market + M_MIN_NOTIONAL + index] = command[LIMITS_MIN_NOTIONAL + index]
    bound_market(s, market)
    return copy_event(s, EVENT_MARKET_LIMITS, command, LIMITS_MARKET, MARKET_LIMITS_LENGTH)


@cython.cfunc
def set_market_state(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_MARKET_STATE command."""
    m = s.m
    market = market_at(s, command[SET_STATE_MARKET])
    state, reference = command[SET_STATE_STATE], command[SET_STATE_REFERENCE_PRICE]
    if not m[market + M_NUMBER]:
        return REASON_UNKNOWN_MARKET
    if state < STATE_OPEN or state > STATE_AUCTION or not is_between(reference, PRICE_MAX):
        return REASON_INVALID_SETTING
    if reference:
        set_reference(s, market, reference)
    return change_state(s, market, state)


# --- tiers and accounts ---------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def pays_rebates(
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
    if not pays_rebates(s, tenant, tier, maker_ppm, taker_ppm):
        return REASON_FEES_BELOW_REBATE
    row = m[TENANTS + tenant] + tier * TIER_WORDS
    m[row + TIER_SET] = 1
    m[row + TIER_MAKER_PPM] = maker_ppm
    m[row + TIER_TAKER_PPM] = taker_ppm
    put4(s, EVENT_FEE_TIER, tenant, tier, maker_ppm, taker_ppm)
    return 0


@cython.cfunc
def set_account(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a SET_ACCOUNT command."""
    m = s.m
    number = command[HEADER_ACCOUNT]
    tier, group = command[SET_ACCOUNT_TIER], command[SET_ACCOUNT_STP_GROUP]
    state = command[SET_ACCOUNT_STATE]
    tenant = number >> ACCOUNT_TENANT_SHIFT
    if not is_tenant(s, tenant):
        return REASON_UNKNOWN_TENANT
    if not is_between(tier, TIER_MAX) or not is_between(group, ACCOUNT_INDEX_MAX):
        return REASON_INVALID_SETTING
    row = m[TENANTS + tenant] + tier * TIER_WORDS
    if (tier and not m[row + TIER_SET]) or not is_between(state, ACCOUNT_STATE_FROZEN):
        return REASON_INVALID_SETTING
    if not find_account(s, number) and m[S_ACCOUNT_COUNT] >= s.capacity_accounts:
        return REASON_CAPACITY_EXHAUSTED
    account = open_account(s, number)
    m[account + A_TIER] = tier
    m[account + A_FEES] = row
    m[account + A_GROUP] = group
    m[account + A_STATE] = state
    put4(s, EVENT_ACCOUNT, number, tier, group, state)
    return 0


# --- time and epochs ------------------------------------------------------------------------------


@cython.cfunc
def advance_time(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an ADVANCE_TIME command: expiries, then countdowns, then auctions' indications."""
    m = s.m
    if command[HEADER_TIME_MS] > m[S_TIME_MS]:
        m[S_TIME_MS] = command[HEADER_TIME_MS]
        note_time(s)
        s.out[s.started] = m[S_RESULT_EVENT] | COMMAND_ADVANCE_TIME
    now = m[S_TIME_MS]
    while m[S_EXPIRY_COUNT]:
        order = m[s.expiries + 1]
        if m[m[order + O_RARE] + X_EXPIRE_MS] > now:
            break
        make_room(s)
        close_order(s, order, STATUS_EXPIRED, CLOSE_EXPIRED)
    while m[S_COUNTDOWN_COUNT]:
        account = m[s.countdowns + 1]
        if m[account + A_DEADLINE_MS] > now:
            break
        unschedule_countdown(s, account)
        put_countdown(s, account)
        close_all(s, account, 0, SIDE_BOTH, CLOSE_COUNTDOWN_ELAPSED)
    for place in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + place]
        if m[market + M_STATE] == STATE_AUCTION:
            publish_indicative(s, market)
    return 0


@cython.cfunc
def start_epoch(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an EPOCH command."""
    m = s.m
    if command[EPOCH_EPOCH] < 0:
        return REASON_INVALID_SETTING
    for index in range(EPOCH_LENGTH - 1):
        m[S_EPOCH + index] = command[EPOCH_EPOCH + index]
    return copy_event(s, EVENT_EPOCH, command, EPOCH_EPOCH, EPOCH_LENGTH)


@cython.cfunc
@cython.exceptval(check=False)
def reject(command: cython.p_longlong) -> cython.longlong:
    """Decide a REJECT command: refuse, for the reason it brings."""
    reason = command[REJECT_REASON]
    if reason < 1 or reason > REASON_LAST:
        return REASON_MALFORMED_COMMAND
    return reason
