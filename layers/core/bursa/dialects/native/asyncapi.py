"""The description of the WebSocket (AsyncAPI 3.0), generated from the shapes that the code uses.

Only the script that writes docs/asyncapi.json and its test import this module.
"""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from bursa.dialects.native.candle_responses import Candle
from bursa.dialects.native.openapi import schema_of
from bursa.dialects.native.operation import Json
from bursa.dialects.native.responses import Auction, Balance, Fill, Order, PublicTrade, Ticker
from bursa.market_data import channels

_MARKET = {"description": "The market's name, as BTC-USDT"}
_ADDRESSES = {
    "book": ("book:{market}", channels.BOOK),
    "view": ("book:{market}:{depth}", channels.BOOK),
    "trades": ("trades:{market}", channels.TRADES),
    "ticker": ("ticker:{market}", channels.TICKER),
    "candles": ("candles:{market}:{interval}", channels.CANDLES),
    "markets": ("markets", channels.MARKETS),
    "orders": ("orders", channels.ORDERS),
    "fills": ("fills", channels.FILLS),
    "balances": ("balances", channels.BALANCES),
}
_DESCRIBED = {
    "market": _MARKET,
    "depth": {"enum": [one for one in channels.DETAILS[channels.BOOK] if one]},
    "interval": {"enum": list(channels.DETAILS[channels.CANDLES])},
}


class BookLevels(TypedDict):
    """Levels as [price, quantity]; `status` and `auction` where they are told."""

    checksum: int | None
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    status: NotRequired[str]
    auction: NotRequired[Auction | None]


class MarketStatus(TypedDict):
    """Which orders a market takes, and the auction that it is in."""

    market: str
    status: str
    auction: Auction | None


class OrderChange(Order, total=False):
    """Fields of an order, as far as they are known, and the fills that changed it."""

    fills: list[Fill]


_DATA: dict[str, tuple[Any, bool]] = {
    channels.BOOK: (BookLevels, False),
    channels.TICKER: (Ticker, False),
    channels.TRADES: (PublicTrade, True),
    channels.CANDLES: (Candle, True),
    channels.MARKETS: (MarketStatus, True),
    channels.ORDERS: (OrderChange, True),
    channels.FILLS: (Fill, True),
    channels.BALANCES: (Balance, True),
}
_KNOWN_OF_AN_ORDER = ["order_id", "market", "sequence", "fills"]


def asyncapi_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    schemas: Json = {}
    for kind, (shape, _) in _DATA.items():
        schema_of(shape, schemas)
        schemas[f"{kind}_message"] = _message(kind, schemas)
    schemas["OrderChange"]["required"] = _KNOWN_OF_AN_ORDER
    schemas["missed_message"] = _object(
        _header("missed", {"type": "string"}) | {"changes": {"type": "integer"}}
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bursa's WebSocket",
            "version": version,
            "description": "What each message means, and what a client does with it, is in "
            "docs/websocket.md. Amounts are decimal strings, times are UTC milliseconds.",
        },
        "channels": {name: _channel(*one) for name, one in _ADDRESSES.items()},
        "operations": {
            name: {"action": "send", "channel": {"$ref": f"#/channels/{name}"}}
            for name in _ADDRESSES
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "messages": {
                name: {"payload": {"$ref": f"#/components/schemas/{name}_message"}}
                for name in (*_DATA, "missed")
            },
        },
    }


def _channel(address: str, kind: str) -> Json:
    named = {name: about for name, about in _DESCRIBED.items() if f"{{{name}}}" in address}
    messages = {
        name: {"$ref": f"#/components/messages/{name}"}
        for name in ((kind,) if kind == channels.TICKER else (kind, "missed"))
    }
    whose = "Of the account alone" if kind in channels.PRIVATE else "Also without signing in"
    described: Json = {"address": address, "description": f"{whose}.", "messages": messages}
    return described | ({"parameters": named} if named else {})


def _message(kind: str, schemas: Json) -> Json:
    shape, is_list = _DATA[kind]
    data = schema_of(shape, schemas)
    name = {
        "type": "string",
        "pattern": f"^{kind}" + ("$" if kind not in channels.DETAILS else ":"),
    }
    header = _header("snapshot", name) | {
        "type": {"enum": ["snapshot", "update"]},
        "data": {"type": "array", "items": data} if is_list else data,
    }
    parts = {name: {"type": "integer", "minimum": 1} for name in ("part", "parts")}
    return _object(header, parts)


def _header(kind: str, channel: Json) -> Json:
    count = {"type": "integer", "minimum": 0}
    numbers = dict.fromkeys(("sequence", "previous_sequence", "epoch", "time_ms"), count)
    return {"type": {"const": kind}, "channel": channel} | numbers


def _object(required: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }
