"""The row that says which worker leads a shard.

Each holder judges time by its own monotonic clock only, so the row carries no time: a follower
sees that the holder is alive when ``beat`` changes (DESIGN D3).
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
        The owner has stopped on purpose; nobody needs to wait.

    """

    owner: str
    epoch: int
    beat: int
    released: bool = False
