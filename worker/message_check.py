"""What a message must be before the engine may see it: nothing in it is believed (DESIGN D12).

Whoever may send to a queue chooses the body, the group and the id of a message. The queue itself
says by which queue it came and when it was sent; everything else is held against these, and against
each other. A message that fails becomes one rejection, and nothing of it is carried out.
"""

import re
import struct

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX, CommandMessage, Delivery
from bursa.intake.queue_kinds import (
    ALLOWED_ACTORS,
    ALLOWED_COMMANDS,
    MARKET_COMMANDS,
    TENANT_COMMANDS,
    QueueKind,
)
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import CLIENT_ORDER_ID, FEE_ACCOUNT_INDEX, AccountId
from wire import layout as w

# How far an intake time may be from the time at which the message was sent. What is ahead would
# take the engine's memory of ids along, so it may be ahead of the worker's clock by no more either.
TIME_OFF_MS_MAX = 5 * 60_000
# A request that must happen once keeps its first intake time however often it is repeated
# (`bursa.intake.once`); the engine finds out whether it may have forgotten the id since.
FUNDS_AGE_MS_MAX = 30 * 24 * 3_600_000

_HEADER = struct.Struct(f"<{w.HEADER_LENGTH}q{w.COMMAND_BYTES - w.HEADER_LENGTH * w.WORD_BYTES}x")
_MESSAGE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CLIENT_ORDER_ID = re.compile(CLIENT_ORDER_ID, re.ASCII)


def check_message(message: CommandMessage, delivery: Delivery, now_ms: int) -> None:
    """Return when a message may be carried out.

    Parameters
    ----------
    message, delivery
        What was sent, and what the queue says about it.
    now_ms
        The worker's own time.

    Raises
    ------
    InvalidInput
        ``malformed_message``, with the first rule that it breaks.

    """
    account = AccountId.from_number(message.account)
    if str(account) != delivery.group:
        raise _malformed("The message's account is not its group's.")
    if message.message_id != delivery.message_id or not _MESSAGE_ID.fullmatch(message.message_id):
        raise _malformed("The message's id is not the one that the queue knows, or is none.")
    count, rest = divmod(len(message.commands), w.COMMAND_BYTES)
    if rest or not count:
        raise _malformed("The commands are not whole commands.")
    if delivery.queue is not QueueKind.FUNDS and count > COMMANDS_PER_MESSAGE_MAX:
        raise _malformed(f"The message holds {count} commands.")
    for position, client_order_id in message.client_order_ids.items():
        if not 0 <= position < count:
            raise _malformed("A client order id belongs to no command.")
        if not _CLIENT_ORDER_ID.fullmatch(client_order_id):
            raise _malformed("A client order id has another form.")
    _check_commands(message.commands, account, delivery, now_ms)


def _check_commands(commands: bytes, account: AccountId, delivery: Delivery, now_ms: int) -> None:
    sent_ms = delivery.sent_ms or now_ms
    latest_ms = min(sent_ms, now_ms) + TIME_OFF_MS_MAX
    once = delivery.queue is QueueKind.FUNDS
    earliest_ms = sent_ms - (FUNDS_AGE_MS_MAX if once else TIME_OFF_MS_MAX)
    allowed, actors = ALLOWED_COMMANDS[delivery.queue], ALLOWED_ACTORS[delivery.queue]
    number = account.number
    headers = _HEADER.iter_unpack(commands)
    for position, (kind, high, low, time_ms, actor, owner) in enumerate(headers):
        if kind not in allowed:
            raise _malformed(f"A command of kind {kind} may not come by this queue.")
        if actor >> w.ACTOR_KIND_SHIFT not in actors:
            raise _malformed("Whoever asked for a command does not ask by this queue.")
        if owner != number:
            _check_tenant(commands, position, kind, account, owner)
        elif kind in MARKET_COMMANDS and account.index != FEE_ACCOUNT_INDEX:
            raise _malformed("A market's settings are not an ordinary account's to send.")
        if delivery.queue is QueueKind.TRANSFERS:
            _check_receiver(commands, position, account)
        if not high and not low:
            raise _malformed("A command has no id.")
        if not earliest_ms <= time_ms <= latest_ms:
            raise _malformed(f"An intake time is {time_ms - sent_ms} ms from when it was sent.")


def _check_tenant(
    commands: bytes, position: int, kind: int, account: AccountId, owner: int
) -> None:
    """Refuse what is about another account, unless it is about the fee account's own tenant."""
    if kind not in TENANT_COMMANDS or owner or account.index != FEE_ACCOUNT_INDEX:
        raise _malformed("A command is another account's.")
    if _word(commands, position, TENANT_COMMANDS[kind]) != account.tenant.number:
        raise _malformed("A command is about another tenant.")


def _check_receiver(commands: bytes, position: int, account: AccountId) -> None:
    """Refuse a transfer out of an owner's own accounts: the numbers say whose they are."""
    receiver = AccountId.from_number(_word(commands, position, w.FUNDS_TO_ACCOUNT))
    if not account.is_users or not receiver.is_users or receiver.owner != account.owner:
        raise _malformed("A transfer is not between the accounts of one user.")


def _word(commands: bytes, position: int, word: int) -> int:
    at = position * w.COMMAND_BYTES + word * w.WORD_BYTES
    return int.from_bytes(commands[at : at + w.WORD_BYTES], "little", signed=True)


def _malformed(detail: str) -> InvalidInput:
    return InvalidInput("malformed_message", detail)
