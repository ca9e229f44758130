"""Commands on their way to the sequencer, and the wait for what it makes of them.

The queue is behind a port, so that another lane can hand in the same commands (DESIGN D10). A
message is sent once; after that no failure may make the client believe that it was not: a caller
that does not get the outcome in time gets the name under which to ask again. A request whose name
the caller chose may be a repeat; whether it is one is looked up before it is sent. A key is then
kept with the request, and before it is sent: the queue drops what comes under a name that it has
seen, so another request under it has to be refused while the first one is still undecided. Of
orders under one client order id the engine refuses all but the first (`bursa.intake.names`).

Nothing is looked up for nothing: a request is charged for its commands before that, also when it
turns out to be a repeat. Who has none left may still find out what became of an earlier request;
each look-up is then charged as a read (`Intake.admit`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypedDict

from bursa.intake.admission import Admission, OpenAdmission
from bursa.intake.message import CommandMessage
from bursa.intake.outcomes import CommandOutcome, read_outcomes
from bursa.intake.reply import REPLY_KEPT_S, StoredReply
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Conflict, TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId, Actor, CommandId, TenantId
from wire import layout as w
from wire.digests import request_digest

# A quiet exchange replies within a few tens of milliseconds; then ask less often.
POLL_DELAYS_MS = (5, 10, 15, 20, 25, 30, 40, 50)
# A look elsewhere costs as much as one for the reply, and is rarely what ends the wait.
_POLLS_PER_LOOK = 4
# For so long the queue drops an equal message, which then has the earlier one's reply.
_DROPPED_MS = 300_000


class CommandQueue(Protocol):
    """Carries messages to the sequencer, in order for each account."""

    def send(self, message: CommandMessage) -> None:
        """Hand in a message; the same message id again is dropped. Raises `Unavailable`."""


class ReplyReader(Protocol):
    """The stored replies."""

    def find(
        self, tenant: TenantId, message_id: CommandId, *, latest: bool = True
    ) -> StoredReply | None:
        """Return the reply to a message; None while there is none. Raises `Unavailable`.

        It is the latest unless the caller can do with one of some moments ago.
        """

    def bind(
        self, tenant: TenantId, message_id: CommandId, request_digest: bytes, expires_at_s: int
    ) -> StoredReply | None:
        """Keep that a name belongs to a request, of which nothing is decided or was sent.

        Return the reply, or what was kept before, where there is one. Raises `Unavailable`.
        """


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


class Entry(NamedTuple):
    """That a request was charged; or why it can't be handed in, though it may be looked up."""

    refusal: TooManyRequests | None = None


class RequestIdentity(NamedTuple):
    """What makes a repeated request the same request.

    Attributes
    ----------
    message_id
        Names the message, and its reply but for ``reply_id``.
    request_key
        What a caller repeats to get the same outcome; None when its client order id does that.
    reply_id
        Names the reply instead of the message's id, where the engine decides the request as the
        order of its client order id; None for a request that is no such order.

    """

    message_id: CommandId
    request_key: str | None
    reply_id: CommandId | None = None

    def command_id(self, account: AccountId, position: int) -> CommandId:
        """Return the id of the command at a position, for one that has no id of its own."""
        return CommandId.from_parts(account, "command", f"{self.message_id.hex()}/{position}")


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
    request
        Digest of what the caller asked for, where the commands are only a part of it.

    """

    account: AccountId
    identity: RequestIdentity
    commands: Sequence[bytes]
    client_order_ids: Mapping[int, str] = field(default_factory=dict)
    reply: bool = True
    request: bytes = b""

    @property
    def request_digest(self) -> bytes:
        """The digest of what the caller asked for."""
        return self.request or request_digest(self.commands)


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

    def admit(self, submission: Submission, looks: int) -> Entry:
        """Charge a request for its commands, before anything is looked up for it.

        Parameters
        ----------
        looks
            How many look-ups tell whether it was decided before. An account that has used up its
            budget of commands is charged for them as reads instead, and `submit` refuses it then.

        Raises
        ------
        TooManyRequests
            Nothing may be looked up either.

        """
        try:
            self._admission.require(submission.account, submission.commands)
        except TooManyRequests as refusal:
            if not looks:
                raise
            try:
                self._admission.require_looks(submission.account, looks)
            except TooManyRequests:
                raise refusal from None
            return Entry(refusal)
        return Entry()

    def bind(self, submission: Submission, options: SubmitOptions) -> None:
        """Keep that the caller's key belongs to this request, sent or not.

        A client order id is bound by nothing but the engine: of two undecided orders under it
        nobody else knows which is the first, and a conflict for that one would be untrue.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``: it belongs to another one, perhaps an undecided one.
        Unavailable
            Nothing is kept.

        """
        if options.request_key is None:
            return
        tenant, digest = submission.account.tenant, submission.request_digest
        kept_until_s = self._clock.now_ms() // 1_000 + REPLY_KEPT_S
        name = submission.identity.message_id
        found = self._replies.bind(tenant, name, digest, kept_until_s)
        if found is not None:
            _outcomes(submission, found)

    def first_outcomes(
        self, submission: Submission, options: SubmitOptions
    ) -> Sequence[CommandOutcome] | None:
        """Return the outcomes of the same request, decided before under the caller's key.

        None for a request without such a key, or that is new; empty when it has no reply yet, or
        nothing had to be sent for it (`bind`).

        Raises
        ------
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            It can't be found out; nothing was sent.

        """
        if options.request_key is None:
            return None
        identity = submission.identity
        reply = self._replies.find(submission.account.tenant, identity.message_id)
        return None if reply is None else _outcomes(submission, reply)

    def submit(
        self,
        submission: Submission,
        options: SubmitOptions,
        known_elsewhere: Callable[[], bool] | None = None,
        *,
        entry: Entry | None = None,
    ) -> Sequence[CommandOutcome] | Pending:
        """Hand commands in, and return their outcomes, one a command.

        Parameters
        ----------
        known_elsewhere
            Asked now and then while there is no reply; True ends the wait.
        entry
            What `admit` gave for it; None charges it now.

        Returns
        -------
        Sequence or Pending
            Pending when the caller does not wait, or the deadline passes first.

        Raises
        ------
        TooManyRequests
            Nothing was handed in.
        Conflict
            ``idempotency_key_reused``: the key is another request's. Nothing was handed in, or
            the queue has dropped it.
        Unavailable
            With the key to repeat the request under, since it may have arrived all the same.

        """
        entry = entry or self.admit(submission, looks=0)
        if entry.refusal is not None:
            raise entry.refusal
        self.bind(submission, options)
        self._send(submission)
        outcomes = self._wait(submission, known_elsewhere) if options.wait else None
        return Pending(submission.identity.request_key) if outcomes is None else outcomes

    def carry_out(
        self,
        submission: Submission,
        options: SubmitOptions,
        allow: Callable[[], None] = lambda: None,
    ) -> Sequence[CommandOutcome] | Pending:
        """Return the outcomes of a request, which may have been decided before under its key.

        Raises what `admit`, `first_outcomes` and `submit` raise, and ``allow``, which is called
        before a request is sent that was not decided before.
        """
        entry = self.admit(submission, looks=0 if options.request_key is None else 1)
        first = self.first_outcomes(submission, options)
        if first:
            return first
        if entry.refusal is None:
            allow()
        return self.submit(submission, options, entry=entry)

    def _send(self, submission: Submission) -> None:
        message = CommandMessage(
            message_id=submission.identity.message_id.hex(),
            account=submission.account.number,
            commands=b"".join(submission.commands),
            client_order_ids=dict(submission.client_order_ids),
            reply=submission.reply,
            request_digest=submission.request_digest,
        )
        try:
            self._queue.send(message)
        except Unavailable as error:
            error.request_key = submission.identity.request_key
            raise

    def _wait(
        self, submission: Submission, known_elsewhere: Callable[[], bool] | None
    ) -> list[CommandOutcome] | None:
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
            looks_elsewhere = attempt % _POLLS_PER_LOOK == 0
            outcomes = self._replied(submission, looks_elsewhere=looks_elsewhere)
            if outcomes:
                return outcomes
            if known_elsewhere and looks_elsewhere and known_elsewhere():
                return None

    def _replied(self, submission: Submission, *, looks_elsewhere: bool) -> list[CommandOutcome]:
        """Return the outcomes in the reply; none while there is no reply.

        An order is replied to as the first of its client order id, or as a second one. That it is
        a second one is likely where another one has the first's reply, and looked for seldom else.
        """
        identity = submission.identity
        if identity.reply_id is None:
            reply = self._find(submission, identity.message_id)
            return [] if reply is None else _outcomes(submission, reply)
        first = self._find(submission, identity.reply_id)
        if first is not None and first.request_digest == submission.request_digest:
            return _outcomes(submission, first)
        return self._refused(submission) if first is not None or looks_elsewhere else []

    def _refused(self, submission: Submission) -> list[CommandOutcome]:
        """Return why an order was refused as no first of its id; what is long past says nothing.

        An equal one may have been too old hours ago: this one need not be.
        """
        reply = self._find(submission, submission.identity.message_id, latest=False)
        since_ms = self._clock.now_ms() - _DROPPED_MS
        return [
            outcome
            for outcome in ([] if reply is None else _outcomes(submission, reply))
            if outcome.result.reason == w.REASON_DUPLICATE_COMMAND
            or outcome.result.intake_ms >= since_ms
        ]

    def _find(
        self, submission: Submission, name: CommandId, *, latest: bool = True
    ) -> StoredReply | None:
        """Return a reply; None also for a row that binds a name, of which nothing is decided."""
        try:
            reply = self._replies.find(submission.account.tenant, name, latest=latest)
        except Unavailable:
            # The message is on its way; a failed look is no failed order.
            return None
        return reply if reply is not None and reply.events else None


def _outcomes(submission: Submission, reply: StoredReply) -> list[CommandOutcome]:
    if reply.request_digest != submission.request_digest:
        raise key_reused()
    return read_outcomes(reply.events, submission.account.number)


def key_reused() -> Conflict:
    """Return the error for a request key that comes back with another request."""
    return Conflict(
        "idempotency_key_reused", "Choose a new key: this one belongs to another request."
    )
