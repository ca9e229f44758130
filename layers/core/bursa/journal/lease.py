"""The row that says which worker leads a shard, and how far that is with its queue.

Each holder judges time by its own monotonic clock only, so no time in the row decides who leads: a
follower sees that the holder is alive when ``beat`` changes (DESIGN D3).
"""

from dataclasses import dataclass
from typing import NamedTuple


class BusyAccount(NamedTuple):
    """An account that sends much, by its queue group.

    ``own_wait_ms`` is how long its oldest message had to wait for its own messages before it.
    """

    group: str
    own_wait_ms: int


class QueueState(NamedTuple):
    """What the leader sees of its queue, for intake.

    Attributes
    ----------
    watermark_ms
        All messages sent before this UTC time were acknowledged, but for those that waited for
        messages of their own account; 0: not known. While commands wait, it is as early as the
        oldest one.
    busy
        The accounts that send most, or wait longest for themselves.

    """

    watermark_ms: int = 0
    busy: tuple[BusyAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """Who leads.

    Attributes
    ----------
    owner
        One life of one process: hexadecimal, random, never used again.
    epoch
        Rises with each new owner; records carry it.
    beat
        Rises with each write of the row, so that equal rows are the same write.
    released
        The owner has stopped on purpose; the next one need not wait.
    watermark_ms, busy
        As in `QueueState`, when the row was written. Only a hint, for intake.

    """

    owner: str
    epoch: int
    beat: int
    released: bool = False
    watermark_ms: int = 0
    busy: tuple[BusyAccount, ...] = ()
