"""The circuit breaker: a trade too far from the reference starts an auction that ends by itself.

Nothing here trades or rejects. docs/adr has why it is an auction, and how its end is drawn.
"""

from engine.digest import MASK, MULTIPLIER
from engine.reference.emit import touch_market
from engine.reference.model import CAN_REST, Market, Order
from engine.reference.reference_price import is_own_trade
from engine.reference.state import State
from wire import layout as w


def trips_breaker(market: Market, price: int) -> bool:
    """Whether a price is so far from the reference that nothing trades at it without an auction."""
    reference, ppm = market.reference_price, market.limits.breaker_ppm
    return bool(reference and ppm and abs(price - reference) > reference * ppm // w.PPM)


def may_start_auction(taker: Order, level: list[Order], wanted: int) -> bool:
    """Whether an order that meets the breaker starts an auction; if not, it ends there.

    It must wait in the auction itself, where others can trade with it, and would have traded what
    counts with others than its owner: halting a market is not for free.
    """
    market = taker.market
    others = sum(maker.remaining for maker in level if not is_own_trade(taker, maker))
    value = min(wanted, others) * level[0].price * market.tick_units
    return taker.time_in_force in CAN_REST and value >= market.limits.least_traded


def start_auction(state: State, market: Market) -> None:
    """Start an auction, and draw when it ends: at random within its last seconds."""
    market.state = w.STATE_AUCTION
    duration_ms = market.limits.auction_ms or w.AUCTION_MS_DEFAULT
    random_ms = min(duration_ms // 2, w.AUCTION_RANDOM_MS_MAX)
    early_ms = draw(state, market) % (random_ms + 1)
    market.auction_until_ms = state.time_ms + duration_ms - early_ms
    touch_market(state, market)


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
