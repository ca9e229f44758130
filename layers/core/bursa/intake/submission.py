"""Handing commands to the sequencer, and waiting for what it makes of them.

The queue is behind a port, so that another lane can hand in the same commands (DESIGN D10). A
message is sent once; after that no failure may make the client believe that it was not: whoever
can't read the answer in time is told how to ask again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bursa.intake.message import CommandMessage
from bursa.intake.outcomes import CommandOutcome, read_outcomes
from bursa.kernel.errors import InvalidInput, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId, TenantId

# The answer of a quiet exchange comes within a few tens of milliseconds; then ask less often.
POLL_DELAYS_MS = (5, 10, 15, 20, 25, 30, 40, 50)

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class CommandQueue(Protocol):
    """Carries messages to the sequencer, in order for each account."""

    def send(self, message: CommandMessage) -> None:
        """Hand in a message; the same message id again is dropped. Raises `Unavailable`."""


class AnswerStore(Protocol):
    """Keeps the events of messages whose sender waits."""

    def find(self, tenant: TenantId, message_id: CommandId) -> bytes | None:
        """Read an answer's event words; None while there is none. Raises `Unavailable`."""


class Clock(Protocol):
    """The edge's clock; the engine has none."""

    def now_ms(self) -> int:
        """Read UTC in milliseconds."""

    def monotonic_ms(self) -> float:
        """Read a clock that never goes back."""

    def sleep_ms(self, duration_ms: float) -> None:
        """Wait."""


class KeySource(Protocol):
    """Makes keys that nobody can guess."""

    def __call__(self) -> str:
        """Make one, of the characters allowed in an idempotency key."""


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a request's headers ask for.

    Attributes
    ----------
    idempotency_key
        The client's name for this request, so that a repeat is no second one.
    respond_async
        Answer as soon as the command is handed in.

    """

    idempotency_key: str | None = None
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """What makes a repeated request the same request.

    Attributes
    ----------
    message_id
        Names the message and its answer.
    idempotency_key
        What a client repeats to get the same answer; None when its client order id does that.

    """

    message_id: CommandId
    idempotency_key: str | None

    def command_id(self, account: AccountId, position: int) -> CommandId:
        """Name the command at a position of the message that has no id of its own."""
        return CommandId.from_parts(account, "command", f"{self.message_id.hex()}/{position}")


def order_command_id(account: AccountId, client_order_id: str) -> CommandId:
    """Name the command that places, or placed, the order of a client order id."""
    return CommandId.from_parts(account, "order", client_order_id)


def identify(
    account: AccountId, idempotency_key: str | None, new_key: KeySource
) -> RequestIdentity:
    """Name a request by the client's idempotency key, or by a new one.

    Raises
    ------
    InvalidInput
        ``invalid_idempotency_key``.

    """
    key = new_key() if idempotency_key is None else idempotency_key
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "invalid_idempotency_key",
            "Send Idempotency-Key as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field="Idempotency-Key",
        )
    return RequestIdentity(CommandId.from_parts(account, "request", key), key)


@dataclass(frozen=True, slots=True)
class Submission:
    """One message: an account's commands, in order.

    Attributes
    ----------
    account, identity
        Whose, and under which name.
    commands
        Encoded, one after the other.
    client_order_ids
        Client order ids by position.
    reply
        Whether an answer is to be kept.

    """

    account: AccountId
    identity: RequestIdentity
    commands: Sequence[bytes]
    client_order_ids: Mapping[int, str] = field(default_factory=dict)
    reply: bool = True


class Intake:
    """The door to the sequencer."""

    def __init__(
        self, queue: CommandQueue, answers: AnswerStore, clock: Clock, deadline_ms: int
    ) -> None:
        self._queue = queue
        self._answers = answers
        self._clock = clock
        self._deadline_ms = deadline_ms

    def now_ms(self) -> int:
        """Read the time that commands carry as their intake time."""
        return self._clock.now_ms()

    def send(self, submission: Submission) -> None:
        """Hand commands in.

        Raises
        ------
        Unavailable
            With how to repeat the request, since it may have arrived all the same.

        """
        message = CommandMessage(
            message_id=submission.identity.message_id.hex(),
            account=submission.account.number,
            commands=b"".join(submission.commands),
            client_order_ids=dict(submission.client_order_ids),
            reply=submission.reply,
        )
        try:
            self._queue.send(message)
        except Unavailable as error:
            key = submission.identity.idempotency_key
            if key is None:
                raise
            raise Unavailable(
                error.code,
                f"{error.detail} Repeat it with the header Idempotency-Key: {key}",
                retry_after_s=error.retry_after_s,
            ) from error

    def wait(self, submission: Submission) -> list[CommandOutcome] | None:
        """Wait for the outcomes, one a command; None when the deadline passes first."""
        began = self._clock.monotonic_ms()
        attempt = 0
        while True:
            delay = POLL_DELAYS_MS[min(attempt, len(POLL_DELAYS_MS) - 1)]
            waited = self._clock.monotonic_ms() - began
            if waited + delay > self._deadline_ms:
                return None
            self._clock.sleep_ms(delay)
            attempt += 1
            events = self._find(submission)
            if events is not None:
                return read_outcomes(events, submission.account.number)

    def _find(self, submission: Submission) -> bytes | None:
        try:
            return self._answers.find(submission.account.tenant, submission.identity.message_id)
        except Unavailable:
            # The message is on its way; a failed look is no failed order.
            return None
