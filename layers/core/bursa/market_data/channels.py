"""What a client can listen to.

book       levels of a market's book: all, or the best 20 or 100 of each side
trades     public trades of a market
ticker     a market's last trade, best prices and last day
candles    what trades in a market in intervals
markets    the states of all markets, and what auctions would trade
orders     an account's own orders, with their fills
fills      an account's own fills
balances   an account's own balances
"""

from dataclasses import dataclass
from typing import Final, Self

from bursa.market_data.candles import LIVE_INTERVALS

BOOK = "book"
TRADES = "trades"
TICKER = "ticker"
CANDLES = "candles"
MARKETS = "markets"
ORDERS = "orders"
FILLS = "fills"
BALANCES = "balances"

PUBLIC = frozenset({BOOK, TRADES, TICKER, CANDLES, MARKETS})
PRIVATE = frozenset({ORDERS, FILLS, BALANCES})

_OF_WHOLE_MARKETS = frozenset({BOOK, TICKER, CANDLES})

# What may stand behind the market of a channel; "" is nothing.
DETAILS: Final = {
    BOOK: ("", "20", "100"),
    TRADES: ("",),
    TICKER: ("",),
    CANDLES: LIVE_INTERVALS,
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream of messages.

    Attributes
    ----------
    kind
        One of the names above.
    subject
        The market of a public channel, the account of a private one; empty for all markets.
    detail
        How many levels of a book, or the interval of candles; empty where there is no choice, or
        for all levels.

    """

    kind: str
    subject: str
    detail: str = ""

    @property
    def is_public(self) -> bool:
        """Whether every user of the tenant may listen."""
        return self.kind in PUBLIC

    @property
    def is_of_market(self) -> bool:
        """Whether it tells of one market."""
        return self.kind in DETAILS

    @property
    def is_of_whole_market(self) -> bool:
        """Whether more is told than what a record changed (`bursa.market_data.live_markets`)."""
        return self.kind in _OF_WHOLE_MARKETS

    @property
    def is_replayed(self) -> bool:
        """Whether what was missed on it can be told from the records alone."""
        return (self.kind == BOOK and not self.detail) or self.kind not in _OF_WHOLE_MARKETS

    @property
    def depth(self) -> int:
        """How many levels a side of a book has; 0 for all."""
        return int(self.detail or 0)

    @property
    def key(self) -> str:
        """The name under which a subscription is stored, unique within the tenant."""
        return ":".join((self.kind, self.subject, *filter(None, (self.detail,))))

    @classmethod
    def of_key(cls, key: str) -> Self:
        """Return the channel that has this key."""
        kind, subject, *detail = key.split(":")
        return cls(kind, subject, *detail)
