"""What a WebSocket client is sent. Amounts are decimal strings, times are UTC milliseconds.

    {"type": "snapshot", "channel": "book:BTC-USDT", "sequence": 41, "time_ms": …, "data": …}
    {"type": "update",   "channel": "book:BTC-USDT", "sequence": 42, "time_ms": …, "data": …}
    {"type": "missed",   "channel": "book:BTC-USDT", "sequence": 43, "time_ms": …, "changes": 9000}
    {"type": "subscribed", "channels": [ … ]}      {"type": "unsubscribed", "channels": [ … ]}
    {"type": "pong"}                               {"type": "error", "code": …, "detail": …}

``sequence`` is that of the last command the message reflects. A snapshot holds everything up to
it, so a client drops updates whose sequence is not above the snapshot's. Everything stated is a
whole state, never a difference: a level's quantity ("0": the level is gone), an order, a balance.

API Gateway carries 128 KB in a message. A longer update is cut into several of one sequence, which
say which part of how many they are; what is far too much to follow is a hint to subscribe again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bursa.dialects.native.presentation import fill_from_row
from bursa.kernel.markets import Market, MarketUnits
from bursa.market_data.channels import Channel
from bursa.read_models.book_format import Level
from bursa.read_models.rows import Changes, FillRow

SNAPSHOT = "snapshot"
UPDATE = "update"
MISSED = "missed"

# API Gateway's own limit is 128 KB.
MESSAGE_BYTES_MAX = 120_000
# Of one channel and record; a snapshot says less than so many changes, and faster.
CHANGES_MAX = 2_000

Json = dict[str, Any]
_Row = tuple[str, Any]  # side of the book, or nothing; a level, or an entry of a list

# What naming the part, and an empty book, add to a message.
_PART_BYTES = 64
_FILLS_PER_ROW = 100

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What happened on one channel, ready to be sent to whoever listens."""

    tenant: str
    channel: Channel
    sequence: int
    time_ms: int
    data: object
    type: str = UPDATE

    def encode(self) -> bytes:
        """Write it for the wire."""
        return encode(
            {
                "type": self.type,
                "channel": self.channel.name,
                "sequence": self.sequence,
                "time_ms": self.time_ms,
                "data": self.data,
            }
        )

    def encode_parts(self) -> list[bytes]:
        """Write it for the wire, in as many messages as it takes."""
        whole = self.encode()
        if len(whole) <= MESSAGE_BYTES_MAX:
            return [whole]
        rows = _rows_of(self.data)
        budget = MESSAGE_BYTES_MAX - len(replace(self, data=[]).encode()) - _PART_BYTES
        portions: list[list[_Row]] = []
        room = 0
        for row in rows:
            size = len(_encoder.encode(row[1])) + 1
            if size > room:
                portions.append([])
                room = budget
            portions[-1].append(row)
            room -= size
        return [
            encode(
                {
                    "type": self.type,
                    "channel": self.channel.name,
                    "sequence": self.sequence,
                    "time_ms": self.time_ms,
                    "part": number,
                    "parts": len(portions),
                    "data": _data_of(portion, self.data),
                }
            )
            for number, portion in enumerate(portions, 1)
        ]


@dataclass(frozen=True, slots=True)
class MissedMessage:
    """So much happened on a channel at once that a snapshot says it better."""

    tenant: str
    channel: Channel
    sequence: int
    time_ms: int
    changes: int

    def encode_parts(self) -> list[bytes]:
        """Write it for the wire."""
        return [
            encode(
                {
                    "type": MISSED,
                    "channel": self.channel.name,
                    "sequence": self.sequence,
                    "time_ms": self.time_ms,
                    "changes": self.changes,
                }
            )
        ]


def _rows_of(data: object) -> list[_Row]:
    """Take a message's data apart, into what may stand in different messages."""
    if isinstance(data, dict):
        return [(side, level) for side, levels in data.items() for level in levels]
    return [row for entry in _listed(data) for row in _portions_of(entry)]


def _listed(data: object) -> list[Any]:
    if not isinstance(data, list):
        raise TypeError(f"A message holds a list or a book, not a {type(data).__name__}.")
    return data


def _portions_of(entry: Json) -> list[_Row]:
    """Say an order with very many fills several times, each time with some of them."""
    fills = entry.get("fills", ())
    if len(fills) <= _FILLS_PER_ROW:
        return [("", entry)]
    starts = range(0, len(fills), _FILLS_PER_ROW)
    return [("", entry | {"fills": fills[start : start + _FILLS_PER_ROW]}) for start in starts]


def _data_of(rows: list[_Row], like: object) -> object:
    if isinstance(like, dict):
        return {side: [row for where, row in rows if where == side] for side in like}
    return [row for _, row in rows]


def encode(message: Mapping[str, Any]) -> bytes:
    """Write any message for the wire."""
    return _encoder.encode(message)


def error(code: str, detail: str) -> bytes:
    """Say what was wrong with what the client sent."""
    return encode({"type": "error", "code": code, "detail": detail})


def book_data(market: Market, bids: Iterable[Level], asks: Iterable[Level]) -> Json:
    """Levels as [price, quantity]."""
    units = market.units
    return {
        side: [[units.price_text(price), units.quantity_text(lots)] for price, lots in levels]
        for side, levels in (("bids", bids), ("asks", asks))
    }


def order_data(market: Market, order: Changes, sequence: int, fills: Iterable[FillRow]) -> Json:
    """Say an order by those of its row's fields that are known, with the fills that made it so.

    The names are those of the REST answer (`bursa.dialects.native.responses.Order`). What an update
    does not know is left out: ``client_order_id``, ``created_at_ms`` and ``quote_amount`` are said
    when the order is new.
    """
    units = market.units
    data: Json = {"order_id": str(order["order_id"])}
    data |= {name: order[name] for name in _PLAIN if name in order}
    data |= {said: write(units, order[name]) for said, name, write in _AMOUNTS if name in order}
    if order["close_reason"] == "none":
        data["close_reason"] = None
    data["sequence"] = sequence
    data["fills"] = [fill_from_row(fill, market) for fill in fills]
    return data


def _or_null(write: Callable[[MarketUnits, Any], str]) -> Callable[[MarketUnits, Any], str | None]:
    return lambda units, value: write(units, value) if value else None


_PLAIN = (
    "client_order_id",
    "market",
    "side",
    "type",
    "time_in_force",
    "post_only",
    "self_trade_prevention",
    "status",
    "close_reason",
    "created_at_ms",
    "updated_at_ms",
)
_AMOUNTS: tuple[tuple[str, str, Callable[[MarketUnits, Any], str | None]], ...] = (
    ("price", "price", _or_null(MarketUnits.price_text)),
    ("quantity", "quantity", _or_null(MarketUnits.quantity_text)),
    ("quote_amount", "quote_amount", _or_null(MarketUnits.quote_text)),
    ("filled_quantity", "filled_quantity", MarketUnits.quantity_text),
    ("remaining_quantity", "remaining", MarketUnits.quantity_text),
    ("filled_quote", "filled_quote", MarketUnits.quote_text),
)
