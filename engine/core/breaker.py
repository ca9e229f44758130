"""The circuit breaker: a trade too far from the reference starts an auction that ends by itself."""

import cython

from engine.core.digest import digest_before
from engine.core.emit import touch_market
from engine.core.ledger import owner_of
from engine.core.records import (
    DIGEST_MULTIPLIER,
    L_HEAD,
    L_PRICE,
    M_AUCTION_MS,
    M_AUCTION_UNTIL_MS,
    M_BREAKER_PPM,
    M_LEAST_TRADED,
    M_NUMBER,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    O_FLAGS,
    O_NEXT,
    O_REMAINING,
    S_AUCTION_COUNT,
    S_SEQUENCE,
    S_TIME_MS,
    WORD_MASK,
)
from engine.core.reference_price import is_own_trade
from engine.core.store import Store
from wire.layout import (
    AUCTION_MS_DEFAULT,
    AUCTION_RANDOM_MS_MAX,
    PPM,
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
    s: Store,
    market: cython.longlong,
    taker: cython.longlong,
    level: cython.longlong,
    wanted: cython.longlong,
) -> cython.bint:
    """Whether an order that meets the breaker starts an auction; if not, it ends there."""
    m = s.m
    time_in_force = m[taker + O_FLAGS] >> TIF_SHIFT & TIF_MASK
    if time_in_force != TIF_GTC and time_in_force != TIF_GTD:
        return False
    owner = owner_of(s, taker)
    others: cython.longlong = 0
    maker = m[level + L_HEAD]
    while maker != level:
        if not is_own_trade(s, owner, owner_of(s, maker)):
            others += m[maker + O_REMAINING]
        maker = m[maker + O_NEXT]
    unit_value = m[level + L_PRICE] * m[market + M_TICK_UNITS]
    needed = (m[market + M_LEAST_TRADED] + unit_value - 1) // unit_value
    return wanted >= needed and others >= needed


@cython.cfunc
@cython.exceptval(check=False)
def start_auction(s: Store, market: cython.longlong) -> cython.longlong:
    """Start an auction, and draw when it ends: at random within its last seconds."""
    m = s.m
    m[market + M_STATE] = STATE_AUCTION
    duration_ms = m[market + M_AUCTION_MS]
    if not duration_ms:
        duration_ms = AUCTION_MS_DEFAULT
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
