"""What each account's messages wait for: for the worker, or for their own account's before them.

A group of the queue is closed while one of its messages is in flight, so an account that sends much
waits for itself. That is its own doing, and must not look as if everybody waited. A message waits
for the worker only since it was sent, or since the last message of its group was acknowledged,
whichever is later; what is before that is its own wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bursa.intake.message import Delivery
from bursa.journal.lease import BusyAccount

# Named are at most so many; the row they are written into stays below a kilobyte.
BUSY_MAX = 20
BUSY_MESSAGES_PER_S = 10
# Half of an account's budget by default: a message carries up to fifty.
BUSY_COMMANDS_PER_S = 25
BUSY_OWN_WAIT_MS = 1_000
# A command in a message: 128 bytes in base64, and what goes with it. Messages are not opened here.
_COMMAND_CHARACTERS = 200
# A group of which nothing has come for so long is forgotten.
_KEPT_MS = 60_000


@dataclass(slots=True)
class _Group:
    acknowledged_at_ms: int = 0
    own_wait_ms: int = 0
    held: int = 0
    received: int = 0
    commands: int = 0


class _Held(NamedTuple):
    group: str
    waits_since_ms: int


class QueueGroups:
    """The groups of one queue."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._held: dict[str, _Held] = {}
        self._named_at_ms = 0

    def received(self, deliveries: Iterable[Delivery]) -> None:
        """Note what a receive has brought."""
        for one in deliveries:
            group = self._groups.setdefault(one.group, _Group())
            since_ms = max(one.sent_ms, group.acknowledged_at_ms)
            if not group.held:
                group.own_wait_ms = since_ms - one.sent_ms
            if one.receipt not in self._held:
                group.held += 1
            group.received += 1
            group.commands += max(1, len(one.body) // _COMMAND_CHARACTERS)
            self._held[one.receipt] = _Held(one.group, since_ms)

    def acknowledged(self, receipts: Sequence[str], now_ms: int) -> None:
        """Note what has been deleted."""
        for receipt in receipts:
            held = self._held.pop(receipt, None)
            if held is not None:
                group = self._groups[held.group]
                group.held -= 1
                group.acknowledged_at_ms = now_ms

    def waits_since_ms(self, receipts: Iterable[str]) -> list[int]:
        """Return since when each of these messages has waited for the worker."""
        return [self._held[receipt].waits_since_ms for receipt in receipts]

    def name_busy(self, now_ms: int) -> tuple[BusyAccount, ...]:
        """Return the groups that sent most since the last call, or wait longest for themselves."""
        passed_ms = max(1, now_ms - self._named_at_ms)
        self._named_at_ms = now_ms
        busy = [
            (one.own_wait_ms, one.commands, name)
            for name, one in self._groups.items()
            if one.received * 1_000 > BUSY_MESSAGES_PER_S * passed_ms
            or one.commands * 1_000 > BUSY_COMMANDS_PER_S * passed_ms
            or (one.own_wait_ms > BUSY_OWN_WAIT_MS and (one.held or one.received))
        ]
        for name, one in list(self._groups.items()):
            one.received = one.commands = 0
            if not one.held and now_ms - one.acknowledged_at_ms > _KEPT_MS:
                del self._groups[name]
        busy.sort(reverse=True)
        return tuple(BusyAccount(name, own_wait_ms) for own_wait_ms, _, name in busy[:BUSY_MAX])
