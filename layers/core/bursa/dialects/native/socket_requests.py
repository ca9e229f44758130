"""What a WebSocket client may ask for, and the responses it gets.

{"op": "subscribe", "channels": ["book:BTC-USDT", "orders"]}
{"op": "resume", "epoch": 3, "channels": {"orders": 1795291200000}}
{"op": "unsubscribe", "channels": ["orders"]}
{"op": "ping"}
"""

from collections.abc import Iterator
from typing import Any, cast

from bursa.dialects.native import feed_messages as messages
from bursa.dialects.native.json_text import read_json
from bursa.dialects.native.public_ids import PublicIds
from bursa.kernel.errors import InvalidInput
from bursa.market_data.channels import MARKETS, Channel
from bursa.market_data.clients import CHANNELS_PER_CONNECTION_MAX, Client
from bursa.market_data.subscriptions import Subscriptions

REQUEST_BYTES_MAX = 4 * 1024
MARKETS_COUNT = 10

_CHANNEL_FIELDS = frozenset({"op", "channels"})
_FIELDS = {
    "subscribe": _CHANNEL_FIELDS,
    "resume": _CHANNEL_FIELDS | {"epoch"},
    "unsubscribe": _CHANNEL_FIELDS,
    "ping": frozenset({"op"}),
}

# Of times and epochs; clients hold numbers up to 2^53 exactly.
_NUMBERS_END = 1 << 53

Json = dict[str, Any]


def handle_request(
    subscriptions: Subscriptions, client: Client, body: str, now_ms: int, ids: PublicIds
) -> Iterator[bytes]:
    """Carry out one message of a client.

    Yields
    ------
    bytes
        What to send to the connection, in this order.

    Raises
    ------
    InvalidInput
        ``message_too_large``, ``invalid_json``, ``duplicate_key``, ``message_not_an_object``,
        ``unknown_op``, ``unknown_field``, ``invalid_channels``, ``invalid_epoch``,
        ``unknown_channel``, ``ticket_required``, ``unknown_market``, ``too_many_channels``,
        ``too_many_subscriptions``, ``connection_ended``; nothing has changed.

    """
    request = _read(body)
    op = request.get("op")
    fields = _FIELDS.get(op, frozenset()) if isinstance(op, str) else frozenset()
    if fields and not request.keys() <= fields:
        raise InvalidInput(
            "unknown_field", f"Send no other fields than {', '.join(sorted(fields))}."
        )
    match op:
        case "subscribe":
            wanted = _channels(client, request)
            snapshots = subscriptions.subscribe(client, wanted, now_ms)
            yield messages.subscribed(wanted)
            for snapshot in snapshots:
                yield from messages.encode_message(snapshot, ids)
        case "resume":
            positions, epoch = _positions(client, request), _epoch(request)
            replayed, missed = subscriptions.resume(client, positions, epoch, now_ms)
            yield messages.resumed(positions, replayed)
            for message in missed:
                yield from messages.encode_message(message, ids)
        case "unsubscribe":
            unwanted = _channels(client, request)
            subscriptions.unsubscribe(client, unwanted)
            yield messages.unsubscribed(unwanted)
        case "ping":
            yield messages.pong()
        case _:
            raise InvalidInput("unknown_op", "An op is subscribe, resume, unsubscribe or ping.")


def channels_named(body: str) -> int:
    """Return how many channels a message names, 1 for one that names none or is faulty.

    That of all markets counts as `MARKETS_COUNT`: its snapshot reads the book of each. More than a
    connection may listen to is refused whole, and is not counted beyond that.
    """
    try:
        names = _read(body).get("channels")
    except InvalidInput:
        return 1
    if not isinstance(names, list | dict):
        return 1
    count = len(names) + (MARKETS_COUNT - 1) * (MARKETS in names)
    return max(1, min(count, CHANNELS_PER_CONNECTION_MAX))


def _read(body: str) -> Json:
    if len(body.encode(errors="replace")) > REQUEST_BYTES_MAX:
        raise InvalidInput(
            "message_too_large", f"Send messages of at most {REQUEST_BYTES_MAX} bytes."
        )
    return read_json(body, "message")


def _channels(client: Client, request: Json) -> list[Channel]:
    names = request.get("channels")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InvalidInput(
            "invalid_channels", 'Send channels as a list such as ["orders"].', field="channels"
        )
    return list(dict.fromkeys(messages.read_channel(name, client.account) for name in names))


def _positions(client: Client, request: Json) -> dict[Channel, int]:
    positions = request.get("channels")
    if (
        not isinstance(positions, dict)
        or not positions
        or not all(_is_count(moment) for moment in positions.values())
    ):
        raise InvalidInput(
            "invalid_channels",
            'Send each channel with the last sequence of it, as {"orders": 1795291200000}.',
            field="channels",
        )
    return {
        messages.read_channel(name, client.account): moment for name, moment in positions.items()
    }


def _epoch(request: Json) -> int:
    epoch = request.get("epoch")
    if not _is_count(epoch):
        raise InvalidInput(
            "invalid_epoch", "Send the epoch of the last message, as it came.", field="epoch"
        )
    return cast("int", epoch)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _NUMBERS_END
