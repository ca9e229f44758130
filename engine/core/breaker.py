"""The circuit breaker: a trade too far from the reference starts an auction that ends by itself."""

import cython

from engine.core.book import book_of, is_worse, next_level
from engine.core.digest import digest_before
from engine.core.emit import touch_market
from engine.core.ledger import owner_of
from engine.core.liquidity import clear_own, mark_own, own_lots
from engine.core.records import (
    A_GROUP,
    B_BEST,
    DIGEST_MULTIPLIER,
    L_PRICE,
    L_TOTAL,
    M_AUCTION_MS,
    M_AUCTION_UNTIL_MS,
    M_AUCTIONS_MS,
    M_BREAKER_PPM,
    M_LEAST_TRADED,
    M_NUMBER,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    O_FLAGS,
    O_REMAINING,
    S_AUCTION_COUNT,
    S_SEQUENCE,
    S_TIME_MS,
    WORD_MASK,
)
from engine.core.store import Store
from wire.layout import (
    AUCTION_MS_DEFAULT,
    AUCTION_PAUSE_FACTOR,
    AUCTION_RANDOM_MS_MAX,
    AUCTIONS_COUNTED_MAX,
    MEASURED_MAX,
    PPM,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_AUCTION,
    TIF_GTC,
    TIF_GTD,
    TIF_MASK,
    TIF_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def trips_breaker(s: Store, market: cython.longlong, price: cython.longlong) -> cython.bint:
    """Whether a price is so far from the reference that nothing trades at it without an auction."""
    m = s.m
    reference = m[market + M_REFERENCE_PRICE]
    if not m[market + M_BREAKER_PPM] or not reference:
        return False
    band = reference * m[market + M_BREAKER_PPM] // PPM
    return price - reference > band or reference - price > band


@cython.cfunc
@cython.exceptval(check=False)
def may_start_auction(
    s: Store, market: cython.longlong, taker: cython.longlong, limit: cython.longlong
) -> cython.bint:
    """Whether an order that meets the breaker starts an auction; if not, it ends there."""
    m = s.m
    time_in_force = m[taker + O_FLAGS] >> TIF_SHIFT & TIF_MASK
    if time_in_force != TIF_GTC and time_in_force != TIF_GTD:
        return False
    if is_breaker_paused(s, market):
        return False
    return value_beyond(s, market, taker, limit) >= m[market + M_LEAST_TRADED]


@cython.cfunc
@cython.exceptval(check=False)
def value_beyond(
    s: Store, market: cython.longlong, taker: cython.longlong, limit: cython.longlong
) -> cython.longlong:
    """Return what an order that meets the breaker would trade with others, in quote units."""
    m = s.m
    side = m[taker + O_FLAGS] & SIDE_MASK
    opposite = SIDE_BUY + SIDE_SELL - side
    book = book_of(market, opposite)
    account = owner_of(s, taker)
    group = m[account + A_GROUP]
    marked: cython.bint = not group and mark_own(s, market, opposite, book, account)
    wanted = m[taker + O_REMAINING]
    value: cython.longlong = 0
    left: cython.longlong = MEASURED_MAX
    level = m[book + B_BEST]
    while level and left and wanted:
        price = m[level + L_PRICE]
        if is_worse(side, price, limit) or not trips_breaker(s, market, price):
            break
        own = own_lots(s, level, account, group)
        wanted -= min(wanted, own)
        lots = min(wanted, m[level + L_TOTAL] - own)
        wanted -= lots
        # No more than all bids hold, or than the taker's own limit lets it pay.
        value += price * m[market + M_TICK_UNITS] * lots
        left -= 1
        level = next_level(s, level)
    if marked:
        clear_own(s, market, opposite, book, account)
    return value


@cython.cfunc
@cython.exceptval(check=False)
def auction_ms(s: Store, market: cython.longlong) -> cython.longlong:
    """Return how long an auction of a market lasts at most."""
    duration_ms = s.m[market + M_AUCTION_MS]
    return duration_ms if duration_ms else AUCTION_MS_DEFAULT


@cython.cfunc
@cython.exceptval(check=False)
def counts_ms(s: Store, market: cython.longlong) -> cython.longlong:
    """Return for how long an auction of a market counts, once it has ended."""
    return AUCTION_PAUSE_FACTOR * auction_ms(s, market)


@cython.cfunc
@cython.exceptval(check=False)
def is_breaker_paused(s: Store, market: cython.longlong) -> cython.bint:
    """Whether as many auctions of a market count as may."""
    others_ms = (AUCTIONS_COUNTED_MAX - 1) * counts_ms(s, market)
    return s.m[market + M_AUCTIONS_MS] > s.m[S_TIME_MS] + others_ms


@cython.cfunc
@cython.exceptval(check=False)
def start_auction(s: Store, market: cython.longlong) -> cython.longlong:
    """Start an auction, and draw when it ends: at random within its last seconds."""
    m = s.m
    m[market + M_STATE] = STATE_AUCTION
    duration_ms = auction_ms(s, market)
    random_ms = duration_ms // 2
    if random_ms > AUCTION_RANDOM_MS_MAX:
        random_ms = AUCTION_RANDOM_MS_MAX
    choices: cython.ulonglong = random_ms + 1
    early_ms: cython.longlong = draw(s, market) % choices
    m[market + M_AUCTION_UNTIL_MS] = m[S_TIME_MS] + duration_ms - early_ms
    m[S_AUCTION_COUNT] += 1
    touch_market(s, market)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def count_auction(s: Store, market: cython.longlong, traded: cython.longlong) -> cython.longlong:
    """Count an auction that ends by itself; one for nothing counts as all that may count."""
    m = s.m
    until_ms = m[market + M_AUCTION_UNTIL_MS]
    ends_by_itself: cython.bint = 0 < until_ms <= m[S_TIME_MS]
    m[S_AUCTION_COUNT] -= until_ms != 0
    m[market + M_AUCTION_UNTIL_MS] = 0
    if not ends_by_itself:
        m[market + M_AUCTIONS_MS] = 0
    elif traded < m[market + M_LEAST_TRADED]:
        m[market + M_AUCTIONS_MS] = m[S_TIME_MS] + AUCTIONS_COUNTED_MAX * counts_ms(s, market)
    else:
        since_ms = max(m[S_TIME_MS], m[market + M_AUCTIONS_MS])
        m[market + M_AUCTIONS_MS] = since_ms + counts_ms(s, market)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def draw(s: Store, market: cython.longlong) -> cython.ulonglong:
    """Return 64 bits that nobody who sends commands can choose or know: splitmix64."""
    m = s.m
    seed: cython.ulonglong = m[S_SEQUENCE] + m[market + M_NUMBER]
    z: cython.ulonglong = (digest_before(s) ^ seed * DIGEST_MULTIPLIER) & WORD_MASK
    first: cython.ulonglong = 0xBF58476D1CE4E5B9
    second: cython.ulonglong = 0x94D049BB133111EB
    z = (z ^ z >> 30) * first & WORD_MASK
    z = (z ^ z >> 27) * second & WORD_MASK
    return z ^ z >> 31
