"""The row that says which worker leads a shard, and how far that is with its queue.

Each holder judges time by its own monotonic clock only, so no time in the row decides who leads: a
follower sees that the holder is alive when ``beat`` changes (DESIGN D3).
"""

from dataclasses import dataclass


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
    watermark_ms
        All messages sent before this UTC time were acknowledged when the row was written; 0: not
        known. Only a hint, for intake: while commands wait, it is as early as the oldest one.

    """

    owner: str
    epoch: int
    beat: int
    released: bool = False
    watermark_ms: int = 0
