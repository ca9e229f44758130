"""What a WebSocket client is sent. Amounts are decimal strings, times are UTC milliseconds.

    {"type": "snapshot", "channel": "book:BTC-USDT", "sequence": …, "previous_sequence": 0,
     "epoch": 3, "time_ms": …, "data": …}
    {"type": "update", "channel": "book:BTC-USDT", "sequence": …, "previous_sequence": …, …}
    {"type": "missed", "channel": "book:BTC-USDT", "sequence": …, …, "changes": 9000}
    {"type": "subscribed", "channels": [ … ]}      {"type": "unsubscribed", "channels": [ … ]}
    {"type": "resumed", "channels": {"orders": "replayed", "ticker:BTC-USDT": "snapshot"}}
    {"type": "pong"}                               {"type": "error", "code": …, "detail": …}
    {"type": "going_away", "closes_at_ms": …}      {"type": "closing", "code": …, "detail": …}

What ``sequence``, ``previous_sequence`` and ``epoch`` mean is in `bursa.market_data.messages`;
what a client does with them, in docs/websocket.md.

API Gateway carries 32 KB in a frame. What is longer is cut into several of one sequence, which say
which part of how many they are; what is far too much to follow is a hint to subscribe again.
"""

import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from bursa.dialects.native.auction_presentation import auction
from bursa.dialects.native.market_presentation import candle_response, ticker_response
from bursa.dialects.native.order_presentation import present_known_fields
from bursa.dialects.native.public_ids import PublicIds, TenantIds
from bursa.dialects.native.row_presentation import (
    balance_from_row,
    fill_from_row,
    trade_from_row,
)
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market, MarketUnits
from bursa.market_data.channels import CANDLES, DETAILS, MARKETS, PRIVATE, Channel
from bursa.market_data.messages import (
    AccountBalances,
    AccountFills,
    AccountOrders,
    BookLevels,
    CandleChanges,
    ChannelMessage,
    Facts,
    MarketStates,
    Missed,
    PublicTrades,
)
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import Level
from bursa.read_models.rows import Changes, FillRow
from bursa.trading.orders import order_from_changes

SNAPSHOT = "snapshot"
UPDATE = "update"
MISSED = "missed"

# What API Gateway carries in one frame; each further one would be paid for as a message too.
MESSAGE_BYTES_MAX = 32_000

Json = dict[str, Any]
_Row = tuple[str, Any]  # side of the book, or nothing; a level, or an entry of a list

_SIDES: Final = ("bids", "asks")
# What naming the part adds to a message.
_PART_BYTES = 64
_FILLS_PER_ROW = 25
# Far longer than any market's name, and far shorter than what a key of a table may be.
_MARKET: Final = re.compile(r"[A-Z0-9-]{1,40}", re.ASCII)

_encoder = msgspec.json.Encoder()


# --- channels -------------------------------------------------------------------------------------


def read_channel(name: str, account: AccountId | None) -> Channel:
    """Return the channel of a name; a private one is always the client's own.

    Raises
    ------
    InvalidInput
        ``unknown_channel``. Whether the market exists is not looked at.
        ``ticket_required``: a private one, of a connection that has no account.

    """
    kind, _, subject = name.partition(":")
    market, colon, detail = subject.partition(":")
    if kind in DETAILS and _MARKET.fullmatch(market) and detail in DETAILS[kind]:
        if bool(colon) == bool(detail):
            return Channel(kind, market, detail)
    elif name == MARKETS:
        return Channel(MARKETS, "")
    elif name in PRIVATE:
        if account is None:
            raise InvalidInput(
                "ticket_required",
                f"To follow {name} sign in, and connect to websocket_url of GET /v1/tenant with a"
                " ticket of POST /v1/ws-ticket.",
                field="channels",
            )
        return Channel(kind, str(account))
    raise InvalidInput(
        "unknown_channel",
        "A channel is book:<market>, book:<market>:20, book:<market>:100, trades:<market>,"
        f" ticker:<market>, candles:<market>:<{', '.join(DETAILS[CANDLES])}>, markets, orders,"
        " fills or balances.",
        field="channels",
    )


def channel_name(channel: Channel) -> str:
    """Return the name by which a client knows a channel."""
    return channel.key if channel.kind in DETAILS else channel.kind


# --- messages of a channel ------------------------------------------------------------------------


def encode_message(message: ChannelMessage, ids: PublicIds) -> Sequence[bytes]:
    """Write a channel's message for the wire, in as many pieces as it takes."""
    header = _header(message)
    if isinstance(message.facts, Missed):
        return [encode(header | {"changes": message.facts.changes})]
    return encode_parts(header, _data(message.facts, ids.of(TenantId.parse(message.tenant))))


def encode_parts(header: Json, data: object) -> list[bytes]:
    """Write a list, or the sides of a book, in messages that the socket can carry."""
    whole = encode(header | {"data": data})
    if len(whole) <= MESSAGE_BYTES_MAX:
        return [whole]
    empty = encode(header | {"data": _data_of([], data)})
    portions = _portions(data, MESSAGE_BYTES_MAX - len(empty) - _PART_BYTES)
    return [
        encode(header | {"part": part, "parts": len(portions), "data": _data_of(portion, data)})
        for part, portion in enumerate(portions, 1)
    ]


def _header(message: ChannelMessage) -> Json:
    kind = UPDATE
    if message.is_snapshot:
        kind = SNAPSHOT
    elif isinstance(message.facts, Missed):
        kind = MISSED
    return {
        "type": kind,
        "channel": channel_name(message.channel),
        "sequence": message.moment,
        "previous_sequence": message.previous_moment,
        "epoch": message.epoch,
        "time_ms": message.moment,
    }


def _data(facts: Facts, ids: TenantIds) -> object:
    match facts:
        case BookLevels():
            return book_data(facts)
        case MarketTicker():
            return ticker_response(facts)
        case CandleChanges():
            return [candle_response(one, facts.market.units) for one in facts.candles]
        case MarketStates():
            return [_market_state(market, trading) for market, trading in facts.states]
        case _:
            return _rows(facts, ids)


def _rows(facts: Facts, ids: TenantIds) -> list[Any]:
    match facts:
        case PublicTrades():
            return [trade_from_row(row, facts.market, ids) for row in facts.trades]
        case AccountOrders():
            return [
                order_data(order.market, order.values, order.sequence, order.fills, ids)
                for order in facts.orders
            ]
        case AccountFills():
            return [fill_from_row(row, market, ids) for market, row in facts.fills]
        case AccountBalances():
            return [balance_from_row(row, scale) for row, scale in facts.balances]
        case _:
            raise TypeError(f"{type(facts).__name__} holds no data.")


def _market_state(market: Market, trading: TradingState) -> Json:
    known = auction(trading, market.units)
    return {"market": market.units.symbol, "status": trading.state, "auction": known}


def book_data(levels: BookLevels) -> Json:
    """Return levels as [price, quantity], and the market's state where that is told."""
    units, trading = levels.market.units, levels.trading
    state = {} if trading is None else {"status": trading.state, "auction": auction(trading, units)}
    checksum = None if levels.best is None else book_checksum(*levels.best, units)
    return state | {
        "checksum": checksum,
        "bids": _as_sent(levels.bids, units),
        "asks": _as_sent(levels.asks, units),
    }


def _as_sent(levels: Iterable[Level], units: MarketUnits) -> list[list[str]]:
    return [
        [units.price_text(Ticks(price)), units.quantity_text(Lots(lots))] for price, lots in levels
    ]


def book_checksum(bids: Iterable[Level], asks: Iterable[Level], units: MarketUnits) -> int:
    """Return the CRC-32 (ISO 3309) of a book's best levels.

    Of the best ten asks and then the best ten bids, each from the best on: price and quantity as
    they are sent, without the point and without leading zeros; all of it in one text of digits.
    """
    numbers = [one for side in (asks, bids) for level in _as_sent(side, units) for one in level]
    digits = "".join(one.replace(".", "").lstrip("0") for one in numbers)
    return zlib.crc32(digits.encode())


def _portions(data: object, budget: int) -> list[list[_Row]]:
    """Share rows out to messages that hold ``budget`` bytes of them."""
    portions: list[list[_Row]] = []
    room = 0
    for row in _rows_of(data):
        size = len(_encoder.encode(row[1])) + 1
        if size > room:
            portions.append([])
            room = budget
        portions[-1].append(row)
        room -= size
    return portions


def _rows_of(data: object) -> list[_Row]:
    """Split a message's data into what may be sent in different messages."""
    if isinstance(data, dict):
        return [(side, level) for side in _SIDES for level in data[side]]
    return [row for entry in _listed(data) for row in _rows_of_order(entry)]


def _listed(data: object) -> list[Any]:
    if not isinstance(data, list):
        raise TypeError(f"A message holds a list or a book, not a {type(data).__name__}.")
    return data


def _rows_of_order(entry: Json) -> list[_Row]:
    """Repeat an order with very many fills, each time with some of them."""
    fills = entry.get("fills", ())
    if len(fills) <= _FILLS_PER_ROW:
        return [("", entry)]
    starts = range(0, len(fills), _FILLS_PER_ROW)
    return [("", entry | {"fills": fills[start : start + _FILLS_PER_ROW]}) for start in starts]


def _data_of(rows: list[_Row], like: object) -> object:
    if isinstance(like, dict):
        return like | {side: [row for where, row in rows if where == side] for side in _SIDES}
    return [row for _, row in rows]


def encode(message: Mapping[str, Any]) -> bytes:
    """Write any message for the wire."""
    return _encoder.encode(message)


# --- responses to a client ------------------------------------------------------------------------


def subscribed(channels: Iterable[Channel]) -> bytes:
    """Return the response to a subscription; snapshots follow it."""
    return encode({"type": "subscribed", "channels": [channel_name(one) for one in channels]})


def resumed(channels: Iterable[Channel], replayed: Collection[Channel]) -> bytes:
    """Return the response to a resumption: of which channels what was missed follows, and not."""
    begun = {one: "replayed" if one in replayed else "snapshot" for one in channels}
    return encode(
        {"type": "resumed", "channels": {channel_name(one): how for one, how in begun.items()}}
    )


def unsubscribed(channels: Iterable[Channel]) -> bytes:
    """Return the response to the end of a subscription."""
    return encode({"type": "unsubscribed", "channels": [channel_name(one) for one in channels]})


def pong() -> bytes:
    """Return the response to a ping."""
    return encode({"type": "pong"})


def going_away(closes_at_ms: int) -> bytes:
    """Return what a connection is told that will be closed soon, whatever its client does."""
    return encode({"type": "going_away", "closes_at_ms": closes_at_ms})


def error(code: str, detail: str) -> bytes:
    """Return what was wrong with a client's message."""
    return encode({"type": "error", "code": code, "detail": detail})


def token_expired() -> bytes:
    """Return what a connection is sent before it is closed because its token has expired."""
    return _closing("token_expired", "Sign in again, and connect with a new ticket.")


def signed_out() -> bytes:
    """Return what a connection is sent before it is closed because its user has signed out."""
    return _closing("signed_out", "This session was ended; sign in again.")


def too_slow() -> bytes:
    """Return what a connection is sent before it is closed because it falls behind."""
    return _closing("too_slow", "Read faster, or listen to fewer channels; connect again.")


def _closing(code: str, detail: str) -> bytes:
    return encode({"type": "closing", "code": code, "detail": detail})


# --- orders ---------------------------------------------------------------------------------------


def order_data(
    market: Market, order: Changes, sequence: int, fills: Iterable[FillRow], ids: TenantIds
) -> Json:
    """Return an order by those of its row's fields that are known, with the fills that made it so.

    The names are those of the REST response (`bursa.dialects.native.responses.Order`). What an
    update does not know, such as ``created_at_ms`` of an older order, is left out.
    """
    view = order_from_changes(order, sequence, market)
    data = present_known_fields(view, order.keys(), ids)
    data["fills"] = [fill_from_row(fill, market, ids) for fill in fills]
    return data
