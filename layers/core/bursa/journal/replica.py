"""The shard's state at the head of the journal: an engine, and the end of the hash chain.

A replica only moves by records: what it reads is checked against what its own engine makes of the
same commands, so a divergence between two builds shows at the first record that differs.
"""

from dataclasses import dataclass
from typing import Protocol

from bursa.journal.record import GENESIS_HASH, EncodedRecord, decode_record


class Engine(Protocol):
    """The state machine of `engine.core` or `engine.reference`."""

    @property
    def sequence(self) -> int:
        """Sequence of the last command applied; 0 at birth."""

    @property
    def next_due_ms(self) -> int:
        """When time alone changes something next; 0 for never."""

    @property
    def horizon_ms(self) -> int:
        """Until when ids of commands may have been forgotten; -1 while none has been."""

    @property
    def has_auction(self) -> bool:
        """Whether a market collects orders for an uncross, which ADVANCE_TIME states anew."""

    @property
    def paused_markets(self) -> list[int]:
        """The numbers of the markets whose breaker starts no auction now."""

    def apply(self, commands: bytes) -> bytes:
        """Apply whole commands; returns their events.

        Checks the books each time and raises `engine.errors.InvariantViolation` when they don't
        add up.
        """

    def checkpoint(self) -> bytes:
        """Return the whole state as bytes."""

    def digest(self) -> int:
        """Return the rolling state digest: it differs between two histories."""

    def check(self) -> None:
        """Add everything up; slow, for tools and tests."""


class JournalBroken(Exception):  # noqa: N818
    """Raised when the journal does not continue as it must; nobody may write on."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the journal."""

    number: int = 0
    last_sequence: int = 0
    epoch: int = 0
    time_ms: int = 0
    hash: bytes = GENESIS_HASH

    @property
    def next_sequence(self) -> int:
        """Slot of the next record."""
        return self.last_sequence + 1

    @classmethod
    def of(cls, record: EncodedRecord) -> "Head":
        """Return the head that a record leaves."""
        return cls(record.number, record.last_sequence, record.epoch, record.time_ms, record.hash)


def check_continues(head: Head, record: EncodedRecord) -> None:
    """Raise `JournalBroken` unless the record follows the head."""
    faults = []
    if record.first_sequence != head.next_sequence:
        faults.append(f"begins at sequence {record.first_sequence}, not {head.next_sequence}")
    if record.last_sequence < record.first_sequence:
        faults.append(f"ends at sequence {record.last_sequence}")
    if record.number != head.number + 1:
        faults.append(f"is number {record.number}, not {head.number + 1}")
    if record.previous_hash != head.hash:
        faults.append("is chained to another record")
    if record.epoch < head.epoch:
        faults.append(f"has epoch {record.epoch} after {head.epoch}")
    if faults:
        raise JournalBroken(
            f"The record after sequence {head.last_sequence} {' and '.join(faults)}."
        )


class Replica:
    """An engine at the head of the journal."""

    def __init__(self, engine: Engine, head: Head) -> None:
        if engine.sequence != head.last_sequence:
            raise JournalBroken(
                f"The engine is at {engine.sequence}, the journal's head at {head.last_sequence}."
            )
        self.engine = engine
        self.head = head

    def follow(self, encoded: EncodedRecord) -> None:
        """Apply the next record of the journal.

        Raises
        ------
        JournalBroken
            When it does not follow, or this engine makes something else of its commands.
        RecordError
            When it is damaged.

        """
        check_continues(self.head, encoded)
        record = decode_record(encoded)
        events = self.engine.apply(record.commands)
        if self.engine.sequence != record.last_sequence or events != record.events:
            raise JournalBroken(
                f"This engine's events for sequences {record.first_sequence} to "
                f"{record.last_sequence} are not the journal's."
            )
        if record.state_digest not in (0, self.engine.digest()):
            raise JournalBroken(
                f"This engine's state after sequence {record.last_sequence} is not the journal's: "
                "their digests differ. The checkpoint it began with, or its build, is another's."
            )
        self.head = Head.of(encoded)
