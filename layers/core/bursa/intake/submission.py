"""Commands on their way to the sequencer, and the wait for what it makes of them.

The queue is behind a port, so that another lane can hand in the same commands (DESIGN D10). A
message is sent once; after that no failure may make the client believe that it was not: a caller
that does not get the outcome in time gets the name under which to ask again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypedDict

from bursa.intake.admission import Admission, OpenAdmission
from bursa.intake.message import CommandMessage
from bursa.intake.outcomes import CommandOutcome, read_outcomes
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, Actor, CommandId, TenantId

# A quiet exchange replies within a few tens of milliseconds; then ask less often.
POLL_DELAYS_MS = (5, 10, 15, 20, 25, 30, 40, 50)


class CommandQueue(Protocol):
    """Carries messages to the sequencer, in order for each account."""

    def send(self, message: CommandMessage) -> None:
        """Hand in a message; the same message id again is dropped. Raises `Unavailable`."""


class ReplyReader(Protocol):
    """The stored replies."""

    def find(self, tenant: TenantId, message_id: CommandId) -> bytes | None:
        """Return a reply's event words; None while there is none. Raises `Unavailable`."""


class KeySource(Protocol):
    """Makes request keys that can't be guessed."""

    def __call__(self) -> str:
        """Return a new key."""


class SubmitOptions(NamedTuple):
    """How a request is to be submitted.

    Attributes
    ----------
    actor
        Who asks, as the verified identity says.
    request_key
        The caller's name for this request, so that a repeat is no second one; None for a new one.
    wait
        Whether to wait for the outcome.

    """

    actor: Actor
    request_key: str | None = None
    wait: bool = True


class CommandHeader(NamedTuple):
    """What every command carries beside its account and body.

    ``time_ms`` is the intake time, in UTC milliseconds.
    """

    command_id: CommandId
    time_ms: int
    actor: Actor

    def words(self) -> "HeaderWords":
        """Return it as keyword arguments of `wire.codec`'s encoders."""
        return {
            "command_id": (self.command_id.high, self.command_id.low),
            "time_ms": self.time_ms,
            "actor": self.actor.word,
        }


class HeaderWords(TypedDict):
    """The header's words, by the names of their parameters."""

    command_id: tuple[int, int]
    time_ms: int
    actor: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Handed in, and not decided before the deadline.

    ``request_key`` names the request: the same one under this key gets the outcome. None when the
    request names itself, by a client order id.
    """

    request_key: str | None


class RequestIdentity(NamedTuple):
    """What makes a repeated request the same request.

    Attributes
    ----------
    message_id
        Names the message and its reply.
    request_key
        What a caller repeats to get the same outcome; None when its client order id does that.

    """

    message_id: CommandId
    request_key: str | None

    def command_id(self, account: AccountId, position: int) -> CommandId:
        """Return the id of the command at a position, for one that has no id of its own."""
        return CommandId.from_parts(account, "command", f"{self.message_id.hex()}/{position}")


def order_command_id(account: AccountId, client_order_id: str) -> CommandId:
    """Return the id of the command that places, or placed, the order of a client order id."""
    return CommandId.from_parts(account, "order", client_order_id)


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
        Whether a reply is to be stored.

    """

    account: AccountId
    identity: RequestIdentity
    commands: Sequence[bytes]
    client_order_ids: Mapping[int, str] = field(default_factory=dict)
    reply: bool = True


class Intake:
    """Submits commands to the sequencer of one shard."""

    def __init__(
        self,
        queue: CommandQueue,
        replies: ReplyReader,
        clock: Clock,
        deadline_ms: int,
        new_key: KeySource,
        *,
        admission: Admission | None = None,
    ) -> None:
        self._queue = queue
        self._replies = replies
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._new_key = new_key
        self._admission = admission or OpenAdmission()

    def header(self, command_id: CommandId, options: SubmitOptions) -> CommandHeader:
        """Return the header of a command that is handed in now."""
        return CommandHeader(command_id, self._clock.now_ms(), options.actor)

    def now_ms(self) -> int:
        """Return the time that commands carry as their intake time."""
        return self._clock.now_ms()

    def identify(self, account: AccountId, options: SubmitOptions) -> RequestIdentity:
        """Return what names a request: the caller's key, or a new one."""
        key = self._new_key() if options.request_key is None else options.request_key
        return RequestIdentity(CommandId.from_parts(account, "request", key), key)

    def submit(
        self, submission: Submission, options: SubmitOptions
    ) -> Sequence[CommandOutcome] | Pending:
        """Hand commands in, and return their outcomes, one a command.

        Returns
        -------
        Sequence or Pending
            Pending when the caller does not wait, or the deadline passes first.

        Raises
        ------
        TooManyRequests
            Nothing was handed in.
        Unavailable
            With the key to repeat the request under, since it may have arrived all the same.

        """
        self._admission.require(submission.account, submission.commands)
        self._send(submission)
        outcomes = self._wait(submission) if options.wait else None
        return Pending(submission.identity.request_key) if outcomes is None else outcomes

    def _send(self, submission: Submission) -> None:
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
            error.request_key = submission.identity.request_key
            raise

    def _wait(self, submission: Submission) -> list[CommandOutcome] | None:
        began = self._clock.monotonic_ms()
        deadline_ms = self._admission.wait_ms(submission.account, self._deadline_ms)
        attempt = 0
        while True:
            delay = POLL_DELAYS_MS[min(attempt, len(POLL_DELAYS_MS) - 1)]
            waited = self._clock.monotonic_ms() - began
            if waited + delay > deadline_ms:
                return None
            self._clock.sleep_ms(delay)
            attempt += 1
            events = self._find(submission)
            if events is not None:
                return read_outcomes(events, submission.account.number)

    def _find(self, submission: Submission) -> bytes | None:
        try:
            return self._replies.find(submission.account.tenant, submission.identity.message_id)
        except Unavailable:
            # The message is on its way; a failed look is no failed order.
            return None
