"""The answer to one message: what intake waits for after it has sent a command."""

from dataclasses import dataclass

# Long enough for any client to come back with the same idempotency key the next day.
ANSWER_KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """The events of one message's commands, as the engine gave them.

    Attributes
    ----------
    tenant_number, message_id
        Name the answer.
    last_sequence
        Of the message's last command.
    events
        Engine words of all the message's commands, results first in each command.
    repeated
        Whether a command came a second time: the answer then only fills a gap, and never takes
        the place of the first one.
    expires_at_s
        UTC seconds after which it may be dropped.

    """

    tenant_number: int
    message_id: str
    last_sequence: int
    events: bytes
    repeated: bool
    expires_at_s: int
