"""What travels on a command queue: one message holds one account's commands, in order.

The body is JSON so that a person can read it in the console; the commands inside are the
engine's own words (`wire.layout`), base64, so that the worker hands them on untouched.
The tenant and the account are set at intake from the verified identity, never by the client.
"""

from typing import Annotated

import msgspec

from bursa.intake.queue_kinds import QueueKind
from bursa.kernel.errors import InvalidInput
from bursa.kernel.schemas import other_schema

MESSAGE_VERSION = 3
# SQS carries at most 256 KiB; a batch of 50 commands is below 10 KiB.
MESSAGE_BYTES_MAX = 64 * 1024
COMMANDS_PER_MESSAGE_MAX = 50
_DIGEST_BYTES_MAX = 16


class CommandMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One account's commands, as intake hands them to the sequencer.

    Attributes
    ----------
    message_id
        32 hexadecimal digits; names the reply, and lets the queue drop a repeat.
    account
        The engine's account number (tenant in the high bits).
    commands
        Whole engine commands, ``COMMAND_BYTES`` each.
    client_order_ids
        Client order ids by the position of their command in this message.
    reply
        Whether a reply is to be stored.
    request_digest
        What the caller asked for (`wire.digests.request_digest`), of which these commands may be a
        part; kept in the reply, so that intake can tell a repeat from another request.
    version
        Of this format.

    """

    message_id: str
    account: int
    commands: bytes
    client_order_ids: dict[int, str] = {}
    reply: bool = False
    request_digest: Annotated[bytes, msgspec.Meta(max_length=_DIGEST_BYTES_MAX)] = b""
    version: int = MESSAGE_VERSION


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CommandMessage)


def encode_message(message: CommandMessage) -> str:
    """Write the body of a queue message."""
    return _encoder.encode(message).decode()


def decode_message(body: str) -> CommandMessage:
    """Read the body of a queue message; raises `InvalidInput` ``malformed_message``."""
    if len(body) > MESSAGE_BYTES_MAX:
        raise InvalidInput("malformed_message", "The message is larger than the limit.")
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidInput("malformed_message", f"Not a command message: {error}") from None
    if message.version != MESSAGE_VERSION:
        raise InvalidInput(
            "malformed_message", other_schema("The message", message.version, MESSAGE_VERSION)
        )
    return message


class Delivery(msgspec.Struct, frozen=True):
    """One receive of one message, as the queue hands it over.

    Attributes
    ----------
    body
        A `CommandMessage`, unless something else wrote to the queue.
    receipt
        Names this delivery, for deleting it or giving it back.
    group
        The account that sent it (`bursa.kernel.identifiers.AccountId`).
    message_id
        Known also when the body can't be read.
    sent_ms
        UTC milliseconds, by the queue's clock.
    receive_count
        How often it has been delivered, this time included.
    queue
        The queue that delivered it, which decides what it may hold.
    trace_header
        Of the request's trace, as the queue has it; believed by nothing but X-Ray.

    """

    body: str
    receipt: str
    group: str
    message_id: str
    sent_ms: int = 0
    receive_count: int = 1
    queue: QueueKind = QueueKind.TRADING
    trace_header: str = ""
