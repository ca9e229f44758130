"""Messages as intake would send them: of one account each, and by the queue that may carry them."""

from collections.abc import Iterator, Sequence
from itertools import count, groupby
from typing import NamedTuple

from bursa.intake.message import (
    COMMANDS_PER_MESSAGE_MAX,
    CommandMessage,
    Delivery,
    encode_message,
)
from bursa.intake.queue_kinds import (
    MARKET_COMMANDS,
    TENANT_COMMANDS,
    TRADING_COMMANDS,
    QueueKind,
)
from bursa.kernel.identifiers import AccountId
from wire import layout as w

_WORD = w.WORD_BYTES


class Envelope(NamedTuple):
    """Where a command goes."""

    account: int
    queue: QueueKind


def word(command: bytes, index: int) -> int:
    return int.from_bytes(command[index * _WORD : (index + 1) * _WORD], "little", signed=True)


def with_word(command: bytes, index: int, value: int) -> bytes:
    at = index * _WORD
    return command[:at] + value.to_bytes(_WORD, "little", signed=True) + command[at + _WORD :]


def envelope(command: bytes, tenant: int = 1) -> Envelope:
    """Return a command's message account and queue; what is about no account is its tenant's."""
    kind = word(command, w.HEADER_KIND)
    queue = QueueKind.TRADING if kind in TRADING_COMMANDS else QueueKind.FUNDS
    if kind in TENANT_COMMANDS or kind in MARKET_COMMANDS:
        return Envelope(w.account_number(tenant, w.FEE_ACCOUNT_INDEX), queue)
    return Envelope(word(command, w.HEADER_ACCOUNT), queue)


def asked_for(command: bytes) -> bytes:
    """Name a user or an operator who asked for a command that names nobody."""
    if word(command, w.HEADER_ACTOR):
        return command
    is_trading = word(command, w.HEADER_KIND) in TRADING_COMMANDS
    actor = w.ACTOR_USER if is_trading else w.ACTOR_OPERATOR
    return with_word(command, w.HEADER_ACTOR, actor << w.ACTOR_KIND_SHIFT | 1)


class Sender:
    """Puts commands into deliveries, in their order."""

    def __init__(self, tenant: int = 1) -> None:
        self._tenant = tenant
        self._numbers = count(1)

    def stamped(self, command: bytes, time_ms: int) -> bytes:
        """Give a command an id, a time and an actor where it has none."""
        command = asked_for(command)
        if word(command, w.HEADER_ID_HIGH) == word(command, w.HEADER_ID_LOW) == 0:
            command = with_word(command, w.HEADER_ID_HIGH, 1 << 61 | next(self._numbers))
        if word(command, w.HEADER_TIME_MS) == 0:
            command = with_word(command, w.HEADER_TIME_MS, time_ms)
        if word(command, w.HEADER_KIND) in MARKET_COMMANDS:
            fee_account = w.account_number(self._tenant, w.FEE_ACCOUNT_INDEX)
            command = with_word(command, w.HEADER_ACCOUNT, fee_account)
        return command

    def deliveries(
        self,
        commands: Sequence[bytes],
        time_ms: int,
        *,
        message_id: str = "",
        reply: bool = False,
    ) -> Iterator[Delivery]:
        """Yield as many deliveries as the commands need."""
        for where, run in groupby(commands, lambda one: envelope(one, self._tenant)):
            same = [self.stamped(command, time_ms) for command in run]
            for start in range(0, len(same), COMMANDS_PER_MESSAGE_MAX):
                name = message_id or f"{next(self._numbers):032x}"
                data = b"".join(same[start : start + COMMANDS_PER_MESSAGE_MAX])
                body = encode_message(CommandMessage(name, where.account, data, {}, reply))
                group = str(AccountId.from_number(where.account))
                yield Delivery(body, f"receipt {name}", group, name, queue=where.queue)
