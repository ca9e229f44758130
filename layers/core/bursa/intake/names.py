"""What orders, their messages and their replies are named by.

An order under a client order id has three names. Its command's id follows from the client order id
alone: the engine carries out one order of it. Its message's id has the digest of what is asked for
as well: the queue drops a repeat, and brings every other order of the client order id to the
engine, which refuses it. Its reply has the command's id again, so that the client order id alone
finds it; but only where the engine has decided it as the order of that id. What it has refused as
a second one, or without remembering it, is replied to under its own message's id, and never takes
the row of the order that has the id (docs/adr/0060).
"""

import struct
from hashlib import blake2b

from bursa.intake.message import CommandMessage
from bursa.kernel.identifiers import AccountId, CommandId
from wire import layout as w

_ID = struct.Struct("<QQ")
_ID_AT = w.HEADER_ID_HIGH * w.WORD_BYTES
_ID_BYTES = 16
_WORD = (1 << 64) - 1
_REPLIED, _ASYNC = b"order", b"async order"


def order_command_id(account: AccountId, client_order_id: str) -> CommandId:
    """Return the id of the command that places, or placed, the order of a client order id."""
    return CommandId.from_parts(account, "order", client_order_id)


def order_message_id(command_id: CommandId, digest: bytes, *, reply: bool) -> CommandId:
    """Return the id of the message that sends an order under a client order id, and no more.

    BLAKE2b-128 (RFC 7693) over the id's words and the digest.

    Parameters
    ----------
    command_id
        Of the order's command: it names the account and the client order id.
    digest
        Of the request (`wire.digests.request_digest`).
    reply
        Whether one is asked for: an order that is waited for is no repeat, to the queue, of one
        that nobody waited for. It reaches the engine and gets a reply.

    """
    words = _ID.pack(command_id.high & _WORD, command_id.low & _WORD)
    return CommandId.from_hex(_message_id(words, digest, _REPLIED if reply else _ASYNC))


def reply_name(message: CommandMessage, *, decided: bool) -> str:
    """Return the 32 hexadecimal digits that the reply to a message is kept under.

    Parameters
    ----------
    decided
        Whether the engine has decided each of its commands now (none is of
        `wire.events.NOT_REMEMBERED`).

    """
    if not decided:
        return message.message_id
    words = message.commands[_ID_AT : _ID_AT + _ID_BYTES]
    if message.message_id != _message_id(words, message.request_digest, _REPLIED):
        return message.message_id
    high, low = _ID.unpack(words)
    return f"{high:016x}{low:016x}"


def _message_id(words: bytes, digest: bytes, kind: bytes) -> str:
    return blake2b(words + digest, digest_size=_ID_BYTES, person=kind).hexdigest()
