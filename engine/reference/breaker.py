"""The circuit breaker: a trade too far from the reference starts an auction that ends by itself.

Nothing here trades or rejects. docs/adr has why it is an auction, and how its end is drawn.
"""

from engine.digest import MASK, MULTIPLIER
from engine.reference.book import is_worse
from engine.reference.emit import touch_market
from engine.reference.liquidity import own_lots, total_lots
from engine.reference.model import CAN_REST, Market, Order
from engine.reference.state import State
from wire import layout as w


def trips_breaker(market: Market, price: int) -> bool:
    """Whether a price is so far from the reference that nothing trades at it without an auction."""
    reference, ppm = market.reference_price, market.limits.breaker_ppm
    return bool(reference and ppm and abs(price - reference) > reference * ppm // w.PPM)


def may_start_auction(state: State, taker: Order, limit: int) -> bool:
    """Whether an order that meets the breaker starts an auction; if not, it ends there.

    It must wait in the auction itself, where others can trade with it, and would have traded what
    counts with others than its owner: halting a market is not for free. Nor does it start one while
    as many of the last as may count still do.
    """
    market = taker.market
    if taker.time_in_force not in CAN_REST or is_breaker_paused(state, market):
        return False
    return value_beyond(taker, limit) >= market.limits.least_traded


def value_beyond(taker: Order, limit: int) -> int:
    """Return what an order that meets the breaker would trade with others, in quote units.

    All the levels that it would go through beyond the breaker count, up to MEASURED_MAX. Where
    its owner has orders of its own, these take up what it wants first.
    """
    market, wanted, value = taker.market, taker.remaining, 0
    book = market.opposite(taker.side)
    for price in book.prices()[: w.MEASURED_MAX]:
        if is_worse(taker.side, price, limit) or not trips_breaker(market, price):
            break
        level = book.levels[price]
        own = own_lots(level, taker.account, by_group=True)
        wanted -= min(wanted, own)
        lots = min(wanted, total_lots(level) - own)
        wanted -= lots
        value += lots * price * market.tick_units
    return value


def auction_ms(market: Market) -> int:
    """Return how long an auction of a market lasts at most."""
    return market.limits.auction_ms or w.AUCTION_MS_DEFAULT


def counts_ms(market: Market) -> int:
    """Return for how long an auction of a market counts, once it has ended."""
    return w.AUCTION_PAUSE_FACTOR * auction_ms(market)


def is_breaker_paused(state: State, market: Market) -> bool:
    """Whether as many auctions of a market count as may."""
    return market.auctions_ms > state.time_ms + (w.AUCTIONS_COUNTED_MAX - 1) * counts_ms(market)


def start_auction(state: State, market: Market) -> None:
    """Start an auction, and draw when it ends: at random within its last seconds."""
    market.state = w.STATE_AUCTION
    duration_ms = auction_ms(market)
    random_ms = min(duration_ms // 2, w.AUCTION_RANDOM_MS_MAX)
    early_ms = draw(state, market) % (random_ms + 1)
    market.auction_until_ms = state.time_ms + duration_ms - early_ms
    touch_market(state, market)


def count_auction(state: State, market: Market, traded: int) -> None:
    """Count an auction that ends by itself, so that the breaker pauses after some of them.

    One that has traded less than the least value between two owners counts as all that may count:
    whoever starts it, and cancels, could start the next at once. Others cost fees, which two
    friends may think cheap. An operator who sets a state ends all that.
    """
    ends_by_itself = 0 < market.auction_until_ms <= state.time_ms
    market.auction_until_ms = 0
    if not ends_by_itself:
        market.auctions_ms = 0
    elif traded < market.limits.least_traded:
        market.auctions_ms = state.time_ms + w.AUCTIONS_COUNTED_MAX * counts_ms(market)
    else:
        market.auctions_ms = max(state.time_ms, market.auctions_ms) + counts_ms(market)


def draw(state: State, market: Market) -> int:
    """Return 64 bits that nobody who sends commands can choose or know.

    They are mixed (splitmix64: Steele, Lea, Flood 2014) from the digest of everything before this
    command, which holds all accounts' ids and balances, and from the command's sequence. So every
    replay draws the same, and this command's sender has no say.
    """
    z = (state.digest.now() ^ (state.sequence + market.number) * MULTIPLIER) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31
