"""The stored reply to one message: the event words of its commands that are the caller's.

Of what a command caused, a reply holds the result, the orders of the account that sent it, and its
side of the trades in which it was the taker. Other accounts' orders and balances, and who the maker
was, never leave the worker.

One command can close an account's hundred thousand orders, and an item holds 400 KB. So words are
compressed when that is worth it, and a reply that would be too large all the same is shortened: it
keeps what was decided, the order that was placed or meant, and as many of the account's other
orders and trades as an API response lists. What is left out is in the journal and the read
models.

The format is zlib's (RFC 1950), which the standard library brings: the function that reads replies
would pay for another one in each cold start.
"""

import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bursa.intake.outcomes import LISTED_MAX
from wire import layout as w
from wire.events import event_spans

# Long enough for any client to come back with the same idempotency key the next day.
REPLY_KEPT_S = 24 * 3600
# Below this, compression saves nothing that is paid for.
PLAIN_BYTES_MAX = 1024
# A reply of this size fits into an item even if no byte of it can be saved.
WHOLE_BYTES_MAX = 256 * 1024
# The first byte of zlib's format. Event words never begin with it: in the low six bits of a result
# stands a command's kind, and 56 is none.
_PACKED = b"\x78"
_COMPRESSION_LEVEL = 1
_MAKER_WORDS = (w.TRADE_MAKER_ORDER, w.TRADE_MAKER_ACCOUNT, w.TRADE_MAKER_FEE)
# Far above what an item can hold; keeps a damaged one from eating memory.
_UNPACKED_BYTES_MAX = 16 * 1024 * 1024

_Span = tuple[int, int]


class ReplyError(Exception):
    """Raised when a stored reply can't be read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The events of one message's commands, as the engine gave them.

    Attributes
    ----------
    tenant_number, name
        Where it is kept (`bursa.intake.names.reply_name`).
    last_sequence
        Of the message's last command.
    events
        Engine words of all the message's commands, results first in each command.
    repeated
        Whether a command may have been decided before: the reply then only fills a gap, and never
        takes the place of the first one.
    expires_at_s
        UTC seconds after which it may be dropped.
    request_digest
        Of the request, as the message gives it.

    """

    tenant_number: int
    name: str
    last_sequence: int
    events: bytes
    repeated: bool
    expires_at_s: int
    request_digest: bytes = b""


class StoredReply(NamedTuple):
    """A reply as it is found.

    Attributes
    ----------
    events
        The event words that are the caller's.
    request_digest
        Of the request that it replies to.

    """

    events: bytes
    request_digest: bytes


def pack_events(events: bytes) -> bytes:
    """Write a message's event words for an item, what is another account's left out."""
    events = own_events(events)
    if len(events) <= PLAIN_BYTES_MAX:
        return events
    if len(events) > WHOLE_BYTES_MAX:
        events = own_events(events, LISTED_MAX)
    return zlib.compress(events, _COMPRESSION_LEVEL)


def unpack_events(stored: bytes) -> bytes:
    """Read event words back; raises `ReplyError`."""
    if not stored.startswith(_PACKED):
        return stored
    inflater = zlib.decompressobj()
    try:
        events = inflater.decompress(stored, _UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise ReplyError(f"Unreadable reply: {error}") from None
    if not inflater.eof:
        raise ReplyError("The reply is cut short or too large.")
    return events


@dataclass(slots=True)
class _Command:
    """Where the events of one command are, as far as its own account may see them."""

    account: int
    order_id: int
    result: _Span
    orders: dict[int, list[_Span]] = field(default_factory=dict)
    trades: list[_Span] = field(default_factory=list)


def own_events(events: bytes, listed_max: int | None = None) -> bytes:
    """Return what the account that sent the commands may see of their events.

    Parameters
    ----------
    listed_max
        How many of the account's orders, beside the one placed or meant, and how many of its
        trades a message keeps, oldest first; None for all. A sum over its trades is of those kept;
        the order itself states its whole filled quantity.

    """
    words = memoryview(events).cast("q")
    kept: list[bytes | memoryview] = []
    orders_left = trades_left = sys.maxsize if listed_max is None else listed_max
    for command in _commands(events, words):
        meant = command.orders.pop(command.order_id, [])
        others = [command.orders[order_id] for order_id in sorted(command.orders)[:orders_left]]
        trades = command.trades[:trades_left]
        orders_left -= len(others)
        trades_left -= len(trades)
        spans = [command.result, *meant, *(span for order in others for span in order)]
        kept += [words[start:end] for start, end in spans]
        kept += [_without_maker(words[start:end]) for start, end in trades]
    return b"".join(kept)


def _without_maker(trade: "memoryview[int]") -> bytes:
    words = array("q", trade)
    for word in _MAKER_WORDS:
        words[word] = 0
    return words.tobytes()


def _commands(events: bytes, words: "memoryview[int]") -> Iterator[_Command]:
    command: _Command | None = None
    for kind, start, end in event_spans(events):
        if kind == w.EVENT_RESULT:
            if command is not None:
                yield command
            account = words[start + w.RESULT_ACCOUNT]
            counts = words[start] & w.RESULT_COMMAND_MASK == w.COMMAND_CANCEL_ALL
            order_id = 0 if counts else words[start + w.RESULT_SUBJECT]
            command = _Command(account, order_id, (start, end))
        elif command is not None:
            _keep(command, words, (start, end), kind)
    if command is not None:
        yield command


def _keep(command: _Command, words: "memoryview[int]", span: _Span, kind: int) -> None:
    start = span[0]
    if kind == w.EVENT_ORDER:
        if words[start + w.ORDER_ACCOUNT] == command.account:
            # What its first event says stays true: an exit has one before it is placed.
            before = command.orders.get(words[start + w.ORDER_ID], [])
            command.orders[words[start + w.ORDER_ID]] = [span, *before[1:]]
    elif kind in (w.EVENT_ORDER_CONDITIONS, w.EVENT_ORDER_TRAIL):
        # Both name the order in the same word.
        order = command.orders.get(words[start + w.CONDITIONS_ORDER_ID])
        if order is not None:
            order.append(span)
    elif kind == w.EVENT_TRADE and words[start + w.TRADE_TAKER_ACCOUNT] == command.account:
        command.trades.append(span)
