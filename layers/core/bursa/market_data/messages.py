"""What is sent on a channel, as facts; a dialect writes them for its clients.

Every fact is a whole state, never a difference: a level's quantity (0: the level is gone), an
order, a balance. So a message that comes twice does no harm.

Let S be the ``moment`` and P the ``previous_moment`` of a message. The message reflects its
channel's changes up to S, and between P and S nothing else happened on the channel. A client that
holds everything up to L with P <= L may apply the message and then holds everything up to S; when
P > L, something is missing (`bursa.market_data.channel_sequences`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from bursa.kernel.markets import Market
from bursa.market_data.channels import Channel
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.candles import Candle
from bursa.read_models.rows import BalanceRow, BookRow, Changes, FillRow, TradeRow

# Of each side: the levels by which a client sees that its book is the exchange's.
CHECKED_LEVELS = 10


@dataclass(frozen=True, slots=True)
class BookLevels:
    """Levels of a book, best first: price in ticks, quantity in lots.

    ``trading`` is the market's state; None where no change of it is told. ``best`` are the best
    bids and asks of all the book once these levels are in it; None where they are not known.
    """

    market: Market
    bids: Sequence[Level]
    asks: Sequence[Level]
    trading: TradingState | None = None
    best: tuple[Sequence[Level], Sequence[Level]] | None = None

    @classmethod
    def of_row(cls, market: Market, row: BookRow | None, depth: int) -> Self:
        """Return the best levels that a book's row holds; without one nothing is there yet."""
        trading = TradingState.of_row(row, market.state)
        if row is None:
            return cls(market, (), (), trading, ((), ()))
        bids, asks = (unpack_levels(side)[:depth] for side in (row.bids, row.asks))
        return cls(market, bids, asks, trading, (bids[:CHECKED_LEVELS], asks[:CHECKED_LEVELS]))


@dataclass(frozen=True, slots=True)
class PublicTrades:
    """Trades of a market: newest first in a snapshot, oldest first in an update."""

    market: Market
    trades: Sequence[TradeRow]


@dataclass(frozen=True, slots=True)
class CandleChanges:
    """Candles of a market, the oldest first; only the last one may change again."""

    market: Market
    candles: Sequence[Candle]


@dataclass(frozen=True, slots=True)
class MarketStates:
    """States of markets."""

    states: Sequence[tuple[Market, TradingState]]


@dataclass(frozen=True, slots=True)
class AccountFills:
    """Fills of an account with their markets: newest first in a snapshot, else oldest first."""

    fills: Sequence[tuple[Market, FillRow]]


@dataclass(frozen=True, slots=True)
class OrderChange:
    """Fields of an order's row, as far as they are known, and the fills that changed it."""

    market: Market
    values: Changes
    sequence: int
    fills: Sequence[FillRow] = ()


@dataclass(frozen=True, slots=True)
class AccountOrders:
    """Orders of an account."""

    orders: Sequence[OrderChange]


@dataclass(frozen=True, slots=True)
class AccountBalances:
    """Balances of an account, each with the decimal places of its asset."""

    balances: Sequence[tuple[BalanceRow, int]]


@dataclass(frozen=True, slots=True)
class Missed:
    """How many changes a record made on a channel, too many to be sent."""

    changes: int


Facts: TypeAlias = (
    BookLevels
    | PublicTrades
    | MarketTicker
    | CandleChanges
    | MarketStates
    | AccountOrders
    | AccountFills
    | AccountBalances
    | Missed
)


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What a channel's listeners are sent.

    Attributes
    ----------
    sequence
        Where it is in the shard's journal; never told to a client.
    moment, previous_moment
        S and P of the module's text (`bursa.read_models.moments`); a snapshot needs nothing before
        it, so its P is 0.
    epoch
        Which writer committed it: grows with every takeover, never falls as ``moment`` grows.
    is_snapshot
        Whether ``facts`` are the channel's whole state rather than its changes.

    """

    tenant: str
    channel: Channel
    sequence: int
    moment: int
    previous_moment: int
    epoch: int
    facts: Facts
    is_snapshot: bool = False


# Writes a message for the wire, in as many pieces as it takes.
MessageEncoder: TypeAlias = Callable[[ChannelMessage], Sequence[bytes]]
