"""What is sent on a channel, as facts; a dialect writes them for its clients.

Every fact is a whole state, never a difference: a level's quantity (0: the level is gone), an
order, a balance. So a message that comes twice does no harm.

Let S be the ``sequence`` and P the ``previous_sequence`` of a message. The message reflects its
channel's changes up to S, and between P and S nothing else happened on the channel. A client that
holds everything up to L with P <= L may apply the message and then holds everything up to S; when
P > L, something is missing (`bursa.market_data.channel_sequences`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bursa.kernel.markets import Market
from bursa.market_data.channels import Channel
from bursa.read_models.book_format import Level
from bursa.read_models.rows import BalanceRow, Changes, FillRow, TradeRow


@dataclass(frozen=True, slots=True)
class BookLevels:
    """Levels of a book, best first: price in ticks, quantity in lots."""

    market: Market
    bids: Sequence[Level]
    asks: Sequence[Level]


@dataclass(frozen=True, slots=True)
class PublicTrades:
    """Trades of a market: newest first in a snapshot, oldest first in an update."""

    market: Market
    trades: Sequence[TradeRow]


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


Facts: TypeAlias = BookLevels | PublicTrades | AccountOrders | AccountBalances | Missed


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What a channel's listeners are sent.

    Attributes
    ----------
    sequence, previous_sequence
        S and P of the module's text; a snapshot needs nothing before it, so its P is 0.
    epoch
        Which writer committed it: grows with every takeover, never falls as ``sequence`` grows.
    time_ms
        The engine's time, UTC milliseconds.
    is_snapshot
        Whether ``facts`` are the channel's whole state rather than its changes.

    """

    tenant: str
    channel: Channel
    sequence: int
    previous_sequence: int
    epoch: int
    time_ms: int
    facts: Facts
    is_snapshot: bool = False


# Writes a message for the wire, in as many pieces as it takes.
MessageEncoder: TypeAlias = Callable[[ChannelMessage], Sequence[bytes]]
